package journal_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
)

// TestArchive is what every Archive must do.
func TestArchive(t *testing.T) {
	for name, open := range map[string]func(*testing.T) journal.Log{
		"JetStream": openJetStream,
		"Memory":    func(*testing.T) journal.Log { return journal.NewMemory() },
	} {
		t.Run(name, func(t *testing.T) {
			archive, ok := open(t).(journal.Archive)
			require.True(t, ok)
			testArchive(t, archive)
		})
	}
}

// records are more than one message of an object store.
const records = 3000

func save(t *testing.T, a journal.Archive, log string, seq uint64) {
	t.Helper()
	require.NoError(t, a.Save(t.Context(), log, seq, func(put journal.Put) error {
		for i := range records {
			r := &planv1.Range{Number: uint32(i), Label: fmt.Sprintf("%s %d %0500d", log, seq, i)}
			if err := put(&journalv1.SnapshotRecord{Body: &journalv1.SnapshotRecord_Ranges{Ranges: &journalv1.RangeStates{
				Table: uint32(i), Ranges: []*journalv1.RangeState{{Plan: r}}}}}); err != nil {
				return err
			}
		}
		return nil
	}))
}

func testArchive(t *testing.T, a journal.Archive) {
	list, err := a.Snapshots(t.Context(), "m")
	require.NoError(t, err)
	require.Empty(t, list)
	require.NoError(t, a.Drop(t.Context(), "m", 0))
	for _, seq := range []uint64{7, 1000, 90} {
		save(t, a, "m", seq)
	}
	save(t, a, "other", 5)
	list, err = a.Snapshots(t.Context(), "m")
	require.NoError(t, err)
	require.Equal(t, []uint64{1000, 90, 7}, list)

	n := 0
	require.NoError(t, a.Load(t.Context(), "m", 90, func(r *journalv1.SnapshotRecord) error {
		if want := fmt.Sprintf("m 90 %0500d", n); r.GetRanges().GetRanges()[0].GetPlan().GetLabel() != want {
			return fmt.Errorf("record %d is %v", n, r)
		}
		n++
		return nil
	}))
	require.Equal(t, records, n)
	enough := errors.New("enough")
	require.ErrorIs(t, a.Load(t.Context(), "m", 90, func(*journalv1.SnapshotRecord) error { return enough }), enough)
	require.Error(t, a.Load(t.Context(), "m", 91, func(*journalv1.SnapshotRecord) error { return nil }))

	broken := errors.New("the state cannot be read")
	require.ErrorIs(t, a.Save(t.Context(), "m", 2000, func(journal.Put) error { return broken }), broken)
	require.NoError(t, a.Drop(t.Context(), "m", 1000))
	list, err = a.Snapshots(t.Context(), "m")
	require.NoError(t, err)
	require.Equal(t, []uint64{1000}, list, "one that was not finished is none")
	save(t, a, "m", 3000)
	require.NoError(t, a.Remove(t.Context(), "m", 3000))
	require.NoError(t, a.Remove(t.Context(), "m", 3000), "it is gone")
	list, err = a.Snapshots(t.Context(), "m")
	require.NoError(t, err)
	require.Equal(t, []uint64{1000}, list)
	require.NoError(t, a.Drop(t.Context(), "m", 0))
	list, err = a.Snapshots(t.Context(), "other")
	require.NoError(t, err)
	require.Equal(t, []uint64{5}, list)
}

// A snapshot with a changed byte anywhere is corrupt, never another state.
func TestArchive_FindsDamage(t *testing.T) {
	m := journal.NewMemory()
	save(t, m, "m", 7)
	m.Damage("m", 7)
	err := m.Load(t.Context(), "m", 7, func(*journalv1.SnapshotRecord) error { return nil })
	require.Equal(t, fault.Corrupt, fault.KindOf(err), err)
}
