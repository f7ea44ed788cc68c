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

// phased makes phases of tables, one name a phase; "!" before it waits for approval.
func phased(names ...string) func(*droverv1.MigrationSpec) {
	return func(s *droverv1.MigrationSpec) {
		s.Strategy = "phased"
		for _, name := range names {
			p := &droverv1.Phase{Name: "p-" + name, Tables: []string{name}}
			if name[0] == '!' {
				p = &droverv1.Phase{Name: "p-" + name[1:], Tables: []string{name[1:]}, Approve: "manual"}
			}
			s.Phases = append(s.Phases, p)
		}
	}
}

func (h *harness) phaseStates() []droverv1.PhaseStatus_State {
	var out []droverv1.PhaseStatus_State
	for _, p := range h.migration().GetPhases() {
		out = append(out, p.GetState())
	}
	return out
}

// A phase begins when every table of the one before is complete; tables that no
// phase names come last.
func TestPhases_OneAfterAnother(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.createAs(true, phased("whole", "late"))
		h.rest(10 * time.Second)
		m := h.migration()
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, m.GetState(), m.GetReason())
		require.Len(t, m.GetPhases(), 3)
		require.Equal(t, "rest", m.GetPhases()[2].GetName())
		require.Equal(t, "rest", h.tables()["plain"].GetPhase())
		for _, p := range m.GetPhases() {
			require.Equal(t, droverv1.PhaseStatus_STATE_COMPLETE, p.GetState())
			require.EqualValues(t, 1, p.GetTablesComplete())
		}
		counted := func(table string) int {
			return h.first(func(j *workerv1.Job) bool { return j.GetCount().GetTable().GetTargetName() == table })
		}
		require.Less(t, counted("whole"), h.first(creates("late")))
		require.Less(t, counted("late"), h.first(creates("plain")))
		require.Equal(t, "PHASE_REST", m.GetFindings()[0].GetCode())
		require.Contains(t, m.GetFindings()[0].GetMessage(), "plain")
	})
}

// A phase without tables is a mistake to be told before anything is created.
func TestPhases_WithoutTables(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.createAs(true, phased("plain", "shop"))
		h.rest(10 * time.Second)
		require.Equal(t, droverv1.Migration_STATE_FAILED, h.migration().GetState())
		require.Contains(t, h.migration().GetReason(), `phase "p-shop" has no table`)
		require.Negative(t, h.first(func(j *workerv1.Job) bool { return j.GetPrepare() != nil }))
	})
}

// A phase with approve: manual begins nothing, not even the ledger, before somebody
// says so; also after a restart.
func TestPhases_Approval(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.createAs(true, phased("!plain", "late", "!whole"))
		approve := func(phase string) error {
			_, err := h.api().ApproveMigration(context.Background(), &droverv1.ApproveMigrationRequest{Name: "m", Phase: phase})
			return err
		}
		h.rest(time.Hour)
		require.Equal(t, droverv1.Migration_STATE_WAITING, h.migration().GetState())
		require.Contains(t, h.migration().GetReason(), "drover approve m")
		require.Equal(t, droverv1.Table_STATE_WAITING, h.tables()["plain"].GetState())
		require.Negative(t, h.first(func(j *workerv1.Job) bool { return j.GetPrepare() != nil }))
		require.ErrorContains(t, approve("p-whole"), `it is phase "p-plain" that waits`)
		require.NoError(t, approve("p-plain"))
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_WAITING, h.migration().GetState())
		require.Equal(t, []droverv1.PhaseStatus_State{droverv1.PhaseStatus_STATE_COMPLETE, droverv1.PhaseStatus_STATE_COMPLETE,
			droverv1.PhaseStatus_STATE_WAITING}, h.phaseStates())
		h.kill()
		h.start()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_WAITING, h.migration().GetState())
		require.Negative(t, h.first(creates("whole")))
		require.NoError(t, approve(""))
		require.ErrorContains(t, approve(""), "no phase that waits")
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
	})
}

// A blocked table lets the rest of its phase finish and stops there; what is proven
// stays proven when the migration goes on.
func TestPhases_StopAndResume(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		bad := true
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if bad && extracts("plain", 2)(j) {
				return failure("value", "no such value")
			}
			return nil
		}
		h.createAs(true, func(s *droverv1.MigrationSpec) {
			phased("late", "plain")(s)
			s.Phases[1].Tables = []string{"plain", "whole"}
		})
		h.rest(time.Minute)
		m := h.migration()
		require.Equal(t, droverv1.Migration_STATE_STOPPED, m.GetState())
		require.Contains(t, m.GetReason(), "no such value")
		require.Equal(t, droverv1.PhaseStatus_STATE_STOPPED, m.GetPhases()[1].GetState())
		require.Equal(t, droverv1.Table_STATE_COMPLETE, h.tables()["whole"].GetState())
		require.Equal(t, "value", h.tables()["plain"].GetReasonKind())
		require.EqualValues(t, 1, h.tables()["plain"].GetAttempts())
		h.kill()
		h.start()
		h.rest(time.Hour)
		require.Equal(t, droverv1.Migration_STATE_STOPPED, h.migration().GetState())
		loads := h.count(func(j *workerv1.Job) bool { return j.GetLoad() != nil })
		bad = false
		_, err := h.api().ResumeMigration(context.Background(), &droverv1.ResumeMigrationRequest{Name: "m"})
		require.NoError(t, err)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Equal(t, loads+1, h.count(func(j *workerv1.Job) bool { return j.GetLoad() != nil }), "proven ranges were done again")
	})
}

// A corruption that is found in phase 2 stops before phase 3; skip goes on without
// the table.
func TestPhases_SkipLetsThemGoOn(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if v := j.GetValidate(); v.GetTable().GetTargetName() == "late" && v.GetRange().GetNumber() == 1 {
				return &workerv1.Result{Outcome: &workerv1.Result_Verdict{Verdict: &workerv1.Verdict{DifferentRows: 1}}}
			}
			return nil
		}
		h.createAs(true, phased("plain", "late", "whole"))
		h.rest(10 * time.Minute)
		require.Equal(t, droverv1.Migration_STATE_STOPPED, h.migration().GetState())
		require.Negative(t, h.first(creates("whole")))
		_, err := h.api().SkipTable(context.Background(), &droverv1.SkipTableRequest{Name: "m", Table: "late"})
		require.NoError(t, err)
		h.rest(time.Minute)
		m := h.migration()
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, m.GetState(), m.GetReason())
		require.Equal(t, "without 1 skipped tables", m.GetReason())
		require.EqualValues(t, 1, m.GetTablesSkipped())
		require.Equal(t, droverv1.Table_STATE_SKIPPED, h.tables()["late"].GetState())
	})
}

// Foreign keys to tables of a later phase are built when those have their indexes;
// the phase does not wait for that.
func TestPhases_ForeignKeysToLaterOnes(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = describes("plain>whole", "late>plain", "whole>whole")
		h.createAs(true, phased("plain", "!late", "!whole"))
		h.rest(time.Minute)
		approve := func() {
			_, err := h.api().ApproveMigration(context.Background(), &droverv1.ApproveMigrationRequest{Name: "m"})
			require.NoError(t, err)
			h.rest(time.Minute)
		}
		require.Equal(t, droverv1.Migration_STATE_WAITING, h.migration().GetState())
		require.Equal(t, droverv1.Table_STATE_FINISHING, h.tables()["plain"].GetState())
		require.Equal(t, "its foreign keys wait for table whole", h.tables()["plain"].GetReason())
		approve()
		require.Equal(t, droverv1.Table_STATE_COMPLETE, h.tables()["late"].GetState(), "its foreign keys point to an earlier phase")
		approve()
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Greater(t, h.first(applies("plain", planv1.Step_STEP_FOREIGN_KEYS)), h.first(applies("whole", planv1.Step_STEP_INDEXES)))
	})
}

// With rangesPerStep no more ranges are begun than may be, until those are proven,
// and a table that is confirmed as a whole is under way alone.
func TestPhases_RangesPerStep(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		most := 0
		wholeAlone := true
		look := func() {
			under, whole := 0, false
			for _, table := range h.s.view().Tables(h.s.view().MigrationByName("m").UID) {
				n := table.Loaded - table.Verified
				for w := range h.s.runs[table.Migration].attempts {
					if w.table == table.Number {
						n++
					}
				}
				if table.Plan.GetTargetName() == "whole" && n > 0 {
					whole = true
				} else {
					under += n
				}
			}
			most = max(most, under)
			wholeAlone = wholeAlone && (!whole || under == 0)
		}
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if j.GetLoad() != nil || j.GetValidate() != nil {
				h.s.mu.Lock()
				look()
				h.s.mu.Unlock()
			}
			return nil
		}
		h.createAs(true, func(s *droverv1.MigrationSpec) {
			phased("*")(s)
			s.Phases[0].Name, s.Phases[0].RangesPerStep = "all", 1
		})
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Equal(t, 1, most)
		require.True(t, wholeAlone)
		late := h.s.view().Tables(h.migration().GetUid())[1].Plan
		require.False(t, late.GetKeyAfterLoad())
		require.Equal(t, planv1.Step_STEP_CREATE, late.GetStatements()[0].GetStep())
	})
}

// A coordinator that dies at any moment of a phased migration goes on from its log.
func TestPhases_AnyMoment(t *testing.T) {
	for stop := 1; stop < 64; stop += 3 {
		bubble(t, func(t *testing.T, h *harness) {
			h.stall(stop)
			h.answer = describes("plain>whole", "late>plain")
			h.createAs(true, phased("plain", "late", "whole"))
			h.rest(time.Second)
			h.kill()
			h.silent = nil
			h.start()
			h.rest(time.Minute)
			require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		})
	}
}
