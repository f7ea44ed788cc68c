package coordinator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

// A grant whose message is lost on its way is a lease of nobody's: it expires, and the
// work is given out again under higher numbers.
func TestReap_GrantThatNeverArrived(t *testing.T) {
	for name, kind := range map[string]func(*workerv1.Job) bool{
		"Load":     func(j *workerv1.Job) bool { return j.GetLoad() != nil },
		"Extract":  func(j *workerv1.Job) bool { return j.GetExtract() != nil },
		"Validate": func(j *workerv1.Job) bool { return j.GetValidate() != nil },
		"Create":   creates("plain"),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				var lost *workerv1.Job
				h.silent = func(j *workerv1.Job) bool {
					h.mu.Lock()
					defer h.mu.Unlock()
					if lost == nil && kind(j) {
						lost = j
						return true
					}
					return false
				}
				h.create()
				h.rest(5 * time.Minute)
				require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
				require.NotNil(t, lost)
				again := h.jobs[h.first(func(j *workerv1.Job) bool { return j.GetTitle() == lost.GetTitle() && j.GetLease() != lost.GetLease() })]
				if lost.GetLoad() != nil {
					require.Greater(t, again.GetLoad().GetEpoch(), lost.GetLoad().GetEpoch())
					require.Greater(t, again.GetLoad().GetAttempt(), lost.GetLoad().GetAttempt())
				}
			})
		})
	}
}

// A clock that jumps by an hour, there and back, costs attempts and an hour at the most: it
// ends leases or lengthens them, and no decision rests on it.
func TestReap_ClockJumps(t *testing.T) {
	for name, jumps := range map[string][]time.Duration{
		"Ahead":        {time.Hour},
		"Back":         {-time.Hour},
		"ThereAndBack": {time.Hour, 0, -time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				slowly(h)
				h.create()
				for _, jump := range jumps {
					h.rest(8 * time.Second)
					h.s.mu.Lock()
					h.s.now = func() time.Time { return time.Now().Add(jump) }
					h.s.mu.Unlock()
				}
				require.NotEqual(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), "the jumps come in the middle")
				h.rest(3 * time.Hour)
				require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
				attempts := map[uint64]bool{}
				for _, j := range h.jobs {
					if l := j.GetLoad(); l != nil {
						require.False(t, attempts[l.GetAttempt()], "an attempt given twice")
						attempts[l.GetAttempt()] = true
					}
				}
			})
		})
	}
}
