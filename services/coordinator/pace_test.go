package coordinator

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

func reading(j *workerv1.Job) bool { return j.GetExtract() != nil }

// paces are those of the readers in hand.
func (h *harness) paces() (out []*workerv1.Pace) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	for _, l := range h.s.leases {
		if l.work.kind.reads() {
			out = append(out, l.pace)
		}
	}
	return out
}

func (h *harness) throttle(r *droverv1.ThrottleMigrationRequest) *droverv1.LimitSpec {
	r.Name = "m"
	out, err := h.api().ThrottleMigration(context.Background(), r)
	require.NoError(h.t, err)
	h.rest(time.Second)
	return out.GetMigration().GetLimits()
}

func limited(l *droverv1.LimitSpec) func(*droverv1.MigrationSpec) {
	return func(s *droverv1.MigrationSpec) { s.Limits = l }
}

func TestThrottle_IsSharedByReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t)
		h.silent = reading
		h.createAs(true, limited(&droverv1.LimitSpec{Rows: "1000/s"}))
		h.rest(5 * time.Second)
		require.Len(t, h.paces(), 2)
		for _, p := range h.paces() {
			require.InDelta(t, 500, p.GetRowsPerSecond(), 0)
		}
		require.Equal(t, "600/s", h.throttle(&droverv1.ThrottleMigrationRequest{Rows: proto.String("600/s"), Bytes: proto.String("1MiB/s")}).GetRows())
		for _, p := range h.paces() {
			require.InDelta(t, 300, p.GetRowsPerSecond(), 0)
			require.InDelta(t, 1<<19, p.GetBytesPerSecond(), 0)
		}
		h.kill()
		h.start()
		h.rest(time.Second)
		require.Equal(t, "600/s", h.migration().GetLimits().GetRows(), "the log forgot a limit")
		after := h.throttle(&droverv1.ThrottleMigrationRequest{Reset_: true})
		require.Equal(t, "1000/s", after.GetRows())
		require.Empty(t, after.GetBytes())
	})
}

func TestThrottle_RefusesWhatCannotBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t)
		h.silent = reading
		h.create()
		h.rest(5 * time.Second)
		_, err := h.api().ThrottleMigration(context.Background(), &droverv1.ThrottleMigrationRequest{Name: "m", Rows: proto.String("1/s")})
		require.ErrorContains(t, err, "at least 10/s")
	})
}

// A pause takes back what is in hand, and fails nothing.
func TestPause_TakesWorkBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t)
		h.silent = reading
		h.create()
		h.rest(5 * time.Second)
		_, err := h.api().PauseMigration(context.Background(), &droverv1.PauseMigrationRequest{Name: "m"})
		require.NoError(t, err)
		h.rest(time.Second)
		require.Empty(t, h.s.leases, "leases of a paused migration")
		require.Equal(t, droverv1.Migration_STATE_PAUSED, h.migration().GetState())
		h.silent = nil
		h.kill()
		h.start()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_PAUSED, h.migration().GetState())
		_, err = h.api().ResumeMigration(context.Background(), &droverv1.ResumeMigrationRequest{Name: "m"})
		require.NoError(t, err)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Zero(t, h.migration().GetCounters().GetRetries())
	})
}

// No grant takes more sessions on a database than the limit has.
func TestConnections_BoundGrants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t)
		h.silent = func(*workerv1.Job) bool {
			h.s.mu.Lock()
			defer h.s.mu.Unlock()
			sources, targets := 0, 0
			for w := range h.s.busy {
				source, target := w.kind.sides()
				if source {
					sources++
				}
				if target {
					targets++
				}
			}
			require.LessOrEqual(t, sources, 2)
			require.LessOrEqual(t, targets, 2)
			return false
		}
		h.createAs(true, limited(&droverv1.LimitSpec{Connections: 2}))
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Equal(t, h.count(func(*workerv1.Job) bool { return true }), h.count(func(j *workerv1.Job) bool { return j.GetSource().GetCloseIdle() && j.GetTarget().GetCloseIdle() }))
	})
}

// Too much halves the speed at each look, and only at each look; afterwards it rises bit
// by bit.
func TestBackOff_IsSmooth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t)
		h.silent = func(j *workerv1.Job) bool { return reading(j) || j.GetWatchSource() != nil }
		h.createAs(true, limited(&droverv1.LimitSpec{Source: &droverv1.SourceLimitSpec{ReplicaLag: "10s", ActiveSessions: 5}}))
		h.rest(5 * time.Second)
		require.Equal(t, 1, h.count(func(j *workerv1.Job) bool { return j.GetWatchSource() != nil }))
		look := int64(0)
		see := func(load *workerv1.SourceLoad, again bool) {
			if look++; again {
				look--
			}
			load.Look = look
			h.s.mu.Lock()
			h.s.bears(h.s.view().MigrationByName("m"), "lease", load)
			h.s.mu.Unlock()
			h.rest(time.Second)
		}
		see(&workerv1.SourceLoad{ReplicaLagSeconds: 9, ActiveSessions: 5}, false)
		require.Nil(t, h.paces()[0])
		see(&workerv1.SourceLoad{ReplicaLagSeconds: 11}, false)
		see(&workerv1.SourceLoad{ReplicaLagSeconds: 11}, true)
		require.InDelta(t, 0.5, h.paces()[0].GetSpeed(), 0.001)
		require.Equal(t, "reading the source in 50 % of the time: replica lag 11s is over 10s", h.migration().GetReason())
		for range 10 {
			see(&workerv1.SourceLoad{ActiveSessions: 6}, false)
		}
		require.InDelta(t, leastSpeed, h.paces()[0].GetSpeed(), 0.001)
		see(&workerv1.SourceLoad{}, false)
		require.InDelta(t, leastSpeed+speedUp, h.paces()[0].GetSpeed(), 0.001)
		for range 20 {
			see(&workerv1.SourceLoad{}, false)
		}
		require.Nil(t, h.paces()[0])
		require.Empty(t, h.migration().GetReason())
	})
}
