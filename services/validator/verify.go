package validator

import (
	"context"

	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/worker"
)

// listedBytes bounds the rows that a check lists: they become one entry of the control log.
const listedBytes = 512 << 10

// verification compares both sides of a range, or of a table, as they are now.
type verification struct {
	service        *Service
	work           *workerv1.VerifyRange
	source, target engine.Database
	// rejected rows of the source are not in the target, and no difference.
	rejected batch.Hashes
	read     *progress
}

// verify does a verification's job.
func (s *Service) verify(ctx context.Context, target engine.Database, job *workerv1.Job, report worker.Report) (*workerv1.RangeCheck, error) {
	source, release, err := s.databases.Use(ctx, job.GetSource(), engine.SourceSide)
	if err != nil {
		return nil, err
	}
	defer release()
	v := &verification{service: s, work: job.GetVerify(), source: source, target: target, read: &progress{report: report}}
	if v.rejected, err = batch.HashesOf(v.work.GetRejected()); err != nil {
		return nil, fault.New(fault.Internal, "validator.Verify", "read rejected rows: %w", err)
	}
	mode := v.work.GetMode()
	switch {
	case mode == planv1.VerifyMode_VERIFY_MODE_SCHEMA:
		return v.schema(ctx)
	case mode == planv1.VerifyMode_VERIFY_MODE_COUNT:
		return v.count(ctx)
	case mode == planv1.VerifyMode_VERIFY_MODE_SAMPLE && everyRowHasKey(v.work):
		return v.sample(ctx)
	default:
		return v.compare(ctx, mode == planv1.VerifyMode_VERIFY_MODE_ROWS)
	}
}

// everyRowHasKey tells whether each row of a job's can be looked up by its key.
func everyRowHasKey(w *workerv1.VerifyRange) bool {
	key := w.GetTable().GetSource().GetKey()
	return engine.HasKey(w.GetTable()) && (!key.GetNullable() || w.GetRange().GetNullKeys() == planv1.NullKeys_NULL_KEYS_EXCLUDED)
}

func (v *verification) request(side engine.Side) engine.ReadRequest {
	return engine.ReadRequest{Side: side, Plan: v.work.GetTable(), Range: v.work.GetRange()}
}

// count counts both sides.
func (v *verification) count(ctx context.Context) (*workerv1.RangeCheck, error) {
	source, passed, err := v.countSource(ctx)
	if err != nil {
		return nil, err
	}
	target, err := v.target.CountRows(ctx, v.request(engine.TargetSide))
	if err != nil {
		return nil, err
	}
	target -= v.work.GetBaseline().GetRows()
	return &workerv1.RangeCheck{Source: &planv1.Digest{Rows: source}, Target: &planv1.Digest{Rows: target}, DifferentRows: max(source-target, target-source),
		RejectedRows: passed}, nil
}

// countSource counts the source's rows, and the rejected ones that it passes over: which
// those are only their hashes tell.
func (v *verification) countSource(ctx context.Context) (rows, passed int64, err error) {
	if len(v.rejected) > 0 {
		d, passed, err := v.sourceDigest(ctx)
		return d.Rows, passed, err
	}
	rows, err = v.source.CountRows(ctx, v.request(engine.SourceSide))
	return rows, 0, err
}

// compare reads both sides whole; where they differ and rows are wanted it finds which.
func (v *verification) compare(ctx context.Context, rows bool) (*workerv1.RangeCheck, error) {
	const op = "validator.Verify"
	base, err := batch.DigestOf(v.work.GetBaseline())
	if err != nil {
		return nil, fault.New(fault.Internal, op, "read baseline: %w", err)
	}
	source, passed, err := v.sourceDigest(ctx)
	if err != nil {
		return nil, fault.At(err, fault.Source, engine.Label(v.work.GetTable(), engine.SourceSide))
	}
	target, err := digest(ctx, v.target, v.request(engine.TargetSide), v.read)
	if fault.Is(err, fault.Value) {
		return &workerv1.RangeCheck{Source: source.Proto(), Target: &planv1.Digest{}, DifferentRows: 1, RejectedRows: passed,
			Differences: []*planv1.RowDifference{{Difference: unreadableRow(err)}}}, nil
	}
	if err != nil {
		return nil, atTable(err, v.work.GetTable())
	}
	target.Subtract(base)
	out := &workerv1.RangeCheck{Source: source.Proto(), Target: target.Proto(), RejectedRows: passed}
	if source == target {
		return out, nil
	}
	out.DifferentRows = max(1, source.Rows-target.Rows, target.Rows-source.Rows)
	if !rows {
		return out, nil
	}
	return out, v.drill(ctx, base.Rows, out)
}

// sourceDigest adds up what the source has, but for rejected rows, which it counts.
func (v *verification) sourceDigest(ctx context.Context) (d batch.Digest, passed int64, err error) {
	rejected := counted(v.rejected)
	request := v.request(engine.SourceSide)
	request.Pieces = batch.LargeRow
	err = v.source.Read(ctx, request, v.read.hashed(func(_ engine.Row, row batch.Hash) error {
		if rejected[row] > 0 {
			rejected[row]--
			passed++
			return nil
		}
		d.AddHash(row)
		return nil
	}))
	return d, passed, err
}

// drill adds to a check which rows differ.
func (v *verification) drill(ctx context.Context, spare int64, out *workerv1.RangeCheck) error {
	c := v.service.config
	d := &drill{source: v.source, target: v.target, plan: v.work.GetTable(), rng: v.work.GetRange(), spare: spare,
		rejected: v.rejected, maxListed: int(v.work.GetMaxDifferences()), maxEntries: c.DrillRows, read: v.read}
	found, err := d.run(ctx)
	if err != nil {
		return err
	}
	out.DifferentRows = max(1, found.rows)
	if engine.HasKey(v.work.GetTable()) {
		out.Differences = listed(found.listed, d.maxListed)
	}
	return nil
}

// listed keeps as many rows as a check may list.
func listed(rows []*planv1.RowDifference, most int) []*planv1.RowDifference {
	rows = rows[:min(len(rows), most)]
	size := 0
	for i, r := range rows {
		if size += proto.Size(r); size > listedBytes {
			return rows[:i]
		}
	}
	return rows
}
