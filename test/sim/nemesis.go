package sim

import (
	"maps"
	"slices"
	"time"

	"github.com/drover-db/drover/internal/fault"
)

// nemeses are the faults that come by themselves, by name.
var nemeses = map[string]func(*World){
	"worker dies":            (*World).killWorker,
	"worker stops":           (*World).pauseWorker,
	"worker is deaf":         (*World).deafenWorker,
	"worker drains":          (*World).drainWorker,
	"connection breaks":      (*World).cutConnection,
	"coordinator dies":       (*World).killCoordinator,
	"coordinator stops":      (*World).pauseCoordinator,
	"coordinator replaced":   (*World).replaceCoordinator,
	"stream loses a message": func(w *World) { w.stream.hole() },
	"stream goes back":       func(w *World) { w.stream.rollBack(1 + w.rng.IntN(10)) },
	"stream is wiped":        func(w *World) { w.stream.wipe() },
	"session ends":           (*World).killSession,
	"target crashes":         func(w *World) { w.target.crash() },
	"snapshot is lost":       (*World).loseSnapshot,
	failover:                 func(w *World) { w.target.failOver() },
}

// failover comes in one seed of four: what it undoes, later faults cannot do.
const failover = "target fails over"

// strike lets one of the scenario's faults come, and the next one later.
func (w *World) strike() {
	if w.healed {
		return
	}
	if names := w.scenario.nemeses; len(names) > 0 {
		name := names[w.rng.IntN(len(names))]
		w.fails(name, "")
		nemeses[name](w)
	}
	w.after(nil, w.between(w.scenario.faultsEvery/4, 2*w.scenario.faultsEvery), w.strike)
}

// heal ends all faults: who is stopped goes on in its time, and who was replaced is gone.
func (w *World) heal() {
	w.tracef("faults stop")
	w.healed = true
	for _, c := range w.coordinators {
		if !c.dead && !c.newest() {
			c.exit(nil)
		}
	}
	w.after(nil, patience, func() { w.violate("nothing failed for %s, and still: %s", patience, w.check.standing()) })
}

// patience is how long a healthy system may take to finish: a few leases, silences and
// back-offs.
const patience = 15 * time.Minute

func (w *World) anyWorker() *workerProcess {
	if len(w.workers) == 0 {
		return nil
	}
	return w.workers[w.rng.IntN(len(w.workers))]
}

func (w *World) killWorker() {
	if p := w.anyWorker(); p != nil {
		p.fire()
	}
}

// pauseWorker stops a worker, as SIGSTOP does, often for longer than its lease.
func (w *World) pauseWorker() {
	if p := w.anyWorker(); p != nil {
		p.pauseUntil(w.now + w.between(time.Second, 3*w.scenario.ttl))
		w.tracef("%s stops until %s", p.name, p.pausedUntil)
	}
}

// deafenWorker keeps a worker from all that has to do with leases, while its jobs go on:
// what it believes to hold must not matter.
func (w *World) deafenWorker() {
	if p := w.anyWorker(); p != nil {
		p.deafUntil = max(p.deafUntil, w.now+w.between(time.Second, 4*w.scenario.ttl)) // what it hears keeps its order
		w.tracef("%s is deaf until %s", p.name, p.deafUntil)
	}
}

func (w *World) drainWorker() {
	if p := w.anyWorker(); p != nil {
		p.holder.Drain()
		if w.rng.IntN(2) == 0 {
			w.after(&p.process, w.between(0, 5*time.Second), p.holder.GiveUp)
		}
	}
}

func (w *World) cutConnection() {
	if p := w.anyWorker(); p != nil && p.connection != nil {
		p.connection.sever()
	}
}

func (w *World) killCoordinator() {
	if c := w.leading(); c != nil {
		c.exit(nil)
	}
}

func (w *World) pauseCoordinator() {
	if c := w.leading(); c != nil {
		c.pauseUntil(w.now + w.between(time.Second, 3*w.scenario.ttl))
		if w.rng.IntN(2) == 0 {
			w.after(nil, w.between(100*time.Millisecond, 5*time.Second), w.replaceCoordinator)
		}
	}
}

// replaceCoordinator starts another one while the first still thinks that it leads.
func (w *World) replaceCoordinator() {
	if !w.healed && len(w.coordinators) < 50 {
		w.startCoordinator()
	}
}

// loseSnapshot breaks the connection that holds a snapshot of the source.
func (w *World) loseSnapshot() {
	for _, lease := range slices.Sorted(maps.Keys(w.snapshots)) {
		w.snapshots[lease].end(nil, lost(fault.Source))
		return
	}
}

// killSession ends a connection in the target, as pg_terminate_backend does.
func (w *World) killSession() {
	if n := len(w.target.sessions); n > 0 {
		w.target.sessions[w.rng.IntN(n)].kill()
	}
}
