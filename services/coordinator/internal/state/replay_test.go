package state

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
)

// Events that are applied together give the state that they give one by one, wherever
// they are parted; where one does not fit, none of those applied with it counts.
func TestReplay_IsApply(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l, together := planned(rt, 4), planned(rt, 4).store
		replay := together.Replay("M")
		for i := range rapid.IntRange(0, 60).Draw(rt, "events") {
			e := draw(rt, uint64(i+1))
			if l.apply(e) != nil {
				continue
			}
			require.NoError(rt, replay.Apply(l.seq, e))
			if rapid.IntRange(0, 9).Draw(rt, "part") == 0 {
				require.NoError(rt, replay.Commit())
				replay = together.Replay("M")
			}
		}
		require.NoError(rt, replay.Commit())
		same(t, "M", l.store, together)
		replay = together.Replay("M")
		require.NoError(rt, replay.Apply(l.seq+1, &journalv1.Event{Body: &journalv1.Event_RangeRetried{RangeRetried: &journalv1.RangeRetried{Table: 1, Range: 1}}}))
		require.Error(rt, replay.Apply(l.seq+2, &journalv1.Event{Body: &journalv1.Event_RangeRetried{RangeRetried: &journalv1.RangeRetried{Table: 1, Range: 99}}}))
		require.Error(rt, replay.Apply(l.seq+3, &journalv1.Event{Body: &journalv1.Event_RangeRetried{RangeRetried: &journalv1.RangeRetried{Table: 1, Range: 1}}}))
		require.Error(rt, replay.Commit())
		same(t, "M", l.store, together)
	})
}
