package coordinator

import (
	"math"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// allowance is how many ranges of a table may begin now under its phase's
// rangesPerStep: ranges that are confirmed one by one share the phase's number, and
// a table that is confirmed as a whole is under way alone.
func (o *offer) allowance(t *state.Table) int {
	limit := 0
	if n := t.Plan.GetPhase(); n > 0 && int(n) <= len(o.m.Phases) {
		limit = o.m.Phases[n-1].RangesPerStep
	}
	if limit == 0 {
		return math.MaxInt
	}
	underWay, whole := 0, false
	for _, other := range o.active {
		if other.Plan.GetPhase() != t.Plan.GetPhase() || other.Stage >= state.TableVerified {
			continue
		}
		n := o.underWay(other)
		switch {
		case stepwise(other):
			underWay += n
		case n > 0 && other.Number == t.Number:
			return math.MaxInt
		case n > 0:
			whole = true
		}
	}
	switch {
	case whole, !stepwise(t) && underWay > 0:
		return 0
	case !stepwise(t):
		return math.MaxInt
	default:
		return limit - underWay
	}
}

// underWay counts a table's ranges that are begun and not proven.
func (o *offer) underWay(t *state.Table) int {
	n := t.Loaded - t.Verified
	for w := range o.run.attempts {
		if w.table == t.Number {
			n++
		}
	}
	if t.Emptying {
		n++
	}
	return n
}

// stepwise tells whether each range of a table is confirmed as soon as it is loaded.
func stepwise(t *state.Table) bool { return t.ByRange() && !t.Plan.GetKeyAfterLoad() }

// keyFirst has a table's key built before its first range, so that each range can
// be confirmed as soon as it is loaded.
func keyFirst(p *planv1.TablePlan) {
	if !p.GetKeyAfterLoad() || !p.GetValidateByRange() || p.GetTargetExists() {
		return
	}
	p.KeyAfterLoad = false
	for _, s := range p.GetStatements() {
		if s.GetStep() == planv1.Step_STEP_KEY {
			s.Step = planv1.Step_STEP_CREATE
		}
	}
}
