package coordinator

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
)

// ahead is a target that was written by a coordinator of a later term than the log has.
func ahead(h *harness, term uint64) {
	h.answer = func(j *workerv1.Job) *workerv1.Result {
		if l := j.GetLoad(); l != nil && l.GetEpoch()>>32 <= term {
			f := failure("fenced", "range belongs to a later loader")
			f.GetFailure().Side = fault.Target
			return f
		}
		return nil
	}
}

// A log that came back older than the target is noticed, nothing is written any more,
// and adopting it copies what is not complete again, under numbers that the target has
// not seen.
func TestRegressed_ReadsOnlyUntilAdopted(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		ahead(h, 40)
		h.create()
		h.rest(5 * time.Minute)
		m := h.migration()
		require.Equal(t, droverv1.Migration_STATE_CONTROL_REGRESSED, m.GetState())
		require.ErrorContains(t, refused(h), "restored from a backup")
		require.Contains(t, m.GetReason(), "drover adopt m")
		before := len(h.jobs)
		h.rest(time.Hour)
		require.Len(t, h.jobs, before, "nothing more is granted")

		h.kill()
		h.start()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_CONTROL_REGRESSED, h.migration().GetState(), "another coordinator knows it too")
		_, err := h.api().AdoptMigration(t.Context(), &droverv1.AdoptMigrationRequest{Name: "m"})
		require.NoError(t, err)
		h.rest(time.Second)
		require.Greater(t, h.s.standing.term, uint64(40))
		for _, role := range []workerv1.Role{extractor, loader, validator} {
			h.work(context.Background(), h.s, "again-"+roleName(role), role, nil)
		}
		h.rest(10 * time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Positive(t, h.count(func(j *workerv1.Job) bool { return j.GetEmpty() != nil }), "tables were emptied first")
		require.Equal(t, 2, h.count(func(j *workerv1.Job) bool { return j.GetKeep() != nil }), "the target keeps the plan of the adopted log")
	})
}

func refused(h *harness) error {
	_, err := h.api().PauseMigration(context.Background(), &droverv1.PauseMigrationRequest{Name: "m"})
	return err
}

// The target refuses the leader itself, before there is any work on a range.
func TestRegressed_TargetRefusesTheTerm(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if j.GetPrepare() != nil {
				f := failure("fenced", "a later coordinator leads migration m")
				f.GetFailure().Side = fault.Target
				return f
			}
			return nil
		}
		h.create()
		h.rest(5 * time.Minute)
		m := h.migration()
		require.Equal(t, droverv1.Migration_STATE_CONTROL_REGRESSED, m.GetState(), m.GetReason())
		require.Equal(t, outrankedMost, h.count(func(j *workerv1.Job) bool { return j.GetPrepare() != nil }))
	})
}

// A migration whose log came back older can be deleted: applied again, it goes on with what
// the target keeps.
func TestRegressed_Deleted(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		ahead(h, 40)
		h.create()
		h.rest(5 * time.Minute)
		require.Equal(t, droverv1.Migration_STATE_CONTROL_REGRESSED, h.migration().GetState())
		_, err := h.api().DeleteMigration(t.Context(), &droverv1.DeleteMigrationRequest{Name: "m"})
		require.NoError(t, err)
		require.Nil(t, h.s.view().MigrationByName("m"))
	})
}

// One refusal is no regression, and a log that is as new as its target has nothing to adopt.
func TestRegressed_OneRaceIsNone(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		raced := 0
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if j.GetLoad() != nil && raced < outrankedMost-1 {
				raced++
				f := failure("fenced", "range belongs to a later loader")
				f.GetFailure().Side = fault.Target
				return f
			}
			return nil
		}
		h.create()
		h.rest(10 * time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		_, err := h.api().AdoptMigration(t.Context(), &droverv1.AdoptMigrationRequest{Name: "m"})
		require.Equal(t, fault.Invalid, fault.KindOf(err), err)
	})
}

// A log that came back older than its own snapshots is known by them, stands still and
// says so, to followers and after restarts too, and goes on once it is adopted.
func TestRegressed_LogOlderThanItsSnapshot(t *testing.T) {
	for _, lost := range []uint64{1, 4, 7} {
		bubble(t, func(t *testing.T, h *harness) {
			slowly(h)
			h.snapshots()
			h.stall(24)
			h.create()
			h.rest(3 * time.Minute)
			uid := h.migration().GetUid()
			list, err := h.log.Snapshots(t.Context(), uid)
			require.NoError(t, err)
			require.NotEmpty(t, list)
			h.kill()
			h.log.Truncate(list[0] - lost)
			h.silent, h.answer = nil, nil

			for range 3 {
				h.start()
				h.rest(time.Minute)
				m := h.migration()
				require.Equal(t, droverv1.Migration_STATE_CONTROL_REGRESSED, m.GetState())
				require.Contains(t, m.GetReason(), "restored from a backup")
				require.Contains(t, m.GetReason(), "drover adopt m")
				require.NotEmpty(t, h.tables())
				require.Equal(t, "control_regressed", typesOf(h.events(1000), "control_regressed"))
				h.kill()
			}
			after, err := h.log.Snapshots(t.Context(), uid)
			require.NoError(t, err)
			before := len(h.jobs)
			h.start()
			h.rest(time.Hour)
			require.Len(t, h.jobs, before, "nothing is granted: %v", after)
			_, err = h.api().AdoptMigration(t.Context(), &droverv1.AdoptMigrationRequest{Name: "m"})
			require.NoError(t, err)
			h.rest(time.Second)
			for _, role := range []workerv1.Role{extractor, loader, validator} {
				h.work(context.Background(), h.s, "again-"+roleName(role), role, nil)
			}
			h.rest(10 * time.Minute)
			require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
			h.kill()
			h.start()
			require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), "after another restart")
		})
	}
}

// A server that has just started may answer for a log before it has all of it: until that
// cannot be any more, nothing is concluded from a snapshot that is newer.
func TestRegressed_LogIsShortForAMoment(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		slowly(h)
		h.snapshots()
		h.stall(24)
		h.create()
		h.rest(3 * time.Minute)
		uid := h.migration().GetUid()
		list, err := h.log.Snapshots(t.Context(), uid)
		require.NoError(t, err)
		h.kill()
		whole := h.log.Truncate(list[0] - 3)
		again := NewLeader(Config{Bus: h.bus}, Ports{Log: h.log.Writer(), Now: time.Now})
		again.patience = settled
		require.ErrorIs(t, again.replay(t.Context(), uid), journal.ErrOlder)
		time.Sleep(settled / 2)
		require.ErrorIs(t, again.replay(t.Context(), uid), journal.ErrOlder)
		whole()
		require.NoError(t, again.replay(t.Context(), uid))
		require.False(t, again.view().Migration(uid).Regressed)
		require.Empty(t, again.unproven)

		h.log.Truncate(list[0] - 3)
		late := NewLeader(Config{Bus: h.bus}, Ports{Log: h.log.Writer(), Now: time.Now})
		late.patience = settled
		require.ErrorIs(t, late.replay(t.Context(), uid), journal.ErrOlder)
		time.Sleep(settled)
		require.NoError(t, late.replay(t.Context(), uid))
		require.True(t, late.view().Migration(uid).Regressed)
		h.start() // for the end of the test
	})
}

// typesOf is a type of event if one is told.
func typesOf(events []*droverv1.Event, kind string) string {
	for _, e := range events {
		if e.GetType() == kind {
			return kind
		}
	}
	return ""
}
