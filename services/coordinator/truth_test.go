package coordinator

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

// What policies changed adds up by column, and a range that is done again counts once.
func TestTable_Touched(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		wrong := true
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			switch {
			case j.GetDesign() != nil:
				r := result(j)
				for _, p := range r.GetDesigned().GetDesign().GetTables() {
					p.Columns = []*planv1.ColumnPlan{{Source: "id"},
						{Source: "at", Policy: &planv1.Policy{Action: planv1.Policy_ACTION_SENTINEL, Sentinel: "1970-01-01"}},
						{Source: "gone", Policy: &planv1.Policy{Action: planv1.Policy_ACTION_NULL}}}
				}
				return r
			case j.GetLoad().GetTable().GetTargetName() == "plain":
				r := result(j)
				r.GetLoaded().Touched = []*planv1.Touched{{Column: 1, Values: 2}, {Column: 2, Values: int64(j.GetLoad().GetRange().GetNumber())}}
				return r
			case j.GetValidate().GetTable().GetTargetName() == "plain" && wrong:
				wrong = false
				return &workerv1.Result{Outcome: &workerv1.Result_Verdict{Verdict: &workerv1.Verdict{DifferentRows: 1}}}
			case j.GetCount() != nil:
				return &workerv1.Result{Outcome: &workerv1.Result_Counted{Counted: &workerv1.Counted{Rows: 3 * rowsPerRange, Filtered: 7}}}
			}
			return nil
		}
		h.create()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		touched := h.tables()["plain"].GetTouched()
		require.Len(t, touched, 2)
		require.Equal(t, "at", touched[0].GetColumn())
		require.Equal(t, "sentinel 1970-01-01", touched[0].GetPolicy())
		require.EqualValues(t, 6, touched[0].GetValues())
		require.Equal(t, "set-null", touched[1].GetPolicy())
		require.EqualValues(t, 6, touched[1].GetValues())
		require.EqualValues(t, 12, h.migration().GetCounters().GetValuesTouched())
		require.EqualValues(t, 21, h.migration().GetCounters().GetRowsFiltered())
		require.Empty(t, h.tables()["late"].GetTouched())
	})
}

// A step that fails on one table blocks it with its kind and tries, and no other.
func TestTable_BlockedStep(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if applies("late", planv1.Step_STEP_INDEXES)(j) {
				return &workerv1.Result{Outcome: &workerv1.Result_Failure{Failure: &workerv1.Failure{Kind: "conflict", Side: "target", Message: "deadlock"}}}
			}
			return nil
		}
		h.create()
		h.rest(5 * time.Minute)
		table := h.tables()["late"]
		require.Equal(t, droverv1.Table_STATE_BLOCKED, table.GetState())
		require.Equal(t, "conflict", table.GetReasonKind())
		require.EqualValues(t, 5, table.GetAttempts())
		require.Equal(t, droverv1.Table_STATE_COMPLETE, h.tables()["plain"].GetState())
	})
}

// Only a full view pays for the sizes of ranges.
func TestTable_RangeSizes(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.create()
		h.rest(time.Minute)
		api := &tableServer{s: h.s}
		full, err := api.ListTables(context.Background(), &droverv1.ListTablesRequest{Parent: "m", Full: true})
		require.NoError(t, err)
		require.EqualValues(t, 3, full.GetTables()[0].GetRangeSizes().GetBuckets()[0].GetRanges())
		require.Nil(t, h.tables()["plain"].GetRangeSizes())
	})
	sizes := rangeSizes([]int64{1000, 10, 990, 1, 500})
	require.EqualValues(t, 1, sizes.GetSmallest())
	require.EqualValues(t, 500, sizes.GetMedian())
	require.EqualValues(t, 1000, sizes.GetLargest())
	require.Len(t, sizes.GetBuckets(), 8)
	var counts []int32
	for _, b := range sizes.GetBuckets() {
		counts = append(counts, b.GetRanges())
	}
	require.Equal(t, []int32{2, 0, 0, 1, 0, 0, 0, 2}, counts)
	require.EqualValues(t, 1000, sizes.GetBuckets()[7].GetUpToRows())
}

// The first rule that matches a table decides: a later skip does not win.
func TestPlan_FirstRuleWins(t *testing.T) {
	rules := func(s *droverv1.MigrationSpec) {
		s.Tables = []*droverv1.TableRule{{Match: "late", Skip: true}, {Match: "pl*"}, {Match: "plain", Skip: true}, {Match: "whole", Skip: true}, {Match: "*"}}
	}
	require.Equal(t, []string{"late"}, selection(specWith(rules)).GetExclude(), "an exclusion knows no order")
	bubble(t, func(t *testing.T, h *harness) {
		h.createAs(true, rules)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Len(t, h.tables(), 1)
		require.Contains(t, h.tables(), "plain")
	})
}

// A table that cannot be split is a finding of a plan, and ends a run before
// anything is created.
func TestPlan_TableThatCannotBeSplit(t *testing.T) {
	split := func(j *workerv1.Job) *workerv1.Result {
		if j.GetSplit().GetTable().GetTargetName() == "plain" {
			return failure("denied", "permission denied for table plain")
		}
		return nil
	}
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = split
		h.createAs(false, func(*droverv1.MigrationSpec) {})
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_PLANNED, h.migration().GetState(), h.migration().GetReason())
		require.NoError(t, h.skip("plain", 0))
		_, err := h.api().StartMigration(context.Background(), &droverv1.StartMigrationRequest{Name: "m"})
		require.NoError(t, err)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
	})
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = split
		h.create()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_FAILED, h.migration().GetState())
		require.Equal(t, "denied", h.migration().GetReasonKind())
		require.Negative(t, h.first(func(j *workerv1.Job) bool { return j.GetPrepare() != nil }))
	})
}

// A plan for people measures the largest tables; a sample that fails is no failure
// of the plan, and a run measures nothing.
func TestPlan_Sizing(t *testing.T) {
	sized := func(j *workerv1.Job) *workerv1.Result {
		switch {
		case j.GetDescribe() != nil:
			db := scriptedSource()
			for i, bytes := range []int64{90_000, 90_000, 5_000} {
				db.Tables[i].EstimatedRows, db.Tables[i].EstimatedBytes = bytes/90, bytes
			}
			return &workerv1.Result{Outcome: &workerv1.Result_Described{Described: &workerv1.Described{Database: db}}}
		case j.GetSample().GetTable().GetTargetName() == "late":
			return failure("value", "no such value")
		}
		return nil
	}
	samples := func(j *workerv1.Job) bool { return j.GetSample() != nil }
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = sized
		h.createAs(false, func(s *droverv1.MigrationSpec) { s.Stream = &droverv1.StreamSpec{MaxBytes: "100KiB", Replicas: 3} })
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_PLANNED, h.migration().GetState())
		require.Equal(t, 2, h.count(samples))
		require.EqualValues(t, 1, h.jobs[h.first(samples)].GetSample().GetRange().GetNumber())
		s := h.migration().GetSizing()
		require.EqualValues(t, 10, s.GetSampledRows())
		require.EqualValues(t, 1000, s.GetSampledBytes())
		// plain: 1000 rows of 100 bytes; the others by their statistics, times 10/9.
		require.EqualValues(t, 100_000+100_000+5_555, s.GetTravelBytes())
		require.EqualValues(t, 2, s.GetExtractSlots())
		require.InDelta(t, 205_555.0/2000/2, s.GetReadSeconds(), 0.01)
		require.EqualValues(t, 3*100<<10, s.GetStreamBytes())
	})
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = sized
		h.create()
		h.rest(time.Minute)
		require.Zero(t, h.count(samples))
		require.Nil(t, h.migration().GetSizing())
	})
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = sized
		_, err := h.api().CreateMigration(context.Background(), &droverv1.CreateMigrationRequest{NoSample: true, Spec: specWith(func(*droverv1.MigrationSpec) {})})
		require.NoError(t, err)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_PLANNED, h.migration().GetState())
		require.Zero(t, h.count(samples))
	})
}
