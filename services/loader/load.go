package loader

import (
	"context"
	"log/slog"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/internal/worker"
)

// load fences a range, reports where its extraction has to begin, and writes its
// stream into the target until the end of the attempt.
func (s *Service) load(ctx context.Context, db engine.Target, job *workerv1.Job, report worker.Report) (*workerv1.Result, error) {
	work := job.GetLoad()
	if err := faultpoint.Hit(ctx, faultpoint.LoaderBeforeFence, job.GetTitle()); err != nil {
		return nil, err
	}
	writer, err := db.OpenRange(ctx, engine.RangeRequest{
		Migration: migration(job),
		Plan:      work.GetTable(),
		Range:     work.GetRange(),
		Attempt:   work.GetAttempt(),
		Epoch:     work.GetEpoch(),
		Reset:     work.GetReset_() >= workerv1.Reset_RESET_RANGE,
	})
	if err != nil {
		return nil, atTable(err, work.GetTable())
	}
	defer func() { _ = writer.Close() }() // what is committed is committed
	if work.GetReset_() == workerv1.Reset_RESET_REMOVE {
		return &workerv1.Result{Outcome: &workerv1.Result_Loaded{Loaded: &workerv1.Loaded{Digest: writer.Ledger().Digest.Proto()}}}, nil
	}
	l, err := s.begin(ctx, job, writer, report)
	if err != nil {
		return nil, atTable(err, work.GetTable())
	}
	loaded, err := l.run(ctx)
	l.inbox.consumer.Close()
	l.attempt.Close()
	if err != nil {
		return nil, atTable(err, work.GetTable())
	}
	return &workerv1.Result{Outcome: &workerv1.Result_Loaded{Loaded: loaded}}, nil
}

// begin reports the fence and starts to listen.
func (s *Service) begin(ctx context.Context, job *workerv1.Job, w engine.RangeWriter, report worker.Report) (*loading, error) {
	if err := faultpoint.Hit(ctx, faultpoint.LoaderAfterFence, job.GetTitle()); err != nil {
		return nil, err
	}
	sieve, err := newSieve(job)
	if err != nil {
		return nil, err
	}
	fenced := w.Ledger()
	report(&workerv1.Progress{Fenced: &workerv1.Fenced{After: fenced.After, Digest: fenced.Digest.Proto()}})
	work := job.GetLoad()
	consumer, err := s.config.Bus.Consume(ctx, work.GetStream(), work.GetSubject())
	if err != nil {
		return nil, fault.At(err, fault.Stream, work.GetStream())
	}
	attempt := NewAttempt(job, fenced, s.config.SpillDir)
	return &loading{
		job: job, writer: w, report: report, attempt: attempt,
		log: s.config.Logger.With("migration", job.GetMigration(), "table", engine.Label(work.GetTable(), engine.TargetSide),
			"range", work.GetRange().GetNumber(), "attempt", work.GetAttempt()),
		sieve: sieve,
		inbox: &inbox{bus: s.config.Bus, stream: work.GetStream(), consumer: consumer, silence: s.config.Silence, attempt: attempt},
	}, nil
}

// loading is one range's stream under way: an Attempt with the stream, the target and
// the coordinator around it.
type loading struct {
	job     *workerv1.Job
	writer  engine.RangeWriter
	report  worker.Report
	log     *slog.Logger
	inbox   *inbox
	attempt *Attempt
	// sieve takes rows that the target refuses; nil where they fail the load.
	sieve *sieve
}

// run takes messages until the attempt's last one.
func (l *loading) run(ctx context.Context) (*workerv1.Loaded, error) {
	for {
		d, err := l.inbox.next(worker.Gentle(ctx))
		if err != nil {
			return nil, err
		}
		step, err := l.attempt.Take(d.Data)
		if err != nil {
			return nil, fault.At(err, fault.Stream, "")
		}
		switch step.Action {
		case PassOver:
			h := step.Header
			l.log.Warn("message passed over", "got_attempt", h.GetAttempt(), "sequence", h.GetSequence(), "part", h.GetPart())
			continue
		case Wait:
			continue
		case Report:
		case Write:
			if err := l.write(ctx, step.Batch); err != nil {
				return nil, err
			}
		case Complete:
			return l.complete(ctx, step.Batches)
		}
		l.report(l.attempt.Progress(d.Sequence))
	}
}

// write brings a batch into the target.
func (l *loading) write(ctx context.Context, b engine.Batch) error {
	if err := faultpoint.Hit(ctx, faultpoint.LoaderBeforeWrite, l.job.GetTitle()); err != nil {
		return err
	}
	if b.Large != nil {
		watched, stop := l.watch(b.Large)
		defer stop()
		b.Large = watched
	}
	b.Sieve = l.sieve.engine(ctx, l.job.GetTitle())
	outcome, err := writeAgain(ctx, l.writer, b)
	if err != nil {
		return err
	}
	if b.Large != nil {
		l.log.Info("large batch went by the disk", "sequence", b.Sequence, "rows", b.Digest.Rows, "bytes", b.Large.Size())
	}
	l.attempt.Written(outcome, b.Body)
	return faultpoint.Hit(ctx, faultpoint.LoaderAfterWrite, l.job.GetTitle())
}

// complete marks the range loaded, if what is in the target is what was sent.
func (l *loading) complete(ctx context.Context, batches uint64) (*workerv1.Loaded, error) {
	if err := faultpoint.Hit(ctx, faultpoint.LoaderBeforeComplete, l.job.GetTitle()); err != nil {
		return nil, err
	}
	final, err := l.writer.Complete(ctx, batches)
	if err != nil {
		return nil, err
	}
	loaded, err := l.attempt.Completed(final)
	if err != nil {
		return nil, err
	}
	loaded.Rejected = l.sieve.message(final.Rejected)
	return loaded, faultpoint.Hit(ctx, faultpoint.LoaderAfterComplete, l.job.GetTitle())
}
