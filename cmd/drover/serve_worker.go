package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"

	"github.com/drover-db/drover/embedded"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/engine/all"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/lifecycle"
	"github.com/drover-db/drover/internal/rpc"
	"github.com/drover-db/drover/internal/secret"
	"github.com/drover-db/drover/internal/worker"
	"github.com/drover-db/drover/services/extractor"
	"github.com/drover-db/drover/services/loader"
	"github.com/drover-db/drover/services/validator"
)

// reachWait is how long a worker waits for its coordinator when it starts; later
// it waits without end.
const reachWait = 30 * time.Second

// workerRole is a role that leases jobs.
type workerRole struct {
	name, does string
	role       workerv1.Role
	// streams tells that the role needs NATS.
	streams bool
	open    func(*host, bus.Bus) (handler, error)
}

// handler is a role's service.
type handler interface {
	worker.Handler
	io.Closer
}

var workerRoles = []workerRole{
	{"extractor", "reads the source", workerv1.Role_ROLE_EXTRACTOR, true, func(h *host, rows bus.Bus) (handler, error) {
		return extractor.New(extractor.Config{Engines: all.Engines(), Secrets: secret.NewResolver(), Bus: rows, Logger: h.log})
	}},
	{"loader", "writes the target", workerv1.Role_ROLE_LOADER, true, func(h *host, rows bus.Bus) (handler, error) {
		return loader.New(loader.Config{Engines: all.Engines(), Secrets: secret.NewResolver(), Bus: rows, Logger: h.log})
	}},
	{"validator", "reads the target back and compares", workerv1.Role_ROLE_VALIDATOR, false, func(h *host, _ bus.Bus) (handler, error) {
		return validator.New(validator.Config{Engines: all.Engines(), Secrets: secret.NewResolver(), Logger: h.log})
	}},
}

func newServeWorker(a *app, r workerRole) *cobra.Command {
	s := &serveFlags{}
	cmd := &cobra.Command{
		Use:   r.name,
		Short: "Run a worker that " + r.does,
		Long: `Run a worker that ` + r.does + `. Start as many as it takes, anywhere. It waits for the
coordinator and comes back to it by itself. References to passwords in specs,
${env:NAME} and ${file:/path}, are resolved here.`,
		Example: "  drover serve " + r.name + "\n  drover serve " + r.name + " --coordinator 10.0.0.6:7432 --slots 8",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.serveWorker(cmd.Context(), r, s) },
	}
	f := cmd.Flags()
	s.listenFlags(f, anyPort)
	f.StringVar(&s.coordinator, "coordinator", defaultListen, "`address` of the coordinator; several with commas")
	f.IntVar(&s.slots, "slots", 0, "jobs done at once (default: one for each CPU, 2 to 16)")
	if r.streams {
		f.StringVar(&s.nats, "nats", "nats://"+defaultNATSListen, "`URL` of the NATS servers, with JetStream")
	}
	return cmd
}

func (a *app) serveWorker(ctx context.Context, r workerRole, s *serveFlags) error {
	a.boundMemory(roleMemory)
	h, err := a.newHost(r.name, s)
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
		return err
	}
	h.group.Add(lifecycle.Member{Name: r.name, Run: loop.Run, Drain: loop.Drain})
	return h.run(ctx)
}

// openWorker connects to the message server and the coordinator and makes the worker.
func (h *host) openWorker(ctx context.Context, r workerRole) (*worker.Loop, error) {
	conn, err := rpc.Dial(h.flags.coordinator, rpc.ClientOptions{})
	if err != nil {
		return nil, err
	}
	h.closing(func() { _ = conn.Close() })
	var rows bus.Bus
	if r.streams {
		if err := h.flags.needNATS(); err != nil {
			return nil, err
		}
		if _, rows, err = h.dialNATS(ctx); err != nil {
			return nil, err
		}
	}
	service, err := r.open(h, rows)
	if err != nil {
		return nil, err
	}
	h.closing(func() { _ = service.Close() })
	reach, cancel := context.WithTimeout(ctx, reachWait)
	defer cancel()
	if err := rpc.WaitReady(reach, conn); err != nil {
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
		ID: r.name + "-" + name + "-" + strings.ToLower(ulid.Make().String()[20:]), Role: r.role, Host: name, Version: buildVersion(),
		Slots: slots, Client: workerv1.NewCoordinatorServiceClient(conn), Handler: service, Log: h.log,
		DrainGrace: h.flags.grace, Metrics: h.metrics,
	})
}
