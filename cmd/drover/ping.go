package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/all"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/rpc"
	"github.com/drover-db/drover/internal/secret"
	"github.com/drover-db/drover/internal/spec"

	"github.com/drover-db/drover/cmd/drover/internal/output"
)

func newPing(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "ping [ADDRESS | URL]",
		Short: "Ask a service or a database whether it is up",
		Long: `Ask the health service of a coordinator or a worker at an address, or of --server;
or log in to a database by its URL (postgres, mysql, mariadb, sqlite). Its password is
in the URL or in DROVER_PASSWORD. The exit code is 7 when nobody answers, is not
ready, or lets nobody in.`,
		Example: `  drover ping
  drover ping 127.0.0.1:7432 --timeout 2s
  drover ping mysql://shop@db.example.com/shop`,
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
			var err error
			if strings.Contains(address, "://") || strings.HasPrefix(address, "sqlite:") {
				address, err = a.pingDatabase(cmd.Context(), address)
			} else {
				err = ping(cmd.Context(), address)
			}
			if err != nil {
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

// pingDatabase logs in to a database, and gives its URL without the password.
func (a *app) pingDatabase(ctx context.Context, raw string) (string, error) {
	const op = "drover.ping"
	url, password, err := spec.Split(raw, all.Engines().Schemes())
	if err != nil {
		return "", err
	}
	if given, ok := a.lookupEnv("DROVER_PASSWORD"); ok && password.IsZero() {
		password = secret.New(given)
	}
	e, err := all.Engines().ForURL(url)
	if err != nil {
		return "", err
	}
	db, err := e.Open(ctx, engine.Config{URL: url, Password: password, MaxConns: 1, Application: "drover/ping"})
	if err != nil {
		return "", stopped(ctx, fault.New(fault.KindOf(err), op, "%s does not let us in: %s", url, password.Scrub(err.Error())))
	}
	return url, fault.Wrap(fault.Unavailable, op, db.Close())
}
