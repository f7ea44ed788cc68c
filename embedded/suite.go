package embedded

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"

	"google.golang.org/grpc"

	"github.com/drover-db/drover/internal/bus/natsd"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/worker"
)

// natsDir is the NATS server's store within the state folder.
const natsDir = "nats"

// Suite is all of drover, running.
type Suite struct {
	config Config
	nats   *natsd.Server
	conn   *grpc.ClientConn
	// address of Listen, once it is open.
	address net.Addr

	// ctx is the parent of everything that runs; stop ends it with a reason.
	ctx  context.Context
	stop context.CancelCauseFunc
	// workers run by themselves, so that Close can wait for them first.
	workers, services sync.WaitGroup
	loops             []*worker.Loop

	// closers end what was started, last first.
	closers []func()
	once    sync.Once
}

// Start brings a suite up; it serves when Start returns. ctx bounds the start and
// gives values only: Close ends a suite. Errors are *fault.Error: Exists for a
// folder in use or a port that is taken, Exhausted for a full disk.
func Start(ctx context.Context, c Config) (*Suite, error) {
	if err := c.Validate(); err != nil {
		return nil, fault.Wrap(fault.Invalid, "embedded.Start", err)
	}
	s := &Suite{config: c.withDefaults()}
	s.ctx, s.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	for _, step := range []func(context.Context) error{s.startNATS, s.startCoordinator, s.startWorkers} {
		if err := step(ctx); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// Conn reaches the admin API: drover.v1.
func (s *Suite) Conn() grpc.ClientConnInterface { return s.conn }

// Address is where Listen was opened; nil without it.
func (s *Suite) Address() net.Addr { return s.address }

// NATSURL is where NATSListen was opened; empty without it.
func (s *Suite) NATSURL() string { return s.nats.URL() }

// Done is closed when the suite has stopped, or cannot go on; Err says why.
func (s *Suite) Done() <-chan struct{} { return s.ctx.Done() }

// Err is why the suite could not go on; nil while it runs and after Close.
func (s *Suite) Err() error {
	if err := context.Cause(s.ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// Close lets jobs in hand finish or be given back, then stops everything. It may
// be called more than once.
func (s *Suite) Close() {
	s.once.Do(func() {
		for _, l := range s.loops {
			l.Drain()
		}
		s.workers.Wait()
		s.stop(nil)
		s.services.Wait()
		for i := len(s.closers) - 1; i >= 0; i-- {
			s.closers[i]()
		}
	})
}

// closing adds what Close does, before what was added earlier.
func (s *Suite) closing(f func()) { s.closers = append(s.closers, f) }

// serve runs a service; its error ends the suite.
func (s *Suite) serve(group *sync.WaitGroup, run func(context.Context) error) {
	group.Go(func() {
		if err := run(s.ctx); err != nil && s.ctx.Err() == nil {
			s.config.Logger.Error("service ended", "error", err)
			s.stop(err)
		}
	})
}

// startNATS starts the message server on the state folder.
func (s *Suite) startNATS(context.Context) error {
	store := natsd.Config{StoreDir: filepath.Join(s.config.StateDir, natsDir), Listen: s.config.NATSListen,
		Name: "drover", Log: s.config.Logger}
	if s.config.Fresh {
		if err := forget(store); err != nil {
			return err
		}
	}
	server, err := natsd.Start(store)
	if err != nil {
		return err
	}
	s.nats = server
	s.closing(server.Shutdown)
	return nil
}

// forget empties a store. Starting a server on it makes sure that nobody else has
// it open.
func forget(c natsd.Config) error {
	if _, err := os.Stat(c.StoreDir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	c.Listen = ""
	server, err := natsd.Start(c)
	if err != nil {
		return err
	}
	server.Shutdown()
	return fault.Wrap(fault.Denied, "embedded.forget", os.RemoveAll(c.StoreDir))
}
