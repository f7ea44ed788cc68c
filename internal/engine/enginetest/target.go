package enginetest

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// testLedger holds an engine to the loader step: duplicates, gaps, fences.
func testLedger(t *testing.T, f Factory) {
	source := f.New(t, intTable(), emptyTable())
	for name, test := range map[string]func(*ledgerTest){
		"WriteOnce": (*ledgerTest).writeOnce, "TakeoverFences": (*ledgerTest).takeoverFences, "LoaderReplaced": (*ledgerTest).loaderReplaced,
		"NewAttemptGoesOn": (*ledgerTest).newAttemptGoesOn, "ResetRange": (*ledgerTest).resetRange, "Complete": (*ledgerTest).complete,
		"FailedBatchLeavesNothing": (*ledgerTest).failedBatchLeavesNothing, "EmptyFences": (*ledgerTest).emptyFences, "LateEmptyIsFenced": (*ledgerTest).lateEmptyIsFenced,
		"FinishFences": (*ledgerTest).finishFences, "CountsTouchedOnce": (*ledgerTest).countsTouchedOnce, "RangesAreIndependent": (*ledgerTest).rangesAreIndependent,
		"RejectsRefused": (*ledgerTest).rejectsRefused, "RejectsLarge": (*ledgerTest).rejectsLarge, "RejectsBounded": (*ledgerTest).rejectsBounded, "RejectsReplayed": (*ledgerTest).rejectsReplayed,
		"Reopened": (*ledgerTest).reopened, "PlanKept": (*ledgerTest).planKept, "TakenOver": (*ledgerTest).takenOver, "LastStepNoted": (*ledgerTest).lastStepNoted,
	} {
		t.Run(name, func(t *testing.T) {
			flow := flowBetween(t, f, f, planv1.Existing_EXISTING_FAIL, source, f.New(t))
			flow.prepare()
			p := flow.plan("by_int")
			flow.apply(p, planv1.Step_STEP_CREATE)
			if !p.GetKeyAfterLoad() {
				flow.apply(p, planv1.Step_STEP_KEY)
			}
			l := &ledgerTest{flow: flow, p: p, ranges: flow.split(p, 60)}
			require.Greater(t, len(l.ranges), 2)
			l.r = l.ranges[1]
			l.rows = flow.read(p, engine.SourceSide, l.r, nil)
			require.Greater(t, len(l.rows), 20)
			l.all = batches(p, l.rows, 10)
			test(l)
		})
	}
}

// ledgerTest is one range of a table with its rows and batches.
type ledgerTest struct {
	*flow
	p      *planv1.TablePlan
	ranges []*planv1.Range
	r      *planv1.Range
	rows   []row
	all    []engine.Batch
}

// there reads the whole target table.
func (l *ledgerTest) there() batch.Digest { return digest(l.read(l.p, engine.TargetSide, nil, nil)) }

func (l *ledgerTest) refused(kind fault.Kind, err error) {
	l.t.Helper()
	require.Error(l.t, err)
	require.Equal(l.t, kind, fault.KindOf(err), "%v", err)
}

func (l *ledgerTest) writeOnce() {
	w := l.openRange(l.p, l.r, 10, 10, false)
	require.Nil(l.t, w.Ledger().After)
	require.Zero(l.t, w.Ledger().NextSequence)
	require.Equal(l.t, batch.Digest{}, w.Ledger().Digest)
	l.write(w, l.all[0])
	outcome, err := w.Write(l.ctx, l.all[0])
	require.NoError(l.t, err)
	require.Equal(l.t, engine.Duplicate, outcome)
	_, err = w.Write(l.ctx, l.all[2])
	l.refused(fault.Gap, err)
	l.write(w, l.all[1])
	outcome, err = w.Write(l.ctx, l.all[0])
	require.NoError(l.t, err)
	require.Equal(l.t, engine.Duplicate, outcome)
	l.write(w, l.all[2])
	require.Equal(l.t, digest(l.rows[:30]), l.there())
}

func (l *ledgerTest) takeoverFences() {
	zombie := l.openRange(l.p, l.r, 10, 10, false)
	l.write(zombie, l.all[0])
	owner := l.openRange(l.p, l.r, 11, 11, false)
	_, err := zombie.Write(l.ctx, l.all[1])
	l.refused(fault.Fenced, err)
	_, err = zombie.Complete(l.ctx, 1)
	l.refused(fault.Fenced, err)
	_, err = l.target.OpenRange(l.ctx, engine.RangeRequest{Migration: l.migration, Plan: l.p, Range: l.r, Attempt: 10, Epoch: 10})
	l.refused(fault.Fenced, err)
	require.Equal(l.t, digest(l.rows[:10]), l.there())
	require.Equal(l.t, digest(l.rows[:10]), owner.Ledger().Digest)
}

// loaderReplaced: the same attempt under a new epoch goes on in the stream.
func (l *ledgerTest) loaderReplaced() {
	first := l.openRange(l.p, l.r, 10, 10, false)
	l.write(first, l.all[0])
	l.write(first, l.all[1])
	second := l.openRange(l.p, l.r, 10, 11, false)
	require.EqualValues(l.t, 2, second.Ledger().NextSequence)
	require.True(l.t, keyrange.Equal(l.rows[19].key, second.Ledger().After))
	outcome, err := second.Write(l.ctx, l.all[1])
	require.NoError(l.t, err)
	require.Equal(l.t, engine.Duplicate, outcome)
	for _, b := range l.all[2:] {
		l.write(second, b)
	}
	ledger, err := second.Complete(l.ctx, uint64(len(l.all)))
	require.NoError(l.t, err)
	require.Equal(l.t, digest(l.rows), ledger.Digest)
	require.Equal(l.t, digest(l.rows), l.there())
}

// newAttemptGoesOn: another extraction begins behind the last committed key, and
// sums carry over.
func (l *ledgerTest) newAttemptGoesOn() {
	first := l.openRange(l.p, l.r, 10, 10, false)
	l.write(first, l.all[0])
	second := l.openRange(l.p, l.r, 11, 11, false)
	require.Zero(l.t, second.Ledger().NextSequence)
	require.True(l.t, keyrange.Equal(l.rows[9].key, second.Ledger().After))
	rest := batches(l.p, l.read(l.p, engine.SourceSide, l.r, second.Ledger().After), 100)
	for _, b := range rest {
		l.write(second, b)
	}
	ledger, err := second.Complete(l.ctx, uint64(len(rest)))
	require.NoError(l.t, err)
	require.Equal(l.t, digest(l.rows), ledger.Digest)
	require.Equal(l.t, digest(l.rows), l.there())
}

// countsTouchedOnce: what policies changed is counted with the rows, by whichever
// loader and attempt, and forgotten with them.
func (l *ledgerTest) countsTouchedOnce() {
	l.all[0].Touched = engine.Touched{1: 3}
	l.all[1].Touched = engine.Touched{1: 1, 2: 5}
	l.all[2].Touched = engine.Touched{2: 7}
	first := l.openRange(l.p, l.r, 10, 10, false)
	l.equalTouched(nil, first.Ledger().Touched)
	l.write(first, l.all[0])
	_, err := first.Write(l.ctx, l.all[0])
	require.NoError(l.t, err)
	l.write(first, l.all[1])
	second := l.openRange(l.p, l.r, 10, 11, false)
	l.equalTouched(engine.Touched{1: 4, 2: 5}, second.Ledger().Touched)
	l.write(second, l.all[2])
	third := l.openRange(l.p, l.r, 12, 12, false)
	l.equalTouched(engine.Touched{1: 4, 2: 12}, third.Ledger().Touched)
	rest := batches(l.p, l.read(l.p, engine.SourceSide, l.r, third.Ledger().After), 1000)
	rest[0].Touched = engine.Touched{0: 1}
	l.write(third, rest[0])
	ledger, err := third.Complete(l.ctx, 1)
	require.NoError(l.t, err)
	l.equalTouched(engine.Touched{0: 1, 1: 4, 2: 12}, ledger.Touched)
	l.equalTouched(engine.Touched{1: 4, 2: 12}, third.Ledger().Touched)
	reset := l.openRange(l.p, l.r, 13, 13, true)
	l.equalTouched(nil, reset.Ledger().Touched)
	l.write(reset, l.all[0])
	require.NoError(l.t, l.target.Empty(l.ctx, l.migration, l.p, 20))
	l.equalTouched(nil, l.openRange(l.p, l.r, 21, 21, false).Ledger().Touched)
}

// resetRange empties this range and no other.
func (l *ledgerTest) resetRange() {
	other := l.load(l.p, l.ranges[0], 13)
	w := l.openRange(l.p, l.r, 10, 10, false)
	l.write(w, l.all[0])
	last := l.load(l.p, l.ranges[len(l.ranges)-1], 13)
	w = l.openRange(l.p, l.r, 11, 11, true)
	require.Nil(l.t, w.Ledger().After)
	require.Equal(l.t, batch.Digest{}, w.Ledger().Digest)
	other.Merge(last)
	require.Equal(l.t, other, l.there())
	for _, b := range l.all {
		l.write(w, b)
	}
	other.Merge(digest(l.rows))
	require.Equal(l.t, other, l.there())
}

func (l *ledgerTest) complete() {
	w := l.openRange(l.p, l.r, 10, 10, false)
	for _, b := range l.all {
		l.write(w, b)
	}
	for _, wrong := range []uint64{0, uint64(len(l.all)) - 1, uint64(len(l.all)) + 1} {
		_, err := w.Complete(l.ctx, wrong)
		l.refused(fault.Gap, err)
	}
	for range 2 {
		ledger, err := w.Complete(l.ctx, uint64(len(l.all)))
		require.NoError(l.t, err)
		require.Equal(l.t, digest(l.rows), ledger.Digest)
	}
	p := l.plan("empty")
	l.apply(p, planv1.Step_STEP_CREATE)
	empty := l.openRange(p, &planv1.Range{Number: 1, Label: "all"}, 12, 12, false)
	ledger, err := empty.Complete(l.ctx, 0)
	require.NoError(l.t, err)
	require.Equal(l.t, batch.Digest{}, ledger.Digest)
}

// failedBatchLeavesNothing: rows and ledger go together, so a batch that fails
// can be written again.
func (l *ledgerTest) failedBatchLeavesNothing() {
	w := l.openRange(l.p, l.r, 10, 10, false)
	bad := l.all[0]
	bad.Body = bad.Body[:len(bad.Body)-3]
	_, err := w.Write(l.ctx, bad)
	l.refused(fault.Corrupt, err)
	require.Equal(l.t, batch.Digest{}, l.there())
	lying := l.all[0]
	lying.Digest = l.all[1].Digest
	lying.Digest.Rows++
	_, err = w.Write(l.ctx, lying)
	l.refused(fault.Corrupt, err)
	l.write(w, l.all[0])
	require.Equal(l.t, digest(l.rows[:10]), l.there())
}

func (l *ledgerTest) emptyFences() {
	w := l.openRange(l.p, l.r, 10, 10, false)
	l.write(w, l.all[0])
	require.NoError(l.t, l.target.Empty(l.ctx, l.migration, l.p, 20))
	require.NoError(l.t, l.target.Empty(l.ctx, l.migration, l.p, 20))
	_, err := w.Write(l.ctx, l.all[1])
	l.refused(fault.Fenced, err)
	_, err = l.target.OpenRange(l.ctx, engine.RangeRequest{Migration: l.migration, Plan: l.p, Range: l.ranges[0], Attempt: 11, Epoch: 11})
	l.refused(fault.Fenced, err)
	require.Equal(l.t, batch.Digest{}, l.there())
	w = l.openRange(l.p, l.r, 21, 21, false)
	require.Nil(l.t, w.Ledger().After)
	require.Equal(l.t, batch.Digest{}, w.Ledger().Digest)
	l.write(w, l.all[0])
}

// lateEmptyIsFenced: an emptying of before a range's loader, of before another emptying
// or of a coordinator that was replaced changes nothing, and the loader goes on.
func (l *ledgerTest) lateEmptyIsFenced() {
	require.NoError(l.t, l.target.Empty(l.ctx, l.migration, l.p, 20))
	l.refused(fault.Fenced, l.target.Empty(l.ctx, l.migration, l.p, 19))
	w := l.openRange(l.p, l.r, 22, 22, false)
	l.write(w, l.all[0])
	l.refused(fault.Fenced, l.target.Empty(l.ctx, l.migration, l.p, 21))
	late := l.migration
	l.migration.Term++
	require.NoError(l.t, l.target.Prepare(l.ctx, l.prepareRequest()))
	l.refused(fault.Fenced, l.target.Empty(l.ctx, late, l.p, 30))
	l.write(w, l.all[1])
	require.Equal(l.t, digest(l.rows[:20]), l.there())
	ledger, err := w.Complete(l.ctx, 2)
	require.NoError(l.t, err)
	require.Equal(l.t, digest(l.rows[:20]), ledger.Digest)
	// What comes behind all of them empties the table.
	require.NoError(l.t, l.target.Empty(l.ctx, l.migration, l.p, 30))
	require.Equal(l.t, batch.Digest{}, l.there())
}

func (l *ledgerTest) finishFences() {
	w := l.openRange(l.p, l.r, 10, 10, false)
	l.write(w, l.all[0])
	for range 2 {
		require.NoError(l.t, l.target.Finish(l.ctx, l.migration, engine.StageCancelled))
	}
	_, err := w.Write(l.ctx, l.all[1])
	l.refused(fault.Fenced, err)
	_, err = l.target.OpenRange(l.ctx, engine.RangeRequest{Migration: l.migration, Plan: l.p, Range: l.r, Attempt: 11, Epoch: 11, Reset: true})
	l.refused(fault.Fenced, err)
	l.refused(fault.Fenced, l.target.Empty(l.ctx, l.migration, l.p, 30))
	l.refused(fault.Fenced, l.target.Prepare(l.ctx, l.prepareRequest()))
	require.Equal(l.t, digest(l.rows[:10]), l.there())
}

// rangesAreIndependent: ranges of a table, and of another migration, share no
// ledger row.
func (l *ledgerTest) rangesAreIndependent() {
	a := l.openRange(l.p, l.ranges[0], 10, 10, false)
	b := l.openRange(l.p, l.r, 10, math.MaxInt64-1, false)
	l.write(b, l.all[0])
	first := l.read(l.p, engine.SourceSide, l.ranges[0], nil)
	l.write(a, batches(l.p, first, 1000)[0])
	want := digest(first)
	want.Merge(digest(l.rows[:10]))
	require.Equal(l.t, want, l.there())
}
