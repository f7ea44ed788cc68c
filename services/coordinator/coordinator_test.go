package coordinator

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/testing/protocmp"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/spec"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

func bubble(t *testing.T, test func(t *testing.T, h *harness)) {
	synctest.Test(t, func(t *testing.T) { test(t, newHarness(t)) })
}

func extracts(table string, number uint32) func(*workerv1.Job) bool {
	return func(j *workerv1.Job) bool {
		e := j.GetExtract()
		return e != nil && e.GetTable().GetTargetName() == table && e.GetRange().GetNumber() == number
	}
}

func TestRun_CompletesEveryTable(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.create()
		h.rest(10 * time.Second)
		m := h.migration()
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, m.GetState(), m.GetReason())
		require.EqualValues(t, 9, m.GetCounters().GetRangesVerified())
		require.EqualValues(t, 9*rowsPerRange, m.GetCounters().GetRowsVerified())
		for name, table := range h.tables() {
			require.Equal(t, table.GetSourceDigest(), table.GetTargetDigest(), name)
			require.NotEmpty(t, table.GetSourceDigest())
		}
	})
}

// The key of a table that has it built late comes before any of its validations,
// and no foreign key before every table has its indexes.
func TestRun_StepsInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.create()
		h.rest(10 * time.Second)
		keyed, indexed := false, 0
		for _, j := range h.jobs {
			switch step := j.GetApplySchema().GetStep(); {
			case step == planv1.Step_STEP_KEY:
				keyed = true
			case step == planv1.Step_STEP_INDEXES:
				indexed++
			case step == planv1.Step_STEP_FOREIGN_KEYS:
				require.Equal(t, 3, indexed)
			case j.GetValidate().GetTable().GetTargetName() == "late":
				require.True(t, keyed)
			}
		}
		require.True(t, keyed)
	})
}

// A value that cannot move blocks its range and then its table; the others complete.
func TestRun_BlockedTableAlone(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		bad := true
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if bad && extracts("plain", 2)(j) {
				return failure("value", "no such value")
			}
			return nil
		}
		h.create()
		h.rest(30 * time.Second)
		require.Equal(t, droverv1.Migration_STATE_INCOMPLETE, h.migration().GetState())
		require.Equal(t, droverv1.Table_STATE_BLOCKED, h.tables()["plain"].GetState())
		require.Contains(t, h.tables()["plain"].GetReason(), "no such value")
		require.Equal(t, droverv1.Table_STATE_COMPLETE, h.tables()["late"].GetState())
		bad = false
		_, err := (&migrationServer{s: h.s}).RetryMigration(context.Background(), &droverv1.RetryMigrationRequest{Name: "m"})
		require.NoError(t, err)
		h.rest(30 * time.Second)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
	})
}

// A worker that comes back says anew how many jobs it can take: what its stream of before
// still had to say about that counts no more.
func TestWork_CreditOfAReplacedStream(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		hello := &workerv1.Hello{Worker: "w", Role: workerv1.Role_ROLE_VALIDATOR, Slots: 2}
		credit := &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Credit{Credit: &workerv1.Credit{Jobs: 2}}}
		before := h.s.attach(hello)
		h.s.receive(t.Context(), "w", before, credit)
		now := h.s.attach(hello)
		h.s.receive(t.Context(), "w", now, credit)
		h.s.receive(t.Context(), "w", before, credit)
		h.s.mu.Lock()
		defer h.s.mu.Unlock()
		require.Equal(t, 2, h.s.workers["w"].credit)
	})
}

// credit gives back the slot of a job that was never answered.
func (h *harness) credit(worker string) {
	h.says(worker, &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Credit{Credit: &workerv1.Credit{Jobs: 1}}})
}

// A verdict of "different" does the range again, with its rows removed first.
func TestRun_MismatchDoneAgain(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		wrong := 2
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if v := j.GetValidate(); v.GetTable().GetTargetName() == "plain" && v.GetRange().GetNumber() == 1 && wrong > 0 {
				wrong--
				return &workerv1.Result{Outcome: &workerv1.Result_Verdict{Verdict: &workerv1.Verdict{DifferentRows: 1,
					Differences: []*planv1.Difference{{Type: planv1.Difference_TYPE_DIFFERENT, Key: "id=7", Columns: []string{"name"}}}}}}
			}
			return nil
		}
		h.create()
		h.rest(30 * time.Second)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Equal(t, 2, h.count(func(j *workerv1.Job) bool { return j.GetLoad().GetReset_() == workerv1.Reset_RESET_RANGE }))
		table := h.tables()["plain"]
		require.EqualValues(t, 2, table.GetCounters().GetMismatches())
		require.Equal(t, "id=7", table.GetDifferences()[0].GetKey())
	})
}

// A table that is confirmed as a whole is emptied and loaded again.
func TestRun_WholeTableAgain(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		wrong := true
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if j.GetValidate().GetTable().GetTargetName() == "whole" && wrong {
				wrong = false
				return &workerv1.Result{Outcome: &workerv1.Result_Verdict{Verdict: &workerv1.Verdict{DifferentRows: 1}}}
			}
			return nil
		}
		h.create()
		h.rest(30 * time.Second)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Equal(t, 1, h.count(func(j *workerv1.Job) bool { return j.GetEmpty() != nil }))
	})
}

// A range that fails every time is blocked after the limit, not tried for ever.
func TestRun_TooManyMismatches(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if v := j.GetValidate(); v.GetTable().GetTargetName() == "plain" && v.GetRange().GetNumber() == 1 {
				return &workerv1.Result{Outcome: &workerv1.Result_Verdict{Verdict: &workerv1.Verdict{DifferentRows: 1}}}
			}
			return nil
		}
		h.create()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_INCOMPLETE, h.migration().GetState())
		require.Equal(t, spec.DefaultMaxAttempts, h.count(extracts("plain", 1)))
	})
}

// A dead extractor's lease expires and the range is extracted by another attempt,
// on another subject.
func TestReap_DeadExtractor(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		died := false
		h.silent = func(j *workerv1.Job) bool {
			if extracts("plain", 1)(j) && !died {
				died = true
				return true
			}
			return false
		}
		h.create()
		h.rest(5 * time.Second)
		require.Equal(t, droverv1.Migration_STATE_RUNNING, h.migration().GetState())
		h.rest(2 * time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		subjects := map[string]bool{}
		for _, j := range h.jobs {
			if extracts("plain", 1)(j) {
				subjects[j.GetExtract().GetSubject()] = true
			}
		}
		require.Len(t, subjects, 2)
	})
}

// A coordinator that dies at any event goes on from its log: nothing verified is
// done again, and no attempt number is used twice.
func TestStart_AnyMoment(t *testing.T) {
	for stop := 1; stop < 60; stop += 3 {
		bubble(t, func(t *testing.T, h *harness) {
			h.stall(stop)
			h.create()
			h.rest(time.Second)
			before := h.migration().GetCounters().GetRangesVerified()
			h.kill()
			h.silent = nil
			h.start()
			require.GreaterOrEqual(t, h.migration().GetCounters().GetRangesVerified(), before)
			h.rest(time.Minute)
			require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
			attempts := map[uint64]bool{}
			for _, j := range h.jobs {
				if l := j.GetLoad(); l != nil {
					require.False(t, attempts[l.GetAttempt()])
					attempts[l.GetAttempt()] = true
				}
			}
		})
	}
}

// The state after a replay is the state that was.
func TestReplay_SameState(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.create()
		h.rest(10 * time.Second)
		uid := h.migration().GetUid()
		again := state.New()
		_, err := h.log.Replay(context.Background(), uid, 0, func(seq uint64, e *journalv1.Event) error { return again.Apply(uid, seq, e) })
		require.NoError(t, err)
		same := cmp.Options{protocmp.Transform(), cmp.AllowUnexported(batch.Digest{})}
		require.Empty(t, cmp.Diff(h.s.view().Migration(uid), again.View().Migration(uid), same))
		require.Empty(t, cmp.Diff(h.s.view().Tables(uid), again.View().Tables(uid), same))
	})
}

// A leader that was replaced cannot append any more, and stops.
func TestAppend_StaleLeader(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.silent = func(j *workerv1.Job) bool { return true }
		h.create()
		h.rest(time.Second)
		old, done, stop := h.s, h.done, h.stop
		defer stop()
		h.start()
		_, err := (&migrationServer{s: old}).PauseMigration(context.Background(), &droverv1.PauseMigrationRequest{Name: "m"})
		require.Error(t, err)
		require.Error(t, <-done)
	})
}

func TestPause_GrantsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.silent = func(j *workerv1.Job) bool { return j.GetPrepare() != nil }
		h.create()
		h.rest(time.Second)
		_, err := (&migrationServer{s: h.s}).PauseMigration(context.Background(), &droverv1.PauseMigrationRequest{Name: "m"})
		require.NoError(t, err)
		h.rest(time.Hour)
		require.Equal(t, droverv1.Migration_STATE_PAUSED, h.migration().GetState())
		h.silent = nil
		h.credit("loader-1")
		_, err = (&migrationServer{s: h.s}).ResumeMigration(context.Background(), &droverv1.ResumeMigrationRequest{Name: "m"})
		require.NoError(t, err)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState())
	})
}

// Somebody wrote to the source during the copy: the table is not complete.
func TestRun_SourceChanged(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		added := true
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if added && j.GetCount().GetTable().GetTargetName() == "plain" {
				return &workerv1.Result{Outcome: &workerv1.Result_Counted{Counted: &workerv1.Counted{Rows: 31}}}
			}
			return nil
		}
		h.create()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_INCOMPLETE, h.migration().GetState())
		require.Contains(t, h.tables()["plain"].GetReason(), "source has 31 rows now, but 30 were copied")

		added = false
		_, err := h.api().RetryMigration(t.Context(), &droverv1.RetryMigrationRequest{Name: "m", Table: "plain"})
		require.NoError(t, err)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), "the row is gone, and a retry counts again")
	})
}

// A leader that still enters the target with its term does not finish it meanwhile: it
// could not be entered any more, and the migration would fail.
func TestFinish_BehindPrepare(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if j.GetCount() == nil {
				return nil
			}
			return failure("unavailable", "the source is away")
		}
		h.create()
		h.rest(5 * time.Second)
		h.kill()
		h.answer = nil
		h.silent = func(j *workerv1.Job) bool { return j.GetPrepare() != nil }
		h.start()
		finishes := func() int { return h.count(func(j *workerv1.Job) bool { return j.GetFinish() != nil }) }
		h.rest(20 * time.Second)
		for _, table := range h.tables() {
			require.Equal(t, droverv1.Table_STATE_COMPLETE, table.GetState())
		}
		require.Zero(t, finishes())
		h.rest(time.Minute) // the lease ends, and with it what might be in the way
		require.Equal(t, 1, finishes())
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
	})
}
