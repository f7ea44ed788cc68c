package state

import (
	"fmt"
	"slices"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/fault"
)

// targetLost takes back what the target has not any more, and every step behind it: the
// target loses the end of what it did, and a step that was done is done in no time.
func (a *apply) targetLost(t *Table, e *journalv1.TargetLost) error {
	for _, number := range e.GetRanges() {
		old := a.currentRange(t.Number, number)
		if old == nil {
			return fmt.Errorf("no range %d of table %d", number, t.Number)
		}
		if !old.InTarget() {
			continue
		}
		r := *old
		unload(t, &r)
		r.Reset = slices.Contains(e.GetReset_(), number)
		r.Problem = Problem{Reason: "the target lost rows that it had committed", Kind: fault.Corrupt.String(), Side: fault.Target}
		t.Retries++
		a.pending.ranges[rangeNumber{t.Number, number}] = &r
	}
	if len(e.GetRanges()) > 0 {
		t.forRanges()
	}
	back := TableLoaded
	switch {
	case e.GetUnmade():
		back = TablePlanned
	case len(e.GetRanges()) > 0:
		back = TableCreated
	}
	t.Stage = min(t.Stage, back)
	return nil
}

// forRanges lifts the block of a table that was blocked for some of its ranges, since
// others of them load again: it is blocked once more when they have.
func (t *Table) forRanges() {
	if t.BlockedRanges > 0 {
		t.Blocked, t.Problem = false, Problem{}
	}
}
