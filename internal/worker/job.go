package worker

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/internal/pace"
	"github.com/drover-db/drover/internal/telemetry"
)

// running is a job whose handler has not returned.
type running struct {
	job *workerv1.Job
	// cancel ends the job's context, ease the gentle one.
	cancel, ease context.CancelCauseFunc
	pacer        *pace.Pacer
	started      time.Time
}

// effects are what the holder does to a loop, whose lock is held.
type effects struct{ *Loop }

// Start runs each job in a goroutine of its own.
func (l effects) Start(job *workerv1.Job) {
	ctx, cancel := context.WithCancelCause(l.ctx)
	j := &running{job: job, cancel: cancel, pacer: &pace.Pacer{}, started: time.Now()}
	ctx, j.ease = inHand(ctx, j.pacer)
	j.pacer.Set(job.GetPace())
	l.running[job.GetLease()] = j
	l.handlers.Go(func() { l.run(ctx, j) })
}

// Stop ends a job's context, or the gentle one.
func (l effects) Stop(lease string, cause error) {
	switch j := l.running[lease]; {
	case j == nil:
	case isGentle(cause):
		j.ease(cause)
	default:
		j.cancel(cause)
	}
}

// Wake has the stream send at once.
func (l effects) Wake() {
	select {
	case l.woken <- struct{}{}:
	default:
	}
}

// run does a job and hands in what came of it.
func (l *Loop) run(ctx context.Context, j *running) {
	defer j.cancel(nil)
	log := l.cfg.Log.With(attributes(j.job)...)
	log.Debug("job started")
	var r *workerv1.Result
	err := faultpoint.Hit(ctx, faultpoint.WorkerBeforeJob, j.job.GetTitle())
	if err == nil {
		r, err = l.handle(ctx, j)
	}
	if err == nil {
		err = faultpoint.Hit(ctx, faultpoint.WorkerBeforeResult, j.job.GetTitle())
	}
	took := time.Since(j.started)
	switch {
	case Gentle(ctx).Err() != nil && err != nil:
		log.Info("job stopped", "reason", context.Cause(Gentle(ctx)), "seconds", took.Seconds())
	case err != nil:
		log.Warn("job failed", telemetry.KeyError, err, "seconds", took.Seconds())
	default:
		log.Debug("job done", "seconds", took.Seconds())
	}
	if err == nil {
		l.count(j, total(r), l.holder.Moved)
		if rangeOf(j.job) != 0 {
			l.cfg.Metrics.RangeDone(l.role, took.Seconds())
		}
	}
	l.handIn(j, Outcome(j.job, context.Cause(Gentle(ctx)), r, err))
}

// handIn gives the result of a job to its holder.
func (l *Loop) handIn(j *running, r *workerv1.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.running, j.job.GetLease())
	l.holder.Finish(j.job, r)
	l.settleDrain()
}

// handle calls the handler; a panic becomes an error and its stack is logged.
func (l *Loop) handle(ctx context.Context, j *running) (r *workerv1.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			l.cfg.Log.With(attributes(j.job)...).Error("panic in a job", "panic", p, "stack", string(debug.Stack()))
			r, err = nil, fault.New(fault.Internal, "worker.Handle", "panic: %v", p)
		}
	}()
	r, err = l.cfg.Handler.Handle(ctx, j.job, func(p *workerv1.Progress) { l.count(j, p, l.holder.Report) })
	if err == nil && r.GetOutcome() == nil {
		err = fault.New(fault.Internal, "worker.Handle", "job %q came to nothing", j.job.GetTitle())
	}
	return r, err
}

// Outcome makes the result that the coordinator gets of what a handler returned; cause
// is why the job was stopped, nil where it was not.
func Outcome(job *workerv1.Job, cause error, r *workerv1.Result, err error) *workerv1.Result {
	switch {
	case err == nil:
		r.Lease = job.GetLease()
		return r
	case errors.Is(cause, errDrained):
		return Released(job)
	default:
		return Failed(job, err)
	}
}

// Failed is the result of a job that came to an error.
func Failed(job *workerv1.Job, err error) *workerv1.Result {
	f := fault.Find(err)
	return &workerv1.Result{Lease: job.GetLease(), Outcome: &workerv1.Result_Failure{Failure: &workerv1.Failure{
		Kind: f.Kind.String(), Message: err.Error(), Side: f.Side, Key: f.Key, Column: f.Column}}}
}

// Released is the result of a job that is given back as it is.
func Released(job *workerv1.Job) *workerv1.Result {
	return &workerv1.Result{Lease: job.GetLease(), Outcome: &workerv1.Result_Released{Released: &workerv1.Released{}}}
}

// count tells the holder, and the metrics, what a job has moved.
func (l *Loop) count(j *running, p *workerv1.Progress, note func(string, *workerv1.Progress) (rows, bytes int64)) {
	l.mu.Lock()
	rows, bytes := note(j.job.GetLease(), p)
	l.mu.Unlock()
	if rows > 0 || bytes > 0 {
		l.cfg.Metrics.Moved(l.role, j.job.GetMigrationName(), tableOf(j.job), rows, bytes)
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
