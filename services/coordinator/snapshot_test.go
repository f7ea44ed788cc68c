package coordinator

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/testing/protocmp"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// snapshots has the harness take one every few events.
func (h *harness) snapshots() {
	h.kill()
	h.snapshotEvery = 8
	h.start()
}

// list reads all events by pages.
func (h *harness) events(size int32) (out []*droverv1.Event) {
	token := ""
	for {
		r, err := (&eventServer{s: h.s}).ListEvents(context.Background(), &droverv1.ListEventsRequest{Parent: "migrations/m", PageSize: size, PageToken: token})
		require.NoError(h.t, err)
		out = append(out, r.GetEvents()...)
		if token = r.GetNextPageToken(); token == "" {
			return out
		}
	}
}

// slowly has every job take time, so that snapshots come in between.
func slowly(h *harness) {
	h.answer = func(*workerv1.Job) *workerv1.Result {
		time.Sleep(3 * time.Second)
		return nil
	}
}

// A coordinator that dies at any moment goes on from its last snapshots and the events
// behind them: the state is the one it had, and what came before is still told.
func TestSnapshot_AnyMoment(t *testing.T) {
	for stop := 1; stop < 60; stop += 9 {
		bubble(t, func(t *testing.T, h *harness) {
			slowly(h)
			h.snapshots()
			h.stall(stop)
			h.create()
			h.rest(3 * time.Minute)
			uid := h.migration().GetUid()
			before := h.s.view()
			h.kill()
			h.silent = nil
			again := NewLeader(Config{Bus: h.bus}, Ports{Log: h.log.Writer(), Now: time.Now})
			require.NoError(t, again.replay(t.Context(), uid))
			same := cmp.Options{protocmp.Transform(), cmp.AllowUnexported(batch.Digest{})}
			require.Empty(t, cmp.Diff(before.Migration(uid), again.view().Migration(uid), same))
			require.Empty(t, cmp.Diff(before.Tables(uid), again.view().Tables(uid), same))
			for _, table := range before.Tables(uid) {
				before.Ranges(uid, table.Number, func(r *state.Range) bool {
					require.Empty(t, cmp.Diff(r, again.view().Range(uid, table.Number, r.Number), same))
					return true
				})
			}
			h.start()
			h.rest(5 * time.Minute)
			require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		})
	}
}

// Events that a snapshot stands for are gone from the log, and their story is told.
func TestSnapshot_KeepsTheStory(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		slowly(h)
		h.snapshots()
		h.create()
		h.rest(10 * time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState())
		uid := h.migration().GetUid()
		list, err := h.log.Snapshots(t.Context(), uid)
		require.NoError(t, err)
		require.Len(t, list, 2, "the last two")
		_, err = h.log.Replay(t.Context(), uid, 0, func(uint64, *journalv1.Event) error { return nil })
		require.Equal(t, fault.Corrupt, fault.KindOf(err), "the first events are gone")

		told := h.events(1000)
		require.Equal(t, "migration_created", told[0].GetType())
		kinds := map[string]int{}
		for i, e := range told {
			kinds[e.GetType()]++
			require.NotEmpty(t, e.GetMessage()+e.GetType())
			require.True(t, i == 0 || e.GetSequence() > told[i-1].GetSequence(), "in order, each once")
		}
		require.Equal(t, 1, kinds["migration_started"])
		require.Equal(t, 3, kinds["table_planned"], "what is no range's is told in full")
		require.Positive(t, kinds["range_verified"])
		require.Less(t, kinds["range_verified"], 9, "what comes with every range is counted")
		for _, size := range []int32{1, 2, 7} {
			require.Empty(t, cmp.Diff(told, h.events(size), protocmp.Transform()), "pages")
		}
	})
}

// A snapshot that a disk has spoilt is passed over for the one before.
func TestSnapshot_Damaged(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		slowly(h)
		h.snapshots()
		h.create()
		h.rest(10 * time.Minute)
		uid := h.migration().GetUid()
		list, err := h.log.Snapshots(t.Context(), uid)
		require.NoError(t, err)
		h.log.Damage(uid, list[0])
		h.kill()
		h.start()
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState())
		h.log.Damage(uid, list[1])
		again := NewLeader(Config{Bus: h.bus}, Ports{Log: h.log.Writer(), Now: time.Now})
		require.Equal(t, fault.Corrupt, fault.KindOf(again.replay(t.Context(), uid)), "nothing is made up")
	})
}

func TestDelete_ForgetsSnapshots(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		slowly(h)
		h.snapshots()
		h.create()
		h.rest(10 * time.Minute)
		uid := h.migration().GetUid()
		_, err := h.api().DeleteMigration(t.Context(), &droverv1.DeleteMigrationRequest{Name: "m"})
		require.NoError(t, err)
		list, err := h.log.Snapshots(t.Context(), uid)
		require.NoError(t, err)
		require.Empty(t, list)
		contents, err := h.log.Logs(t.Context())
		require.NoError(t, err)
		require.False(t, slices.Contains(contents.Logs, uid))
	})
}
