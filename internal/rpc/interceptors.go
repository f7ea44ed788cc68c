package rpc

import (
	"context"
	"log/slog"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// unaryStatus maps a handler's error and bounds calls that came without a deadline.
func unaryStatus(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultDeadline)
		defer cancel()
	}
	resp, err := next(ctx, req)
	return resp, Status(err)
}

func streamStatus(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	return Status(next(srv, stream))
}

// unaryFault has clients see errors with kinds.
func unaryFault(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return Fault(call(ctx, method, req, reply, cc, opts...))
}

func streamFault(ctx context.Context, d *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := open(ctx, d, cc, method, opts...)
	if err != nil {
		return nil, Fault(err)
	}
	return faultStream{s}, nil
}

type faultStream struct{ grpc.ClientStream }

func (s faultStream) SendMsg(m any) error { return Fault(s.ClientStream.SendMsg(m)) }
func (s faultStream) RecvMsg(m any) error { return Fault(s.ClientStream.RecvMsg(m)) }
func (s faultStream) CloseSend() error    { return Fault(s.ClientStream.CloseSend()) }

// logTo hands the interceptor's lines to slog; the levels are the same numbers.
func logTo(log *slog.Logger) logging.Logger {
	return logging.LoggerFunc(func(ctx context.Context, l logging.Level, msg string, fields ...any) {
		log.Log(ctx, slog.Level(l), msg, fields...)
	})
}

// level of a finished call: only defects are loud, since the caller hears of the rest.
func level(code codes.Code) logging.Level {
	switch code {
	case codes.Internal, codes.Unknown, codes.DataLoss:
		return logging.LevelError
	default:
		return logging.LevelDebug
	}
}
