package state

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/batch"
)

// log applies events with rising sequences and times.
type log struct {
	store *Store
	seq   uint64
}

func (l *log) apply(e *journalv1.Event) error {
	l.seq++
	e.Time = &timestamppb.Timestamp{Seconds: int64(l.seq)}
	return l.store.Apply("M", l.seq, e)
}

// planned makes a log with one table of n ranges that is ready to load.
func planned(t require.TestingT, n uint32) *log {
	l := &log{store: New()}
	ranges := &journalv1.RangesPlanned{Table: 1, Last: true}
	for i := range n {
		ranges.Ranges = append(ranges.Ranges, &planv1.Range{Number: i + 1})
	}
	for _, e := range []*journalv1.Event{
		{Body: &journalv1.Event_MigrationCreated{MigrationCreated: &journalv1.MigrationCreated{Uid: "M", Spec: &droverv1.MigrationSpec{Name: "m"}}}},
		{Body: &journalv1.Event_TablePlanned{TablePlanned: &journalv1.TablePlanned{Table: &planv1.TablePlan{Number: 1}}}},
		{Body: &journalv1.Event_TargetDesigned{TargetDesigned: &journalv1.TargetDesigned{Tables: 1}}},
		{Body: &journalv1.Event_RangesPlanned{RangesPlanned: ranges}},
		{Body: &journalv1.Event_PlanFinished{PlanFinished: &journalv1.PlanFinished{}}},
		{Body: &journalv1.Event_MigrationStarted{MigrationStarted: &journalv1.MigrationStarted{}}},
		{Body: &journalv1.Event_TableAdvanced{TableAdvanced: &journalv1.TableAdvanced{Table: 1, Stage: TableCreated}}},
	} {
		require.NoError(t, l.apply(e))
	}
	return l
}

func digest(n uint32) *planv1.Digest {
	var d batch.Digest
	for i := range n {
		d.Add(fmt.Appendf(nil, "%d of %d", i, n))
	}
	return d.Proto()
}

// draw gives some event about a range; many of them do not fit and are refused.
func draw(t *rapid.T, attempt uint64) *journalv1.Event {
	n := rapid.Uint32Range(1, 6).Draw(t, "range")
	switch rapid.IntRange(0, 9).Draw(t, "event") {
	case 0, 1:
		return &journalv1.Event{Body: &journalv1.Event_RangeLoaded{RangeLoaded: &journalv1.RangeLoaded{Table: 1, Range: n, Attempt: attempt, Digest: digest(n), Bytes: int64(n),
			Touched: []*planv1.Touched{{Column: n, Values: int64(n)}}, Rejected: drawRejected(t)}}}
	case 2:
		return &journalv1.Event{Body: &journalv1.Event_RangeVerified{RangeVerified: &journalv1.RangeVerified{Table: 1, Range: n,
			Attempt: rapid.Uint64Range(0, attempt).Draw(t, "attempt"), Digest: digest(n)}}}
	case 3:
		return &journalv1.Event{Body: &journalv1.Event_RangeFailed{RangeFailed: &journalv1.RangeFailed{Table: 1, Range: n, Stage: "validate", Counted: true}}}
	case 4:
		return &journalv1.Event{Body: &journalv1.Event_RangeBlocked{RangeBlocked: &journalv1.RangeBlocked{Table: 1, Range: n}}}
	case 5:
		return &journalv1.Event{Body: &journalv1.Event_RangeSkipped{RangeSkipped: &journalv1.RangeSkipped{Table: 1, Range: n}}}
	case 6:
		return &journalv1.Event{Body: &journalv1.Event_RangeEmptied{RangeEmptied: &journalv1.RangeEmptied{Table: 1, Range: n}}}
	case 7:
		return &journalv1.Event{Body: &journalv1.Event_RejectsRetried{RejectsRetried: &journalv1.RejectsRetried{Table: 1}}}
	case 8:
		return &journalv1.Event{Body: &journalv1.Event_RangeReplayed{RangeReplayed: &journalv1.RangeReplayed{Table: 1, Range: n, Attempt: attempt, Digest: digest(n + 1),
			Rejected: drawRejected(t)}}}
	default:
		return rapid.SampledFrom([]*journalv1.Event{
			{Body: &journalv1.Event_RangeRetried{RangeRetried: &journalv1.RangeRetried{Table: 1, Range: n}}},
			{Body: &journalv1.Event_TableRestarted{TableRestarted: &journalv1.TableRestarted{Table: 1}}},
			{Body: &journalv1.Event_RangeCut{RangeCut: &journalv1.RangeCut{Table: 1, Range: &planv1.Range{Number: n},
				Added: []*planv1.Range{{Number: rapid.Uint32Range(5, 7).Draw(t, "added")}}}}},
		}).Draw(t, "other")
	}
}

func drawRejected(t *rapid.T) *planv1.Rejected {
	rows := make(batch.Hashes, rapid.IntRange(0, 2).Draw(t, "rejected"))
	return &planv1.Rejected{Hashes: rows.Marshal(), First: &planv1.Reject{Key: "id=1"}}
}

// Whatever happens to ranges, a table's counts are what counting gives.
func TestApply_CountsAreTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := planned(t, 4)
		for i := range rapid.IntRange(0, 60).Draw(t, "events") {
			before := l.store.View()
			if err := l.apply(draw(t, uint64(i+1))); err != nil {
				require.Equal(t, before.Table("M", 1), l.store.View().Table("M", 1), "a refused event changed something")
			}
			table, want := l.store.View().Table("M", 1), Counts{}
			l.store.View().Ranges("M", 1, func(r *Range) bool {
				want.Ranges++
				want.Rejected += int64(len(r.Rejected))
				if r.Replay {
					want.Replays++
				}
				switch r.State {
				case RangeVerified:
					want.Verified++
					want.VerifiedDigest.Merge(r.Actual)
					fallthrough
				case RangeLoaded:
					want.Loaded++
					want.LoadedBytes += r.Bytes
					want.LoadedDigest.Merge(r.Digest)
					want.Touched = want.Touched.add(r.Touched.Proto(), 1)
				case RangeBlocked:
					want.BlockedRanges++
				case RangeEmptied:
					want.EmptiedRanges++
					fallthrough
				case RangeSkipped:
					want.SkippedRanges++
				}
				return true
			})
			require.Equal(t, want.Ranges, table.Ranges)
			require.Equal(t, want.Loaded, table.Loaded)
			require.Equal(t, want.Verified, table.Verified)
			require.Equal(t, want.BlockedRanges, table.BlockedRanges)
			require.Equal(t, want.LoadedBytes, table.LoadedBytes)
			require.Equal(t, want.SkippedRanges, table.SkippedRanges)
			require.Equal(t, want.EmptiedRanges, table.EmptiedRanges)
			require.Equal(t, want.Touched.Proto(), table.Touched.Proto())
			require.Equal(t, want.Rejected, table.Rejected)
			require.Equal(t, want.Replays, table.Replays)
			require.Equal(t, want.LoadedDigest, table.LoadedDigest)
			require.Equal(t, want.VerifiedDigest, table.VerifiedDigest)
		}
	})
}

// A verdict on an attempt that is not the loaded one is refused.
func TestApply_StaleVerdict(t *testing.T) {
	l := planned(t, 1)
	loaded := func(attempt uint64) *journalv1.Event {
		return &journalv1.Event{Body: &journalv1.Event_RangeLoaded{RangeLoaded: &journalv1.RangeLoaded{Table: 1, Range: 1, Attempt: attempt}}}
	}
	require.NoError(t, l.apply(loaded(7)))
	require.Error(t, l.apply(loaded(8)), "loaded twice")
	require.NoError(t, l.apply(&journalv1.Event{Body: &journalv1.Event_RangeFailed{RangeFailed: &journalv1.RangeFailed{Table: 1, Range: 1}}}))
	require.NoError(t, l.apply(loaded(8)))
	require.Error(t, l.apply(&journalv1.Event{Body: &journalv1.Event_RangeVerified{RangeVerified: &journalv1.RangeVerified{Table: 1, Range: 1, Attempt: 7}}}))
	require.Equal(t, RangeLoaded, l.store.View().Range("M", 1, 1).State)
}

// Prefixes do not reach into neighbours: migration "M" is not "M2", table 1 not 256.
func TestView_Prefixes(t *testing.T) {
	s := New()
	txn := s.Replay("M")
	for _, r := range []*Range{{Migration: "M", Table: 1, Number: 1}, {Migration: "M2", Table: 1, Number: 1},
		{Migration: "M", Table: 256, Number: 1}, {Migration: "M", Table: 1, Number: 2, State: RangeLoaded}} {
		require.NoError(t, txn.insert(tableRanges, r))
	}
	require.NoError(t, txn.Commit())
	n := 0
	s.View().Ranges("M", 1, func(*Range) bool { n++; return true })
	require.Equal(t, 2, n)
	s.View().RangesIn("M", 1, RangeLoaded, func(r *Range) bool {
		require.EqualValues(t, 2, r.Number)
		return true
	})
	require.Nil(t, s.View().Range("M", 2, 1))
}

func TestApply_UnknownEvent(t *testing.T) {
	l := planned(t, 1)
	require.ErrorContains(t, l.apply(&journalv1.Event{}), "newer coordinator")
}

// A table that has begun is not planned anew, and one that is complete not skipped.
func TestApply_BegunTablesStay(t *testing.T) {
	l := planned(t, 1)
	spec := &droverv1.MigrationSpec{Name: "m", Existing: "append"}
	require.NoError(t, l.apply(&journalv1.Event{Body: &journalv1.Event_SpecChanged{SpecChanged: &journalv1.SpecChanged{Spec: spec}}}))
	require.Equal(t, ReplanDesign, l.store.View().Migration("M").Replan)
	plan := func(n uint32) *journalv1.Event {
		return &journalv1.Event{Body: &journalv1.Event_TablePlanned{TablePlanned: &journalv1.TablePlanned{Table: &planv1.TablePlan{Number: n}}}}
	}
	require.Error(t, l.apply(plan(1)))
	require.NoError(t, l.apply(plan(2)))
	require.NoError(t, l.apply(&journalv1.Event{Body: &journalv1.Event_TargetDesigned{TargetDesigned: &journalv1.TargetDesigned{Tables: 2,
		Statements: []*planv1.Statement{{Sql: "CREATE SCHEMA a"}}}}}))
	require.NoError(t, l.apply(&journalv1.Event{Body: &journalv1.Event_PlanFinished{PlanFinished: &journalv1.PlanFinished{}}}))
	m := l.store.View().Migration("M")
	require.Equal(t, Running, m.Stage)
	require.Equal(t, ReplanNone, m.Replan)
	require.Len(t, m.Statements, 1)
	require.Error(t, l.apply(plan(2)))
	require.NoError(t, l.apply(&journalv1.Event{Body: &journalv1.Event_TableAdvanced{TableAdvanced: &journalv1.TableAdvanced{Table: 1, Stage: TableComplete}}}))
	require.Error(t, l.apply(&journalv1.Event{Body: &journalv1.Event_TableSkipped{TableSkipped: &journalv1.TableSkipped{Table: 1}}}))
}
