package memory

import (
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// Check makes a check that takes every value of a column's kind: that is what tables of
// this engine hold.
func (*Engine) Check(p *planv1.TablePlan) (engine.ValueCheck, error) { return valueCheck{p}, nil }

type valueCheck struct{ plan *planv1.TablePlan }

// Check takes one value.
func (c valueCheck) Check(column int, v []byte) error {
	return canon.Check(c.plan.GetColumns()[column].GetKind(), v)
}

// Large takes every text and blob.
func (c valueCheck) Large(column int, _ int64) (func([]byte) error, error) {
	switch c.plan.GetColumns()[column].GetKind() {
	case canon.Text, canon.Bytes:
		return func([]byte) error { return nil }, nil
	}
	return nil, nil
}
