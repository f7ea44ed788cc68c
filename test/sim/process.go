package sim

import "time"

// process is something that can die and stop: a coordinator or a worker.
type process struct {
	name string
	// life counts its deaths: what was under way for an earlier life never happens.
	life        int
	dead        bool
	pausedUntil time.Duration
}

// die ends a process at once.
func (p *process) die() {
	p.life++
	p.dead = true
}

// pauseUntil stops a process. It never goes on earlier for being stopped again: what waits
// for it would lose its order.
func (p *process) pauseUntil(t time.Duration) { p.pausedUntil = max(p.pausedUntil, t) }

// connection is a stream between a worker and a coordinator: messages arrive in their
// order, or not at all any more once it is cut.
type connection struct {
	w           *World
	worker      *workerProcess
	coordinator *coordinatorProcess
	cut         bool
	// up and down are when the last message of a direction arrives.
	up, down time.Duration
}

// arrival is when a message of a direction arrives that is sent now.
func (c *connection) arrival(last *time.Duration) time.Duration {
	*last = max(*last, c.w.now+c.w.latency())
	return *last - c.w.now
}

// toCoordinator delivers something to the coordinator.
func (c *connection) toCoordinator(do func()) {
	c.w.after(&c.coordinator.process, c.arrival(&c.up), func() {
		if !c.cut {
			do()
		}
	})
}

// toWorker delivers something to the worker.
func (c *connection) toWorker(do func()) {
	c.w.after(&c.worker.process, c.arrival(&c.down), func() {
		if !c.cut {
			do()
		}
	})
}

// sever ends a connection; each end finds out in its own time.
func (c *connection) sever() {
	if c.cut {
		return
	}
	c.cut = true
	c.w.after(&c.worker.process, c.w.between(0, 2*time.Second), func() { c.worker.disconnected(c) })
	c.w.after(&c.coordinator.process, c.w.between(0, 3*time.Second), func() { c.coordinator.detach(c) })
}
