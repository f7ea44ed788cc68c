package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drover-db/drover/embedded"
	"github.com/drover-db/drover/internal/lifecycle"
)

func newServeAll(a *app) *cobra.Command {
	s := &serveFlags{}
	cmd := &cobra.Command{
		Use:   allRoles,
		Short: "Run every service and a NATS server in this process",
		Long: `Run the coordinator, one worker of each role and their NATS server in this process,
and serve the API for drover apply, get, watch and grpcurl. Workers of other
processes may join with --nats-listen.`,
		Example: `  drover serve all
  drover serve all --nats-store /var/lib/drover --slots 8
  drover serve all --nats-listen 127.0.0.1:4222   # more workers may join`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serveAll(cmd.Context(), s) },
	}
	f := cmd.Flags()
	s.listenFlags(f, defaultListen)
	f.StringVar(&s.natsStore, "nats-store", filepath.Join(stateRoot, "server"), "`folder` that keeps the state")
	f.StringVar(&s.natsListen, "nats-listen", "", "`address` for NATS clients of other processes (default: none)")
	f.IntVar(&s.slots, "slots", 0, "jobs each role does at once (default: one for each CPU, 2 to 16)")
	f.DurationVar(&s.leaseTTL, "lease-ttl", 30*time.Second, "`time` a job lives without news of it")
	return cmd
}

func (a *app) serveAll(ctx context.Context, s *serveFlags) error {
	h, err := a.newHost(allRoles, s)
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.serveMetrics(); err != nil {
		return err
	}
	a.boundMemory(allMemory)
	suite, err := embedded.Start(ctx, embedded.Config{
		StateDir: s.natsStore, Listen: s.listen, NATSListen: s.natsListen, Jobs: s.slots,
		LeaseTTL: s.leaseTTL, DrainGrace: s.grace, Version: buildVersion(), Logger: h.log, Metrics: h.registry,
	})
	if err != nil {
		return drained(ctx, stopped(ctx, err))
	}
	h.log.Info("listening", "address", suite.Address().String(), "nats", suite.NATSURL(), "state", s.natsStore)
	if err := h.watchStreams(suite.Conn(), suite.Pending); err != nil {
		suite.Close()
		return err
	}
	h.group.Add(lifecycle.Member{Name: "services", Drain: suite.Close,
		Run: func(context.Context) error {
			<-suite.Done()
			return suite.Err()
		}})
	return h.run(ctx)
}
