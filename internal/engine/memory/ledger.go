package memory

import (
	"context"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// OpenRange fences a range.
func (d *database) OpenRange(_ context.Context, r engine.RangeRequest) (engine.RangeWriter, error) {
	const op = "memory.OpenRange"
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.migrations[r.Migration.UID]
	if err := m.check(r.Migration); err != nil {
		return nil, err
	}
	t := d.tables[placeOf(r.Plan)]
	if t == nil {
		return nil, fault.New(fault.Changed, op, "table %s is gone", r.Plan.GetTargetName())
	}
	id := rangeID{r.Plan.GetNumber(), r.Range.GetNumber()}
	row := m.ranges[id]
	if row == nil {
		row = &ledgerRange{epoch: m.table(id.table).epoch}
		m.ranges[id] = row
	}
	if row.epoch >= r.Epoch {
		return nil, fault.New(fault.Fenced, op, "epoch %d is over; the range is at %d", r.Epoch, row.epoch)
	}
	if r.Reset {
		if !keyrange.Whole(r.Range) && keyrange.Ordered(r.Range) && !r.Plan.GetValidateByRange() {
			return nil, fault.New(fault.Unsupported, op, "rows of one range of %s cannot be told from others: empty the table", t.def.GetName())
		}
		t.remove(r.Plan, r.Range)
		*row = ledgerRange{}
	}
	if row.attempt != r.Attempt {
		row.NextSequence = 0
	}
	row.attempt, row.epoch, row.loaded = r.Attempt, r.Epoch, false
	return &rangeWriter{database: d, request: r, migration: m, row: row, table: t, opened: row.Ledger}, nil
}

// rangeWriter writes one range's batches.
type rangeWriter struct {
	database  *database
	request   engine.RangeRequest
	migration *migration
	row       *ledgerRange
	table     *table
	opened    engine.Ledger
}

// Ledger is what the range had when it was fenced.
func (w *rangeWriter) Ledger() engine.Ledger { return w.opened }

// owned tells whether this writer may still write. The caller holds mu.
func (w *rangeWriter) owned() error {
	const op = "memory.Write"
	if err := w.migration.check(engine.Migration{Name: w.request.Migration.Name, Term: w.migration.term}); err != nil {
		return err
	}
	if w.row.epoch != w.request.Epoch || w.row.attempt != w.request.Attempt {
		return engine.NotOwned(op, w.request, w.row.epoch)
	}
	return nil
}

// Write applies a batch and its ledger row under one lock.
func (w *rangeWriter) Write(ctx context.Context, b engine.Batch) (engine.Outcome, error) {
	const op = "memory.Write"
	if err := ctx.Err(); err != nil {
		return 0, fault.Wrap(fault.Canceled, op, err)
	}
	if b.Large != nil { // there is nothing but memory
		var err error
		if b.Body, err = engine.ReadLarge(b.Large, 0, b.Large.Size()); err != nil {
			return 0, err
		}
		b.Large = nil
	}
	rows, err := w.decode(b)
	if err != nil {
		return 0, err
	}
	w.database.mu.Lock()
	defer w.database.mu.Unlock()
	if err := w.owned(); err != nil {
		return 0, err
	}
	switch {
	case b.Sequence < w.row.NextSequence:
		return engine.Duplicate, nil
	case b.Sequence > w.row.NextSequence:
		return 0, fault.New(fault.Gap, op, "batch %d came, batch %d is next", b.Sequence, w.row.NextSequence)
	}
	before := w.table.rows
	err = w.insert(rows, b)
	if err != nil {
		w.table.rows = before
		return 0, err
	}
	return engine.Written, nil
}

// Complete checks that the ledger holds exactly the attempt's batches.
func (w *rangeWriter) Complete(_ context.Context, batches uint64) (engine.Ledger, error) {
	w.database.mu.Lock()
	defer w.database.mu.Unlock()
	if err := w.owned(); err != nil {
		return engine.Ledger{}, err
	}
	if w.row.NextSequence != batches {
		return engine.Ledger{}, fault.New(fault.Gap, "memory.Complete", "%d batches are in the target, the extraction had %d", w.row.NextSequence, batches)
	}
	w.row.loaded = true
	return w.row.Ledger, nil
}

// Close gives nothing back: a writer holds nothing.
func (w *rangeWriter) Close() error { return nil }

// decode copies a batch's rows out of its body, and checks their number and sum.
func (w *rangeWriter) decode(b engine.Batch) ([]record, error) {
	rows, sum, err := w.records(b.Encoding, b.Body)
	if err == nil && sum != b.Digest {
		err = fault.New(fault.Corrupt, "memory.Write", "batch %d does not add up: %d rows, header says %d", b.Sequence, sum.Rows, b.Digest.Rows)
	}
	return rows, err
}

// records copies rows out of a body, in the order of the table's columns, and adds
// them up.
func (w *rangeWriter) records(enc planv1.Encoding, body []byte) (rows []record, sum batch.Digest, err error) {
	plan := w.request.Plan.GetColumns()
	fields, to := make([][]byte, len(plan)), make([]int, len(plan))
	for i, c := range plan {
		if to[i] = w.table.column(c.GetTarget()); to[i] < 0 {
			return nil, sum, fault.New(fault.Changed, "memory.Write", "table has no column %s", c.GetTarget())
		}
	}
	for rest := body; len(rest) > 0; {
		row, after, err := batch.Fields(enc, rest, fields)
		if err != nil {
			return nil, sum, fault.Wrap(fault.Corrupt, "memory.Write", err)
		}
		sum.Add(row)
		rest = after
		rec := make(record, len(w.table.def.GetColumns()))
		for i, v := range fields {
			if v != nil {
				rec[to[i]] = append([]byte{}, v...)
			}
		}
		rows = append(rows, rec)
	}
	return rows, sum, nil
}
