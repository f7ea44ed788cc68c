package sim

import (
	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

// The source: what is in a range is asked of the range's bounds, as a database is asked.
// Ranges change when they are cut, and jobs of before the cut still have the old bounds.

// rowsIn lists the rows of a table within a range and behind a key, in order; all where
// the range is nil.
func (w *World) rowsIn(table uint32, r *planv1.Range, after uint64) (out []*row) {
	for _, row := range w.rows[table] {
		if within(r, row) && (row.null() || row.key > after) {
			out = append(out, row)
		}
	}
	return out
}

func within(r *planv1.Range, row *row) bool {
	if only := r.GetNullKeys() == planv1.NullKeys_NULL_KEYS_ONLY; r == nil || only || row.null() {
		return r == nil || only && row.null()
	}
	return row.key >= keyOf(r.GetLower()) && (r.GetUpper() == nil || row.key < keyOf(r.GetUpper()))
}

// pieces cuts what is left of a range behind a key, as engine.Source does.
func (w *World) pieces(work *workerv1.SplitTable) []*planv1.Range {
	whole := work.GetWithin()
	rest := w.rowsIn(work.GetTable().GetNumber(), whole, keyOf(work.GetAfter()))
	out := []*planv1.Range{{Number: whole.GetNumber(), Label: whole.GetLabel(), Lower: whole.GetLower(), NullKeys: whole.GetNullKeys()}}
	// The first piece may have no row behind the key.
	for at := w.rng.IntN(int(work.GetTargetRows()) + 1); at < len(rest) && !rest[at].null(); at += int(work.GetTargetRows()) {
		key := bound(rest[at].key)
		out[len(out)-1].Upper = key
		out = append(out, &planv1.Range{Number: uint32(len(out)), Label: whole.GetLabel() + "+", Lower: key})
	}
	out[len(out)-1].Upper = whole.GetUpper()
	for _, r := range out {
		r.EstimatedRows = int64(len(w.rowsIn(work.GetTable().GetNumber(), r, 0)))
	}
	return out
}

// cut takes a range that the log has cut. Rows that are in the target must be in the first
// piece: its ledger counts them.
func (w *World) cut(e *journalv1.RangeCut) {
	table := w.target.tables[e.GetTable()]
	first := table.ranges[e.GetRange().GetNumber()]
	w.stats.Cuts++
	*first.source = w.sourceRange(e.GetTable(), e.GetRange())
	for _, r := range e.GetAdded() {
		piece := w.sourceRange(e.GetTable(), r)
		w.ranges[e.GetTable()] = append(w.ranges[e.GetTable()], &piece)
		table.add(&piece)
		for _, row := range piece.rows {
			if row.have > 0 {
				w.violate("row %d of table %d is in the target, and range %d is cut before it", row.key, row.table, e.GetRange().GetNumber())
			}
		}
	}
}

// sourceRange is a range of a plan with its rows.
func (w *World) sourceRange(table uint32, plan *planv1.Range) sourceRange {
	r := sourceRange{plan: plan, rows: w.rowsIn(table, plan, 0)}
	for _, row := range r.rows {
		row.rng = plan.GetNumber()
		r.digest.AddHash(row.hash)
	}
	return r
}
