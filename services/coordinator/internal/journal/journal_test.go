package journal_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/bus/natsd"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
)

func event(id string) *journalv1.Event {
	return &journalv1.Event{Id: id, Time: timestamppb.New(time.Unix(1, 2)), Term: 7, Actor: "coordinator",
		Body: &journalv1.Event_RangeVerified{RangeVerified: &journalv1.RangeVerified{Table: 1, Range: 2, Attempt: 3}}}
}

func openJetStream(t *testing.T) journal.Log {
	t.Helper()
	s, err := natsd.Start(natsd.Config{StoreDir: t.TempDir(), MaxStore: 256 << 20})
	require.NoError(t, err)
	t.Cleanup(s.Shutdown)
	nc, err := s.Connect()
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	l, err := journal.NewJetStream(t.Context(), nc, journal.Config{SyncAlways: true})
	require.NoError(t, err)
	return l
}

// TestLog is what every Log must do.
func TestLog(t *testing.T) {
	for name, open := range map[string]func(*testing.T) journal.Log{
		"JetStream": openJetStream,
		"Memory":    func(*testing.T) journal.Log { return journal.NewMemory() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Run("AppendAndReplay", func(t *testing.T) { testAppendAndReplay(t, open(t)) })
			t.Run("FencesAStaleWriter", func(t *testing.T) { testFencesAStaleWriter(t, open(t)) })
			t.Run("OneOfTwoWritersWins", func(t *testing.T) { testOneOfTwoWritersWins(t, open(t)) })
			t.Run("ReplaysBehind", func(t *testing.T) { testReplaysBehind(t, open(t)) })
			t.Run("FindsAHole", func(t *testing.T) { testFindsAHole(t, open(t)) })
			t.Run("FindsALostEnd", func(t *testing.T) { testFindsALostEnd(t, open(t)) })
			t.Run("Follow", func(t *testing.T) { testFollow(t, open(t)) })
			t.Run("Delete", func(t *testing.T) { testDelete(t, open(t)) })
			t.Run("ReplayStopsAtAnError", func(t *testing.T) { testReplayStopsAtAnError(t, open(t)) })
		})
	}
}

func replay(t *testing.T, l journal.Log, log string) (ids []string, last uint64) {
	t.Helper()
	last, err := l.Replay(t.Context(), log, 0, func(seq uint64, e *journalv1.Event) error {
		ids = append(ids, fmt.Sprintf("%d:%s", seq, e.GetId()))
		return nil
	})
	require.NoError(t, err)
	return ids, last
}

func testAppendAndReplay(t *testing.T, l journal.Log) {
	ids, last := replay(t, l, "m1")
	require.Empty(t, ids)
	require.Zero(t, last)

	var want []string
	var other uint64
	for i := range 50 {
		seq, err := l.Append(t.Context(), "m1", last, event(fmt.Sprint("e", i)))
		require.NoError(t, err)
		require.Greater(t, seq, last)
		want = append(want, fmt.Sprintf("%d:e%d", seq, i))
		last = seq
		other, err = l.Append(t.Context(), "m2", other, event(fmt.Sprint("o", i)))
		require.NoError(t, err)
	}
	ids, got := replay(t, l, "m1")
	require.Equal(t, want, ids)
	require.Equal(t, last, got)

	_, err := l.Replay(t.Context(), "m1", 0, func(_ uint64, e *journalv1.Event) error {
		want := event(e.GetId())
		want.Previous = e.GetPrevious()
		if !proto.Equal(want, e) {
			return fmt.Errorf("event came back changed: %v", e)
		}
		return nil
	})
	require.NoError(t, err)
	contents, err := l.Logs(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, contents.Origin)
	require.Equal(t, journal.Contents{Logs: []string{"m1", "m2"}, Last: other, Origin: contents.Origin}, contents)
	words, err := l.Durability(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, words)
	_, err = l.Append(t.Context(), "m1", last, &journalv1.Event{})
	require.Error(t, err, "an event without an id could not be told from another")
}

func testFencesAStaleWriter(t *testing.T, l journal.Log) {
	first, err := l.Append(t.Context(), "m", 0, event("a"))
	require.NoError(t, err)
	_, err = l.Append(t.Context(), "m", 0, event("b"))
	require.Equal(t, fault.Fenced, fault.KindOf(err), err)
	_, err = l.Append(t.Context(), "m", first+100, event("c"))
	require.Equal(t, fault.Fenced, fault.KindOf(err), err)
	ids, _ := replay(t, l, "m")
	require.Len(t, ids, 1)
}

func testOneOfTwoWritersWins(t *testing.T, l journal.Log) {
	const rounds, writers = 20, 4
	var last uint64
	for round := range rounds {
		var mu sync.Mutex
		var wg sync.WaitGroup
		wins, next := 0, uint64(0)
		for w := range writers {
			wg.Go(func() {
				seq, err := l.Append(t.Context(), "m", last, event(fmt.Sprintf("%d/%d", round, w)))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					wins, next = wins+1, seq
				} else if !fault.Is(err, fault.Fenced) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, 1, wins)
		last = next
	}
	ids, end := replay(t, l, "m")
	require.Len(t, ids, rounds)
	require.Equal(t, last, end)
}

func testDelete(t *testing.T, l journal.Log) {
	for _, log := range []string{"gone", "kept"} {
		_, err := l.Append(t.Context(), log, 0, event(log))
		require.NoError(t, err)
	}
	require.NoError(t, l.Delete(t.Context(), "gone", 0))
	contents, err := l.Logs(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"kept"}, contents.Logs)
	ids, _ := replay(t, l, "gone")
	require.Empty(t, ids)
	_, err = l.Append(t.Context(), "gone", 0, event("again"))
	require.NoError(t, err)
}

func testReplayStopsAtAnError(t *testing.T, l journal.Log) {
	_, err := l.Append(t.Context(), "m", 0, event("a"))
	require.NoError(t, err)
	stop := errors.New("stop")
	_, err = l.Replay(t.Context(), "m", 0, func(uint64, *journalv1.Event) error { return stop })
	require.ErrorIs(t, err, stop)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = l.Append(ctx, "m", 1, event("b"))
	require.Equal(t, fault.Canceled, fault.KindOf(err), err)
}

// appendAll appends n events to a log.
func appendAll(t *testing.T, l journal.Log, log string, n int) (seqs []uint64) {
	t.Helper()
	var last uint64
	for i := range n {
		seq, err := l.Append(t.Context(), log, last, event(fmt.Sprint(log, i)))
		require.NoError(t, err)
		seqs, last = append(seqs, seq), seq
	}
	return seqs
}

func testReplaysBehind(t *testing.T, l journal.Log) {
	appendAll(t, l, "other", 3)
	seqs := appendAll(t, l, "m", 10)
	var got []uint64
	last, err := l.Replay(t.Context(), "m", seqs[6], func(seq uint64, _ *journalv1.Event) error {
		got = append(got, seq)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, seqs[7:], got)
	require.Equal(t, seqs[9], last)
	last, err = l.Replay(t.Context(), "m", seqs[9], func(uint64, *journalv1.Event) error { return errors.New("nothing is behind the last") })
	require.NoError(t, err)
	require.Equal(t, seqs[9], last)
}

// Events that are gone from the beginning are a hole, unless somebody knows what they
// amounted to.
func testFindsAHole(t *testing.T, l journal.Log) {
	seqs := appendAll(t, l, "m", 10)
	require.NoError(t, l.Delete(t.Context(), "m", seqs[4]))
	nothing := func(uint64, *journalv1.Event) error { return nil }
	_, err := l.Replay(t.Context(), "m", 0, nothing)
	require.Equal(t, fault.Corrupt, fault.KindOf(err), err)
	_, err = l.Replay(t.Context(), "m", seqs[2], nothing)
	require.Equal(t, fault.Corrupt, fault.KindOf(err), err)
	last, err := l.Replay(t.Context(), "m", seqs[3], nothing)
	require.NoError(t, err)
	require.Equal(t, seqs[9], last)
}

// An event that is known and not there shows by the end of the log, and by the first event
// that was appended since.
func testFindsALostEnd(t *testing.T, l journal.Log) {
	nothing := func(uint64, *journalv1.Event) error { return nil }
	m := appendAll(t, l, "m", 2)
	known := appendAll(t, l, "other", 3)[2] // as a sequence, it once was an event of m
	var older *journal.Older
	_, err := l.Replay(t.Context(), "m", known, nothing)
	require.ErrorAs(t, err, &older)
	require.ErrorIs(t, err, journal.ErrOlder)
	require.Equal(t, journal.Older{Log: "m", Lost: m[1], Had: known}, *older)
	_, err = l.Append(t.Context(), "m", m[1], event("since"))
	require.NoError(t, err)
	_, err = l.Replay(t.Context(), "m", known, nothing)
	require.ErrorAs(t, err, &older)
	require.Equal(t, fault.Corrupt, fault.KindOf(err), err)
	require.Equal(t, journal.Older{Log: "m", Lost: m[1], Had: known}, *older)
}

func testFollow(t *testing.T, l journal.Log) {
	a := appendAll(t, l, "a", 3)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	seen := make(chan string, 100)
	ended := make(chan error, 1)
	go func() {
		ended <- l.Follow(ctx, a[0], func(log string, seq uint64, e *journalv1.Event) error {
			seen <- fmt.Sprint(log, " ", seq, " ", e.GetId())
			return nil
		})
	}()
	require.Equal(t, fmt.Sprint("a ", a[1], " a1"), <-seen)
	require.Equal(t, fmt.Sprint("a ", a[2], " a2"), <-seen)
	b := appendAll(t, l, "b", 2)
	require.Equal(t, fmt.Sprint("b ", b[0], " b0"), <-seen)
	require.Equal(t, fmt.Sprint("b ", b[1], " b1"), <-seen)
	stop()
	require.Equal(t, fault.Canceled, fault.KindOf(<-ended))
}
