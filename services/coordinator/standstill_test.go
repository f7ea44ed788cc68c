package coordinator

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

// A job whose database does not answer is renewed by its worker for ever. It is taken
// back after ten minutes, and after twice as long the next time, since what is slow is
// not to be begun again and again.
func TestStandstill_DatabaseHangs(t *testing.T) {
	for name, hangs := range map[string]func(*workerv1.Job) bool{
		"Fence": func(j *workerv1.Job) bool {
			return j.GetLoad().GetTable().GetNumber() == 1 && j.GetLoad().GetRange().GetNumber() == 1
		},
		"Read": func(j *workerv1.Job) bool {
			return j.GetExtract().GetTable().GetNumber() == 1 && j.GetExtract().GetRange().GetNumber() == 1
		},
		"Validate": func(j *workerv1.Job) bool {
			return j.GetValidate().GetTable().GetNumber() == 1 && j.GetValidate().GetRange().GetNumber() == 1
		},
		"Describe":           func(j *workerv1.Job) bool { return j.GetDescribe() != nil },
		"Prepare":            func(j *workerv1.Job) bool { return j.GetPrepare() != nil },
		"Create":             appliesFirst(planv1.Step_STEP_CREATE),
		"Sequences":          appliesFirst(planv1.Step_STEP_SEQUENCES),
		"Compare the ledger": func(j *workerv1.Job) bool { return j.GetReadLedger() != nil },
		"Finish":             func(j *workerv1.Job) bool { return j.GetFinish() != nil },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				var begun []time.Time
				h.silent = func(j *workerv1.Job) bool {
					if hangs(j) {
						begun = append(begun, time.Now())
					}
					return hangs(j) && len(begun) <= 3
				}
				h.create()
				for range 80 * 60 / 5 {
					h.rest(5 * time.Second)
					h.renew(0)
				}
				require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
				require.Len(t, begun, 4)
				for i, patience := range []time.Duration{10 * time.Minute, 20 * time.Minute, 40 * time.Minute} {
					require.InDelta(t, patience.Seconds(), begun[i+1].Sub(begun[i]).Seconds(), 60)
				}
			})
		})
	}
}

// appliesFirst matches a step of the first table.
func appliesFirst(step planv1.Step) func(*workerv1.Job) bool {
	return func(j *workerv1.Job) bool {
		return j.GetApplySchema().GetTable().GetNumber() == 1 && j.GetApplySchema().GetStep() == step
	}
}

// A step that may take hours is left alone, however long it takes: it would begin anew.
func TestStandstill_LongStepIsLeftAlone(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		isSlow := appliesFirst(planv1.Step_STEP_INDEXES)
		h.silent = isSlow
		h.create()
		for range 10 * 60 * 60 / 5 {
			h.rest(5 * time.Second)
			h.renew(0)
		}
		require.Equal(t, 1, h.count(isSlow))
		require.Equal(t, droverv1.Migration_STATE_RUNNING, h.migration().GetState())

		h.silent = nil
		_, err := h.api().PauseMigration(t.Context(), &droverv1.PauseMigrationRequest{Name: "m"})
		require.NoError(t, err)
		h.rest(time.Minute)
		_, err = h.api().ResumeMigration(t.Context(), &droverv1.ResumeMigrationRequest{Name: "m"})
		require.NoError(t, err)
		h.rest(time.Minute)
		require.Equal(t, 2, h.count(isSlow), "somebody who knows that it hangs can begin it again")
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
	})
}

// A job that moves is left alone, however slowly.
func TestStandstill_SlowIsLeftAlone(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		isSlow := func(j *workerv1.Job) bool {
			return j.GetValidate().GetTable().GetNumber() == 1 && j.GetValidate().GetRange().GetNumber() == 1
		}
		h.silent = isSlow
		h.create()
		for i := range 60 * 60 / 5 {
			h.rest(5 * time.Second)
			h.renew(int64(i / 100))
		}
		require.Equal(t, 1, h.count(isSlow))
		require.Equal(t, droverv1.Migration_STATE_RUNNING, h.migration().GetState())
	})
}

// renew has every worker renew what it holds, and say how many rows it has moved.
func (h *harness) renew(rows int64) {
	h.s.mu.Lock()
	held := slices.Collect(maps.Values(h.s.leases))
	h.s.mu.Unlock()
	for _, l := range held {
		h.s.receive(context.Background(), l.worker.id, &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Progress{Progress: &workerv1.Progress{Lease: l.id, Rows: rows}}})
	}
}
