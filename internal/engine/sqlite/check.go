package sqlite

import (
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

// Check makes the check of a plan's values: what the inserter binds, by the affinities
// of the types that the plan declares.
func (*Engine) Check(p *planv1.TablePlan) (engine.ValueCheck, error) {
	out := &valueCheck{plan: p}
	for _, c := range p.GetColumns() {
		out.affinities = append(out.affinities, affinityOf(c.GetTargetType()))
	}
	return out, nil
}

type valueCheck struct {
	plan       *planv1.TablePlan
	affinities []affinity
}

// Check takes one value.
func (c *valueCheck) Check(column int, v []byte) error {
	_, err := stored(c.plan.GetColumns()[column].GetKind(), c.affinities[column], v)
	return err
}
