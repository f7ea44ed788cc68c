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
	switch {
	case to == canon.Decimal && (from == canon.Decimal || from == canon.Int || from == canon.Uint):
		return canon.NormalizeDecimal(canon.String(from, v), int(c.GetScale()))
	case to == from:
		return v, nil
	case to == canon.Text && from != canon.Bytes:
		return canon.AppendText(nil, from, v)
	default:
		return nil, fmt.Errorf("no conversion from %s to %s", from, to)
	}
}
