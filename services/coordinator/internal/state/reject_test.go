package state

import (
	"testing"

	"github.com/stretchr/testify/require"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
)

// A complete migration is taken up again for its rejected rows: the target is prepared
// anew, and what comes behind the load gone through once more.
func TestApply_RejectsRetried(t *testing.T) {
	l := planned(t, 2)
	rows := batch.Hashes{batch.HashRow([]byte("a")), batch.HashRow([]byte("b"))}
	must := func(events ...*journalv1.Event) {
		for _, e := range events {
			require.NoError(t, l.apply(e))
		}
	}
	for n := range uint32(2) {
		loaded := &journalv1.RangeLoaded{Table: 1, Range: n + 1, Attempt: 1, Digest: digest(3)}
		if n == 1 {
			loaded.Rejected = &planv1.Rejected{Hashes: rows.Marshal(), First: &planv1.Reject{Key: "id=7", Reason: "no"}}
		}
		must(&journalv1.Event{Body: &journalv1.Event_RangeLoaded{RangeLoaded: loaded}},
			&journalv1.Event{Body: &journalv1.Event_RangeVerified{RangeVerified: &journalv1.RangeVerified{Table: 1, Range: n + 1, Attempt: 1, Digest: digest(3)}}})
	}
	must(&journalv1.Event{Body: &journalv1.Event_TargetPrepared{TargetPrepared: &journalv1.TargetPrepared{}}},
		&journalv1.Event{Body: &journalv1.Event_TableAdvanced{TableAdvanced: &journalv1.TableAdvanced{Table: 1, Stage: TableComplete}}},
		&journalv1.Event{Body: &journalv1.Event_TargetFinished{TargetFinished: &journalv1.TargetFinished{}}},
		&journalv1.Event{Body: &journalv1.Event_MigrationEnded{MigrationEnded: &journalv1.MigrationEnded{Outcome: journalv1.MigrationEnded_OUTCOME_COMPLETE}}})
	require.EqualValues(t, 2, l.store.View().Table("M", 1).Rejected)
	require.EqualValues(t, 6+2, l.store.View().Table("M", 1).AccountedRows())

	must(&journalv1.Event{Body: &journalv1.Event_RejectsRetried{RejectsRetried: &journalv1.RejectsRetried{Table: 1}}})
	m, table := l.store.View().Migration("M"), l.store.View().Table("M", 1)
	require.Equal(t, Running, m.Stage)
	require.True(t, m.Reopen)
	require.False(t, m.Finished || m.Prepared)
	require.Equal(t, TableKeyed, table.Stage)
	require.Equal(t, 1, table.Replays)
	require.False(t, table.AllVerified())
	require.EqualValues(t, -1, table.SourceRows)

	replayed := func(n uint32) *journalv1.Event {
		return &journalv1.Event{Body: &journalv1.Event_RangeReplayed{RangeReplayed: &journalv1.RangeReplayed{Table: 1, Range: n, Attempt: 9, Digest: digest(4),
			Rejected: &planv1.Rejected{Hashes: rows[:1].Marshal()}, Missing: 1}}}
	}
	require.Error(t, l.apply(replayed(1)), "it has no rejected rows")
	must(replayed(2))
	require.Error(t, l.apply(replayed(2)), "once")
	table = l.store.View().Table("M", 1)
	require.EqualValues(t, 1, table.Rejected)
	require.EqualValues(t, 1, table.Missing)
	require.Equal(t, "id=7", table.FirstReject.GetKey(), "of those that are left nobody gave another")
	require.Zero(t, table.Replays)
	require.EqualValues(t, 3+4, table.LoadedDigest.Rows)
	require.EqualValues(t, 3, table.VerifiedDigest.Rows)
	require.Equal(t, RangeLoaded, l.store.View().Range("M", 1, 2).State)
	require.Equal(t, rows[:1], l.store.View().Rejected(table))
	must(&journalv1.Event{Body: &journalv1.Event_TargetPrepared{TargetPrepared: &journalv1.TargetPrepared{}}})
	require.False(t, l.store.View().Migration("M").Reopen)
}
