package coordinator

import (
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
		"Snapshot":           func(j *workerv1.Job) bool { return j.GetHoldSnapshot() != nil },
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

// A verification that hangs is begun again, too.
func TestStandstill_VerificationHangs(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.create()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		begun := 0
		h.silent = func(j *workerv1.Job) bool {
			if verifies(j) {
				begun++
			}
			return verifies(j) && begun == 1
		}
		h.verify(&droverv1.StartVerificationRequest{Mode: planv1.VerifyMode_VERIFY_MODE_ROWS})
		for range 9 * 60 / 5 {
			h.rest(5 * time.Second)
			h.renew(0)
		}
		require.Equal(t, droverv1.Verification_STATE_RUNNING, h.newest().GetState())
		for range 2 * 60 / 5 {
			h.rest(5 * time.Second)
			h.renew(0)
		}
		require.Equal(t, droverv1.Verification_STATE_EQUAL, h.newest().GetState())
	})
}

// A load that hangs in a write is taken back with its extraction, which a full stream may
// keep waiting, or behind it, when all is sent; each time after twice as long.
func TestStandstill_WriteHangs(t *testing.T) {
	for name, c := range map[string]struct {
		sent     bool
		patience time.Duration
	}{"extraction waits": {false, 10 * time.Minute}, "extraction has ended": {true, time.Minute}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				first := func(table *planv1.TablePlan, r *planv1.Range) bool {
					return table.GetNumber() == 1 && r.GetNumber() == 1
				}
				var begun []time.Time
				h.silent = func(j *workerv1.Job) bool {
					if l := j.GetLoad(); first(l.GetTable(), l.GetRange()) {
						begun = append(begun, time.Now())
					}
					e := j.GetExtract()
					return len(begun) <= 3 && (first(j.GetLoad().GetTable(), j.GetLoad().GetRange()) || first(e.GetTable(), e.GetRange()))
				}
				h.create()
				for range 80 * 60 / 5 {
					h.rest(5 * time.Second)
					h.renew(0)
					for _, l := range h.leased() {
						switch {
						case len(begun) > 3:
						case l.job.GetLoad() != nil:
							h.tells(l, &workerv1.Progress{Fenced: &workerv1.Fenced{}})
						case l.job.GetExtract() != nil && c.sent:
							h.says(l.worker.id, &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Result{
								Result: &workerv1.Result{Lease: l.id, Outcome: &workerv1.Result_Extracted{Extracted: &workerv1.Extracted{}}}}})
							h.credit(l.worker.id)
						case l.job.GetExtract() != nil:
							h.tells(l, &workerv1.Progress{Rows: 5})
						}
					}
				}
				require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
				require.Len(t, begun, 4)
				for i := range 3 {
					require.InDelta(t, (c.patience << i).Seconds(), begun[i+1].Sub(begun[i]).Seconds(), 60)
				}
			})
		})
	}
}

// Nobody sees any more what the source bears, while its speed stays as it was: another
// look at it is begun.
func TestStandstill_WatchHangs(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		watches := func(j *workerv1.Job) bool { return j.GetWatchSource() != nil }
		h.silent = func(j *workerv1.Job) bool { return reading(j) || watches(j) }
		h.createAs(true, limited(&droverv1.LimitSpec{Source: &droverv1.SourceLimitSpec{ActiveSessions: 5}}))
		look := int64(0)
		rest := func(d time.Duration, sees bool) {
			for range d / (5 * time.Second) {
				h.rest(5 * time.Second)
				for _, l := range h.leased() {
					p := &workerv1.Progress{}
					if look++; l.work.kind == workWatch && sees {
						p.Load = &workerv1.SourceLoad{Look: look}
					}
					h.tells(l, p)
				}
			}
		}
		rest(5*time.Minute, true)
		require.Equal(t, 1, h.count(watches))
		rest(50*time.Second, false)
		require.Equal(t, 1, h.count(watches))
		rest(30*time.Second, false)
		require.Equal(t, 2, h.count(watches))
		require.Contains(t, h.migration().GetReason(), "not seen for 1m0s")
		rest(90*time.Second, false)
		require.Equal(t, 2, h.count(watches), "a look that is slow has twice as long")
		rest(5*time.Second, true)
		require.Empty(t, h.migration().GetReason())
		rest(50*time.Second, false)
		require.Equal(t, 2, h.count(watches))
		rest(30*time.Second, false)
		require.Equal(t, 3, h.count(watches), "and is begun anew after a minute again")
	})
}

// appliesFirst matches a step of the first table.
func appliesFirst(step planv1.Step) func(*workerv1.Job) bool {
	return func(j *workerv1.Job) bool {
		return j.GetApplySchema().GetTable().GetNumber() == 1 && j.GetApplySchema().GetStep() == step
	}
}

// A step that may take hours is left alone, however long it takes: it would begin anew.
// Who knows that it hangs restarts its worker.
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
		h.rest(20 * time.Second)
		for _, l := range h.leased() {
			h.says(l.worker.id, &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Result{
				Result: &workerv1.Result{Lease: l.id, Outcome: &workerv1.Result_Released{Released: &workerv1.Released{}}}}})
		}
		h.rest(9 * time.Second)
		require.Equal(t, 2, h.count(isSlow), "before its lease would have ended")
		h.rest(time.Minute)
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
	for _, l := range h.leased() {
		h.tells(l, &workerv1.Progress{Rows: rows})
	}
}

func (h *harness) leased() []*lease {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	return slices.Collect(maps.Values(h.s.leases))
}

// tells has a worker say how far it is with a job.
func (h *harness) tells(l *lease, p *workerv1.Progress) {
	p.Lease = l.id
	h.says(l.worker.id, &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Progress{Progress: p}})
}
