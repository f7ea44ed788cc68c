package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drover-db/drover/embedded"
)

func newServeAll(a *app) *cobra.Command {
	s := &serveFlags{}
	cmd := &cobra.Command{
		Use:   "all",
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
	if err := s.check(); err != nil {
		return err
	}
	log, err := a.logger("info")
	if err != nil {
		return err
	}
	warnOpen(log, s.listen, s.natsListen, s.metrics)
	suite, err := embedded.Start(ctx, embedded.Config{
		StateDir: s.natsStore, Listen: s.listen, NATSListen: s.natsListen, Jobs: s.slots,
		LeaseTTL: s.leaseTTL, DrainGrace: s.grace, Version: buildVersion(), Logger: log,
	})
	if err != nil {
		return stopped(ctx, err)
	}
	defer suite.Close()
	log.Info("serving", "role", "all", "address", suite.Address().String(), "nats", suite.NATSURL(), "state", s.natsStore)
	select {
	case <-ctx.Done():
		log.Info("draining", "grace", s.grace.String())
		return nil
	case <-suite.Done():
		return suite.Err()
	}
}
