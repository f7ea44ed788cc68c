package coordinator

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

func atomic(s *droverv1.MigrationSpec) { s.Publish = "atomic" }

func publishes(j *workerv1.Job) bool { return j.GetPublish() != nil }

func discardsTables(j *workerv1.Job) bool { return j.GetDiscard() != nil }

func (h *harness) rollback() error {
	_, err := h.api().RollbackMigration(context.Background(), &droverv1.RollbackMigrationRequest{Name: "m"})
	return err
}

// blocks fails one range of plain for as long as the switch is on.
func blocks(on *bool) func(*workerv1.Job) *workerv1.Result {
	return func(j *workerv1.Job) *workerv1.Result {
		if *on && extracts("plain", 2)(j) {
			return failure("value", "no such value")
		}
		return nil
	}
}

// Tables are staged until all are proven, and published before the target is closed.
func TestPublish_AllAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.silent = publishes
		h.createAs(true, atomic)
		h.rest(10 * time.Second)
		m := h.migration()
		require.Equal(t, droverv1.Migration_STATE_RUNNING, m.GetState())
		for name, table := range h.tables() {
			require.Equal(t, droverv1.Table_STATE_STAGED, table.GetState(), name)
		}
		design := h.jobs[h.first(func(j *workerv1.Job) bool { return j.GetDesign() != nil })].GetDesign()
		require.True(t, strings.HasSuffix(strings.ToLower(m.GetUid()), design.GetStage()))
		require.Len(t, design.GetStage(), 10)
		require.Len(t, h.jobs[h.first(publishes)].GetPublish().GetTables(), 3)
		require.Negative(t, h.first(func(j *workerv1.Job) bool { return j.GetFinish() != nil }))

		h.kill()
		h.silent = nil
		h.start()
		h.rest(10 * time.Second)
		m = h.migration()
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, m.GetState(), m.GetReason())
		require.NotNil(t, m.GetPublishTime())
		require.Equal(t, droverv1.Table_STATE_COMPLETE, h.tables()["plain"].GetState())
		require.Zero(t, h.count(discardsTables))
		require.ErrorContains(t, h.rollback(), "published and live")
	})
}

// A blocked table discards everything: the target is as it was, and the reason stays.
func TestPublish_BlockedTableDiscards(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		bad := true
		h.answer, h.silent = blocks(&bad), discardsTables
		h.createAs(true, atomic)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_RUNNING, h.migration().GetState())
		require.Contains(t, h.migration().GetReason(), "removing what was made in the target: table plain is blocked")
		_, err := h.api().RetryMigration(context.Background(), &droverv1.RetryMigrationRequest{Name: "m"})
		require.Error(t, err, "what is being removed cannot go on")

		h.kill() // in the middle of the discard
		h.silent = nil
		h.start()
		h.rest(time.Minute)
		m := h.migration()
		require.Equal(t, droverv1.Migration_STATE_ROLLED_BACK, m.GetState())
		require.Contains(t, m.GetReason(), "no such value")
		require.Equal(t, "value", m.GetReasonKind())
		require.Len(t, h.jobs[h.first(discardsTables)].GetDiscard().GetTables(), 3)
		require.Zero(t, h.count(publishes))
		require.ErrorContains(t, h.rollback(), "rolled back already")
	})
}

// With on_failure: keep the staged tables wait for a retry.
func TestPublish_Keep(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		bad := true
		h.answer = blocks(&bad)
		h.createAs(true, func(s *droverv1.MigrationSpec) { s.Publish, s.OnFailure = "atomic", "keep" })
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_INCOMPLETE, h.migration().GetState())
		require.Equal(t, droverv1.Table_STATE_STAGED, h.tables()["late"].GetState())
		require.Zero(t, h.count(publishes)+h.count(discardsTables))
		bad = false
		_, err := h.api().RetryMigration(context.Background(), &droverv1.RetryMigrationRequest{Name: "m"})
		require.NoError(t, err)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Equal(t, 1, h.count(publishes))
	})
}

// A target that will not publish is left as it was, or kept for a retry.
func TestPublish_Refused(t *testing.T) {
	for _, keep := range []bool{false, true} {
		bubble(t, func(t *testing.T, h *harness) {
			taken := true
			h.answer = func(j *workerv1.Job) *workerv1.Result {
				if publishes(j) && taken {
					return &workerv1.Result{Outcome: &workerv1.Result_Failure{Failure: &workerv1.Failure{Kind: "exists", Side: "target", Message: "table plain is there"}}}
				}
				return nil
			}
			h.createAs(true, func(s *droverv1.MigrationSpec) {
				atomic(s)
				if keep {
					s.OnFailure = "keep"
				}
			})
			h.rest(time.Minute)
			m := h.migration()
			require.Equal(t, "exists", m.GetReasonKind())
			require.Contains(t, m.GetReason(), "tables cannot be published: table plain is there")
			if !keep {
				require.Equal(t, droverv1.Migration_STATE_ROLLED_BACK, m.GetState())
				return
			}
			require.Equal(t, droverv1.Migration_STATE_INCOMPLETE, m.GetState())
			taken = false
			_, err := h.api().RetryMigration(context.Background(), &droverv1.RetryMigrationRequest{Name: "m"})
			require.NoError(t, err)
			h.rest(time.Minute)
			require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState())
			require.Empty(t, h.migration().GetReason())
		})
	}
}

// Rollback and cancel take back every lease before the discard is granted, whatever
// is under way, and a restart in between changes nothing.
func TestRollback_AnyMoment(t *testing.T) {
	for stop := 1; stop < 60; stop++ {
		bubble(t, func(t *testing.T, h *harness) {
			h.stall(stop)
			h.createAs(true, atomic)
			h.rest(time.Second)
			cancel := stop%2 == 0
			var err error
			if cancel {
				_, err = h.api().CancelMigration(context.Background(), &droverv1.CancelMigrationRequest{Name: "m"})
			} else {
				err = h.rollback()
			}
			if err != nil {
				if h.migration().GetPublishTime() == nil {
					require.ErrorContains(t, err, "made nothing")
				}
				return
			}
			h.rest(time.Second)
			if h.migration().GetState() != droverv1.Migration_STATE_CANCELLED { // before anything was made
				last := len(h.jobs) - 1
				require.NotNil(t, h.jobs[last].GetDiscard(), "something was granted behind the discard")
				h.s.mu.Lock()
				require.Len(t, h.s.busy, 1, "leases were left")
				h.s.mu.Unlock()
			}
			h.kill()
			h.silent = nil
			h.start()
			h.rest(time.Minute)
			want := map[bool]droverv1.Migration_State{true: droverv1.Migration_STATE_CANCELLED, false: droverv1.Migration_STATE_ROLLED_BACK}[cancel]
			require.Equal(t, want, h.migration().GetState(), h.migration().GetReason())
		})
	}
}

func TestRollback_WhereThereIsNoWayBack(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.create()
		h.rest(time.Minute)
		require.ErrorContains(t, h.rollback(), "publish: atomic")
	})
	bubble(t, func(t *testing.T, h *harness) {
		h.createAs(false, atomic)
		h.rest(time.Minute)
		require.ErrorContains(t, h.rollback(), "made nothing")
	})
}

// A coordinator that died before it wrote down that tables are published learns it
// from the target when a rollback is asked for.
func TestRollback_FoundPublished(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.silent = publishes
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if discardsTables(j) {
				return &workerv1.Result{Outcome: &workerv1.Result_Failure{Failure: &workerv1.Failure{Kind: "unsupported", Side: "target", Message: "published"}}}
			}
			return nil
		}
		h.createAs(true, atomic)
		h.rest(10 * time.Second)
		h.kill()
		h.start()
		require.NoError(t, h.rollback())
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.NotNil(t, h.migration().GetPublishTime())
	})
}

// A discard that fails for good says so, and rollback tries again.
func TestRollback_DiscardFails(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		denied := true
		h.silent = publishes
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if discardsTables(j) && denied {
				return &workerv1.Result{Outcome: &workerv1.Result_Failure{Failure: &workerv1.Failure{Kind: "denied", Side: "target", Message: "no right to drop"}}}
			}
			return nil
		}
		h.createAs(true, atomic)
		h.rest(10 * time.Second)
		require.NoError(t, h.rollback())
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_FAILED, h.migration().GetState())
		require.Contains(t, h.migration().GetReason(), "no right to drop")
		denied = false
		require.NoError(t, h.rollback())
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_ROLLED_BACK, h.migration().GetState())
	})
}

// A coordinator that dies at any event of an atomic migration publishes once.
func TestPublish_AnyMoment(t *testing.T) {
	for stop := 1; stop < 64; stop += 3 {
		bubble(t, func(t *testing.T, h *harness) {
			h.stall(stop)
			h.createAs(true, atomic)
			h.rest(time.Second)
			h.kill()
			h.silent = nil
			h.start()
			h.rest(time.Minute)
			require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
			require.NotNil(t, h.migration().GetPublishTime())
		})
	}
}

// A phased migration that stops is not discarded: it waits for somebody.
func TestPublish_StoppedPhaseWaits(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		bad := true
		h.answer = blocks(&bad)
		h.createAs(true, func(s *droverv1.MigrationSpec) {
			phased("late", "plain")(s)
			atomic(s)
		})
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_STOPPED, h.migration().GetState())
		require.Zero(t, h.count(discardsTables))
		require.NoError(t, h.rollback())
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_ROLLED_BACK, h.migration().GetState())
	})
}
