package state

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/loss"
)

// Assessment adds up what was found in the ranges of a table that were read for the plan.
type Assessment struct {
	Rows int64
	// Ranges that were read so far.
	Ranges int
	// Losses by column and rule; Touched are values that policies would change.
	Losses  []*planv1.Loss
	Touched Touched
	// Concluded: what was found is among the findings of the table's plan.
	Concluded bool
}

// rangeAssessed adds what was found in a range.
func rangeAssessed(t *Table, r *Range, e *journalv1.RangeAssessed) error {
	if r.Assessed {
		return fmt.Errorf("range %d of table %d is assessed twice", r.Number, t.Number)
	}
	r.Assessed = true
	sum := Assessment{}
	if t.Assessment != nil {
		sum = *t.Assessment
	}
	sum.Rows += e.GetRows()
	sum.Ranges++
	sum.Losses = loss.Merge(sum.Losses, e.GetLosses())
	sum.Touched = sum.Touched.add(e.GetTouched(), 1)
	t.Assessment = &sum
	return nil
}

// tableAssessed adds the findings to those of the plan.
func tableAssessed(t *Table, e *journalv1.TableAssessed) error {
	sum := Assessment{}
	if t.Assessment != nil {
		sum = *t.Assessment
	}
	sum.Concluded = true
	t.Assessment = &sum
	if len(e.GetFindings()) > 0 {
		plan := proto.CloneOf(t.Plan)
		plan.Findings = slices.Concat(plan.GetFindings(), e.GetFindings())
		t.Plan = plan
	}
	return nil
}
