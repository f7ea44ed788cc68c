package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/bus/natsd"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/lifecycle"
	"github.com/drover-db/drover/internal/rpc"
	"github.com/drover-db/drover/services/coordinator"
)

// reconnect is what workers get after a change of leaders to bring back the jobs they
// hold; they try every 2 s or so.
const reconnect = 3 * time.Second

func newServeCoordinator(a *app) *cobra.Command {
	s := &serveFlags{}
	cmd := &cobra.Command{
		Use:   "coordinator",
		Short: "Run the service that decides",
		Long: `Run the coordinator: it plans migrations, leases jobs to workers and keeps the
control log, in the NATS servers of --nats or in one of its own on --nats-store.
It opens no database and needs no password.

Run as many as there should be on the same NATS servers: one leads, the others follow
the control log, answer reads, and one of them takes over when the leader is gone. Give
workers and commands the addresses of all, with commas.`,
		Example: `  drover serve coordinator --nats nats://127.0.0.1:4222
  drover serve coordinator --nats-store /var/lib/drover --nats-listen 127.0.0.1:4222`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serveCoordinator(cmd.Context(), s) },
	}
	f := cmd.Flags()
	s.listenFlags(f, defaultListen)
	f.StringVar(&s.nats, "nats", "", "`URL` of the NATS servers, with JetStream")
	f.StringVar(&s.natsStore, "nats-store", "", "run a NATS server in this process, with its state in this `folder`")
	f.StringVar(&s.natsListen, "nats-listen", "", "`address` of that server for the workers (default "+defaultNATSListen+")")
	f.DurationVar(&s.leaseTTL, "lease-ttl", 30*time.Second, "`time` a job lives without news of it")
	f.IntVar(&s.replicas, "log-replicas", 1, "`copies` of the control log in a NATS cluster: 1, 3 or 5")
	return cmd
}

func (a *app) serveCoordinator(ctx context.Context, s *serveFlags) error {
	h, err := a.newHost("coordinator", s)
	if err != nil {
		return err
	}
	defer h.close()
	if err := errors.Join(h.count(), h.serveMetrics()); err != nil {
		return err
	}
	nc, rows, err := h.openNATS(ctx)
	if err != nil {
		return drained(ctx, err)
	}
	name, err := os.Hostname()
	if err != nil {
		return fault.Wrap(fault.Internal, "drover.serve", err)
	}
	service, err := coordinator.New(coordinator.Config{Conn: nc, Bus: rows, Replicas: s.replicas, LeaseTTL: s.leaseTTL, Name: name + " " + s.listen,
		Grace: min(reconnect, s.leaseTTL/3), Version: buildVersion(), Logger: h.log, Metrics: h.metrics})
	if err != nil {
		return err
	}
	if err := h.listen(func(server *rpc.Server) { service.Register(server) }); err != nil {
		return err
	}
	h.healthy = service.Healthy
	// It ends before its server does: another one can lead while calls are finished here.
	h.group.Add(lifecycle.Member{Name: "coordinator", Run: service.Run})
	if h.address != "" {
		own, err := rpc.Dial(h.address, rpc.ClientOptions{})
		if err != nil {
			return err
		}
		h.closing(func() { _ = own.Close() })
		err = h.watchStreams(own, func(ctx context.Context, uid string) (int64, uint64, error) {
			u, err := rows.Usage(ctx, bus.RowStream(uid))
			return u.Bytes, u.Messages, err
		})
		if err != nil {
			return err
		}
	}
	return h.run(ctx)
}

// openNATS connects to the servers of --nats, or starts one of its own.
func (h *host) openNATS(ctx context.Context) (*nats.Conn, bus.Bus, error) {
	if h.flags.natsStore == "" {
		if err := h.flags.needNATS(); err != nil {
			return nil, nil, fault.New(fault.Invalid, "drover.serve", "%w, or run one here with --nats-store FOLDER", err)
		}
		return h.dialNATS(ctx)
	}
	if h.flags.nats != "" {
		return nil, nil, fault.New(fault.Invalid, "drover.serve", "give either --nats or --nats-store, not both")
	}
	server, err := natsd.Start(natsd.Config{StoreDir: h.flags.natsStore, Name: "drover", Log: h.log,
		Listen: cmp.Or(h.flags.natsListen, defaultNATSListen)})
	if err != nil {
		return nil, nil, err
	}
	h.closing(server.Shutdown)
	h.log.Info("NATS server", "url", server.URL(), "store", h.flags.natsStore)
	nc, err := server.Connect()
	if err != nil {
		return nil, nil, err
	}
	h.closing(nc.Close)
	rows, err := h.rows(nc)
	return nc, rows, err
}
