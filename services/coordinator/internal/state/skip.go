package state

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// tableSkipped gives a table up. Tables whose foreign keys point to it are designed
// again without it, unless a changed spec has that done anyway.
func (a *apply) tableSkipped(t *Table, e *journalv1.TableSkipped) error {
	if t.Stage == TableComplete {
		return fmt.Errorf("table %d is complete and cannot be skipped", t.Number)
	}
	t.Skipped, t.SkippedBySpec = true, e.GetBySpec()
	t.Blocked, t.Emptying, t.Problem = false, false, Problem{}
	a.reopen()
	if e.GetBySpec() || a.m.Replan == ReplanDesign {
		return nil
	}
	for _, other := range a.view().Tables(a.uid) {
		if !other.Skipped && other.Stage < TableLinked && other.RefersTo(t) {
			a.m.Replan = ReplanLinks
		}
	}
	return nil
}

// tableRelinked replaces the foreign keys of a table's plan.
func tableRelinked(t *Table, e *journalv1.TableRelinked) error {
	if t.Stage >= TableLinked {
		return fmt.Errorf("table %d is linked already", t.Number)
	}
	plan := proto.CloneOf(t.Plan)
	plan.Statements = nil
	for _, s := range t.Plan.GetStatements() {
		if s.GetStep() != planv1.Step_STEP_FOREIGN_KEYS {
			plan.Statements = append(plan.Statements, s)
		}
	}
	plan.Statements = append(plan.Statements, e.GetStatements()...)
	plan.Findings = append(plan.Findings, e.GetFindings()...)
	t.Plan = plan
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
