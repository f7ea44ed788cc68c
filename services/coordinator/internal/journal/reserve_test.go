package journal_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/bus/natsd"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
)

// flood publishes to a subject until the server takes no more.
func flood(t *testing.T, js jetstream.JetStream, subject string) {
	t.Helper()
	for n := range 1000 {
		if _, err := js.Publish(t.Context(), subject, make([]byte, 256<<10)); err != nil {
			require.Greater(t, n, 10, err)
			return
		}
	}
	t.Fatal("the store never was full")
}

// Rows never have the whole store: events and snapshots find room when no row does. What
// others put there may still fill it; then an append says so, and succeeds when they leave.
func TestJetStream_RowsLeaveRoomForEvents(t *testing.T) {
	const store = 64 << 20
	s, err := natsd.Start(natsd.Config{StoreDir: t.TempDir(), MaxStore: store})
	require.NoError(t, err)
	defer s.Shutdown()
	nc, err := s.Connect()
	require.NoError(t, err)
	defer nc.Close()
	l, err := journal.NewJetStream(t.Context(), nc, journal.Config{})
	require.NoError(t, err)
	_, err = journal.NewJetStream(t.Context(), nc, journal.Config{})
	require.NoError(t, err, "another coordinator finds it made")

	js, err := jetstream.New(nc)
	require.NoError(t, err)
	other, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other"}})
	require.NoError(t, err)
	rows, err := bus.NewJetStream(nc, bus.Options{})
	require.NoError(t, err)
	config := bus.StreamConfig{Name: bus.RowStream("m"), Subjects: []string{bus.RowSubjects("m")}, MaxBytes: store}
	err = rows.EnsureStream(t.Context(), config)
	require.Equal(t, fault.Exhausted, fault.KindOf(err), "%v", err)
	config.MaxBytes = store - store/8
	require.NoError(t, rows.EnsureStream(t.Context(), config))
	flood(t, js, "d.m.1.1.1")
	last := appendMore(t, l, 0, 200)
	require.NoError(t, l.Save(t.Context(), "m", last, func(put journal.Put) error {
		return put(&journalv1.SnapshotRecord{Body: &journalv1.SnapshotRecord_Story{}})
	}))

	flood(t, js, "other")
	_, err = l.Append(t.Context(), "m", last, event("late"))
	require.Equal(t, fault.Exhausted, fault.KindOf(err), "%v", err)
	require.ErrorContains(t, err, "max_file_store")
	require.NoError(t, other.Purge(t.Context()))
	appendMore(t, l, last, 1)
}

func appendMore(t *testing.T, l journal.Log, last uint64, n int) uint64 {
	t.Helper()
	for i := range n {
		seq, err := l.Append(t.Context(), "m", last, event(fmt.Sprint(last, "-", i)))
		require.NoError(t, err)
		last = seq
	}
	return last
}

// A coordinator that dies while it finds out how large the store is leaves that to the next.
func TestJetStream_ReserveIsSettledLater(t *testing.T) {
	s, err := natsd.Start(natsd.Config{StoreDir: t.TempDir(), MaxStore: 64 << 20})
	require.NoError(t, err)
	defer s.Shutdown()
	nc, err := s.Connect()
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: bus.ReserveStream, Subjects: []string{bus.ReserveSubject},
		Discard: jetstream.DiscardNew, MaxBytes: 32 << 20, MaxMsgSize: 1})
	require.NoError(t, err)
	reserved(t, nc, js, 4<<20)
	reserved(t, nc, js, 4<<20)
}

// reserved opens the log and checks how much is kept for it.
func reserved(t *testing.T, nc *nats.Conn, js jetstream.JetStream, want int64) {
	t.Helper()
	_, err := journal.NewJetStream(t.Context(), nc, journal.Config{})
	require.NoError(t, err)
	r, err := js.Stream(t.Context(), bus.ReserveStream)
	require.NoError(t, err)
	require.Equal(t, want, r.CachedInfo().Config.MaxBytes)
}
