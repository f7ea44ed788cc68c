package state

import (
	"slices"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
)

// PlanIsKept tells whether the target keeps what of the plan is no table's, as it is now.
func (m *Migration) PlanIsKept() bool { return m.PlanKept > 0 && m.PlanKept >= m.PlanChanged }

// PlanIsKept tells whether the target keeps the table's plan and ranges, as they are now.
func (t *Table) PlanIsKept() bool { return t.PlanPieces > 0 && t.PlanKept >= t.PlanChanged }

// planChanges notes what an event has changed of what the target keeps.
func (a *apply) planChanges(seq uint64) error {
	changed := func(table uint32, anew bool, ranges ...uint32) error {
		return a.table(table, func(t *Table) error {
			t.PlanChanged = seq
			if anew {
				t.PlanPieces, t.ChangedRanges = 0, nil
			}
			for _, number := range ranges {
				if !slices.Contains(t.ChangedRanges, number) {
					t.ChangedRanges = append(slices.Clip(t.ChangedRanges), number)
				}
			}
			return nil
		})
	}
	switch b := a.event.GetBody().(type) {
	case *journalv1.Event_TargetDesigned, *journalv1.Event_SpecChanged, *journalv1.Event_PhaseApproved, *journalv1.Event_MigrationRecovered:
		a.m.PlanChanged = seq
	case *journalv1.Event_ControlAdopted: // what the target keeps is of the log that was lost
		a.m.PlanChanged = seq
		for _, t := range a.view().Tables(a.uid) {
			if err := changed(t.Number, true); err != nil {
				return err
			}
		}
	case *journalv1.Event_TablePlanned:
		return changed(b.TablePlanned.GetTable().GetNumber(), true)
	case *journalv1.Event_RangesPlanned:
		return changed(b.RangesPlanned.GetTable(), true)
	case *journalv1.Event_RangeCut:
		ranges := []uint32{b.RangeCut.GetRange().GetNumber()}
		for _, p := range b.RangeCut.GetAdded() {
			ranges = append(ranges, p.GetNumber())
		}
		return changed(b.RangeCut.GetTable(), false, ranges...)
	case *journalv1.Event_RangeSkipped:
		return changed(b.RangeSkipped.GetTable(), false, b.RangeSkipped.GetRange())
	case *journalv1.Event_TableSkipped:
		return changed(b.TableSkipped.GetTable(), false)
	case *journalv1.Event_BaselineTaken:
		return changed(b.BaselineTaken.GetTable(), false)
	}
	return nil
}

// planKept notes what the target keeps. What has changed since is still to be kept.
func (a *apply) planKept(e *journalv1.PlanKept) error {
	for _, kept := range e.GetTables() {
		if kept.GetTable() == 0 {
			a.m.PlanKept = e.GetAt()
			continue
		}
		err := a.table(kept.GetTable(), func(t *Table) error {
			if t.PlanPieces == 0 && t.PlanChanged > e.GetAt() {
				return nil // planned anew meanwhile: nothing of it is kept
			}
			t.PlanKept, t.PlanPieces = e.GetAt(), kept.GetPieces()
			if t.PlanChanged <= e.GetAt() {
				t.ChangedRanges = nil
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// recovery applies what comes of a migration that was found in the target. Its plan
// comes as that of any other; all of it may come twice.
func (a *apply) recovery() error {
	switch b := a.event.GetBody().(type) {
	case *journalv1.Event_MigrationFound:
		a.m.Found, a.m.Recovering = b.MigrationFound.GetUid(), true
	case *journalv1.Event_RangesFound:
		for _, e := range b.RangesFound.GetRanges() {
			err := a.rng(e.GetTable(), e.GetRange(), func(t *Table, r *Range) error {
				if r.State != RangePending {
					return nil
				}
				return rangeLoaded(t, r, e)
			})
			if err != nil {
				return err
			}
		}
	case *journalv1.Event_MigrationRecovered:
		a.m.Recovering, a.m.FoundRanges, a.m.FoundRows = false, 0, 0
		for _, t := range a.view().Tables(a.uid) {
			a.m.FoundRanges += int64(t.Loaded)
			a.m.FoundRows += t.LoadedDigest.Rows
		}
		a.planPhases()
		for _, number := range b.MigrationRecovered.GetApproved() {
			if err := a.changePhase(number, func(p *Phase) { p.Approved = true }); err != nil {
				return err
			}
		}
	}
	return nil
}
