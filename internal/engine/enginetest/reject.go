package enginetest

import (
	"bytes"
	"io"
	"slices"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// keeper is a sieve's keeping, seen by a test.
type keeper struct {
	before  batch.Hashes
	refused []engine.Reject
	calls   int
	fail    error
}

func (k *keeper) sieve(most int64) *engine.Sieve {
	return &engine.Sieve{Max: most, Keep: func(before batch.Hashes, refused []engine.Reject) error {
		k.before, k.refused = before, slices.Clone(refused)
		k.calls++
		return k.fail
	}}
}

// sifted makes a batch of rows with a sieve.
func (l *ledgerTest) sifted(sequence uint64, s *engine.Sieve, rows ...row) engine.Batch {
	b := batches(l.p, rows, len(rows))[0]
	b.Sequence, b.Sieve = sequence, s
	return b
}

func hashes(rows ...row) (out batch.Hashes) {
	for _, r := range rows {
		out = append(out, batch.HashRow(r.data))
	}
	return out
}

// rejectsRefused: of two rows with one key the target takes the first, and the ledger
// counts the other one as rejected, once.
func (l *ledgerTest) rejectsRefused() {
	l.key()
	w := l.openRange(l.p, l.r, 10, 10, false)
	k := &keeper{}
	first := l.sifted(0, k.sieve(5), slices.Concat(l.rows[:6], l.rows[3:4], l.rows[6:10])...)
	l.write(w, first)
	require.Equal(l.t, digest(l.rows[:10]), l.there())
	require.Equal(l.t, 1, k.calls)
	require.Empty(l.t, k.before)
	require.Len(l.t, k.refused, 1)
	require.Equal(l.t, l.rows[3].data, k.refused[0].Row)
	require.Equal(l.t, batch.HashRow(l.rows[3].data), k.refused[0].Hash)
	require.NotEmpty(l.t, k.refused[0].Err.Key)
	require.NotEmpty(l.t, k.refused[0].Err.Error())
	outcome, err := w.Write(l.ctx, first)
	require.NoError(l.t, err)
	require.Equal(l.t, engine.Duplicate, outcome)
	require.Equal(l.t, 1, k.calls)

	// A row of an earlier batch, equal rows, and nothing but refused rows.
	l.write(w, l.sifted(1, k.sieve(5), l.rows[0], l.rows[10], l.rows[3]))
	require.Equal(l.t, hashes(l.rows[3]), k.before)
	l.write(w, l.sifted(2, k.sieve(5), l.rows[3]))
	require.Equal(l.t, digest(l.rows[:11]), l.there())
	want := hashes(l.rows[3], l.rows[0], l.rows[3], l.rows[3])
	ledger, err := w.Complete(l.ctx, 3)
	require.NoError(l.t, err)
	require.Equal(l.t, digest(l.rows[:11]), ledger.Digest)
	require.ElementsMatch(l.t, want, ledger.Rejected)

	// Another attempt goes on with them, and a reset forgets them.
	require.ElementsMatch(l.t, want, l.openRange(l.p, l.r, 11, 11, false).Ledger().Rejected)
	require.Empty(l.t, l.openRange(l.p, l.r, 12, 12, true).Ledger().Rejected)
	require.Equal(l.t, batch.Digest{}, l.there())
	w = l.openRange(l.p, l.r, 13, 13, false)
	l.write(w, l.sifted(0, k.sieve(1), l.rows[0], l.rows[0]))
	require.NoError(l.t, l.target.Empty(l.ctx, l.migration, l.p, 20))
	require.Empty(l.t, l.openRange(l.p, l.r, 21, 21, false).Ledger().Rejected)
}

// onDisk has a batch's rows where memory does not.
func onDisk(b engine.Batch) engine.Batch {
	b.Large, b.Body = io.NewSectionReader(bytes.NewReader(b.Body), 0, int64(len(b.Body))), nil
	return b
}

// rejectsLarge: of a batch that is not in memory refused rows are left out too, the last
// one, which may be too large for memory, and those before it; and they are replayed from
// where they are kept.
func (l *ledgerTest) rejectsLarge() {
	l.key()
	w := l.openRange(l.p, l.r, 10, 10, false)
	k := &keeper{}
	l.write(w, l.sifted(0, k.sieve(9), l.rows[:4]...))
	fine := onDisk(l.sifted(1, k.sieve(9), l.rows[4:6]...))
	l.write(w, fine)
	require.Zero(l.t, k.calls)
	l.write(w, onDisk(l.sifted(2, k.sieve(9), l.rows[6], l.rows[7], l.rows[3])))
	require.Equal(l.t, digest(l.rows[:8]), l.there())
	require.Len(l.t, k.refused, 1)
	refused := k.refused[0]
	require.Equal(l.t, batch.HashRow(l.rows[3].data), refused.Hash)
	require.NotEmpty(l.t, refused.Err.Key)
	kept := refused.Row
	if refused.Large != nil {
		var err error
		kept, err = engine.ReadLarge(refused.Large, 0, refused.Large.Size())
		require.NoError(l.t, err)
	}
	require.Equal(l.t, l.rows[3].data, kept)
	l.write(w, onDisk(l.sifted(3, k.sieve(9), l.rows[1], l.rows[8], l.rows[9])))
	require.Equal(l.t, digest(l.rows[:10]), l.there())
	require.Equal(l.t, hashes(l.rows[3]), k.before)
	_, err := w.Write(l.ctx, onDisk(l.sifted(4, k.sieve(2), l.rows[0])))
	l.refused(fault.Value, err)
	_, err = w.Write(l.ctx, onDisk(l.sifted(4, nil, l.rows[0])))
	require.Error(l.t, err)

	replay := onDisk(l.sifted(4, k.sieve(9), l.rows[3]))
	replay.Replays = hashes(l.rows[3])
	l.write(w, replay)
	ledger, err := w.Complete(l.ctx, 5)
	require.NoError(l.t, err)
	require.Equal(l.t, digest(l.rows[:10]), ledger.Digest)
	require.ElementsMatch(l.t, hashes(l.rows[3], l.rows[1]), ledger.Rejected)
}

// rejectsBounded: a batch fails as a whole with one refused row too many, without a
// sieve, and where its rows cannot be kept.
func (l *ledgerTest) rejectsBounded() {
	l.key()
	w := l.openRange(l.p, l.r, 10, 10, false)
	k := &keeper{}
	l.write(w, l.sifted(0, k.sieve(2), l.rows[0], l.rows[0], l.rows[1]))
	rows := slices.Concat(l.rows[2:5], l.rows[:2])
	_, err := w.Write(l.ctx, l.sifted(1, k.sieve(2), rows...))
	l.refused(fault.Value, err)
	require.NotEmpty(l.t, fault.Find(err).Key)
	_, err = w.Write(l.ctx, l.sifted(1, nil, rows...))
	require.Error(l.t, err)
	k.fail = fault.New(fault.Exhausted, "enginetest.Keep", "no room")
	_, err = w.Write(l.ctx, l.sifted(1, k.sieve(5), rows...))
	l.refused(fault.Exhausted, err)
	require.Equal(l.t, digest(l.rows[:2]), l.there())
	k.fail = nil
	l.write(w, l.sifted(1, k.sieve(5), rows...))
	require.Equal(l.t, digest(l.rows[:5]), l.there())
	ledger, err := w.Complete(l.ctx, 2)
	require.NoError(l.t, err)
	require.ElementsMatch(l.t, hashes(l.rows[0], l.rows[0], l.rows[1]), ledger.Rejected)
}

// rejectsReplayed: a rejected row is written when nothing stands against it any more,
// and no row but those.
func (l *ledgerTest) rejectsReplayed() {
	l.key()
	other := l.read(l.p, engine.SourceSide, l.ranges[0], nil)
	first := l.openRange(l.p, l.ranges[0], 10, 10, false)
	l.write(first, l.sifted(0, nil, other...))
	k := &keeper{}
	w := l.openRange(l.p, l.r, 10, 10, false)
	l.write(w, l.sifted(0, k.sieve(5), l.rows[0], other[0], other[1]))

	replay := l.sifted(0, k.sieve(5), other[0], other[1])
	replay.Replays = hashes(other[0], other[1])
	w = l.openRange(l.p, l.r, 11, 11, false)
	l.write(w, replay)
	ledger, err := w.Complete(l.ctx, 1)
	require.NoError(l.t, err)
	require.ElementsMatch(l.t, hashes(other[0], other[1]), ledger.Rejected, "both are refused again")

	l.openRange(l.p, l.ranges[0], 12, 12, true) // what stood against them is gone
	w = l.openRange(l.p, l.r, 13, 13, false)
	replay = l.sifted(0, k.sieve(5), other[1])
	replay.Replays = hashes(other[1])
	for _, want := range []engine.Outcome{engine.Written, engine.Duplicate} {
		outcome, err := w.Write(l.ctx, replay)
		require.NoError(l.t, err)
		require.Equal(l.t, want, outcome)
	}
	stranger := l.sifted(1, k.sieve(5), l.rows[1])
	stranger.Replays = hashes(l.rows[1])
	_, err = w.Write(l.ctx, stranger)
	l.refused(fault.Fenced, err)
	ledger, err = w.Complete(l.ctx, 1)
	require.NoError(l.t, err)
	require.Equal(l.t, digest([]row{l.rows[0], other[1]}), ledger.Digest)
	require.Equal(l.t, hashes(other[0]), ledger.Rejected)
	require.Equal(l.t, digest([]row{l.rows[0], other[1]}), l.there())
	after := l.openRange(l.p, l.r, 14, 14, false).Ledger().After
	require.NotNil(l.t, after, "a replay does not move the last key")
}

// reopened: a complete migration is taken up again only if somebody says so.
func (l *ledgerTest) reopened() {
	require.NoError(l.t, l.target.Finish(l.ctx, l.migration, engine.StageComplete))
	r := l.prepareRequest()
	l.refused(fault.Fenced, l.target.Prepare(l.ctx, r))
	r.Reopen = true
	for range 2 {
		require.NoError(l.t, l.target.Prepare(l.ctx, r))
	}
	w := l.openRange(l.p, l.r, 10, 10, false)
	l.write(w, l.all[0])
	require.NoError(l.t, l.target.Finish(l.ctx, l.migration, engine.StageCancelled))
	l.refused(fault.Fenced, l.target.Prepare(l.ctx, r))
}

// key builds the key if that comes after the load.
func (l *ledgerTest) key() {
	if l.p.GetKeyAfterLoad() {
		l.apply(l.p, planv1.Step_STEP_KEY)
	}
}
