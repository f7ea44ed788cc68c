package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/drover-db/drover/embedded"
	"github.com/drover-db/drover/internal/fault"
)

// Addresses where services listen by default: this host only, since there is no
// transport security yet.
const (
	defaultListen     = "127.0.0.1:7432"
	defaultNATSListen = "127.0.0.1:4222"
	anyPort           = "127.0.0.1:0"
)

// drainMargin is what a drain may take beyond the grace of the jobs.
const drainMargin = 15 * time.Second

// serveFlags are what the roles are told.
type serveFlags struct {
	listen, metrics       string
	nats                  string
	natsStore, natsListen string
	coordinator, spillDir string
	slots, replicas       int
	leaseTTL, grace       time.Duration
}

func newServe(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve (all|coordinator|extractor|loader|validator)",
		Short: "Run services until told to stop",
		Long: `Run one of drover's services, or all of them in one process. The coordinator
decides; extractors read the source, loaders write the target, validators read it
back. Workers dial the coordinator and share rows through NATS JetStream, so each
can run on a machine of its own, and there can be as many as it takes.

The first SIGTERM or SIGINT drains: no new jobs, those in hand finish or are given
back. The second stops at once.

There is no transport security yet: services listen on this host only unless told
otherwise, and warn when they are.`,
		Example: `  drover serve all
  drover serve coordinator --nats nats://10.0.0.5:4222 --listen 10.0.0.6:7432
  drover serve loader --nats nats://10.0.0.5:4222 --coordinator 10.0.0.6:7432 --slots 8`,
		Args: cobra.ArbitraryArgs,
		RunE: group,
	}
	cmd.AddCommand(newServeAll(a), newServeCoordinator(a))
	for _, r := range embedded.Roles() {
		cmd.AddCommand(newServeWorker(a, r))
	}
	return cmd
}

// listenFlags are common to all roles.
func (s *serveFlags) listenFlags(f *pflag.FlagSet, listen string) {
	f.StringVar(&s.listen, "listen", listen, "`address` for gRPC: the API, health and reflection")
	f.StringVar(&s.metrics, "metrics-listen", anyPort, "`address` for /metrics and /healthz over HTTP; none for no listener")
	f.DurationVar(&s.grace, "drain-grace", 30*time.Second, "`time` that jobs in hand have to finish when the service is told to stop")
}

// check refuses what would only fail later.
func (s *serveFlags) check() error {
	const op = "drover.serve"
	switch {
	case s.slots < 0 || s.slots > 1024:
		return fault.New(fault.Invalid, op, "--slots %d is not between 1 and 1024", s.slots)
	case s.leaseTTL != 0 && s.leaseTTL < time.Second:
		return fault.New(fault.Invalid, op, "--lease-ttl %s is under a second", s.leaseTTL)
	case s.grace < 0:
		return fault.New(fault.Invalid, op, "--drain-grace %s is negative", s.grace)
	}
	return nil
}

// drained is the error of a service that could not start: none if it was told to stop
// meanwhile, which is how services end.
func drained(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errInterrupted) {
		return nil
	}
	return err
}
