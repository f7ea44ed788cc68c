package memory

import (
	"fmt"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// convert gives a stored value in the kind that the plan asks for: the same, or
// one that holds each of its values exactly.
func convert(from planv1.Kind, c *planv1.ColumnPlan, v []byte) ([]byte, error) {
	to := c.GetKind()
	out, ok, err := canon.Convert(from, to, int(c.GetScale()), v)
	if !ok {
		return nil, fmt.Errorf("no conversion from %s to %s", from, to)
	}
	return out, err
}
