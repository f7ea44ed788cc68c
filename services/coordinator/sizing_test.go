package coordinator

import (
	"testing"

	"github.com/stretchr/testify/require"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// A plan's time is that of the slowest of what bounds it: the speed of reading, or a limit.
func TestSizing_RespectsLimits(t *testing.T) {
	tables := []*state.Table{
		{Number: 1, Counts: state.Counts{EstimatedRows: 1_000_000, EstimatedBytes: 1e9}, Sample: &state.Sample{Rows: 1000, Bytes: 1_000_000, Seconds: 0.1}},
		{Number: 2, Counts: state.Counts{EstimatedRows: 500_000}},
		{Number: 3, Counts: state.Counts{EstimatedRows: 500_000}, Skipped: true},
	}
	for name, c := range map[string]struct {
		limits  *droverv1.LimitSpec
		seconds float64
		limit   string
	}{
		"None":    {nil, 50, ""},
		"Rows":    {&droverv1.LimitSpec{Rows: "10000/s"}, 150, "limits.rows"},
		"Bytes":   {&droverv1.LimitSpec{Bytes: "1000000B/s"}, 1000, "limits.bytes"},
		"Slowest": {&droverv1.LimitSpec{Rows: "1000/s", Bytes: "1000000B/s"}, 1500, "limits.rows"},
		"Wide":    {&droverv1.LimitSpec{Rows: "10000000/s", Bytes: "1GiB/s"}, 50, ""},
		"Off":     {&droverv1.LimitSpec{Rows: "0/s"}, 50, ""},
	} {
		s := sizing(&state.Migration{Spec: &droverv1.MigrationSpec{}, Limits: c.limits}, tables, 2)
		require.InDelta(t, c.seconds, s.GetReadSeconds(), 0.01, name)
		require.Equal(t, c.limit, s.GetReadLimit(), name)
	}
}
