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

// deep makes a migration that reads all rows while planning.
func (h *harness) deep(start bool) {
	_, err := h.api().CreateMigration(context.Background(), &droverv1.CreateMigrationRequest{Start: start, Deep: true, NoSample: true,
		Spec: specWith(func(*droverv1.MigrationSpec) {})})
	require.NoError(h.t, err)
}

// columned gives every planned table two columns and one key to compare.
func columned(j *workerv1.Job) *workerv1.Result {
	if j.GetDesign() == nil {
		return nil
	}
	r := result(j)
	for _, p := range r.GetDesigned().GetDesign().GetTables() {
		p.Columns = []*planv1.ColumnPlan{{Source: "id", Target: "id"}, {Source: "v", Target: "v", TargetType: "date", Nullable: true}}
		p.ComparedKeys = []*planv1.Index{{Name: "one"}, {Name: "two"}}
	}
	return r
}

// assesses answers a scan of a range with a lossy value where lossy says so.
func assesses(lossy func(*workerv1.AssessRange) bool) func(*workerv1.Job) *workerv1.Result {
	return func(j *workerv1.Job) *workerv1.Result {
		switch {
		case j.GetAssess() != nil:
			out := &workerv1.Assessed{Rows: rowsPerRange, Touched: []*planv1.Touched{{Column: 1, Values: 2}}}
			if lossy(j.GetAssess()) {
				out.Losses = []*planv1.Loss{{Column: 1, Rule: "IMPOSSIBLE_DATE", Rows: 1, Keys: []string{"id=7"}, Example: "0000-00-00"}}
			}
			return &workerv1.Result{Outcome: &workerv1.Result_Assessed{Assessed: out}}
		case j.GetCompareKeys() != nil:
			return &workerv1.Result{Outcome: &workerv1.Result_Compared{Compared: &workerv1.Compared{}}}
		}
		return nil
	}
}

func nothing(*workerv1.AssessRange) bool { return false }

// Every range is read once and every key compared once, whatever dies in between.
func TestAssess_ReadsEveryRangeOnce(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = answers(columned, assesses(nothing))
		h.deep(false)
		h.rest(time.Minute)
		h.kill()
		h.start()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_PLANNED, h.migration().GetState())
		require.Equal(t, 9, h.count(func(j *workerv1.Job) bool { return j.GetAssess() != nil }))
		require.Equal(t, 6, h.count(func(j *workerv1.Job) bool { return j.GetCompareKeys() != nil }))
		for _, table := range h.tables() {
			a := table.GetAssessment()
			require.EqualValues(t, 3*rowsPerRange, a.GetRows())
			require.EqualValues(t, 3, a.GetRanges())
			require.EqualValues(t, 6, a.GetColumns()[1].GetTouched())
			require.Zero(t, a.GetColumns()[1].GetLossy())
		}
	})
}

// What is lossy in one range refuses the migration before anything is prepared.
func TestAssess_LossRefusesTheRun(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = answers(columned, assesses(func(a *workerv1.AssessRange) bool {
			return a.GetTable().GetSource().GetName() == "late" && a.GetRange().GetNumber() > 1
		}))
		h.deep(true)
		h.rest(time.Minute)
		m := h.migration()
		require.Equal(t, droverv1.Migration_STATE_FAILED, m.GetState())
		require.Equal(t, "preflight", m.GetReasonKind())
		require.Contains(t, m.GetReason(), "late.v: 2 of 30 rows")
		require.Zero(t, h.count(func(j *workerv1.Job) bool { return j.GetPrepare() != nil }))
	})
}

// A table that cannot be read to its end is a finding too; the others are read.
func TestAssess_UnreadableTable(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = answers(columned, func(j *workerv1.Job) *workerv1.Result {
			if a := j.GetAssess(); a != nil && a.GetTable().GetSource().GetName() == "plain" && a.GetRange().GetNumber() == 2 {
				return failure("value", "a row is larger than can travel")
			}
			return nil
		}, assesses(nothing))
		h.deep(false)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_PLANNED, h.migration().GetState())
		for _, table := range h.s.view().Tables(h.migration().GetUid()) {
			codes := []string{}
			for _, f := range table.Plan.GetFindings() {
				codes = append(codes, f.GetCode())
			}
			if table.Plan.GetSource().GetName() == "plain" {
				require.Equal(t, []string{"CANNOT_READ"}, codes)
			} else {
				require.Empty(t, codes)
				require.Equal(t, 3, table.Assessment.Ranges)
			}
		}
	})
}
