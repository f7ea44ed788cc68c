package main

import (
	"context"

	"github.com/spf13/cobra"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/rpc"

	"github.com/drover-db/drover/cmd/drover/internal/output"
)

func newPing(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "ping [ADDRESS]",
		Short: "Ask a service whether it is up",
		Long: `Ask the health service of a coordinator or a worker at an address, or of --server.
The exit code is 7 when it does not answer or is not ready.`,
		Example: `  drover ping
  drover ping 127.0.0.1:7432 --timeout 2s`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fault.New(fault.Invalid, "drover.ping", "%s takes one address, not %d arguments", cmd.CommandPath(), len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			address := a.server
			if len(args) == 1 {
				address = args[0]
			}
			if err := ping(cmd.Context(), address); err != nil {
				return err
			}
			if a.format.Structured() {
				return output.Value(a.stdout, a.format, map[string]string{"address": address, "status": "SERVING"})
			}
			return output.Printf(a.stdout, "%s is SERVING\n", address)
		},
	}
}

// ping fails unless the service at an address says that it is serving.
func ping(ctx context.Context, address string) error {
	conn, err := rpc.Dial(address, rpc.ClientOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	r, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{})
	if err != nil {
		return stopped(ctx, fault.New(fault.KindOf(err), "drover.ping", "%s does not answer: %w", address, err))
	}
	if r.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		return fault.New(fault.Unavailable, "drover.ping", "%s is %s", address, r.GetStatus())
	}
	return nil
}
