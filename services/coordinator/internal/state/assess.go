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
	// Keys of the target that were compared, of those that the plan names.
	Keys int
	// Concluded: what was found is among the findings of the table's plan.
	Concluded bool
}

// rangeAssessed adds what was found in a range.
func rangeAssessed(t *Table, r *Range, e *journalv1.RangeAssessed) error {
	if r.Assessed {
		return fmt.Errorf("range %d of table %d is assessed twice", r.Number, t.Number)
	}
	r.Assessed = true
	sum := t.assessment()
	sum.Rows += e.GetRows()
	sum.Ranges++
	sum.Losses = loss.Merge(sum.Losses, e.GetLosses())
	sum.Touched = sum.Touched.add(e.GetTouched(), 1)
	t.Assessment = &sum
	return nil
}

// tableAssessed adds the findings to those of the plan.
func tableAssessed(t *Table, e *journalv1.TableAssessed) error {
	sum := t.assessment()
	sum.Concluded = true
	t.Assessment = &sum
	t.find(e.GetFindings())
	return nil
}

// keysCompared adds what the target said of a unique key. Keys are compared one after
// another.
func keysCompared(t *Table, e *journalv1.KeysCompared) error {
	sum := t.assessment()
	if int(e.GetKey()) != sum.Keys+1 {
		return fmt.Errorf("key %d of table %d was compared, and %d before it", e.GetKey(), t.Number, sum.Keys)
	}
	sum.Keys++
	t.Assessment = &sum
	t.find(e.GetFindings())
	return nil
}

// AssessedKeys is how many of the plan's compared keys were.
func (t *Table) AssessedKeys() int { return t.assessment().Keys }

// assessment is a copy of what is known.
func (t *Table) assessment() Assessment {
	if t.Assessment == nil {
		return Assessment{}
	}
	return *t.Assessment
}

// find adds findings to a copy of the plan.
func (t *Table) find(more []*planv1.Finding) {
	if len(more) > 0 {
		plan := proto.CloneOf(t.Plan)
		plan.Findings = slices.Concat(plan.GetFindings(), more)
		t.Plan = plan
	}
}
