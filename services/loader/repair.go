package loader

import (
	"context"
	"errors"
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

const (
	// repairKeys is how many rows one statement looks up by their keys.
	repairKeys = 200
	// repairBytes is about how many bytes of rows one transaction of a repair takes.
	repairBytes = 32 << 20
)

// repair makes rows of the target what the source has now: all of a range's rows in
// one transaction, unless they are large.
type repair struct {
	work           *workerv1.RepairRange
	source, target engine.Database
	waiting        []engine.RowRepair
	labels         []string
	bytes          int
	done           []*planv1.RowRepair
}

// repair does a repair's job.
func (s *Service) repair(ctx context.Context, target engine.Database, job *workerv1.Job) (*workerv1.Result, error) {
	work := job.GetRepair()
	if !engine.HasKey(work.GetTable()) {
		return nil, fault.New(fault.Unsupported, "loader.Repair", "table %s has no key that tells its rows apart: copy it again as a whole", engine.Label(work.GetTable(), engine.TargetSide))
	}
	source, release, err := s.databases.Use(ctx, job.GetSource(), engine.SourceSide)
	if err != nil {
		return nil, err
	}
	defer release()
	r := &repair{work: work, source: source, target: target}
	// Rows that only the target has go first: others may take their place in a unique index.
	rows := slices.Clone(work.GetRows())
	slices.SortStableFunc(rows, func(a, b *planv1.RowDifference) int { return rank(a) - rank(b) })
	for chunk := range slices.Chunk(rows, repairKeys) {
		if err := r.add(ctx, chunk); err != nil {
			return nil, err
		}
	}
	if err := r.flush(ctx); err != nil {
		return nil, err
	}
	return &workerv1.Result{Outcome: &workerv1.Result_RangeRepair{RangeRepair: &workerv1.RangeRepair{Rows: r.done}}}, nil
}

func rank(d *planv1.RowDifference) int {
	if d.GetDifference().GetType() == planv1.Difference_TYPE_EXTRA {
		return 0
	}
	return 1
}

// add reads rows again from the source.
func (r *repair) add(ctx context.Context, rows []*planv1.RowDifference) error {
	if len(rows) == 0 {
		return nil
	}
	request := engine.ReadRequest{Side: engine.SourceSide, Plan: r.work.GetTable(), Keys: []*planv1.Bound{}}
	for _, d := range rows {
		if d.GetKey() == nil {
			return fault.New(fault.Unsupported, "loader.Repair", "a row of %s that differs has a NULL in its key, which does not tell it from others: copy the table again",
				engine.Label(r.work.GetTable(), engine.TargetSide))
		}
		request.Keys = append(request.Keys, d.GetKey())
	}
	found := map[string][]byte{}
	size := r.bytes
	err := r.source.Read(ctx, request, func(row engine.Row) error {
		key, err := row.Key()
		if err != nil {
			return err
		}
		found[engine.KeyText(key)] = slices.Clone(row.Data)
		if size += len(row.Data); size >= repairBytes {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) && len(rows) > 1 {
		// What was read goes first, the others are looked for once more.
		var read, left []*planv1.RowDifference
		for _, d := range rows {
			if found[engine.KeyText(d.GetKey())] != nil {
				read = append(read, d)
			} else {
				left = append(left, d)
			}
		}
		if len(read) == 0 {
			return fault.New(fault.Exhausted, "loader.Repair", "rows of %d bytes compare as equal to keys that they do not have: repair them by hand", size)
		}
		if err := r.keep(ctx, read, found); err != nil {
			return err
		}
		return r.add(ctx, left)
	}
	if err != nil && !errors.Is(err, errEnough) {
		return fault.At(err, fault.Source, engine.Label(r.work.GetTable(), engine.SourceSide))
	}
	return r.keep(ctx, rows, found)
}

// errEnough stops a read: as many bytes wait as one transaction should take.
var errEnough = errors.New("enough rows")

// keep lets rows wait for their transaction, with what the source has of them.
func (r *repair) keep(ctx context.Context, rows []*planv1.RowDifference, found map[string][]byte) error {
	for _, d := range rows {
		row := engine.RowRepair{Key: d.GetKey(), Row: found[engine.KeyText(d.GetKey())]}
		if len(d.GetTargetRow()) > 0 {
			seen, err := batch.HashFrom(d.GetTargetRow())
			if err != nil {
				return fault.New(fault.Internal, "loader.Repair", "read the hash of row %s: %w", d.GetDifference().GetKey(), err)
			}
			row.Seen = &seen
		}
		r.waiting, r.labels, r.bytes = append(r.waiting, row), append(r.labels, d.GetDifference().GetKey()), r.bytes+len(row.Row)
	}
	if r.bytes < repairBytes {
		return nil
	}
	return r.flush(ctx)
}

// flush repairs the rows that wait.
func (r *repair) flush(ctx context.Context) error {
	if len(r.waiting) == 0 {
		return nil
	}
	err := r.carryOut(ctx, r.waiting, r.labels)
	r.waiting, r.labels, r.bytes = nil, nil, 0
	return atTable(err, r.work.GetTable())
}

// carryOut repairs rows in one transaction. Where that is refused and rows may be left
// out, halves of them are tried alone, down to those that the target refuses.
func (r *repair) carryOut(ctx context.Context, rows []engine.RowRepair, labels []string) error {
	actions, err := r.target.Repair(ctx, engine.RepairRequest{Plan: r.work.GetTable(), Rows: rows, DryRun: r.work.GetDryRun()})
	switch {
	case err == nil:
		for i, a := range actions {
			r.done = append(r.done, r.outcome(labels[i], rows[i], a))
		}
		return nil
	case !r.work.GetByRow() || !fault.Is(err, fault.Value) && !fault.Is(err, fault.Exists):
		return err
	case len(rows) == 1:
		refused := r.outcome(labels[0], rows[0], engine.RepairRefused)
		refused.Outcome, refused.Reason = planv1.RowRepair_OUTCOME_REFUSED, fault.Find(err).Err.Error()
		r.done = append(r.done, refused)
		return nil
	}
	half := len(rows) / 2
	if err := r.carryOut(ctx, rows[:half], labels[:half]); err != nil {
		return err
	}
	return r.carryOut(ctx, rows[half:], labels[half:])
}

// outcome tells what became of a row.
func (r *repair) outcome(key string, row engine.RowRepair, a engine.RepairAction) *planv1.RowRepair {
	out := &planv1.RowRepair{Key: key, Action: planv1.RowRepair_ACTION_NONE, Outcome: planv1.RowRepair_OUTCOME_DONE}
	if r.work.GetDryRun() {
		out.Outcome = planv1.RowRepair_OUTCOME_PLANNED
	}
	switch a {
	case engine.RepairInsert:
		out.Action = planv1.RowRepair_ACTION_INSERT
	case engine.RepairUpdate:
		out.Action = planv1.RowRepair_ACTION_UPDATE
	case engine.RepairDelete:
		out.Action = planv1.RowRepair_ACTION_DELETE
	case engine.RepairRefused:
		out.Outcome = planv1.RowRepair_OUTCOME_CHANGED
		switch {
		case row.Row == nil:
			out.Action = planv1.RowRepair_ACTION_DELETE
		case row.Seen == nil:
			out.Action = planv1.RowRepair_ACTION_INSERT
		default:
			out.Action = planv1.RowRepair_ACTION_UPDATE
		}
	}
	return out
}
