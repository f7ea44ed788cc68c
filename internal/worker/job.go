package worker

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"google.golang.org/protobuf/proto"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/telemetry"
)

// lease is a job in hand: running, or done and not yet acknowledged. The loop's
// mutex guards it.
type lease struct {
	job     *workerv1.Job
	cancel  context.CancelCauseFunc
	started time.Time
	// progress is the latest report, never changed once it is here; unsent tells
	// whether the coordinator lacks it.
	progress *workerv1.Progress
	unsent   bool
	// renewed is when progress was last sent.
	renewed time.Time
	// result is set when the handler has returned.
	result *workerv1.Result
	// lost: somebody else may have the work now; the result is of no interest.
	lost bool
}

// accept takes a grant and starts its handler.
func (l *Loop) accept(job *workerv1.Job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.jobs[job.GetLease()] != nil || l.ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithCancelCause(l.ctx)
	now := time.Now()
	j := &lease{job: job, cancel: cancel, started: now, renewed: now, progress: &workerv1.Progress{Lease: job.GetLease()}}
	l.jobs[job.GetLease()] = j
	if l.draining { // granted before the coordinator heard of it
		cancel(errDrained)
		j.result = released(job)
		l.tell(resultOf(j))
		return
	}
	l.occupy(job, 1)
	l.handlers.Go(func() { l.run(ctx, j) })
}

// occupy counts a job that starts (+1) or ends (-1).
func (l *Loop) occupy(job *workerv1.Job, n int) {
	if job.GetBackground() {
		l.background += n
		return
	}
	l.busy += n
	l.cfg.Metrics.Busy(l.role, l.busy, l.cfg.Slots)
}

// run does a job and hands in what came of it.
func (l *Loop) run(ctx context.Context, j *lease) {
	defer j.cancel(nil)
	log := l.cfg.Log.With(attributes(j.job)...)
	log.Debug("job started")
	r, err := l.handle(ctx, j)
	took := time.Since(j.started)
	switch {
	case ctx.Err() != nil && err != nil:
		log.Info("job stopped", "reason", context.Cause(ctx), "seconds", took.Seconds())
	case err != nil:
		log.Warn("job failed", telemetry.KeyError, err, "seconds", took.Seconds())
	default:
		log.Debug("job done", "seconds", took.Seconds())
	}
	if err == nil {
		l.count(j, total(r))
		if rangeOf(j.job) != 0 {
			l.cfg.Metrics.RangeDone(l.role, took.Seconds())
		}
	}
	l.handIn(j, outcomeOf(ctx, j.job, r, err))
}

// handle calls the handler; a panic becomes an error and its stack is logged.
func (l *Loop) handle(ctx context.Context, j *lease) (r *workerv1.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			l.cfg.Log.With(attributes(j.job)...).Error("panic in a job", "panic", p, "stack", string(debug.Stack()))
			r, err = nil, fault.New(fault.Internal, "worker.Handle", "panic: %v", p)
		}
	}()
	r, err = l.cfg.Handler.Handle(ctx, j.job, func(p *workerv1.Progress) { l.report(j, p) })
	if err == nil && r.GetOutcome() == nil {
		err = fault.New(fault.Internal, "worker.Handle", "job %q came to nothing", j.job.GetTitle())
	}
	return r, err
}

// outcomeOf makes the result that the coordinator gets.
func outcomeOf(ctx context.Context, job *workerv1.Job, r *workerv1.Result, err error) *workerv1.Result {
	switch {
	case err == nil:
		r.Lease = job.GetLease()
		return r
	case errors.Is(context.Cause(ctx), errDrained):
		return released(job)
	}
	f := fault.Find(err)
	return &workerv1.Result{Lease: job.GetLease(), Outcome: &workerv1.Result_Failure{Failure: &workerv1.Failure{
		Kind: f.Kind.String(), Message: err.Error(), Side: f.Side, Key: f.Key, Column: f.Column}}}
}

func released(job *workerv1.Job) *workerv1.Result {
	return &workerv1.Result{Lease: job.GetLease(), Outcome: &workerv1.Result_Released{Released: &workerv1.Released{}}}
}

// handIn sends a result, to be kept until it is acknowledged, and gives the slot back.
func (l *Loop) handIn(j *lease, r *workerv1.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	j.result = r
	if !j.lost {
		l.tell(resultOf(j))
	}
	l.occupy(j.job, -1)
	if !j.job.GetBackground() && !l.draining {
		l.tell(credit(1))
	}
	l.settleDrain()
}

// report notes a handler's progress. What a later report leaves out stays as it was.
func (l *Loop) report(j *lease, p *workerv1.Progress) {
	l.count(j, p)
	l.mu.Lock()
	defer l.mu.Unlock()
	if j.lost || j.result != nil {
		return
	}
	old, now := j.progress, proto.CloneOf(p)
	urgent := p.GetFenced() != nil && old.GetFenced() == nil || p.GetSnapshot() != "" && p.GetSnapshot() != old.GetSnapshot()
	now.Lease = j.job.GetLease()
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
		l.wake()
	}
}

// count tells the metrics what a job moved beyond its last report.
func (l *Loop) count(j *lease, p *workerv1.Progress) {
	l.mu.Lock()
	rows, bytes := p.GetRows()-j.progress.GetRows(), p.GetBytes()-j.progress.GetBytes()
	l.mu.Unlock()
	if rows > 0 || bytes > 0 {
		l.cfg.Metrics.Moved(l.role, j.job.GetMigrationName(), tableOf(j.job), max(rows, 0), max(bytes, 0))
	}
}

// total is what a job moved altogether, where its result says so.
func total(r *workerv1.Result) *workerv1.Progress {
	switch o := r.GetOutcome().(type) {
	case *workerv1.Result_Extracted:
		return &workerv1.Progress{Rows: o.Extracted.GetDigest().GetRows(), Bytes: o.Extracted.GetBytes()}
	case *workerv1.Result_Loaded:
		return &workerv1.Progress{Rows: o.Loaded.GetRows(), Bytes: o.Loaded.GetBytes()}
	case *workerv1.Result_Verdict:
		return &workerv1.Progress{Rows: o.Verdict.GetActual().GetRows()}
	default:
		return nil
	}
}
