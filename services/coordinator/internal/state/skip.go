package state

import (
	"fmt"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
)

// tableSkipped gives a table up. Tables whose foreign keys point to it and that have
// not begun are designed again without it, unless a changed spec has that done anyway.
func (a *apply) tableSkipped(t *Table, e *journalv1.TableSkipped) error {
	if t.Stage == TableComplete {
		return fmt.Errorf("table %d is complete and cannot be skipped", t.Number)
	}
	t.Skipped, t.SkippedBySpec = true, e.GetBySpec()
	t.Blocked, t.Emptying, t.Problem = false, false, Problem{}
	a.reopen()
	if e.GetBySpec() || a.m.Replan == ReplanDesign || a.m.Recovering {
		return nil
	}
	for _, other := range a.view().Tables(a.uid) {
		if !other.Skipped && other.Stage <= TablePlanned && other.RefersTo(t) {
			a.m.Replan = ReplanLinks
		}
	}
	return nil
}

// rangeSkipped gives a range up. A block of its table may have been for it alone.
func rangeSkipped(t *Table, r *Range) error {
	if r.State == RangeVerified || r.GivenUp() {
		return fmt.Errorf("range %d of table %d cannot be skipped any more", r.Number, t.Number)
	}
	if r.State == RangeBlocked {
		t.Blocked, t.Problem = false, Problem{}
	}
	unload(t, r)
	r.State, r.Problem = RangeSkipped, Problem{}
	t.SkippedRanges++
	return nil
}

func rangeEmptied(t *Table, r *Range) error {
	if r.State != RangeSkipped {
		return fmt.Errorf("range %d of table %d was not given up", r.Number, t.Number)
	}
	r.State = RangeEmptied
	t.EmptiedRanges++
	return nil
}
