package worker

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

// Holder holds a worker's leases, as a state machine: messages of the coordinator, what
// jobs report and the time go in; messages to the coordinator and effects on jobs come
// out. It starts no goroutine and reads no clock, so the simulator can work with it. Its
// caller makes one call at a time; Loop is the one that ships.
type Holder struct {
	cfg     Config
	role    string
	effects Effects

	leases map[string]*lease
	// busy counts running jobs that take a slot, background those that do not;
	// jobs whose lease is lost count until they have ended.
	busy, background int
	draining         bool
	ttl              time.Duration
	// connected: there is a stream to the coordinator; welcomed: the coordinator took
	// the worker in, and only then do leases renew.
	connected, welcomed bool
	// queue waits to be sent. Progress is not queued but taken from the leases, so that
	// the queue stays as short as the jobs are few.
	queue []*workerv1.WorkRequest
}

// Effects are what a Holder does to the world. They must not call back.
type Effects interface {
	// Start begins a job, which ends by one Holder.Finish.
	Start(job *workerv1.Job)
	// Stop asks a job to end early, or at its next place that costs nothing where cause
	// is gentle; one that has ended is meant, too.
	Stop(lease string, cause error)
	// Wake asks for a call of Send soon.
	Wake()
}

// lease is a job in hand: running, or done and not yet acknowledged.
type lease struct {
	job *workerv1.Job
	// progress is the latest report, never changed once it is here; unsent tells
	// whether the coordinator lacks it.
	progress *workerv1.Progress
	unsent   bool
	// renewed is when progress was last sent.
	renewed time.Time
	// result is set when the job has ended.
	result *workerv1.Result
}

// NewHolder makes a holder without leases and without a connection.
func NewHolder(c Config, e Effects) *Holder {
	return &Holder{cfg: c.withDefaults(), role: strings.ToLower(strings.TrimPrefix(c.Role.String(), "ROLE_")), effects: e,
		leases: map[string]*lease{}, ttl: defaultTTL}
}

// Connect begins a stream to the coordinator: hello with the jobs in hand, results that
// were not acknowledged, progress of the rest, credits.
func (h *Holder) Connect() {
	h.connected, h.welcomed, h.queue = true, false, nil
	hello := &workerv1.Hello{Worker: h.cfg.ID, Role: h.cfg.Role, Host: h.cfg.Host, Version: h.cfg.Version, Slots: int32(h.cfg.Slots)}
	h.tell(&workerv1.WorkRequest{Message: &workerv1.WorkRequest_Hello{Hello: hello}})
	for _, j := range h.inOrder() {
		hello.Held = append(hello.Held, j.job)
		j.unsent = true
		if j.result != nil {
			h.tell(resultOf(j))
		}
	}
	if h.draining {
		h.tell(&workerv1.WorkRequest{Message: &workerv1.WorkRequest_Draining{Draining: &workerv1.Draining{}}})
	} else if free := h.cfg.Slots - h.busy; free > 0 {
		h.tell(credit(free))
	}
}

// Disconnect ends the stream; what was not sent is made up for by the next one.
func (h *Holder) Disconnect() { h.connected, h.welcomed, h.queue = false, false, nil }

// Send gives what is to be sent now: what is queued and the progress that is due. A job
// that waits for its acknowledgement is renewed, and its result sent again, like any
// other.
func (h *Holder) Send(now time.Time) []*workerv1.WorkRequest {
	list := h.queue
	h.queue = nil
	if !h.welcomed {
		return list
	}
	for _, j := range h.inOrder() {
		if !h.due(j, now) {
			continue
		}
		again := j.result != nil && now.Sub(j.renewed) >= h.ttl/renewals
		j.unsent, j.renewed = false, now
		list = append(list, &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Progress{Progress: j.progress}})
		if again {
			list = append(list, resultOf(j))
		}
	}
	return list
}

// Receive takes one message of the coordinator.
func (h *Holder) Receive(now time.Time, m *workerv1.WorkResponse) {
	switch b := m.GetMessage().(type) {
	case *workerv1.WorkResponse_Grant:
		h.accept(now, b.Grant)
	case *workerv1.WorkResponse_Welcome:
		h.welcomed = true
		h.effects.Wake()
		if ttl := time.Duration(b.Welcome.GetLeaseTtlMs()) * time.Millisecond; ttl > 0 {
			h.ttl = ttl
		}
	case *workerv1.WorkResponse_Revoke:
		if j := h.leases[b.Revoke.GetLease()]; j != nil {
			cause := fmt.Errorf("the coordinator took the job back: %s", b.Revoke.GetReason())
			if b.Revoke.GetAfterBatch() {
				cause = gentle{cause}
			}
			h.lose(j, cause)
		}
	case *workerv1.WorkResponse_Ack:
		if j := h.leases[b.Ack.GetLease()]; j != nil && j.result != nil {
			delete(h.leases, b.Ack.GetLease())
			h.settleDrain()
		}
	}
}

// accept takes a grant and starts its job.
func (h *Holder) accept(now time.Time, job *workerv1.Job) {
	if h.leases[job.GetLease()] != nil {
		return
	}
	j := &lease{job: job, renewed: now, progress: &workerv1.Progress{Lease: job.GetLease()}}
	h.leases[job.GetLease()] = j
	if h.draining { // granted before the coordinator heard of it
		j.result = Released(job)
		h.tell(resultOf(j))
		return
	}
	h.occupy(job, 1)
	h.effects.Start(job)
}

// occupy counts a job that starts (+1) or ends (-1).
func (h *Holder) occupy(job *workerv1.Job, n int) {
	if job.GetBackground() {
		h.background += n
		return
	}
	h.busy += n
	h.cfg.Metrics.Busy(h.role, h.busy, h.cfg.Slots)
}

// Report notes a job's progress, and gives the rows and bytes moved since the last
// report. What a later report leaves out stays as it was.
func (h *Holder) Report(id string, p *workerv1.Progress) (rows, bytes int64) {
	rows, bytes = h.Moved(id, p)
	j := h.leases[id]
	if j == nil || j.result != nil {
		return rows, bytes
	}
	old, now := j.progress, proto.CloneOf(p)
	urgent := p.GetFenced() != nil && old.GetFenced() == nil || p.GetSnapshot() != "" && p.GetSnapshot() != old.GetSnapshot()
	now.Lease = id
	now.Rows, now.Bytes = max(now.GetRows(), old.GetRows()), max(now.GetBytes(), old.GetBytes())
	now.CommittedSequence = max(now.GetCommittedSequence(), old.GetCommittedSequence())
	if now.GetFenced() == nil {
		now.Fenced = old.GetFenced()
	}
	if now.GetSnapshot() == "" {
		now.Snapshot = old.GetSnapshot()
	}
	j.progress, j.unsent = now, true
	if urgent {
		h.effects.Wake()
	}
	return rows, bytes
}

// Moved gives the rows and bytes that a job has moved since its last report.
func (h *Holder) Moved(id string, p *workerv1.Progress) (rows, bytes int64) {
	j := h.leases[id]
	if j == nil {
		return 0, 0
	}
	return max(p.GetRows()-j.progress.GetRows(), 0), max(p.GetBytes()-j.progress.GetBytes(), 0)
}

// Finish takes the result of a job that has ended, to be kept until it is acknowledged,
// and gives the slot back.
func (h *Holder) Finish(job *workerv1.Job, r *workerv1.Result) {
	if j := h.leases[job.GetLease()]; j != nil {
		j.result = r
		h.tell(resultOf(j))
	}
	h.occupy(job, -1)
	if !job.GetBackground() && !h.draining {
		h.tell(credit(1))
	}
	h.settleDrain()
}

// Expire ends jobs whose lease ran out while nobody renewed it.
func (h *Holder) Expire(now time.Time) {
	for _, j := range h.inOrder() {
		if now.Sub(j.renewed) >= h.ttl-h.ttl/expiryMargin {
			h.lose(j, errLeaseLost)
		}
	}
	h.settleDrain()
}

// Drain takes no more jobs, hands back those that cost nothing to end, and ends
// background jobs when nothing else runs.
func (h *Holder) Drain() {
	h.draining = true
	for _, j := range h.inOrder() {
		if j.result == nil {
			h.effects.Stop(j.job.GetLease(), gentle{errDrained})
		}
	}
	h.tell(&workerv1.WorkRequest{Message: &workerv1.WorkRequest_Draining{Draining: &workerv1.Draining{}}})
	h.settleDrain()
}

// GiveUp ends the jobs still running, to be given back as they are.
func (h *Holder) GiveUp() {
	for _, j := range h.inOrder() {
		h.effects.Stop(j.job.GetLease(), errDrained)
	}
}

// Drained tells that a drain is over: no job is left, and no result.
func (h *Holder) Drained() bool {
	return h.draining && h.busy == 0 && h.background == 0 && len(h.leases) == 0
}

// settleDrain ends background jobs of a drain when nothing else runs.
func (h *Holder) settleDrain() {
	if !h.draining || h.busy > 0 {
		return
	}
	for _, j := range h.inOrder() {
		if j.result == nil {
			h.effects.Stop(j.job.GetLease(), errDrained)
		}
	}
}

// lose ends a job that is not this worker's any more: somebody else may have the work
// now, and its result is of no interest.
func (h *Holder) lose(j *lease, cause error) {
	delete(h.leases, j.job.GetLease())
	h.effects.Stop(j.job.GetLease(), cause)
	h.settleDrain()
}

// due tells whether a job's progress has to be sent: because there is some, or to
// renew the lease.
func (h *Holder) due(j *lease, now time.Time) bool {
	return j.unsent || now.Sub(j.renewed) >= h.ttl/renewals
}

// tell queues a message for the stream, if there is one: a stream that begins makes up
// for what was not told.
func (h *Holder) tell(m *workerv1.WorkRequest) {
	if h.connected {
		h.queue = append(h.queue, m)
		h.effects.Wake()
	}
}

// inOrder lists the leases by id.
func (h *Holder) inOrder() []*lease {
	out := slices.Collect(maps.Values(h.leases))
	slices.SortFunc(out, func(a, b *lease) int { return strings.Compare(a.job.GetLease(), b.job.GetLease()) })
	return out
}

func credit(jobs int) *workerv1.WorkRequest {
	return &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Credit{Credit: &workerv1.Credit{Jobs: int32(jobs)}}}
}

func resultOf(j *lease) *workerv1.WorkRequest {
	return &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Result{Result: j.result}}
}
