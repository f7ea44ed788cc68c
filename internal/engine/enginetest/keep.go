package enginetest

import (
	"bytes"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// pieces of a plan that is no plan: nobody but the coordinator reads them.
func pieces(table uint32, bodies ...string) (out []engine.PlanPiece) {
	for i, body := range bodies {
		out = append(out, engine.PlanPiece{LedgerPlace: engine.LedgerPlace{Table: table, Number: uint32(i)}, Body: []byte(body)})
	}
	return out
}

// kept reads a whole plan, two pieces at a time.
func (l *ledgerTest) kept(uid string) (out []engine.PlanPiece) {
	for {
		var after *engine.LedgerPlace
		if len(out) > 0 {
			after = &out[len(out)-1].LedgerPlace
		}
		page, err := l.target.KeptPlan(l.ctx, uid, after, 2)
		require.NoError(l.t, err)
		out = append(out, page...)
		if len(page) < 2 {
			return out
		}
	}
}

// planKept: pieces come back as they were, in order, until the migration ends.
func (l *ledgerTest) planKept() {
	found, err := l.target.FindMigration(l.ctx, l.migration.Name)
	require.NoError(l.t, err)
	require.Nil(l.t, found, "nothing is kept of it")
	large := string(bytes.Repeat([]byte{0, 0xff, '\\', '\''}, 200_000))
	require.NoError(l.t, l.target.Keep(l.ctx, l.migration, 3, pieces(2, "two", "", large)))
	require.NoError(l.t, l.target.Keep(l.ctx, l.migration, 3, append(pieces(11, "eleven"), pieces(0, "old", "gone")...)))
	for range 2 { // the answer was lost
		require.NoError(l.t, l.target.Keep(l.ctx, l.migration, 6, pieces(0, "all")))
		require.NoError(l.t, l.target.Keep(l.ctx, l.migration, 6, pieces(2, "two", "", large, "more")[3:]))
	}
	l.refused(fault.Fenced, l.target.Keep(l.ctx, l.migration, 5, pieces(2, "late")))
	want := append(append(pieces(0, "all"), pieces(2, "two", "", large, "more")...), pieces(11, "eleven")...)
	got := l.kept(l.migration.UID)
	require.Len(l.t, got, len(want))
	for i := range want {
		require.Equal(l.t, want[i].LedgerPlace, got[i].LedgerPlace)
		require.True(l.t, bytes.Equal(want[i].Body, got[i].Body))
	}
	require.Empty(l.t, l.kept("another"))
	found, err = l.target.FindMigration(l.ctx, l.migration.Name)
	require.NoError(l.t, err)
	require.Equal(l.t, l.migration.UID, found.UID)
	require.Equal(l.t, l.prepareRequest().SourceIdentity, found.SourceIdentity)
	found, err = l.target.FindMigration(l.ctx, "another")
	require.NoError(l.t, err)
	require.Nil(l.t, found)

	require.NoError(l.t, l.target.Finish(l.ctx, l.migration, engine.StageComplete))
	l.refused(fault.Fenced, l.target.Keep(l.ctx, l.migration, 7, pieces(0, "late")))
	require.Empty(l.t, l.kept(l.migration.UID))
	found, err = l.target.FindMigration(l.ctx, l.migration.Name)
	require.NoError(l.t, err)
	require.Nil(l.t, found)
}

// takenOver: another migration has all that the ledger had of one, and whoever writes
// for that one is fenced, whatever its numbers.
func (l *ledgerTest) takenOver() {
	require.NoError(l.t, l.target.Keep(l.ctx, l.migration, 1<<40, pieces(0, "plan")))
	l.load(l.p, l.ranges[0], 10)
	done := digest(l.read(l.p, engine.SourceSide, l.ranges[0], nil))
	l.all[0].Touched = engine.Touched{1: 3}
	zombie := l.openRange(l.p, l.r, 1<<60, 1<<60, false)
	l.write(zombie, l.all[0])
	before := l.migration
	l.migration = engine.Migration{UID: before.UID + "z", Name: before.Name, Term: 1}
	for range 2 { // the answer was lost
		emptying, err := l.target.TakeOver(l.ctx, before.UID, l.migration)
		require.NoError(l.t, err)
		require.Empty(l.t, emptying)
	}
	_, err := zombie.Write(l.ctx, l.all[1])
	l.refused(fault.Fenced, err)
	_, err = zombie.Complete(l.ctx, 1)
	l.refused(fault.Fenced, err)
	_, err = l.target.OpenRange(l.ctx, engine.RangeRequest{Migration: before, Plan: l.p, Range: l.r, Attempt: 1<<60 + 1, Epoch: 1<<60 + 1})
	require.Error(l.t, err)
	_, err = l.target.TakeOver(l.ctx, "nobody", engine.Migration{UID: "nobody else", Name: before.Name, Term: 1})
	l.refused(fault.Fenced, err)
	require.Len(l.t, l.kept(l.migration.UID), 1)
	require.NoError(l.t, l.target.Prepare(l.ctx, l.prepareRequest()))
	require.NoError(l.t, l.target.Keep(l.ctx, l.migration, 1, pieces(0, "plan")))

	first, err := l.target.LedgerRanges(l.ctx, l.migration.UID, nil, 1)
	require.NoError(l.t, err)
	require.Len(l.t, first, 1)
	second, err := l.target.LedgerRanges(l.ctx, l.migration.UID, &first[0].LedgerPlace, 10)
	require.NoError(l.t, err)
	require.Len(l.t, second, 1)
	require.True(l.t, first[0].Loaded)
	require.Zero(l.t, first[0].Attempt)
	require.Equal(l.t, engine.LedgerPlace{Table: l.p.GetNumber(), Number: l.ranges[0].GetNumber()}, first[0].LedgerPlace)
	require.Equal(l.t, done, first[0].Digest)
	require.False(l.t, second[0].Loaded)
	require.Equal(l.t, digest(l.rows[:10]), second[0].Digest)
	l.equalTouched(engine.Touched{1: 3}, second[0].Touched)

	l.all[0].Touched = nil
	l.goesOn(done)
}

// goesOn loads the rest of the range behind what is there.
func (l *ledgerTest) goesOn(done batch.Digest) {
	w := l.openRange(l.p, l.r, 1, 1, false)
	require.Zero(l.t, w.Ledger().NextSequence)
	rest := batches(l.p, l.read(l.p, engine.SourceSide, l.r, w.Ledger().After), 100)
	for _, b := range rest {
		l.write(w, b)
	}
	ledger, err := w.Complete(l.ctx, uint64(len(rest)))
	require.NoError(l.t, err)
	require.Equal(l.t, digest(l.rows), ledger.Digest)
	done.Merge(digest(l.rows))
	require.Equal(l.t, done, l.there())
}

// lastStepNoted: the ledger tells whether a table's last step was done, since it was last
// emptied; steps may be done again.
func (l *ledgerTest) lastStepNoted() {
	noted := func(finished bool) {
		l.t.Helper()
		tables, err := l.target.LedgerTables(l.ctx, l.migration.UID)
		require.NoError(l.t, err)
		require.Equal(l.t, []engine.LedgerTable{{Number: l.p.GetNumber(), Made: true, Finished: finished}}, tables)
	}
	all := []planv1.Step{planv1.Step_STEP_KEY, planv1.Step_STEP_INDEXES, planv1.Step_STEP_FOREIGN_KEYS, planv1.Step_STEP_SEQUENCES}
	for i, r := range l.ranges {
		l.load(l.p, r, 10+i)
	}
	for range 2 {
		noted(false)
		for range 2 {
			for _, step := range all {
				l.apply(l.p, step)
			}
			noted(true)
		}
		require.NoError(l.t, l.target.Empty(l.ctx, l.migration, l.p, 1<<40))
	}
	noted(false)
	w := l.openRange(l.p, l.ranges[0], 1<<40+1, 1<<40+1, false)
	_, err := w.Complete(l.ctx, 0)
	require.NoError(l.t, err)
	rows, err := l.target.LedgerRanges(l.ctx, l.migration.UID, nil, 1)
	require.NoError(l.t, err)
	require.True(l.t, rows[0].Loaded)
	require.EqualValues(l.t, 1<<40+1, rows[0].Attempt)
	tables, err := l.target.LedgerTables(l.ctx, "another")
	require.NoError(l.t, err)
	require.Empty(l.t, tables)
}
