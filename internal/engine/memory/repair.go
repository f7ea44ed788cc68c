package memory

import (
	"context"
	"slices"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// Repair makes rows what they should be under one lock.
func (d *database) Repair(ctx context.Context, r engine.RepairRequest) ([]engine.RepairAction, error) {
	const op = "memory.Repair"
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, op, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tables[placeOf(r.Plan)]
	if t == nil {
		return nil, fault.New(fault.NotFound, op, "no table %s", r.Plan.GetTargetName())
	}
	actions, err := t.decide(ctx, r)
	if err != nil || r.DryRun {
		return actions, err
	}
	inserts := append(r.Chosen(actions, engine.RepairInsert), r.Chosen(actions, engine.RepairUpdate)...)
	w := &rangeWriter{database: d, request: engine.RangeRequest{Plan: r.Plan}, table: t}
	rows, err := w.decode(engine.BatchOf(r.Plan, inserts))
	if err != nil {
		return nil, err
	}
	before := t.rows
	gone := append(r.Chosen(actions, engine.RepairDelete), r.Chosen(actions, engine.RepairUpdate)...)
	t.removeKeys(engine.RepairRequest{Rows: gone})
	if err := t.insert(rows); err != nil {
		t.rows = before
		return nil, err
	}
	return actions, nil
}

// decide looks at the rows that the table has.
func (t *table) decide(ctx context.Context, r engine.RepairRequest) ([]engine.RepairAction, error) {
	read := engine.ReadRequest{Side: engine.TargetSide, Plan: r.Plan, Keys: r.Keys()}
	reader, err := newRowReader(t, read)
	if err != nil {
		return nil, err
	}
	there := engine.RowsThere{}
	if err := reader.each(ctx, t.rows, there.Take); err != nil {
		return nil, err
	}
	return r.Decide(there), nil
}

func (t *table) removeKeys(r engine.RepairRequest) {
	gone := engine.ReadRequest{Keys: r.Keys()}
	t.rows = slices.DeleteFunc(slices.Clone(t.rows), func(rec record) bool { return gone.HasOneOf(t.keyOf(rec)) })
}

// CountRows counts the rows of a request.
func (d *database) CountRows(ctx context.Context, r engine.ReadRequest) (n int64, err error) {
	err = d.Read(ctx, r, func(engine.Row) error { n++; return nil })
	return n, err
}
