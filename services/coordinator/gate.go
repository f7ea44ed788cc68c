package coordinator

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/drover-db/drover/internal/rpc"
)

// gate registers services of which only reads are served by a coordinator that
// follows: Get, List and Watch. One place decides it for every method there is.
type gate struct {
	grpc.ServiceRegistrar
	// open refuses where this coordinator does not lead.
	open func(context.Context) error
}

// RegisterService implements grpc.ServiceRegistrar.
func (g gate) RegisterService(d *grpc.ServiceDesc, impl any) {
	gated := *d
	gated.Methods, gated.Streams = slices.Clone(d.Methods), slices.Clone(d.Streams)
	for i, m := range gated.Methods {
		if !reads(m.MethodName) {
			gated.Methods[i].Handler = g.unary(m.Handler)
		}
	}
	for i, m := range gated.Streams {
		if !reads(m.StreamName) {
			gated.Streams[i].Handler = g.stream(m.Handler)
		}
	}
	g.ServiceRegistrar.RegisterService(&gated, impl)
}

func reads(method string) bool {
	return strings.HasPrefix(method, "Get") || strings.HasPrefix(method, "List") || strings.HasPrefix(method, "Watch")
}

func (g gate) unary(next grpc.MethodHandler) grpc.MethodHandler {
	return func(srv any, ctx context.Context, decode func(any) error, i grpc.UnaryServerInterceptor) (any, error) {
		if err := g.open(ctx); err != nil {
			return nil, rpc.Status(err)
		}
		return next(srv, ctx, decode, i)
	}
}

func (g gate) stream(next grpc.StreamHandler) grpc.StreamHandler {
	return func(srv any, stream grpc.ServerStream) error {
		if err := g.open(stream.Context()); err != nil {
			return rpc.Status(err)
		}
		return next(srv, stream)
	}
}
