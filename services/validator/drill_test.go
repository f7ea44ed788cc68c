package validator

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/batch"
)

// All differences are counted, so many as there is room for are named, and the
// same ones each time.
func TestDrill_ListsSomeCountsAll(t *testing.T) {
	f := newFixture(t, Config{MaxDifferences: 7}, itemTable("id"), items(500), items(100))
	first := f.validate(nil)
	require.EqualValues(t, 400, first.GetDifferentRows())
	require.Len(t, first.GetDifferences(), 7)
	require.Equal(t, written(first), written(f.validate(nil)))
}

// Rows that do not fit into memory at once are compared in several rounds.
func TestDrill_Rounds(t *testing.T) {
	changed := items(500)
	for i := range 100 {
		changed[5*i][1] = []byte("changed")
	}
	f := newFixture(t, Config{DrillRows: 64}, itemTable("id"), items(500), slices.Delete(changed, 1, 3))
	verdict := f.validate(nil)
	require.EqualValues(t, 102, verdict.GetDifferentRows())
	require.Len(t, verdict.GetDifferences(), 100)
	require.Contains(t, written(verdict), "DIFFERENT id=1 name")
}

// What no round has room for is counted by the least it can be, and there is an
// end to the reading.
func TestDrill_CountsTheRestByItsLeast(t *testing.T) {
	f := newFixture(t, Config{DrillRows: 4}, itemTable("id"), items(1000), items(100))
	verdict := f.validate(nil)
	require.NotEmpty(t, verdict.GetDifferences())
	require.EqualValues(t, 900, verdict.GetDifferentRows())
}

func TestDrill_RoundsKeepToTheirBound(t *testing.T) {
	spread := new([buckets]pair)
	for b := range 100 {
		for i := range b%5 + 1 {
			spread[b].source.AddHash(batch.HashRow([]byte{byte(b), byte(i)}))
		}
	}
	d := &drill{maxEntries: 12}
	rounds, rest := d.rounds(spread)
	require.Len(t, rounds, maxRounds)
	seen := len(rest)
	for _, wanted := range rounds {
		var rows int64
		for b := range wanted {
			if wanted[b] {
				rows += spread[b].source.Rows
				seen++
			}
		}
		require.LessOrEqual(t, rows, d.maxEntries)
	}
	require.Equal(t, 100, seen, "every bucket that differs is in a round or in the rest")
}
