package loader

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	streamv1 "github.com/drover-db/drover/gen/drover/stream/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

func TestLoad_WritesStream(t *testing.T) {
	f := newFixture(t)
	f.publish(f.stream(3, 10)...)
	loaded := f.load(1, 1)
	require.Equal(t, f.sum(0, 30).Sum(), loaded.GetDigest().GetSum())
	require.EqualValues(t, 30, loaded.GetRows())
	require.EqualValues(t, 3, loaded.GetBatches())
	require.Zero(t, loaded.GetDuplicates())
	require.Positive(t, loaded.GetBytes())
	require.Len(t, f.rows(), 30)

	require.NotNil(t, f.progress[0].GetFenced(), "the fence is reported before anything else")
	require.Nil(t, f.progress[0].GetFenced().GetAfter())
	last := f.progress[len(f.progress)-1]
	require.EqualValues(t, 3, last.GetCommittedSequence(), "stream sequence of the last committed batch")
	require.EqualValues(t, 30, last.GetRows())
}

func TestLoad_EmptyRange(t *testing.T) {
	f := newFixture(t)
	f.publish(f.stream(0, 0)...)
	loaded := f.load(1, 1)
	require.Zero(t, loaded.GetDigest().GetRows())
	require.Empty(t, f.rows())
}

func TestLoad_DuplicateDeliveries(t *testing.T) {
	f := newFixture(t)
	s := f.stream(3, 10)
	f.publish(s[0], s[0], s[1], s[0], s[1], s[2], s[3])
	loaded := f.load(1, 1)
	require.EqualValues(t, 3, loaded.GetDuplicates())
	require.EqualValues(t, 30, loaded.GetRows())
	require.Equal(t, f.sum(0, 30).Sum(), loaded.GetDigest().GetSum())
	require.Len(t, f.rows(), 30)
}

func TestLoad_HoleIsGapAtOnce(t *testing.T) {
	for name, lost := range map[string]int{"First": 0, "Middle": 1, "Last": 2} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				s := f.stream(3, 10)
				f.publish(append(s[:lost:lost], s[lost+1:]...)...)
				start := time.Now()
				_, err := f.try(t.Context(), f.job(1, 1))
				require.Equal(t, fault.Gap, fault.KindOf(err))
				require.Zero(t, time.Since(start))
				require.Len(t, f.rows(), lost*10, "nothing behind the hole is written")
			})
		})
	}
}

func TestLoad_LostEndIsGapAfterSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.publish(f.stream(2, 10)[:2]...)
		start := time.Now()
		_, err := f.try(t.Context(), f.job(1, 1))
		require.Equal(t, fault.Gap, fault.KindOf(err))
		require.Equal(t, fault.Stream, fault.Find(err).Side)
		require.Equal(t, time.Minute, time.Since(start))
	})
}

// The extraction may have to wait for a worker far longer than a stream may pause.
func TestLoad_WaitsForFirstMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		s := f.stream(1, 10)
		published := make(chan struct{})
		time.AfterFunc(3*time.Hour, func() {
			f.publish(s...)
			close(published)
		})
		require.EqualValues(t, 10, f.load(1, 1).GetRows())
		<-published
	})
}

// A stream full of other ranges' messages keeps extractors waiting: that is no loss.
func TestLoad_WaitsWhileStreamIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		s := f.stream(2, 10)
		f.publish(s[0])
		f.ensureStream(64 << 10)
		other := bus.RowSubject(uid, 9, 9, 9)
		f.send(bus.Message{Subject: other, ID: "other", Data: make([]byte, 60<<10)})
		published := make(chan struct{})
		time.AfterFunc(10*time.Minute, func() {
			_ = f.bus.Purge(context.Background(), bus.RowStream(uid), other, 0)
			f.publish(s[1:]...)
			close(published)
		})
		require.EqualValues(t, 20, f.load(1, 1).GetRows())
		<-published
	})
}

// A source may need long for its next row: the extraction says that it still reads.
func TestLoad_WaitsForASlowSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		s := f.stream(2, 10)
		f.publish(s[0])
		reads, err := batch.Seal(batch.NewBuffer(0), &streamv1.BatchHeader{Migration: uid, Table: f.plan.GetNumber(), Range: 1, Attempt: attempt,
			Schema: batch.Fingerprint(f.plan), Idle: true})
		require.NoError(t, err)
		published := make(chan struct{})
		go func() {
			for i := range 30 {
				time.Sleep(50 * time.Second)
				f.send(bus.Message{Subject: f.subject(attempt), ID: fmt.Sprint("idle", i), Data: reads[0]})
			}
			f.publish(s[1:]...)
			close(published)
		}()
		loaded := f.load(1, 1)
		require.EqualValues(t, 20, loaded.GetRows())
		require.Zero(t, loaded.GetDuplicates())
		<-published
	})
}

func TestLoad_StopsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		_, err := f.try(ctx, f.job(1, 1))
		require.Equal(t, fault.Canceled, fault.KindOf(err))
	})
}

func TestLoad_FlippedBitIsCorrupt(t *testing.T) {
	f := newFixture(t)
	s := f.stream(2, 10)
	s[1][20] ^= 1
	f.publish(s...)
	_, err := f.try(t.Context(), f.job(1, 1))
	require.Equal(t, fault.Corrupt, fault.KindOf(err))
	require.Len(t, f.rows(), 10)
}

func TestLoad_IgnoresOtherAttempts(t *testing.T) {
	f := newFixture(t)
	stale := f.builder(6)
	f.publish(stale.batch(100, 10), stale.end())
	f.publish(f.stream(2, 10)...)
	loaded := f.load(1, 1)
	require.EqualValues(t, 20, loaded.GetRows())
	require.Len(t, f.rows(), 20)
}

func TestLoad_RefusesForeignMessages(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*builder)
		kind   fault.Kind
	}{
		"Migration": {func(b *builder) { b.migration = "01OTHER" }, fault.Corrupt},
		"Table":     {func(b *builder) { b.table++ }, fault.Corrupt},
		"Range":     {func(b *builder) { b.rng++ }, fault.Corrupt},
		"Schema":    {func(b *builder) { b.schema++ }, fault.Changed},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			b := f.builder(attempt)
			c.change(b)
			f.publish(b.batch(0, 10), b.end())
			_, err := f.try(t.Context(), f.job(1, 1))
			require.Equal(t, c.kind, fault.KindOf(err))
			require.Empty(t, f.rows())
		})
	}
}

func TestLoad_EndMustAddUp(t *testing.T) {
	for name, change := range map[string]func(*builder){
		"Batches": func(b *builder) { b.claimed++ },
		"Rows":    func(b *builder) { b.total.Rows++ },
		"Sum":     func(b *builder) { b.total.AddHash(batch.HashRow(nil)); b.total.Rows-- },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			b := f.builder(attempt)
			first := b.batch(0, 10)
			change(b)
			f.publish(first, b.end())
			_, err := f.try(t.Context(), f.job(1, 1))
			require.Equal(t, fault.Corrupt, fault.KindOf(err))
		})
	}
}

// A new attempt goes on behind what the first one got into the target, and the
// sums of both make up the range.
func TestLoad_ResumesAfterFence(t *testing.T) {
	f := newFixture(t)
	f.publish(f.stream(3, 10)[:2]...)
	f.silence(t, 1)

	f.progress = nil
	second := f.builder(attempt + 1)
	f.publishTo(attempt+1, second.batch(20, 10), second.end())
	result, err := f.try(t.Context(), f.job(2, attempt+1))
	require.NoError(t, err)
	fenced := f.progress[0].GetFenced()
	require.True(t, keyrange.Equal(keyrange.Of(id(19)), fenced.GetAfter()))
	require.EqualValues(t, 20, fenced.GetDigest().GetRows())
	require.EqualValues(t, 10, result.GetLoaded().GetRows(), "rows this job wrote")
	require.Equal(t, f.sum(0, 30).Sum(), result.GetLoaded().GetDigest().GetSum())
	require.Len(t, f.rows(), 30)
}

// A loader that takes over within the attempt goes on in its stream, whether the
// part that is in the target is still there or purged.
func TestLoad_TakesOverWithinAttempt(t *testing.T) {
	for name, purged := range map[string]bool{"Kept": false, "Purged": true} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			s := f.stream(3, 10)
			f.publish(s[:2]...)
			f.silence(t, 1)
			if purged {
				require.NoError(t, f.bus.Purge(t.Context(), bus.RowStream(uid), f.subject(attempt), 3))
			}
			f.publish(s[2:]...)
			loaded := f.load(2, attempt)
			require.EqualValues(t, 10, loaded.GetRows())
			require.Equal(t, f.sum(0, 30).Sum(), loaded.GetDigest().GetSum())
			require.Len(t, f.rows(), 30)
		})
	}
}

func TestLoad_ResetBeginsAgain(t *testing.T) {
	f := newFixture(t)
	f.publish(f.stream(3, 10)...)
	f.load(1, attempt)

	f.progress = nil
	again := f.builder(attempt + 1)
	f.publishTo(attempt+1, again.batch(0, 30), again.end())
	job := f.job(2, attempt+1)
	job.GetLoad().Reset_ = workerv1.Reset_RESET_RANGE
	result, err := f.try(t.Context(), job)
	require.NoError(t, err)
	require.Nil(t, f.progress[0].GetFenced().GetAfter())
	require.EqualValues(t, 30, result.GetLoaded().GetRows())
	require.Len(t, f.rows(), 30)
}

func TestLoad_FencedLoaderStops(t *testing.T) {
	f := newFixture(t)
	s := f.stream(3, 10)
	f.publish(s[0])
	f.target.beforeWrite = func() {
		if f.target.writes == 2 {
			f.takeOver(9, attempt+1)
		}
	}
	f.publish(s[1:]...)
	_, err := f.try(t.Context(), f.job(1, attempt))
	require.Equal(t, fault.Fenced, fault.KindOf(err))
	require.Equal(t, fault.Target, fault.Find(err).Side)
	require.Len(t, f.rows(), 10)
}

func TestLoad_WritesAgainAfterConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.publish(f.stream(2, 10)...)
		f.target.writeErrors = []error{conflict, nil, conflict, conflict}
		require.EqualValues(t, 20, f.load(1, 1).GetRows())
	})
}

func TestLoad_GivesUpOnLastingConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.publish(f.stream(1, 10)...)
		for range 2 * conflictTries {
			f.target.writeErrors = append(f.target.writeErrors, conflict)
		}
		_, err := f.try(t.Context(), f.job(1, 1))
		require.Equal(t, fault.Conflict, fault.KindOf(err))
		require.Equal(t, conflictTries, f.target.writes)
	})
}

func TestLoad_OtherErrorsAreNotTriedAgain(t *testing.T) {
	f := newFixture(t)
	f.publish(f.stream(1, 10)...)
	f.target.writeErrors = []error{fault.New(fault.Value, "fake.Write", "value out of range")}
	_, err := f.try(t.Context(), f.job(1, 1))
	require.Equal(t, fault.Value, fault.KindOf(err))
	require.Equal(t, 1, f.target.writes)
}

// The commit took place and its answer was lost: the ledger says so, and the
// rows count once.
func TestLoad_LostCommitAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.publish(f.stream(2, 10)...)
		f.target.loseAnswers = 1
		loaded := f.load(1, 1)
		require.EqualValues(t, 1, loaded.GetDuplicates())
		require.Equal(t, f.sum(0, 20).Sum(), loaded.GetDigest().GetSum())
		require.Len(t, f.rows(), 20)
	})
}

func TestLoad_LedgerMustAgree(t *testing.T) {
	f := newFixture(t)
	f.publish(f.stream(1, 10)...)
	f.target.complete = func(l engine.Ledger) engine.Ledger { l.Digest.AddHash(batch.HashRow(nil)); return l }
	_, err := f.try(t.Context(), f.job(1, 1))
	require.Equal(t, fault.Corrupt, fault.KindOf(err))
}

func TestLoad_JoinsParts(t *testing.T) {
	f := newFixture(t)
	b := f.builder(attempt)
	small := b.batch(0, 2)
	large := b.parts(2, strings.Repeat("x", 9<<20))
	require.Len(t, large, 3)
	// Parts come twice and out of their batch's turn.
	f.publish(small, large[0], large[0], large[1], small, large[0], large[2], large[2], b.end())
	loaded := f.load(1, attempt)
	require.EqualValues(t, 3, loaded.GetRows())
	require.Len(t, f.rows(), 3)
}

func TestLoad_LostPartIsGap(t *testing.T) {
	for name, lost := range map[string]int{"First": 0, "Middle": 1, "Last": 2} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			b := f.builder(attempt)
			parts := b.parts(0, strings.Repeat("x", 9<<20))
			f.publish(append(parts[:lost:lost], parts[lost+1:]...)...)
			f.publish(b.end())
			_, err := f.try(t.Context(), f.job(1, 1))
			require.Equal(t, fault.Gap, fault.KindOf(err))
			require.Empty(t, f.rows())
		})
	}
}

func TestLoad_MissingStream(t *testing.T) {
	f := newFixture(t)
	require.NoError(t, f.bus.DeleteStream(t.Context(), bus.RowStream(uid)))
	_, err := f.try(t.Context(), f.job(1, 1))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.Equal(t, fault.Stream, fault.Find(err).Side)
	require.False(t, errors.Is(err, context.Canceled))
}
