package enginetest

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Rows is how many rows tests of size fill their tables with: DROVER_TEST_ROWS, or a few.
func Rows(t testing.TB, few int64) int64 {
	t.Helper()
	text := os.Getenv("DROVER_TEST_ROWS")
	if text == "" {
		return few
	}
	n, err := strconv.ParseInt(text, 10, 64)
	require.NoError(t, err, "DROVER_TEST_ROWS")
	return n
}

// RequireBalanced checks the rows that each range of a split has against the number
// that was asked for: half of them within twice of it, none above four times. What it
// took to plan is shown.
func RequireBalanced(t testing.TB, target int64, sizes []int64, took time.Duration) {
	t.Helper()
	require.NotEmpty(t, sizes)
	sorted := slices.Sorted(slices.Values(sizes))
	median, largest := sorted[len(sorted)/2], sorted[len(sorted)-1]
	t.Logf("%d ranges of %d rows: median %.2f, largest %.2f of that, planned in %.2f s", len(sizes), target,
		float64(median)/float64(target), float64(largest)/float64(target), took.Seconds())
	require.LessOrEqual(t, median, 2*target, "median of %v", sorted)
	require.GreaterOrEqual(t, 2*median, target, "median of %v", sorted)
	require.LessOrEqual(t, largest, 4*target, "largest of %v", sorted)
}
