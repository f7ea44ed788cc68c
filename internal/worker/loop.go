// Package worker is the one loop that extractors, loaders and validators share: a
// stream of work with the coordinator, on which a Loop says what it has room for,
// takes jobs, hands each to the Handler of its role, renews its lease, and reports
// progress and results until the coordinator has them. A lease that is revoked or
// runs out ends its job; a drained loop takes no more and lets what runs finish.
package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/telemetry"
)

const (
	// Pauses between tries to reach the coordinator.
	minPause = 200 * time.Millisecond
	maxPause = 5 * time.Second
	// welcomeWait is how long a coordinator may take to answer the hello.
	welcomeWait = 10 * time.Second
	// defaultTTL of leases until the coordinator has named its own.
	defaultTTL = 30 * time.Second
	// lastWords is how long a drained worker still tries to deliver its results.
	lastWords = 5 * time.Second
	// farewell is how long the end of the stream may take after that.
	farewell = time.Second
)

// Causes of the end of a job's context.
var (
	errLeaseLost = errors.New("the lease ran out: the coordinator could not be reached")
	errDrained   = errors.New("the worker is stopping")
	errNoWelcome = errors.New("the coordinator took the stream and did not answer")
)

// Loop is one worker: it leases jobs and has its Handler do them. It is a Holder with
// the goroutines, clocks and streams around it.
type Loop struct {
	cfg  Config
	role string
	// handlers runs one goroutine a job.
	handlers sync.WaitGroup
	// drain is closed by Drain, drained when nothing is left to do after it.
	drain, drained chan struct{}
	once, over     sync.Once

	// mu orders the calls of the holder.
	mu      sync.Mutex
	holder  *Holder
	running map[string]*running
	// woken is sent to when there is something that cannot wait for the next tick.
	woken chan struct{}
	// ctx is the parent of every job's context.
	ctx context.Context
}

// New makes a worker; errors are fault.Invalid.
func New(c Config) (*Loop, error) {
	if err := c.Validate(); err != nil {
		return nil, fault.Wrap(fault.Invalid, "worker.New", err)
	}
	c = c.withDefaults()
	c.Log = c.Log.With(telemetry.KeyWorker, c.ID)
	l := &Loop{cfg: c, running: map[string]*running{}, woken: make(chan struct{}, 1), drain: make(chan struct{}), drained: make(chan struct{})}
	l.holder = NewHolder(c, effects{l})
	l.role = l.holder.role
	return l, nil
}

// Run works until it is drained, or ctx ends, which kills the jobs in hand. It
// returns when every handler has.
func (l *Loop) Run(ctx context.Context) error {
	ctx, kill := context.WithCancelCause(ctx)
	l.mu.Lock()
	l.ctx = ctx
	l.mu.Unlock()
	var watchers sync.WaitGroup
	watchers.Go(func() { l.watchLeases(ctx) })
	watchers.Go(func() { l.watchDrain(ctx, kill) })
	l.connect(ctx)
	kill(nil)
	watchers.Wait()
	l.handlers.Wait()
	return nil
}

// Drain takes no more jobs and lets those in hand finish, for as long as the grace
// lasts; Run returns when the coordinator has their results.
func (l *Loop) Drain() {
	l.once.Do(func() { close(l.drain) })
}

// connect keeps a session with the coordinator until there is no more to do.
func (l *Loop) connect(ctx context.Context) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = minPause, maxPause
	for lost := false; ; {
		welcomed, err := l.serve(ctx)
		if welcomed {
			pause.Reset()
			lost = false
		}
		if l.finished(ctx) {
			return
		}
		if !lost {
			l.cfg.Log.Warn("no connection to the coordinator, trying on", telemetry.KeyError, err)
			lost = true
		}
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
		case <-l.drained:
		}
		if l.finished(ctx) {
			return
		}
	}
}

func (l *Loop) finished(ctx context.Context) bool {
	select {
	case <-l.drained:
		return true
	default:
		return ctx.Err() != nil
	}
}

// watchDrain turns a call of Drain into its steps: no more jobs, the end of those
// in hand when the grace is over, and of everything a little later.
func (l *Loop) watchDrain(ctx context.Context, kill context.CancelCauseFunc) {
	select {
	case <-l.drain:
	case <-ctx.Done():
		return
	}
	l.startDraining()
	if l.awaitDrained(ctx, l.cfg.DrainGrace) {
		l.giveUp()
		l.awaitDrained(ctx, lastWords)
	}
	select {
	case <-time.After(farewell):
	case <-ctx.Done():
	}
	kill(errDrained)
}

// awaitDrained tells whether it waited for all of d.
func (l *Loop) awaitDrained(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-l.drained:
	case <-ctx.Done():
	}
	return false
}

func (l *Loop) startDraining() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holder.Drain()
	l.settleDrain()
}

// giveUp ends the jobs still running, to be given back as they are.
func (l *Loop) giveUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holder.GiveUp()
}

// settleDrain ends a drain when there is nothing left. The lock is held.
func (l *Loop) settleDrain() {
	if l.holder.Drained() {
		l.over.Do(func() { close(l.drained) })
	}
}
