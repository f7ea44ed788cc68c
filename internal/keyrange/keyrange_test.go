package keyrange

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

func pair(a, b int64) *planv1.Bound {
	return Of(canon.AppendInt(nil, a), canon.AppendInt(nil, b))
}

// Whatever the cuts, every key is in exactly one range.
func TestFromBoundaries_Partition(t *testing.T) {
	kinds := []planv1.Kind{canon.Int, canon.Int}
	order := func(a, b *planv1.Bound) int { return Compare(kinds, a, b) }
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.Custom(func(t *rapid.T) *planv1.Bound {
			return pair(rapid.Int64Range(-20, 20).Draw(t, "a"), rapid.Int64Range(-20, 20).Draw(t, "b"))
		})
		cuts := rapid.SliceOf(draw).Draw(t, "cuts")
		slices.SortFunc(cuts, order)
		cuts = slices.CompactFunc(cuts, Equal)
		ranges := FromBoundaries(kinds, cuts, 100, 1000)
		require.Len(t, ranges, len(cuts)+1)
		key := draw.Draw(t, "key")
		holders := 0
		for _, r := range ranges {
			if Contains(kinds, r, key) {
				holders++
			}
		}
		require.Equal(t, 1, holders)
	})
}

func TestLabel(t *testing.T) {
	kinds := []planv1.Kind{canon.Int, canon.Text}
	r := &planv1.Range{Lower: Of(canon.AppendInt(nil, 7), []byte("a\nb"))}
	require.Equal(t, `[(7, "a\nb"), +∞)`, Label(kinds, r))
	require.Equal(t, "(-∞, +∞)", Label(kinds, &planv1.Range{}))
	require.Equal(t, "id=7", Named([]string{"id"}, kinds[:1], Of(canon.AppendInt(nil, 7))))
}
