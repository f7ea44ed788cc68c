package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"

	"github.com/drover-db/drover/embedded"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/lifecycle"
	"github.com/drover-db/drover/internal/rpc"
	"github.com/drover-db/drover/internal/secret"
	"github.com/drover-db/drover/internal/worker"
)

// reachWait is how long a worker waits for its coordinator when it starts; later
// it waits without end.
const reachWait = 30 * time.Second

func newServeWorker(a *app, r embedded.Role) *cobra.Command {
	s := &serveFlags{}
	cmd := &cobra.Command{
		Use:   r.Name,
		Short: "Run a worker that " + r.Does,
		Long: `Run a worker that ` + r.Does + `. Start as many as it takes, anywhere. It waits for the
coordinator and comes back to it by itself. References to passwords in specs,
${env:NAME} and ${file:/path}, are resolved here.`,
		Example: "  drover serve " + r.Name + "\n  drover serve " + r.Name + " --coordinator 10.0.0.6:7432 --slots 8",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.serveWorker(cmd.Context(), r, s) },
	}
	f := cmd.Flags()
	s.listenFlags(f, anyPort)
	f.StringVar(&s.coordinator, "coordinator", defaultListen, "`address` of the coordinator, or of all with commas")
	f.IntVar(&s.slots, "slots", 0, "jobs done at once (default: one for each CPU, 2 to 16)")
	if r.Role == workerv1.Role_ROLE_LOADER {
		f.StringVar(&s.spillDir, "spill-dir", "", "`folder` where rows wait that are too large for memory (default: $TMPDIR, /tmp)")
	}
	if r.Streams {
		f.StringVar(&s.nats, "nats", "nats://"+defaultNATSListen, "`URL` of the NATS servers, with JetStream")
	}
	return cmd
}

func (a *app) serveWorker(ctx context.Context, r embedded.Role, s *serveFlags) error {
	a.boundMemory(roleMemory)
	h, err := a.newHost(r.Name, s)
	if err != nil {
		return err
	}
	defer h.close()
	if err := errors.Join(h.count(), h.serveMetrics()); err != nil {
		return err
	}
	if err := h.listen(func(*rpc.Server) {}); err != nil {
		return err
	}
	loop, err := h.openWorker(ctx, r)
	if err != nil {
		return drained(ctx, err)
	}
	h.group.Add(lifecycle.Member{Name: r.Name, Run: loop.Run, Drain: loop.Drain})
	return h.run(ctx)
}

// openWorker connects to the message server and the coordinator and makes the worker.
func (h *host) openWorker(ctx context.Context, r embedded.Role) (*worker.Loop, error) {
	conn, err := rpc.DialLeader(h.flags.coordinator, rpc.ClientOptions{})
	if err != nil {
		return nil, err
	}
	h.closing(func() { _ = conn.Close() })
	var rows bus.Bus
	if r.Streams {
		if err := h.flags.needNATS(); err != nil {
			return nil, err
		}
		if _, rows, err = h.dialNATS(ctx); err != nil {
			return nil, err
		}
	}
	service, err := r.Open(embedded.Resources{Secrets: secret.NewResolver(), Bus: rows, Logger: h.log, SpillDir: h.flags.spillDir})
	if err != nil {
		return nil, err
	}
	h.closing(func() { _ = service.Close() })
	reach, cancel := context.WithTimeout(ctx, reachWait)
	defer cancel()
	if err := conn.WaitReady(reach); err != nil {
		return nil, stopped(ctx, err)
	}
	name, err := os.Hostname()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "drover.serve", err)
	}
	slots := h.flags.slots
	if slots == 0 {
		slots = embedded.DefaultJobs()
	}
	return worker.New(worker.Config{
		ID: r.Name + "-" + name + "-" + strings.ToLower(ulid.Make().String()[20:]), Role: r.Role, Host: name, Version: buildVersion(),
		Slots: slots, Client: workerv1.NewCoordinatorServiceClient(conn), Handler: service, Log: h.log,
		DrainGrace: h.flags.grace, Metrics: h.metrics,
	})
}
