package state

import (
	"testing"

	"github.com/stretchr/testify/require"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// What the target keeps of a table that was planned anew meanwhile is not its plan: the
// next job does not write behind it. What is kept of one that only has changed is.
func TestPlanKept_OfAPlanOfBefore(t *testing.T) {
	kept := func(at uint64) *journalv1.Event {
		return &journalv1.Event{Body: &journalv1.Event_PlanKept{PlanKept: &journalv1.PlanKept{At: at, Tables: []*journalv1.PlanKept_Table{{Table: 1, Pieces: 3}}}}}
	}
	l := planned(t, 2)
	table := func() *Table { return l.store.View().Table("M", 1) }
	require.NoError(t, l.apply(kept(l.seq)))
	require.True(t, table().PlanIsKept())

	at := l.seq
	require.NoError(t, l.apply(&journalv1.Event{Body: &journalv1.Event_RangeSkipped{RangeSkipped: &journalv1.RangeSkipped{Table: 1, Range: 2}}}))
	require.NoError(t, l.apply(kept(at)))
	require.False(t, table().PlanIsKept(), "the skip is not kept")
	require.EqualValues(t, 3, table().PlanPieces)
	require.Equal(t, []uint32{2}, table().ChangedRanges)

	at = l.seq
	require.NoError(t, l.apply(&journalv1.Event{Body: &journalv1.Event_RangesPlanned{RangesPlanned: &journalv1.RangesPlanned{Table: 1, Last: true, Ranges: []*planv1.Range{{Number: 3}}}}}))
	require.NoError(t, l.apply(kept(at)))
	require.False(t, table().PlanIsKept())
	require.Zero(t, table().PlanPieces, "all of it is to be kept again")
	require.NoError(t, l.apply(kept(l.seq)))
	require.True(t, table().PlanIsKept())
}
