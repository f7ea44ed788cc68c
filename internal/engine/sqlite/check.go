package sqlite

import (
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/loss"
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

// largestValue is what SQLite takes for a row, and so for a value.
// https://www.sqlite.org/limits.html
const largestValue = 1_000_000_000

// Large takes texts and blobs as they are.
func (c *valueCheck) Large(column int, size int64) (func([]byte) error, error) {
	if size > largestValue {
		return nil, loss.New(loss.TooLong, "value of %d bytes is larger than SQLite's limit of a billion: shorten it, or leave its row or column out", size)
	}
	switch c.plan.GetColumns()[column].GetKind() {
	case canon.Text, canon.Bytes:
		return func([]byte) error { return nil }, nil
	}
	return nil, nil
}

// Check takes one value.
func (c *valueCheck) Check(column int, v []byte) error {
	_, err := stored(c.plan.GetColumns()[column].GetKind(), c.affinities[column], v)
	return err
}
