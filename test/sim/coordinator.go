package sim

import (
	"context"
	"time"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/services/coordinator"
)

// coordinatorProcess is a coordinator: a Leader and the streams of its workers.
type coordinatorProcess struct {
	process
	w      *World
	leader *coordinator.Leader
	links  []*link
	// stepping: a step is on its way. doomed: it died in the middle of a call.
	stepping, doomed bool
}

// link is a worker's stream as the coordinator has it.
type link struct {
	connection *connection
	worker     string
	out        <-chan *workerv1.WorkResponse
}

// startCoordinator starts one that leads from now on; whoever led before finds out.
func (w *World) startCoordinator() {
	w.births++
	c := &coordinatorProcess{process: process{name: "coordinator-" + w.newID()}, w: w}
	c.leader = coordinator.NewLeader(
		coordinator.Config{Bus: busPort{w: w}, LeaseTTL: w.scenario.ttl, Grace: w.scenario.grace},
		coordinator.Ports{Log: logPort{l: w.log, c: c}, Now: w.clock, NewID: w.newID, Wake: c.wake})
	w.coordinators = append(w.coordinators, c)
	w.stats.Terms++
	w.tracef("%s starts", c.name)
	var err error
	c.call(func() { err = c.leader.Lead(context.Background()) })
	if err != nil && !c.dead {
		c.exit(err)
	}
	if !c.dead {
		c.wake()
		c.tick()
	}
}

// newest tells whether no coordinator started after this one.
func (c *coordinatorProcess) newest() bool { return c == c.w.coordinators[len(c.w.coordinators)-1] }

// call lets the leader do something, and sends what it tells workers. What it would have
// told after it died is never heard.
func (c *coordinatorProcess) call(do func()) {
	do()
	if c.doomed {
		c.exit(nil)
		return
	}
	for _, l := range c.links {
		c.send(l)
	}
}

func (c *coordinatorProcess) send(l *link) {
	for {
		select {
		case m, ok := <-l.out:
			if !ok {
				l.out = nil // a nil channel is never ready
				l.connection.sever()
				return
			}
			if g := m.GetGrant(); g != nil {
				c.w.check.granted(g)
			}
			if c.w.trace != nil {
				c.w.tracef("%s to %s: %s", c.name, l.worker, told{m})
			}
			worker := l.connection.worker
			l.connection.toWorker(func() { worker.receive(m) })
		default:
			return
		}
	}
}

// wake asks for a step.
func (c *coordinatorProcess) wake() {
	if c.stepping || c.dead {
		return
	}
	c.stepping = true
	c.w.after(&c.process, c.w.between(time.Microsecond, 5*time.Millisecond), func() {
		c.stepping = false
		c.step()
	})
}

func (c *coordinatorProcess) step() {
	var err error
	c.call(func() { err = c.leader.Step(context.Background()) })
	if err != nil && !c.dead {
		c.exit(err)
	}
}

func (c *coordinatorProcess) tick() {
	c.w.after(&c.process, c.w.between(200*time.Millisecond, 2*time.Second), func() {
		c.step()
		if !c.dead {
			c.tick()
		}
	})
}

// take takes a message of a worker.
func (c *coordinatorProcess) take(conn *connection, m *workerv1.WorkRequest) {
	c.call(func() {
		if h := m.GetHello(); h != nil {
			c.links = append(c.links, &link{connection: conn, worker: h.GetWorker(), out: c.leader.Attach(h)})
			return
		}
		c.leader.Receive(context.Background(), conn.worker.name, m)
	})
}

// detach notes the end of a connection.
func (c *coordinatorProcess) detach(conn *connection) {
	for i, l := range c.links {
		if l.connection == conn {
			c.links = append(c.links[:i:i], c.links[i+1:]...)
			if l.out != nil {
				c.call(func() { c.leader.Detach(l.worker, l.out) })
			}
			return
		}
	}
}

// exit ends the process; the newest one is started again.
func (c *coordinatorProcess) exit(err error) {
	c.w.tracef("%s ends: %v", c.name, err)
	last := c.newest()
	c.die()
	for _, p := range c.w.workers {
		if p.connection != nil && p.connection.coordinator == c {
			p.connection.sever()
		}
	}
	c.links = nil
	if last {
		c.w.after(nil, c.w.between(50*time.Millisecond, 3*time.Second), func() {
			if c.newest() {
				c.w.startCoordinator()
			}
		})
	}
}

// leading is the coordinator that started last; nil while it is dead.
func (w *World) leading() *coordinatorProcess {
	if c := w.coordinators[len(w.coordinators)-1]; !c.dead {
		return c
	}
	return nil
}

// relieve removes from the stream what the leader says may go.
func (w *World) relieve() {
	for _, c := range w.coordinators {
		if c.dead || c.pausedUntil > w.now {
			continue
		}
		pressed := w.rng.IntN(3) == 0 || w.stream.full()
		removals := c.leader.Removals(migration, pressed)
		if pressed {
			removals = append(removals, c.leader.Leftovers(migration, w.stream.subjects())...)
		}
		for _, r := range removals {
			w.after(nil, w.latency(), func() { w.stream.purge(r.Subject, r.UpTo) })
		}
	}
	w.after(nil, w.between(500*time.Millisecond, 4*time.Second), w.relieve)
}

// busPort is the bus as a Leader uses it.
type busPort struct {
	bus.Streams
	w *World
}

// EnsureStream implements bus.Bus.
func (b busPort) EnsureStream(context.Context, bus.StreamConfig) error { return b.w.stream.ensure() }

// DeleteStream implements bus.Bus.
func (b busPort) DeleteStream(context.Context, string) error {
	b.w.stream.wipe()
	return nil
}
