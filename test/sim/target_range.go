package sim

import (
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/guard"
)

// The loader's side of the target: what a target promises of ranges.

// fence takes a range over for a loader.
func (t *target) fence(tx *transaction, q engine.RangeRequest, then func(engine.Ledger, error)) {
	t.enter(tx, q.Migration.Term, func(err error) {
		if err != nil {
			then(engine.Ledger{}, err)
			return
		}
		table := t.tables[q.Plan.GetNumber()]
		tx.acquire(&table.lock, false, func() {
			r := table.ranges[q.Range.GetNumber()]
			tx.acquire(&r.lock, true, func() { t.take(tx, table, r, q, then) })
		})
	})
}

// take moves the epoch of a range's row.
func (t *target) take(tx *transaction, table *targetTable, r *targetRange, q engine.RangeRequest, then func(engine.Ledger, error)) {
	if table.epoch > q.Epoch && !guard.Removed(guard.FenceTable) {
		then(engine.Ledger{}, fault.New(fault.Fenced, "sim.fence", "the table was emptied since"))
		return
	}
	if r.epoch >= q.Epoch && !guard.Removed(guard.FenceEpoch) {
		then(engine.Ledger{}, fault.New(fault.Fenced, "sim.fence", "range belongs to a later loader"))
		return
	}
	fenced := r.ledger
	if q.Reset {
		fenced = engine.Ledger{}
	} else if r.attempt != q.Attempt {
		fenced.NextSequence = 0
	}
	tx.writes = append(tx.writes, func() {
		t.change(r)
		t.w.check.changing()
		t.w.check.fencing(r, q)
		if q.Reset {
			rows := t.w.rowsIn(table.number, q.Range, 0)
			t.w.check.removing(r, q.Epoch)
			t.w.check.within(r, rows)
			r.clear(rows)
		}
		r.exists, r.complete, r.attempt, r.epoch, r.ledger = true, false, q.Attempt, q.Epoch, fenced
	})
	then(fenced, nil)
}

// advance is the first half of the loader's step: the conditional update of the range's
// row. It answers what the target makes of the batch.
func (t *target) advance(tx *transaction, q engine.RangeRequest, seq uint64, next engine.Ledger, then func(mine bool, row engine.Ledger, err error)) {
	t.enter(tx, t.term, func(err error) {
		if err != nil {
			then(false, engine.Ledger{}, err)
			return
		}
		r := t.tables[q.Plan.GetNumber()].ranges[q.Range.GetNumber()]
		tx.acquire(&r.lock, true, func() {
			if err := r.owned(q); err != nil {
				then(false, engine.Ledger{}, err)
				return
			}
			if r.ledger.NextSequence != seq && !guard.Removed(guard.LedgerSequence) {
				then(false, r.ledger, nil)
				return
			}
			tx.writes = append(tx.writes, func() {
				t.change(r)
				t.w.check.advancing(r, q, next)
				r.ledger, r.writer = next, q.Epoch
			})
			then(true, next, nil)
		})
	})
}

// owned tells whether a loader owns the range.
func (r *targetRange) owned(q engine.RangeRequest) error {
	if r.epoch != q.Epoch && !guard.Removed(guard.LedgerEpoch) {
		return engine.NotOwned("sim.advance", q, r.epoch)
	}
	if r.attempt != q.Attempt && !guard.Removed(guard.LedgerAttempt) {
		return fault.New(fault.Fenced, "sim.advance", "range is loaded from another extraction")
	}
	return nil
}

// insert is the second half: the rows, which the commit brings in.
func (t *target) insert(tx *transaction, plan *planv1.TablePlan, body []byte) error {
	for rest := body; len(rest) > 0; {
		var fields [2][]byte
		data, after, err := batch.Fields(plan.GetEncoding(), rest, fields[:])
		if err != nil {
			return fault.Wrap(fault.Corrupt, "sim.insert", err)
		}
		rest = after
		row := t.w.source[string(data)]
		if row == nil {
			tx.writes = append(tx.writes, func() { t.w.violate("a row that the source has not is in the target: %q", data) })
			continue
		}
		if row.poison {
			return &fault.Error{Kind: fault.Value, Op: "sim.insert", Side: fault.Target, Key: "poison", Column: "v", Err: errPoison}
		}
		tx.writes = append(tx.writes, func() { t.w.check.inserted(row) })
	}
	tx.writes = append(tx.writes, t.w.check.batchIn)
	return nil
}

// complete checks that a range holds all batches of its attempt.
func (t *target) complete(tx *transaction, q engine.RangeRequest, batches uint64, then func(engine.Ledger, error)) {
	t.enter(tx, t.term, func(err error) {
		if err != nil {
			then(engine.Ledger{}, err)
			return
		}
		r := t.tables[q.Plan.GetNumber()].ranges[q.Range.GetNumber()]
		tx.acquire(&r.lock, true, func() {
			if err := r.owned(q); err != nil {
				then(engine.Ledger{}, err)
				return
			}
			if r.ledger.NextSequence != batches && !guard.Removed(guard.LedgerBatches) {
				then(engine.Ledger{}, fault.New(fault.Gap, "sim.complete", "ledger holds %d batches, the attempt had %d", r.ledger.NextSequence, batches))
				return
			}
			tx.writes = append(tx.writes, func() { t.change(r); r.complete = true })
			then(r.ledger, nil)
		})
	})
}
