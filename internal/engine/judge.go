package engine

import (
	"context"
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// judged is a source whose reads ask the plan's target about the values of columns that
// have a policy: a policy is for what the target refuses too, and not only for what
// cannot be read. Whoever opens a source by a Set reads so, and all alike.
type judged struct {
	Database
	engines Set
}

// Read asks the target unless the caller has done so.
func (j *judged) Read(ctx context.Context, r ReadRequest, row RowFunc) error {
	if r.Side == SourceSide && r.Target == nil && HasPolicies(r.Plan) {
		// Engines are known by a scheme of the same name.
		target, err := j.engines.ForURL(r.Plan.GetTargetEngine() + ":")
		if err != nil {
			return err
		}
		if r.Target, err = target.Check(r.Plan); err != nil {
			return err
		}
	}
	return j.Database.Read(ctx, r, row)
}

// HasPolicies tells whether a policy may change values of a plan's columns.
func HasPolicies(p *planv1.TablePlan) bool {
	return slices.ContainsFunc(p.GetColumns(), func(c *planv1.ColumnPlan) bool { return c.GetPolicy().GetAction() > planv1.Policy_ACTION_ERROR })
}
