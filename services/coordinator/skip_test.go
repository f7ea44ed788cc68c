package coordinator

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

func (h *harness) skip(table string, number uint32) error {
	_, err := h.api().SkipTable(context.Background(), &droverv1.SkipTableRequest{Name: "m", Table: table, Range: number})
	return err
}

// A table that is given up while it is copied leaves no lease behind, and the tables
// that refer to it are linked without it.
func TestSkip_TableThatOthersReferTo(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = describes("late>plain", "whole>plain", "whole>late")
		h.silent = extracts("plain", 2)
		h.create()
		h.rest(10 * time.Second)
		require.Equal(t, droverv1.Migration_STATE_RUNNING, h.migration().GetState())
		require.Negative(t, h.first(applies("late", planv1.Step_STEP_FOREIGN_KEYS)))
		require.NoError(t, h.skip("plain", 0))
		h.s.mu.Lock()
		require.Empty(t, h.s.run(h.s.view().MigrationByName("m").UID).attempts)
		h.s.mu.Unlock()
		h.rest(time.Minute)
		m := h.migration()
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, m.GetState(), m.GetReason())
		require.Equal(t, "without 1 skipped tables", m.GetReason())
		require.Equal(t, droverv1.Table_STATE_SKIPPED, h.tables()["plain"].GetState())
		linked := h.jobs[h.first(applies("whole", planv1.Step_STEP_FOREIGN_KEYS))].GetApplySchema().GetTable()
		require.Len(t, linked.GetStatements(), 1, "the foreign key to the skipped table is still there")
		require.Equal(t, "whole>late", linked.GetStatements()[0].GetObject())
		require.Equal(t, "foreign keys to skipped tables are left out: whole>plain to plain", h.tables()["whole"].GetReason())
		require.Len(t, h.tables(), 3)
	})
}

// Tables that have not begun are designed again without a skipped one.
func TestSkip_BeforeOthersBegan(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = describes("late>plain", "whole>plain", "whole>late")
		h.createAs(true, phased("!plain", "late", "whole"))
		h.rest(time.Minute)
		require.NoError(t, h.skip("plain", 0))
		h.rest(time.Second)
		whole := h.s.view().Table(h.migration().GetUid(), 3)
		require.Len(t, whole.Plan.GetStatements(), 1)
		require.Equal(t, "whole>plain", whole.Plan.GetFindings()[0].GetMessage())
		_, err := h.api().ApproveMigration(context.Background(), &droverv1.ApproveMigrationRequest{Name: "m"})
		require.NoError(t, err)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
	})
}

// Before a migration starts, skip lifts what is wrong with a table.
func TestSkip_TableWithErrors(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if j.GetDesign() == nil {
				return nil
			}
			r := result(j)
			for _, p := range r.GetDesigned().GetDesign().GetTables() {
				if p.GetTargetName() == "plain" {
					p.Findings = []*planv1.Finding{{Severity: planv1.Severity_SEVERITY_ERROR, Table: "plain", Message: "has rows"}}
				}
			}
			return r
		}
		h.createAs(false, func(*droverv1.MigrationSpec) {})
		h.rest(time.Minute)
		start := func() error {
			_, err := h.api().StartMigration(context.Background(), &droverv1.StartMigrationRequest{Name: "m"})
			return err
		}
		require.ErrorContains(t, start(), "has rows")
		require.NoError(t, h.skip("plain", 0))
		require.NoError(t, start())
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Negative(t, h.first(creates("plain")))
	})
}

// A range that is given up has its rows removed, and the table ends without them.
func TestSkip_Range(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		bad := true
		h.answer = blocks(&bad)
		h.create()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Table_STATE_BLOCKED, h.tables()["plain"].GetState())
		require.ErrorContains(t, h.skip("plain", 1), "has proven range 1")
		require.ErrorContains(t, h.skip("plain", 9), "no range 9")
		require.ErrorContains(t, h.skip("whole", 1), "confirmed as a whole")
		require.ErrorContains(t, h.skip("late", 0), "has proven table late")
		require.ErrorContains(t, h.skip("nobody", 0), "no table")

		loads := len(h.jobs)
		h.silent = func(j *workerv1.Job) bool { return j.GetLoad() != nil }
		require.NoError(t, h.skip("plain", 2))
		h.rest(time.Second)
		load := slices.IndexFunc(h.jobs[loads:], func(j *workerv1.Job) bool { return j.GetLoad() != nil })
		require.Equal(t, workerv1.Reset_RESET_RANGE, h.jobs[loads+load].GetLoad().GetReset_())
		require.Equal(t, droverv1.Table_STATE_COPYING, h.tables()["plain"].GetState())
		h.kill() // before the rows are known to be gone
		h.silent = nil
		h.start()
		h.rest(time.Minute)
		m := h.migration()
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, m.GetState(), m.GetReason())
		require.Equal(t, "without skipped ranges of 1 tables", m.GetReason())
		table := h.tables()["plain"]
		require.Equal(t, droverv1.Table_STATE_PARTIAL, table.GetState())
		require.EqualValues(t, 1, table.GetRangesSkipped())
		require.Equal(t, "10 rows of 1 skipped ranges are not in the target", table.GetReason())
		require.EqualValues(t, 2*rowsPerRange, table.GetCounters().GetRowsVerified())
		require.Zero(t, h.count(func(j *workerv1.Job) bool { return extracts("plain", 2)(j) && j.GetTerm() == 2 }), "its rows were read again")
	})
}

// A skipped range does not hide that rows were removed from the source.
func TestSkip_RangeAndFewerRows(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		bad := true
		h.answer = answers(blocks(&bad), func(j *workerv1.Job) *workerv1.Result {
			if j.GetCount().GetTable().GetTargetName() == "plain" {
				return &workerv1.Result{Outcome: &workerv1.Result_Counted{Counted: &workerv1.Counted{Rows: 19}}}
			}
			return nil
		})
		h.create()
		h.rest(time.Minute)
		require.NoError(t, h.skip("plain", 2))
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_INCOMPLETE, h.migration().GetState())
		require.Contains(t, h.tables()["plain"].GetReason(), "source has 19 rows now, but 20 were copied")
		require.Equal(t, "changed", h.tables()["plain"].GetReasonKind())
	})
}

// Foreign keys to a blocked table wait; the table that has them is not blocked.
func TestBlocked_TableThatOthersReferTo(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		bad := true
		h.answer = answers(blocks(&bad), describes("late>plain"))
		h.create()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_INCOMPLETE, h.migration().GetState())
		require.EqualValues(t, 1, h.migration().GetTablesBlocked())
		require.Equal(t, droverv1.Table_STATE_FINISHING, h.tables()["late"].GetState())
		require.Contains(t, h.tables()["late"].GetReason(), "wait for table plain")
		bad = false
		_, err := h.api().RetryMigration(context.Background(), &droverv1.RetryMigrationRequest{Name: "m", Table: "plain"})
		require.NoError(t, err)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Equal(t, 1, h.count(applies("late", planv1.Step_STEP_FOREIGN_KEYS)))
	})
}

// A source that holds no snapshot blocks the tables that need one, and no other.
func TestBlocked_WithoutSnapshot(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.refuse = func(j *workerv1.Job) *workerv1.Result {
			if j.GetHoldSnapshot() != nil {
				return failure("denied", "no right to export a snapshot")
			}
			return nil
		}
		h.create()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_INCOMPLETE, h.migration().GetState())
		require.Equal(t, droverv1.Table_STATE_BLOCKED, h.tables()["whole"].GetState())
		require.Contains(t, h.tables()["whole"].GetReason(), "no right to export")
		require.Equal(t, droverv1.Table_STATE_COMPLETE, h.tables()["plain"].GetState())
	})
}

// Ranges that were read in one snapshot do not go with those of another: a table that
// was begun before the coordinator died, and its snapshot with it, starts again.
func TestStart_SnapshotGone(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.silent = extracts("whole", 3)
		h.create()
		h.rest(5 * time.Second)
		require.EqualValues(t, 2, h.tables()["whole"].GetCounters().GetRangesLoaded())
		h.kill()
		h.silent = nil
		h.start()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Equal(t, 1, h.count(func(j *workerv1.Job) bool { return j.GetEmpty() != nil }))
		require.Equal(t, 2, h.count(extracts("whole", 1)))
		require.Equal(t, 1, h.count(extracts("plain", 1)))
	})
}

// Nobody holds a snapshot of the source while a phase waits for approval.
func TestPhases_SnapshotReleased(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.createAs(true, phased("whole", "!plain", "late"))
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_WAITING, h.migration().GetState())
		h.s.mu.Lock()
		defer h.s.mu.Unlock()
		require.Empty(t, h.s.busy)
	})
}
