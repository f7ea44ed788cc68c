package coordinator

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

func (h *harness) verifications() *verificationServer { return &verificationServer{s: h.s} }

func (h *harness) verify(r *droverv1.StartVerificationRequest) *droverv1.Verification {
	r.Parent = "migrations/m"
	got, err := h.verifications().StartVerification(context.Background(), r)
	require.NoError(h.t, err)
	return got.GetVerification()
}

// newest is the newest verification when nothing moves any more.
func (h *harness) newest() *droverv1.Verification {
	h.rest(20 * time.Second)
	got, err := h.verifications().GetVerification(context.Background(), &droverv1.GetVerificationRequest{Name: "migrations/m/verifications/-"})
	require.NoError(h.t, err)
	return got.GetVerification()
}

func (h *harness) repair(dry bool) error {
	_, err := h.verifications().RepairVerification(context.Background(), &droverv1.RepairVerificationRequest{Name: "migrations/m/verifications/-", DryRun: dry})
	return err
}

func (h *harness) differences() []*droverv1.VerificationDifference {
	got, err := h.verifications().ListDifferences(context.Background(), &droverv1.ListDifferencesRequest{Parent: "migrations/m/verifications/-"})
	require.NoError(h.t, err)
	return got.GetDifferences()
}

func (h *harness) repairs() []*droverv1.RepairedRow {
	got, err := h.verifications().ListRepairs(context.Background(), &droverv1.ListRepairsRequest{Parent: "migrations/m/verifications/-"})
	require.NoError(h.t, err)
	return got.GetRows()
}

func verifies(j *workerv1.Job) bool { return j.GetVerify() != nil }

func repairs(j *workerv1.Job) bool { return j.GetRepair() != nil }

// differs answers for range 2 of plain that a row differs, until it was repaired.
func differs(repaired *bool, left planv1.RowRepair_Outcome) func(*workerv1.Job) *workerv1.Result {
	return func(j *workerv1.Job) *workerv1.Result {
		if w := j.GetRepair(); w != nil {
			row := &planv1.RowRepair{Key: "id=7", Action: planv1.RowRepair_ACTION_UPDATE, Outcome: left}
			*repaired = left == planv1.RowRepair_OUTCOME_DONE
			if w.GetDryRun() {
				row.Outcome = planv1.RowRepair_OUTCOME_PLANNED
				*repaired = false
			}
			return &workerv1.Result{Outcome: &workerv1.Result_RangeRepair{RangeRepair: &workerv1.RangeRepair{Rows: []*planv1.RowRepair{row}}}}
		}
		w := j.GetVerify()
		if w == nil {
			return nil
		}
		d := rangeDigest(w.GetTable().GetNumber(), w.GetRange().GetNumber())
		out := &workerv1.RangeCheck{Source: d.Proto(), Target: d.Proto()}
		if w.GetTable().GetTargetName() == "plain" && w.GetRange().GetNumber() == 2 && !*repaired {
			out.DifferentRows = 1
			out.Differences = []*planv1.RowDifference{{Key: keyrange.Of([]byte{7}), TargetRow: make([]byte, 16),
				Difference: &planv1.Difference{Type: planv1.Difference_TYPE_DIFFERENT, Key: "id=7", Columns: []string{"price"}}}}
		}
		return &workerv1.Result{Outcome: &workerv1.Result_RangeCheck{RangeCheck: out}}
	}
}

func TestVerify_ComparesEveryRangeOfACompleteMigration(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		fixed := true
		h.answer = differs(&fixed, 0)
		h.create()
		h.rest(10 * time.Second)
		// The workers of this test take no time: it may be over before it is answered.
		require.Contains(t, []droverv1.Verification_State{droverv1.Verification_STATE_RUNNING, droverv1.Verification_STATE_EQUAL},
			h.verify(&droverv1.StartVerificationRequest{}).GetState())
		v := h.newest()
		require.Equal(t, droverv1.Verification_STATE_EQUAL, v.GetState(), v.GetReason())
		require.Equal(t, planv1.VerifyMode_VERIFY_MODE_ROWS, v.GetMode())
		require.EqualValues(t, 7, v.GetCounters().GetRangesChecked(), "two tables by their three ranges, one as a whole")
		require.Equal(t, 7, h.count(verifies))
		require.EqualValues(t, 7*rowsPerRange, v.GetCounters().GetSourceRows())
		require.Empty(t, h.differences())
		require.ErrorContains(t, h.repair(false), "no row to repair")
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState())
	})
}

func TestVerify_SomeTablesAndModes(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		fixed := true
		h.answer = differs(&fixed, 0)
		h.create()
		h.rest(10 * time.Second)
		h.verify(&droverv1.StartVerificationRequest{Tables: []string{"pl*"}, Mode: planv1.VerifyMode_VERIFY_MODE_SAMPLE, SampleRows: 10, Seed: 5})
		v := h.newest()
		require.Len(t, v.GetTables(), 1)
		job := h.jobs[h.first(verifies)].GetVerify()
		require.EqualValues(t, 4, job.GetSampleRows(), "ten rows of three ranges")
		require.EqualValues(t, 5, job.GetSeed())
		h.verify(&droverv1.StartVerificationRequest{Tables: []string{"late"}, Mode: planv1.VerifyMode_VERIFY_MODE_SCHEMA})
		require.EqualValues(t, 1, h.newest().GetCounters().GetRanges(), "a schema is compared as a whole")
		_, err := h.verifications().StartVerification(context.Background(), &droverv1.StartVerificationRequest{Parent: "m", Tables: []string{"nobody"}})
		require.Equal(t, fault.NotFound, fault.KindOf(err))
	})
}

// Only the range with the row is repaired, and compared again.
func TestVerify_RepairsWhatDiffers(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		fixed := false
		h.answer = differs(&fixed, planv1.RowRepair_OUTCOME_DONE)
		h.create()
		h.rest(10 * time.Second)
		h.verify(&droverv1.StartVerificationRequest{})
		require.Equal(t, droverv1.Verification_STATE_DIFFERENT, h.newest().GetState())
		require.Len(t, h.differences(), 1)
		require.Equal(t, "id=7", h.differences()[0].GetKey())
		require.Equal(t, []string{"price"}, h.differences()[0].GetColumns())

		require.NoError(t, h.repair(true))
		v := h.newest()
		require.Equal(t, droverv1.Verification_STATE_DIFFERENT, v.GetState())
		require.True(t, v.GetRepair().GetDryRun())
		require.EqualValues(t, 1, v.GetRepair().GetUpdated())
		require.Equal(t, 7, h.count(verifies), "a dry run changes nothing that would have to be compared")
		require.Len(t, h.differences(), 1)

		require.NoError(t, h.repair(false))
		v = h.newest()
		require.Equal(t, droverv1.Verification_STATE_EQUAL, v.GetState())
		require.Equal(t, 2, h.count(repairs))
		require.Equal(t, 8, h.count(verifies))
		require.Equal(t, planv1.RowRepair_OUTCOME_DONE, h.repairs()[0].GetOutcome())
		require.Empty(t, h.differences())
	})
}

func TestVerify_RowThatChangedSinceStaysListed(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		fixed := false
		h.answer = differs(&fixed, planv1.RowRepair_OUTCOME_CHANGED)
		h.create()
		h.rest(10 * time.Second)
		h.verify(&droverv1.StartVerificationRequest{})
		h.newest()
		require.NoError(t, h.repair(false))
		v := h.newest()
		require.Equal(t, droverv1.Verification_STATE_DIFFERENT, v.GetState())
		require.EqualValues(t, 1, v.GetRepair().GetChanged())
		require.Len(t, h.differences(), 1)
	})
}

// A coordinator that starts again asks for what was not compared, and for nothing else.
func TestVerify_GoesOnAfterARestart(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		fixed := false
		h.answer = differs(&fixed, planv1.RowRepair_OUTCOME_DONE)
		h.create()
		h.rest(10 * time.Second)
		answered := 0
		h.silent = func(j *workerv1.Job) bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			if verifies(j) {
				answered++
			}
			return answered > 3 || repairs(j)
		}
		h.verify(&droverv1.StartVerificationRequest{})
		v := h.newest()
		require.Equal(t, droverv1.Verification_STATE_RUNNING, v.GetState())
		require.EqualValues(t, 3, v.GetCounters().GetRangesChecked())
		_, err := h.verifications().StartVerification(context.Background(), &droverv1.StartVerificationRequest{Parent: "m"})
		require.Equal(t, fault.Conflict, fault.KindOf(err))

		h.kill()
		before := h.count(verifies)
		h.silent = repairs
		h.start()
		require.Equal(t, droverv1.Verification_STATE_DIFFERENT, h.newest().GetState())
		require.Equal(t, before+4, h.count(verifies))

		require.NoError(t, h.repair(false))
		require.Equal(t, droverv1.Verification_STATE_REPAIRING, h.newest().GetState())
		h.kill()
		h.silent = nil
		h.start()
		require.Equal(t, droverv1.Verification_STATE_EQUAL, h.newest().GetState())
	})
}

// What cannot be compared is said, and the others are.
func TestVerify_FailureIsNoEnd(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		fixed := true
		h.answer = answers(func(j *workerv1.Job) *workerv1.Result {
			if verifies(j) && j.GetVerify().GetTable().GetTargetName() == "late" {
				return failure("changed", "its columns changed")
			}
			return nil
		}, differs(&fixed, 0))
		h.create()
		h.rest(10 * time.Second)
		h.verify(&droverv1.StartVerificationRequest{})
		h.rest(10 * time.Minute)
		v := h.newest()
		require.Equal(t, droverv1.Verification_STATE_INCOMPLETE, v.GetState())
		require.Contains(t, v.GetReason(), "its columns changed")
		require.EqualValues(t, 3, v.GetCounters().GetRangesFailed())
		require.EqualValues(t, 4, v.GetCounters().GetRangesChecked())
	})
}

func TestVerify_Cancel(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.create()
		h.rest(10 * time.Second)
		h.silent = verifies
		name := h.verify(&droverv1.StartVerificationRequest{}).GetName()
		h.rest(time.Second)
		_, err := h.verifications().CancelVerification(context.Background(), &droverv1.CancelVerificationRequest{Name: name})
		require.NoError(t, err)
		require.Equal(t, droverv1.Verification_STATE_CANCELLED, h.newest().GetState())
		h.s.mu.Lock()
		require.Empty(t, h.s.busy)
		h.s.mu.Unlock()
		fixed := true
		h.silent, h.answer = nil, differs(&fixed, 0)
		require.Equal(t, "migrations/m/verifications/2", h.verify(&droverv1.StartVerificationRequest{}).GetName())
		require.Equal(t, droverv1.Verification_STATE_EQUAL, h.newest().GetState())
	})
}

// Published tables are verified where they are now; nothing is where it was rolled back.
func TestVerify_PublishedAndRolledBack(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		fixed := true
		h.answer = differs(&fixed, 0)
		h.createAs(true, atomic)
		h.rest(20 * time.Second)
		require.NotNil(t, h.migration().GetPublishTime())
		h.verify(&droverv1.StartVerificationRequest{})
		require.Equal(t, droverv1.Verification_STATE_EQUAL, h.newest().GetState())
		require.Empty(t, h.jobs[h.first(verifies)].GetVerify().GetTable().GetTargetSchema(), "not the staging place")
	})
	bubble(t, func(t *testing.T, h *harness) {
		bad := true
		h.answer = blocks(&bad)
		h.createAs(true, atomic)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_ROLLED_BACK, h.migration().GetState())
		_, err := h.verifications().StartVerification(context.Background(), &droverv1.StartVerificationRequest{Parent: "m"})
		require.ErrorContains(t, err, "rolled back")
	})
}

func TestVerify_KeepsTheNewest(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		fixed := true
		h.answer = differs(&fixed, 0)
		h.create()
		h.rest(10 * time.Second)
		for range 12 {
			h.verify(&droverv1.StartVerificationRequest{Tables: []string{"plain"}})
			h.newest()
		}
		list, err := h.verifications().ListVerifications(context.Background(), &droverv1.ListVerificationsRequest{Parent: "m"})
		require.NoError(t, err)
		require.Len(t, list.GetVerifications(), 10)
		require.Equal(t, "migrations/m/verifications/12", list.GetVerifications()[9].GetName())
	})
}
