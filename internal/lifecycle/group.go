// Package lifecycle runs the long-lived parts of a process together and ends them
// in order, at two levels: a drain lets work in hand finish, a kill cancels it. It
// knows nothing of what the parts do. Everything is in group.go.
package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/drover-db/drover/internal/fault"
)

// Causes of the end of a member's context.
var (
	errStopped = errors.New("stopped")
	errKilled  = errors.New("killed before its work was done")
)

// Member is a part of the process.
type Member struct {
	// Name for people.
	Name string
	// Run works until it is drained or ctx ends, which kills it; it returns when
	// nothing of it runs any more.
	Run func(ctx context.Context) error
	// Drain has Run take no more work, finish what is in hand and return. Where it
	// is nil, the end of ctx is the way to drain.
	Drain func()
}

// Config of a Group; the zero value works.
type Config struct {
	// Grace is how long a drain may take, all members together; 30 s where it is zero.
	Grace time.Duration
	// Signals has SIGINT and SIGTERM drain the group and a second one kill it; a
	// third ends the process as if nobody handled it.
	Signals bool
	// Log is told of signals and of members that end; may be nil.
	Log *slog.Logger
}

// Group runs members. Add them, the ones that others stand on first, then Run.
type Group struct {
	cfg    Config
	stages [][]*running
	drain  chan struct{}
	once   sync.Once
}

type running struct {
	Member
	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{}
	err    error
}

// New makes a group without members.
func New(c Config) *Group {
	c.Grace = cmp.Or(c.Grace, 30*time.Second)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	return &Group{cfg: c, drain: make(chan struct{})}
}

// Add adds members that end together: after all that are added later, before all
// that were added earlier.
func (g *Group) Add(members ...Member) {
	var stage []*running
	for _, m := range members {
		stage = append(stage, &running{Member: m, done: make(chan struct{})})
	}
	g.stages = append(g.stages, stage)
}

// Drain ends the group as a first signal does.
func (g *Group) Drain() { g.once.Do(func() { close(g.drain) }) }

// Run runs all members until one of them ends, a signal comes or Drain is called;
// then it drains the others, and kills them when the grace is over, ctx ends or a
// second signal comes. It returns when every member has: the errors of the members,
// or fault.Canceled if any had to be killed.
func (g *Group) Run(ctx context.Context) error {
	signals := make(chan os.Signal, 2)
	if g.cfg.Signals {
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(signals)
	}
	ended := g.start(ctx)
	select {
	case r := <-ended:
		g.cfg.Log.Debug("part of the process ended, stopping the others", "part", r.Name)
	case s := <-signals:
		g.cfg.Log.Info("stopping; a second signal stops at once", "signal", s.String(), "grace", g.cfg.Grace.String())
	case <-g.drain:
	case <-ctx.Done():
	}
	kill, cancel := context.WithTimeoutCause(ctx, g.cfg.Grace, errKilled)
	defer cancel()
	if g.cfg.Signals {
		stop := g.onSecond(signals, cancel)
		defer stop()
	}
	killed := false
	for _, stage := range slices.Backward(g.stages) {
		killed = g.end(kill, stage) || killed
	}
	return g.result(killed)
}

// start runs every member; the channel gets the first that ends.
func (g *Group) start(ctx context.Context) <-chan *running {
	ended := make(chan *running, 1)
	for _, stage := range g.stages {
		for _, r := range stage {
			// Not ctx itself: members end in order even when it does.
			r.ctx, r.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
			go func() {
				defer r.cancel(nil)
				r.err = r.Run(r.ctx)
				close(r.done)
				select {
				case ended <- r:
				default:
				}
			}()
		}
	}
	return ended
}

// onSecond calls kill at the next signal and leaves later ones to the system.
func (g *Group) onSecond(signals chan os.Signal, kill func()) (stop func()) {
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-signals:
			g.cfg.Log.Warn("stopping at once")
			kill()
			signal.Stop(signals)
		case <-over:
		}
	})
	return func() {
		close(over)
		watching.Wait()
	}
}

// end ends a stage and waits for its members; it tells whether any was killed.
func (g *Group) end(kill context.Context, stage []*running) (killed bool) {
	for _, r := range stage {
		if r.Drain != nil {
			go r.Drain() // it may block until Run returns
		} else {
			r.cancel(errStopped)
		}
	}
	for _, r := range stage {
		select {
		case <-r.done:
			continue
		case <-kill.Done():
		}
		select {
		case <-r.done: // both were ready
		default:
			killed = killed || r.Drain != nil
			g.cfg.Log.Warn("killing a part of the process", "part", r.Name)
			r.cancel(errKilled)
			<-r.done
		}
	}
	return killed
}

// result joins the members' errors, leaving out those of members told to end.
func (g *Group) result(killed bool) error {
	var errs []error
	for _, stage := range g.stages {
		for _, r := range stage {
			if r.err != nil && !fault.Is(r.err, fault.Canceled) {
				errs = append(errs, fmt.Errorf("%s: %w", r.Name, r.err))
			}
		}
	}
	if len(errs) == 0 && killed {
		return fault.Wrap(fault.Canceled, "lifecycle.Run", errKilled)
	}
	return errors.Join(errs...)
}
