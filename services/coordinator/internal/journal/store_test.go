package journal_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/bus/natsd"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
)

// wipeable opens a log whose store can be lost under it, and gives what does so.
func wipeable(t *testing.T, name string) (l journal.Log, wipe func()) {
	t.Helper()
	if name == "Memory" {
		m := journal.NewMemory()
		return m, m.Wipe
	}
	s, err := natsd.Start(natsd.Config{StoreDir: t.TempDir(), MaxStore: 256 << 20})
	require.NoError(t, err)
	t.Cleanup(s.Shutdown)
	nc, err := s.Connect()
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	l, err = journal.NewJetStream(t.Context(), nc, journal.Config{})
	require.NoError(t, err)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return l, func() { require.NoError(t, js.DeleteStream(t.Context(), bus.ControlStream)) }
}

// A store that is lost says so at every call, another one can be told from it, and no
// sequence of the one is one of the other.
func TestStore_LostAndMadeAgain(t *testing.T) {
	for _, name := range []string{"JetStream", "Memory"} {
		t.Run(name, func(t *testing.T) {
			l, wipe := wipeable(t, name)
			seqs := appendAll(t, l, "m", 5)
			before, err := l.Logs(t.Context())
			require.NoError(t, err)
			wipe()
			_, err = l.Logs(t.Context())
			require.ErrorIs(t, err, journal.ErrGone)
			require.Equal(t, fault.Unavailable, fault.KindOf(err), "it may be asked again")
			_, err = l.Append(t.Context(), "m", seqs[4], event("late"))
			require.ErrorIs(t, err, journal.ErrGone)
			_, err = l.Replay(t.Context(), "m", seqs[4], nil)
			require.ErrorIs(t, err, journal.ErrGone)

			store := l.(journal.Store)
			require.NoError(t, store.Make(t.Context()))
			now, err := l.Logs(t.Context())
			require.NoError(t, err)
			require.NotEqual(t, before.Origin, now.Origin)
			require.Equal(t, journal.Contents{Origin: now.Origin}, now)
			require.NoError(t, store.Make(t.Context()), "one that is there is left")
			_, err = l.Append(t.Context(), "m", seqs[4], event("late"))
			require.Equal(t, fault.Fenced, fault.KindOf(err), err)

			appendAll(t, l, "cluster", 2)
			require.NoError(t, store.Skip(t.Context(), 1<<40))
			now, err = l.Logs(t.Context())
			require.NoError(t, err)
			require.Equal(t, journal.Contents{Origin: now.Origin, Last: 1 << 40}, now)
			_, err = l.Append(t.Context(), "cluster", 2, event("late"))
			require.Equal(t, fault.Fenced, fault.KindOf(err), err)
			seq, err := l.Append(t.Context(), "cluster", 0, event("first"))
			require.NoError(t, err)
			require.EqualValues(t, 1<<40+1, seq)
			ids, last := replay(t, l, "cluster")
			require.Equal(t, []string{fmt.Sprint(seq, ":first")}, ids)
			require.Equal(t, seq, last)
			first, err := l.Append(t.Context(), "m", 0, event("anew"))
			require.NoError(t, err)
			require.Equal(t, seq+1, first)
		})
	}
}
