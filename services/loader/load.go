package loader

import (
	"context"
	"log/slog"

	streamv1 "github.com/drover-db/drover/gen/drover/stream/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/internal/worker"
)

// load fences a range, reports where its extraction has to begin, and writes its
// stream into the target until the end of the attempt.
func (s *Service) load(ctx context.Context, db engine.Target, job *workerv1.Job, report worker.Report) (*workerv1.Result, error) {
	work := job.GetLoad()
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
	l.assembler.close()
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
	fenced := w.Ledger()
	report(&workerv1.Progress{Fenced: &workerv1.Fenced{After: fenced.After, Digest: fenced.Digest.Proto()}})
	work := job.GetLoad()
	consumer, err := s.config.Bus.Consume(ctx, work.GetStream(), work.GetSubject())
	if err != nil {
		return nil, fault.At(err, fault.Stream, work.GetStream())
	}
	return &loading{
		job: job, writer: w, report: report, fenced: fenced,
		log: s.config.Logger.With("migration", job.GetMigration(), "table", engine.Label(work.GetTable(), engine.TargetSide),
			"range", work.GetRange().GetNumber(), "attempt", work.GetAttempt()),
		assembler: newAssembler(job, fenced.NextSequence, s.config.SpillDir),
		sieve:     newSieve(job),
		inbox:     &inbox{bus: s.config.Bus, stream: work.GetStream(), consumer: consumer, silence: s.config.Silence},
	}, nil
}

// loading is one range's stream under way.
type loading struct {
	job       *workerv1.Job
	writer    engine.RangeWriter
	report    worker.Report
	log       *slog.Logger
	inbox     *inbox
	assembler *assembler
	// sieve takes rows that the target refuses; nil where they fail the load.
	sieve *sieve
	// fenced is what the target had when this loader took the range.
	fenced engine.Ledger
	// arrived is what came since, by the extractor's digests.
	arrived batch.Digest
	loaded  workerv1.Loaded
}

// run takes messages until the attempt's last one.
func (l *loading) run(ctx context.Context) (*workerv1.Loaded, error) {
	for {
		d, err := l.inbox.next(ctx)
		if err != nil {
			return nil, err
		}
		what, h, body, err := l.assembler.add(d.Data)
		if err != nil {
			return nil, fault.At(err, fault.Stream, "")
		}
		switch what {
		case ignored:
			l.log.Warn("message passed over", "got_attempt", h.GetAttempt(), "sequence", h.GetSequence(), "part", h.GetPart())
			continue
		case partial:
			if l.assembler.large == nil {
				continue
			}
			// What is on this loader's disk need not stay in the stream, which may be
			// smaller than the batch.
		case repeated:
			l.loaded.Duplicates++
		case whole:
			if err := l.write(ctx, h, body); err != nil {
				return nil, err
			}
		case end:
			return l.complete(ctx, h.GetEnd())
		}
		l.report(&workerv1.Progress{Rows: l.loaded.GetRows(), Bytes: l.loaded.GetBytes(), CommittedSequence: d.Sequence})
	}
}

// write brings a batch into the target.
func (l *loading) write(ctx context.Context, h *streamv1.BatchHeader, body []byte) error {
	digest, err := batch.DigestOf(h.GetDigest())
	if err != nil {
		return fault.At(fault.New(fault.Corrupt, "loader.Load", "read digest of batch %d: %w", h.GetSequence(), err), fault.Stream, "")
	}
	if err := faultpoint.Hit(ctx, faultpoint.LoaderBeforeWrite, l.job.GetTitle()); err != nil {
		return err
	}
	large := l.assembler.largeBody()
	if large != nil {
		watched, stop := l.watch(large)
		defer stop()
		large = watched
	}
	outcome, err := writeAgain(ctx, l.writer, engine.Batch{
		Sequence: h.GetSequence(),
		Encoding: h.GetEncoding(),
		Body:     body,
		Large:    large,
		Digest:   digest,
		LastKey:  h.GetLastKey(),
		Touched:  engine.TouchedOf(h.GetTouched()),
		Sieve:    l.sieve.engine(ctx, l.job.GetTitle()),
	})
	if err != nil {
		return err
	}
	if outcome == engine.Duplicate {
		// A commit whose answer was lost: the ledger has counted it, once.
		l.loaded.Duplicates++
	} else {
		l.loaded.Batches++
		l.loaded.Rows += digest.Rows
		l.loaded.Bytes += l.assembler.size(body)
	}
	if spilled := l.assembler.large; spilled != nil {
		l.log.Info("large batch went by the disk", "sequence", h.GetSequence(), "rows", digest.Rows, "bytes", spilled.size)
	}
	l.arrived.Merge(digest)
	l.assembler.accept()
	return faultpoint.Hit(ctx, faultpoint.LoaderAfterWrite, l.job.GetTitle())
}

// complete marks the range loaded, if what is in the target is what was sent.
func (l *loading) complete(ctx context.Context, e *streamv1.EndOfRange) (*workerv1.Loaded, error) {
	if err := l.checkEnd(e); err != nil {
		return nil, fault.At(err, fault.Stream, "")
	}
	if err := faultpoint.Hit(ctx, faultpoint.LoaderBeforeComplete, l.job.GetTitle()); err != nil {
		return nil, err
	}
	final, err := l.writer.Complete(ctx, e.GetBatches())
	if err != nil {
		return nil, err
	}
	want, got := sum(l.fenced), sum(final)
	want.Merge(l.arrived)
	if got != want {
		return nil, fault.New(fault.Corrupt, "loader.Load", "the ledger counts %d rows (%s), the stream brought %d (%s)",
			got.Rows, got, want.Rows, want)
	}
	l.loaded.Rejected = l.sieve.message(final.Rejected)
	l.loaded.Digest, l.loaded.Touched = final.Digest.Proto(), final.Touched.Proto()
	return &l.loaded, faultpoint.Hit(ctx, faultpoint.LoaderAfterComplete, l.job.GetTitle())
}

// checkEnd compares what came with what the extractor says it sent. The sums
// can be compared only where all of the attempt came to this loader.
func (l *loading) checkEnd(e *streamv1.EndOfRange) error {
	if e.GetBatches() != l.assembler.next {
		return fault.New(fault.Corrupt, "loader.Load", "the stream ends after %d batches and says %d", l.assembler.next, e.GetBatches())
	}
	sent, err := batch.DigestOf(e.GetDigest())
	if err != nil {
		return fault.New(fault.Corrupt, "loader.Load", "read digest of the stream's end: %w", err)
	}
	if l.fenced.NextSequence == 0 && sent != l.arrived {
		return fault.New(fault.Corrupt, "loader.Load", "%d rows (%s) came where %d rows (%s) were sent",
			l.arrived.Rows, l.arrived, sent.Rows, sent)
	}
	return nil
}

// sum is what a ledger has of the source's rows: those in the target and the rejected.
func sum(l engine.Ledger) batch.Digest {
	d := l.Digest
	d.Merge(l.Rejected.Digest())
	return d
}
