package embedded

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/oklog/ulid/v2"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/all"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/rpc"
	"github.com/drover-db/drover/internal/secret"
	"github.com/drover-db/drover/internal/worker"
	"github.com/drover-db/drover/services/coordinator"
	"github.com/drover-db/drover/services/extractor"
	"github.com/drover-db/drover/services/loader"
	"github.com/drover-db/drover/services/validator"
)

// readyWait bounds the replay of the control log at a start.
const readyWait = 2 * time.Minute

// connectNATS opens a connection of its own, as a process would have.
func (s *Suite) connectNATS() (*nats.Conn, bus.Bus, error) {
	nc, err := s.nats.Connect()
	if err != nil {
		return nil, nil, err
	}
	s.closing(nc.Close)
	rows, err := bus.NewJetStream(nc, bus.Options{})
	if err != nil {
		return nil, nil, err
	}
	return nc, rows, nil
}

// startCoordinator starts the coordinator and the servers it is reached on.
func (s *Suite) startCoordinator(ctx context.Context) error {
	nc, rows, err := s.connectNATS()
	if err != nil {
		return err
	}
	service, err := coordinator.New(coordinator.Config{Conn: nc, Bus: rows, LeaseTTL: s.config.LeaseTTL,
		Version: s.config.Version, Logger: s.config.Logger.With("role", "coordinator")})
	if err != nil {
		return err
	}
	inproc := rpc.NewInProc()
	listeners := []net.Listener{inproc}
	if s.config.Listen != "" {
		l, err := rpc.Listen(s.config.Listen)
		if err != nil {
			return err
		}
		s.address = l.Addr()
		listeners = append(listeners, l)
	}
	s.serve(&s.services, service.Run)
	for _, l := range listeners {
		server, err := rpc.NewServer(rpc.ServerOptions{Log: s.config.Logger})
		if err != nil {
			return err
		}
		service.Register(server)
		s.serve(&s.services, func(ctx context.Context) error { return server.Run(ctx, l) })
	}
	if s.conn, err = inproc.Dial(rpc.ClientOptions{}); err != nil {
		return err
	}
	s.closing(func() { _ = s.conn.Close() })
	return s.awaitReady(ctx, service.Ready())
}

// awaitReady waits for the control log to be replayed.
func (s *Suite) awaitReady(ctx context.Context, ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(readyWait):
		return fault.New(fault.Unavailable, "embedded.Start", "replay the control log: not done after %s", readyWait)
	}
}

// handler is a role's service.
type handler interface {
	worker.Handler
	io.Closer
}

// startWorkers starts one worker of each role.
func (s *Suite) startWorkers(context.Context) error {
	_, rows, err := s.connectNATS()
	if err != nil {
		return err
	}
	secrets := secret.NewResolver()
	for name, plain := range s.config.Passwords {
		secrets.Keep(name, secret.New(plain))
	}
	log := func(role string) *slog.Logger { return s.config.Logger.With("role", role) }
	for _, role := range []struct {
		role workerv1.Role
		make func(engine.Set) (handler, error)
	}{
		{workerv1.Role_ROLE_EXTRACTOR, func(e engine.Set) (handler, error) {
			return extractor.New(extractor.Config{Engines: e, Secrets: secrets, Bus: rows, Logger: log("extractor")})
		}},
		{workerv1.Role_ROLE_LOADER, func(e engine.Set) (handler, error) {
			return loader.New(loader.Config{Engines: e, Secrets: secrets, Bus: rows, Logger: log("loader")})
		}},
		{workerv1.Role_ROLE_VALIDATOR, func(e engine.Set) (handler, error) {
			return validator.New(validator.Config{Engines: e, Secrets: secrets, Logger: log("validator")})
		}},
	} {
		h, err := role.make(all.Engines())
		if err != nil {
			return err
		}
		s.closing(func() { _ = h.Close() })
		if err := s.startWorker(role.role, h); err != nil {
			return err
		}
	}
	return nil
}

func (s *Suite) startWorker(role workerv1.Role, h worker.Handler) error {
	host, err := os.Hostname()
	if err != nil {
		return fault.Wrap(fault.Internal, "embedded.startWorker", err)
	}
	name := strings.ToLower(strings.TrimPrefix(role.String(), "ROLE_"))
	loop, err := worker.New(worker.Config{
		ID: name + "-" + strings.ToLower(ulid.Make().String()), Role: role, Host: host, Version: s.config.Version,
		Slots: s.config.Jobs, Client: workerv1.NewCoordinatorServiceClient(s.conn), Handler: h,
		Log: s.config.Logger.With("role", name), DrainGrace: s.config.DrainGrace,
	})
	if err != nil {
		return err
	}
	s.loops = append(s.loops, loop)
	s.serve(&s.workers, loop.Run)
	return nil
}
