package validator

import (
	"context"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/internal/guard"
	"github.com/drover-db/drover/internal/worker"
)

// validate reads a range, or a whole table, back from the target and compares it
// with what the extractors read.
func (s *Service) validate(ctx context.Context, target engine.Reader, job *workerv1.Job, report worker.Report) (*workerv1.Verdict, error) {
	work := job.GetValidate()
	expected, base, err := sums(work)
	if err != nil {
		return nil, atTable(err, work.GetTable())
	}
	if err := faultpoint.Hit(ctx, faultpoint.ValidatorBeforeRead, job.GetTitle()); err != nil {
		return nil, err
	}
	read := progress{report: report}
	actual, err := digest(ctx, target, engine.ReadRequest{Side: engine.TargetSide, Plan: work.GetTable(), Range: work.GetRange()}, &read)
	if fault.Is(err, fault.Value) {
		return unreadable(err), nil
	}
	if err != nil {
		return nil, atTable(err, work.GetTable())
	}
	if err := faultpoint.Hit(ctx, faultpoint.ValidatorAfterRead, job.GetTitle()); err != nil {
		return nil, err
	}
	verdict := Judge(expected, base, actual)
	if verdict.GetEqual() {
		return verdict, nil
	}
	return verdict, s.explain(ctx, target, job, &read, verdict)
}

// Judge compares what was read back, less what was there before, with what extractors
// read.
func Judge(expected, base, actual batch.Digest) *workerv1.Verdict {
	actual.Subtract(base)
	return &workerv1.Verdict{Equal: actual == expected || guard.Removed(guard.VerdictDigest), Actual: actual.Proto()}
}

// sums reads the digests that a job came with.
func sums(work *workerv1.ValidateRange) (expected, base batch.Digest, err error) {
	const op = "validator.Validate"
	if expected, err = batch.DigestOf(work.GetExpected()); err != nil {
		return expected, base, fault.New(fault.Internal, op, "read expected digest: %w", err)
	}
	if base, err = batch.DigestOf(work.GetBaseline()); err != nil {
		return expected, base, fault.New(fault.Internal, op, "read baseline: %w", err)
	}
	return expected, base, nil
}

// unreadable is the verdict on a target row whose value is none of its column's:
// the loader wrote one that was, so the row is not what the source has.
func unreadable(err error) *workerv1.Verdict {
	return &workerv1.Verdict{Differences: []*planv1.Difference{unreadableRow(err)}, DifferentRows: 1}
}

func unreadableRow(err error) *planv1.Difference {
	f := fault.Find(err)
	d := &planv1.Difference{Type: planv1.Difference_TYPE_DIFFERENT, Key: f.Key}
	if f.Column != "" {
		d.Columns = []string{f.Column}
	}
	return d
}

// explain adds to a verdict which rows and columns differ. A source that cannot
// be read now leaves the verdict as it is: wrong, unexplained.
func (s *Service) explain(ctx context.Context, target engine.Reader, job *workerv1.Job, read *progress, verdict *workerv1.Verdict) error {
	if err := faultpoint.Hit(ctx, faultpoint.ValidatorBeforeDrill, job.GetTitle()); err != nil {
		return err
	}
	found, err := s.drill(ctx, target, job, read)
	if ctx.Err() != nil {
		return fault.Wrap(fault.Canceled, "validator.Validate", ctx.Err())
	}
	if err != nil {
		s.config.Logger.Warn("rows differ, but which ones cannot be found out", "migration", job.GetMigration(),
			"table", engine.Label(job.GetValidate().GetTable(), engine.TargetSide), "range", job.GetValidate().GetRange().GetNumber(), "error", err)
		return nil
	}
	for _, d := range found.listed {
		verdict.Differences = append(verdict.Differences, d.GetDifference())
	}
	verdict.DifferentRows = found.rows
	return nil
}

// drill opens the source and compares both sides row by row.
func (s *Service) drill(ctx context.Context, target engine.Reader, job *workerv1.Job, read *progress) (*findings, error) {
	source, release, err := s.databases.Use(ctx, job.GetSource(), engine.SourceSide)
	if err != nil {
		return nil, err
	}
	defer release()
	work := job.GetValidate()
	rejected, err := batch.HashesOf(work.GetRejected())
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "validator.Validate", err)
	}
	d := &drill{
		source: source, target: target, plan: work.GetTable(), rng: work.GetRange(), spare: work.GetBaseline().GetRows(), rejected: rejected,
		maxListed: s.config.MaxDifferences, maxEntries: s.config.DrillRows, read: read,
	}
	return d.run(ctx)
}

// baseline digests what a target table holds before the load; the verdict's
// actual digest is the answer.
func baseline(ctx context.Context, target engine.Reader, work *workerv1.Baseline, report worker.Report) (*workerv1.Verdict, error) {
	d, err := digest(ctx, target, engine.ReadRequest{Side: engine.TargetSide, Plan: work.GetTable()}, &progress{report: report})
	if err != nil {
		return nil, atTable(err, work.GetTable())
	}
	return &workerv1.Verdict{Equal: true, Actual: d.Proto()}, nil
}

// digest adds up what a request reads, and holds no large row.
func digest(ctx context.Context, db engine.Reader, r engine.ReadRequest, read *progress) (batch.Digest, error) {
	var d batch.Digest
	r.Pieces = batch.LargeRow
	err := db.Read(ctx, r, read.hashed(func(_ engine.Row, row batch.Hash) error {
		d.AddHash(row)
		return nil
	}))
	return d, err
}

// progress counts rows read and reports now and then.
type progress struct {
	report      worker.Report
	rows, bytes int64
	reported    int64
}

func (p *progress) count(n int) {
	p.rows++
	p.piece(n)
}

// piece counts a part of a row.
func (p *progress) piece(n int) {
	const every = 1 << 20
	p.bytes += int64(n)
	if p.bytes-p.reported >= every {
		p.reported = p.bytes
		p.report(&workerv1.Progress{Rows: p.rows, Bytes: p.bytes})
	}
}
