package main

import (
	"context"
	"log"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// fault is something that can happen to an installation.
type fault struct {
	name string
	// weight is how often it is drawn, against the others.
	weight int
	// inflict does it and returns when it is over.
	inflict func(ctx context.Context, n *nemesis) error
	// server faults meet whoever else uses a database server.
	server bool
}

// nemesis inflicts faults during one round.
type nemesis struct {
	*soak
	until   time.Time
	watch   *watch
	running sync.WaitGroup
	// crashing and storing allow one fault at a time that takes a database server, or
	// NATS' store, from under it.
	crashing, storing sync.Mutex
	// deciding is held while who leads must live.
	deciding sync.RWMutex

	mu     sync.Mutex
	dice   *rand.Rand
	faults int
}

func newNemesis(s *soak, until time.Time) *nemesis {
	return &nemesis{soak: s, until: until, dice: rand.New(rand.NewPCG(s.seed, s.rng.Uint64()))}
}

// run inflicts one fault after another until ctx or the soak ends. Those that last a
// while may overlap.
func (n *nemesis) run(ctx context.Context) {
	defer n.running.Wait()
	for time.Now().Before(n.until) {
		if lasts(ctx, n.between(100*time.Millisecond, 2*time.Second)); ctx.Err() != nil {
			return
		}
		f := n.draw()
		if n.verbose {
			log.Printf("fault: %s", f.name)
		}
		n.running.Go(func() { n.inflict(ctx, f) })
	}
}

// spare waits until a process may be touched, which who leads may not always; the answer
// says that it was.
func (n *nemesis) spare(name string) (touched func()) {
	if !strings.HasPrefix(name, "coordinator") {
		return func() {}
	}
	n.deciding.RLock()
	return n.deciding.RUnlock
}

// inflict does one fault and has the watch see what it costs.
func (n *nemesis) inflict(ctx context.Context, f fault) {
	n.mu.Lock()
	n.faults++
	n.mu.Unlock()
	err := f.inflict(ctx, n)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		log.Printf("fault %s: %v", f.name, err)
		n.report.failed(f.name)
		return
	default:
		n.watch.ended(f.name)
	}
	n.report.fault(f.name)
}

// draw chooses a fault by weight.
func (n *nemesis) draw() fault {
	total := 0
	for _, f := range faults {
		total += n.weight(f)
	}
	at, i := int(n.roll(int64(total))), 0
	for ; at >= n.weight(faults[i]); i++ {
		at -= n.weight(faults[i])
	}
	return faults[i]
}

func (n *nemesis) weight(f fault) int {
	if f.server && n.sparing {
		return 0
	}
	return f.weight
}

// roll gives a number below another.
func (n *nemesis) roll(below int64) int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dice.Int64N(below)
}

// between is a time between two others.
func (n *nemesis) between(least, most time.Duration) time.Duration {
	return least + time.Duration(n.roll(int64(most-least)))
}

// pick gives one of some.
func pick[T any](n *nemesis, from []T) T { return from[n.roll(int64(len(from)))] }

// lasts waits for as long as a fault is to last, or the round ends.
func lasts(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
