package coordinator

import (
	"slices"

	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// linkable tells whether a table's foreign keys may be built: every active table
// has its indexes, and so has each that the foreign keys point to.
func linkable(t *state.Table, active, tables []*state.Table) bool {
	if slices.ContainsFunc(active, func(other *state.Table) bool { return other.Stage < state.TableIndexed }) {
		return false
	}
	return missingFor(t, tables) == nil
}

// missingFor is a table without indexes that foreign keys of t point to; nil for
// none. A table that was skipped is not waited for: plans are made without it.
func missingFor(t *state.Table, tables []*state.Table) *state.Table {
	if !hasStep(t.Plan, planv1.Step_STEP_FOREIGN_KEYS) {
		return nil
	}
	for _, other := range tables {
		if !other.Skipped && other.Stage < state.TableIndexed && t.RefersTo(other) {
			return other
		}
	}
	return nil
}

func hasStep(p *planv1.TablePlan, step planv1.Step) bool {
	return slices.ContainsFunc(p.GetStatements(), func(s *planv1.Statement) bool { return s.GetStep() == step })
}

// waitsForOthers tells whether a table can go on only when one has its indexes that
// is blocked, or whose phase has not begun.
func waitsForOthers(m *state.Migration, t *state.Table, tables []*state.Table) bool {
	if t.Stage != state.TableIndexed {
		return false
	}
	other := missingFor(t, tables)
	return other != nil && (other.Blocked || !m.Begun(other))
}

// withoutSkipped is a table's plan without the foreign keys that point to tables that
// were given up.
func withoutSkipped(t *state.Table, tables []*state.Table) *planv1.TablePlan {
	left := leftOut(t, tables)
	if len(left) == 0 {
		return t.Plan
	}
	p := proto.CloneOf(t.Plan)
	p.Statements = slices.DeleteFunc(p.GetStatements(), func(s *planv1.Statement) bool {
		n := int(s.GetForeignKey())
		return n > 0 && n <= len(p.GetSource().GetForeignKeys()) && slices.Contains(left, t.Plan.GetSource().GetForeignKeys()[n-1])
	})
	return p
}

// leftOut are the foreign keys of a table that point to tables that were given up.
func leftOut(t *state.Table, tables []*state.Table) []*planv1.ForeignKey {
	var out []*planv1.ForeignKey
	for _, f := range t.Plan.GetSource().GetForeignKeys() {
		if slices.ContainsFunc(tables, func(other *state.Table) bool { return other.Skipped && other.Number != t.Number && other.Is(f) }) {
			out = append(out, f)
		}
	}
	return out
}
