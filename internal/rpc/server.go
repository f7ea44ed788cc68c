package rpc

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"runtime/debug"
	"syscall"
	"time"

	"buf.build/go/protovalidate"
	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	validate "github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/protovalidate"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/drover-db/drover/internal/fault"
)

const (
	// maxMessage bounds a message. Rows never travel by gRPC, but the catalog of a
	// database with many thousand tables does, on the work stream.
	maxMessage = 64 << 20
	// maxStreams bounds calls at once on one connection.
	maxStreams = 1000
	// minPing is the closest spacing of pings that clients are allowed.
	minPing = 5 * time.Second
	// defaultDeadline is given to unary calls that came without one.
	defaultDeadline = time.Minute
	// stopGrace bounds how long open streams may delay a drain.
	stopGrace = 5 * time.Second
)

// ServerOptions of a server; the zero value works.
type ServerOptions struct {
	// Log gets failed calls and panics; may be nil.
	Log *slog.Logger
	// Metrics is where grpc_server_* go; may be nil.
	Metrics prometheus.Registerer
}

// Server is a gRPC server with health and reflection. Register services on it,
// then Run it.
type Server struct {
	*grpc.Server
	health  *health.Server
	metrics *grpcprom.ServerMetrics
}

// NewServer makes a server.
func NewServer(o ServerOptions) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	validator, err := protovalidate.New()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "rpc.NewServer", err)
	}
	metrics := grpcprom.NewServerMetrics()
	if o.Metrics != nil {
		if err := o.Metrics.Register(metrics); err != nil {
			return nil, fault.Wrap(fault.Internal, "rpc.NewServer", err)
		}
	}
	panics := recovery.WithRecoveryHandlerContext(func(ctx context.Context, p any) error {
		o.Log.ErrorContext(ctx, "panic in a call", "panic", p, "stack", string(debug.Stack()))
		return Status(fault.New(fault.Internal, "rpc.Recover", "panic: %v", p))
	})
	logs := []logging.Option{logging.WithLogOnEvents(logging.FinishCall), logging.WithLevels(level)}
	s := &Server{health: health.NewServer(), metrics: metrics}
	s.Server = grpc.NewServer(
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPing, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
		grpc.ChainUnaryInterceptor(
			metrics.UnaryServerInterceptor(), logging.UnaryServerInterceptor(logTo(o.Log), logs...),
			unaryStatus, recovery.UnaryServerInterceptor(panics), validate.UnaryServerInterceptor(validator)),
		grpc.ChainStreamInterceptor(
			metrics.StreamServerInterceptor(), logging.StreamServerInterceptor(logTo(o.Log), logs...),
			streamStatus, recovery.StreamServerInterceptor(panics), validate.StreamServerInterceptor(validator)),
	)
	healthv1.RegisterHealthServer(s.Server, s.health)
	return s, nil
}

// Run serves until ctx ends, which cuts every call, or Drain is called.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	reflection.Register(s.Server)
	s.metrics.InitializeMetrics(s.Server)
	for name := range s.GetServiceInfo() {
		s.health.SetServingStatus(name, healthv1.HealthCheckResponse_SERVING)
	}
	stop := context.AfterFunc(ctx, s.Stop)
	defer stop()
	if err := s.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) && ctx.Err() == nil {
		return fault.Wrap(fault.Unavailable, "rpc.Run", err)
	}
	return nil
}

// SetServing says by health whether a service, or whatever has a name, is served
// here, until Drain.
func (s *Server) SetServing(service string, serving bool) {
	status := healthv1.HealthCheckResponse_NOT_SERVING
	if serving {
		status = healthv1.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus(service, status)
}

// Drain reports not serving, takes no new calls and waits a moment for those that
// run before it cuts them.
func (s *Server) Drain() {
	s.health.Shutdown()
	cut := time.AfterFunc(stopGrace, s.Stop)
	defer cut.Stop()
	s.GracefulStop()
}

// Listen opens a TCP address such as "127.0.0.1:7420" with an error that says what
// to do.
func Listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fault.New(fault.Exists, "rpc.Listen", "listen on %s: the port is in use; stop what uses it or choose another", addr)
	case errors.Is(err, fs.ErrPermission):
		return nil, fault.New(fault.Denied, "rpc.Listen", "listen on %s: permission denied", addr)
	default:
		return nil, fault.New(fault.Invalid, "rpc.Listen", "listen on %q: %w", addr, err)
	}
}
