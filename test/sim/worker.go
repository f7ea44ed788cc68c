package sim

import (
	"errors"
	"maps"
	"slices"
	"time"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/worker"
)

// workerProcess is a worker: a Holder, its connection and its jobs.
type workerProcess struct {
	process
	w          *World
	role       workerv1.Role
	holder     *worker.Holder
	connection *connection
	jobs       map[string]*job
	// batchBytes differ between extractors: an attempt that is extracted twice would
	// be cut in other places.
	batchBytes int
	sending    bool
	// deafUntil is when the holder hears again of messages and of the time; unheard is
	// what it has missed, in its order.
	deafUntil time.Duration
	unheard   []func()
}

// hire starts a worker.
func (w *World) hire(role workerv1.Role) {
	p := &workerProcess{process: process{name: roleName(role) + "-" + w.newID()}, w: w, role: role, jobs: map[string]*job{},
		batchBytes: 10 + w.rng.IntN(50)}
	p.holder = worker.NewHolder(worker.Config{ID: p.name, Role: role, Slots: w.scenario.slots}, p)
	w.workers = append(w.workers, p)
	w.tracef("%s starts", p.name)
	p.connect()
	p.tick()
}

// fire ends a worker at once, and starts another one in its place.
func (p *workerProcess) fire() {
	p.w.tracef("%s dies", p.name)
	if p.connection != nil {
		p.connection.sever()
	}
	p.die()
	for _, j := range p.inOrder() {
		delete(p.w.snapshots, j.msg.GetLease())
		j.session.abandon()
	}
	for i, other := range p.w.workers {
		if other == p {
			p.w.workers = append(p.w.workers[:i:i], p.w.workers[i+1:]...)
		}
	}
	p.w.after(nil, p.w.between(100*time.Millisecond, 4*time.Second), func() { p.w.hire(p.role) })
}

// connect finds a coordinator. One that was replaced and does not know it yet is found,
// too.
func (p *workerProcess) connect() {
	p.w.after(&p.process, p.w.between(time.Millisecond, time.Second), func() {
		var alive []*coordinatorProcess
		for _, c := range p.w.coordinators {
			if !c.dead {
				alive = append(alive, c)
			}
		}
		if len(alive) == 0 || p.connection != nil {
			p.connect()
			return
		}
		p.connection = &connection{w: p.w, worker: p, coordinator: alive[p.w.rng.IntN(len(alive))]}
		p.holder.Connect()
		p.send()
	})
}

func (p *workerProcess) disconnected(c *connection) {
	if p.deaf(func() { p.disconnected(c) }) {
		return
	}
	if p.connection == c {
		p.w.tracef("%s lost its connection", p.name)
		p.connection = nil
		p.holder.Disconnect()
		p.connect()
	}
}

func (p *workerProcess) send() {
	conn := p.connection
	if conn == nil || p.deaf(p.send) {
		return
	}
	for _, m := range p.holder.Send(p.w.clock()) {
		if p.w.trace != nil && m.GetProgress() == nil {
			p.w.tracef("%s to %s: %s", p.name, conn.coordinator.name, said{m})
		}
		conn.toCoordinator(func() { conn.coordinator.take(conn, m) })
	}
}

func (p *workerProcess) receive(m *workerv1.WorkResponse) {
	if !p.deaf(func() { p.receive(m) }) {
		p.holder.Receive(p.w.clock(), m)
	}
}

// deaf puts something off until the worker hears again.
func (p *workerProcess) deaf(later func()) bool {
	if p.deafUntil <= p.w.now {
		return false
	}
	if p.unheard = append(p.unheard, later); len(p.unheard) == 1 {
		p.w.after(&p.process, p.deafUntil-p.w.now, p.hear)
	}
	return true
}

// hear makes up for what was missed.
func (p *workerProcess) hear() {
	if p.deafUntil > p.w.now {
		p.w.after(&p.process, p.deafUntil-p.w.now, p.hear)
		return
	}
	missed := p.unheard
	p.unheard = nil
	for _, do := range missed {
		do()
	}
}

func (p *workerProcess) tick() {
	p.w.after(&p.process, max(p.w.scenario.ttl/12, p.deafUntil-p.w.now), func() {
		p.holder.Expire(p.w.clock())
		p.send()
		if p.holder.Drained() {
			p.fire()
			return
		}
		p.tick()
	})
}

// Start implements worker.Effects.
func (p *workerProcess) Start(msg *workerv1.Job) {
	j := &job{p: p, w: p.w, msg: msg, session: p.w.target.connect()}
	p.jobs[msg.GetLease()] = j
	wait := p.w.latency()
	if p.w.fault(p.w.scenario.waits, "job waits for a connection", msg.GetTitle()) {
		wait = p.w.between(0, 3*p.w.scenario.ttl)
	}
	p.w.after(&p.process, wait, j.begin)
}

// Stop implements worker.Effects.
func (p *workerProcess) Stop(lease string, cause error) {
	if j := p.jobs[lease]; j != nil {
		j.cause = cause
		p.w.after(&p.process, p.w.between(0, time.Millisecond), func() {
			j.end(nil, fault.Wrap(fault.Canceled, "sim.Stop", cause))
		})
	}
}

// Wake implements worker.Effects.
func (p *workerProcess) Wake() {
	if p.sending {
		return
	}
	p.sending = true
	p.w.after(&p.process, p.w.between(0, 2*time.Millisecond), func() {
		p.sending = false
		p.send()
	})
}

// job is one job in hand.
type job struct {
	p       *workerProcess
	w       *World
	msg     *workerv1.Job
	session *session
	// cause is why it was stopped.
	cause error
	over  bool
}

// then goes on with the job d from now, unless it has ended.
func (j *job) then(d time.Duration, do func()) {
	j.w.after(&j.p.process, d, func() {
		if !j.over {
			do()
		}
	})
}

// soon is the time of a step that a worker takes by itself.
func (j *job) soon() time.Duration { return j.w.between(time.Microsecond, 3*time.Millisecond) }

func (j *job) report(p *workerv1.Progress) { j.p.holder.Report(j.msg.GetLease(), p) }

// end hands in what the job came to.
func (j *job) end(r *workerv1.Result, err error) {
	if j.over {
		return
	}
	j.over = true
	delete(j.w.snapshots, j.msg.GetLease())
	if err != nil {
		j.w.tracef("%s: %s failed: %v", j.p.name, j.msg.GetTitle(), err)
	}
	delete(j.p.jobs, j.msg.GetLease())
	j.session.abandon()
	j.p.holder.Finish(j.msg, worker.Outcome(j.msg, j.cause, r, err))
}

// done ends a job that has no more to say.
func (j *job) done(err error) {
	j.end(&workerv1.Result{Outcome: &workerv1.Result_Done{Done: &workerv1.Done{}}}, err)
}

var errCut = errors.New("the connection broke")

// lost is the error of a connection to a side that broke.
func lost(side string) error {
	return &fault.Error{Kind: fault.Unavailable, Op: "sim", Side: side, Err: errCut}
}

// inOrder lists the jobs by lease.
func (p *workerProcess) inOrder() []*job {
	var out []*job
	for _, lease := range slices.Sorted(maps.Keys(p.jobs)) {
		out = append(out, p.jobs[lease])
	}
	return out
}
