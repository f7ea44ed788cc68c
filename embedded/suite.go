package embedded

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/bus/natsd"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/lifecycle"
	"github.com/drover-db/drover/internal/telemetry"
)

const (
	// natsDir is the NATS server's store within the state folder.
	natsDir = "nats"
	// readyWait bounds the replay of the control log at a start.
	readyWait = 2 * time.Minute
	// stopGrace is what the services behind the workers get when those have ended.
	stopGrace = 15 * time.Second
)

// Suite is all of drover, running.
type Suite struct {
	config  Config
	group   *lifecycle.Group
	metrics *telemetry.Metrics
	nats    *natsd.Server
	conn    *grpc.ClientConn
	// rows are the row streams, as the coordinator sees them.
	rows bus.Bus
	// address of Listen, once it is open.
	address net.Addr
	// ready closes when the coordinator has replayed its log.
	ready <-chan struct{}

	// done closes when everything has ended; err is why, where nobody asked for it.
	done chan struct{}
	err  error
	// closers give back what was opened, last first.
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
	c = c.withDefaults()
	s := &Suite{config: c, done: make(chan struct{}),
		group: lifecycle.New(lifecycle.Config{Grace: c.DrainGrace + stopGrace, Log: c.Logger})}
	for _, step := range []func() error{s.countMetrics, s.openNATS, s.addCoordinator, s.addWorkers} {
		if err := step(); err != nil {
			s.release()
			return nil, err
		}
	}
	go func() {
		s.err = s.group.Run(context.WithoutCancel(ctx))
		close(s.done)
	}()
	if err := s.awaitReady(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// awaitReady waits for the control log to be replayed.
func (s *Suite) awaitReady(ctx context.Context) error {
	select {
	case <-s.ready:
		return nil
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(readyWait):
		return fault.New(fault.Unavailable, "embedded.Start", "replay the control log: not done after %s", readyWait)
	}
}

// Conn reaches the admin API: drover.v1.
func (s *Suite) Conn() grpc.ClientConnInterface { return s.conn }

// Address is where Listen was opened; nil without it.
func (s *Suite) Address() net.Addr { return s.address }

// NATSURL is where NATSListen was opened; empty without it.
func (s *Suite) NATSURL() string { return s.nats.URL() }

// Pending is what the row stream of a migration holds, by the migration's uid.
func (s *Suite) Pending(ctx context.Context, uid string) (bytes int64, messages uint64, err error) {
	u, err := s.rows.Usage(ctx, bus.RowStream(uid))
	return u.Bytes, u.Messages, err
}

// Done closes when the services have ended; Err says why.
func (s *Suite) Done() <-chan struct{} { return s.done }

// Err is why the services ended by themselves; nil while they run and after Close.
func (s *Suite) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Close lets jobs in hand finish or be given back, then stops everything. It may
// be called more than once.
func (s *Suite) Close() {
	s.group.Drain()
	<-s.done
	s.release()
}

// release gives back what was opened.
func (s *Suite) release() {
	s.once.Do(func() {
		for i := len(s.closers) - 1; i >= 0; i-- {
			s.closers[i]()
		}
	})
}

// closing adds what release does, before what was added earlier.
func (s *Suite) closing(f func()) { s.closers = append(s.closers, f) }

// countMetrics registers what is counted, where somebody looks.
func (s *Suite) countMetrics() (err error) {
	if s.config.Metrics != nil {
		s.metrics, err = telemetry.NewMetrics(s.config.Metrics, telemetry.Options{Version: s.config.Version})
	}
	return err
}

// openNATS starts the message server on the state folder.
func (s *Suite) openNATS() error {
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
