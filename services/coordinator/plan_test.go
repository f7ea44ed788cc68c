package coordinator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

// A database that does not answer while planning ends the migration with its side.
func TestPlan_SourceAway(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = func(j *workerv1.Job) *workerv1.Result { return failure("unavailable", "connect to h:1: refused") }
		h.create()
		h.rest(time.Minute)
		m := h.migration()
		require.Equal(t, droverv1.Migration_STATE_FAILED, m.GetState())
		require.Equal(t, "source", m.GetReasonSide())
		require.Equal(t, "unavailable", m.GetReasonKind())
		require.Equal(t, 6, h.count(func(*workerv1.Job) bool { return true }), "for six seconds")
	})
}

// One that is away for a moment, or that has answered before, is waited for.
func TestPlan_DatabaseComesBack(t *testing.T) {
	for name, c := range map[string]struct {
		job  func(*workerv1.Job) bool
		side string
		away time.Duration
	}{
		"Describe": {func(j *workerv1.Job) bool { return j.GetDescribe() != nil }, "source", 4 * time.Second},
		"Design":   {func(j *workerv1.Job) bool { return j.GetDesign() != nil }, "target", 4 * time.Second},
		"Split":    {func(j *workerv1.Job) bool { return j.GetSplit() != nil }, "source", time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				begun := time.Now()
				h.answer = func(j *workerv1.Job) *workerv1.Result {
					if !c.job(j) || time.Since(begun) > c.away {
						return nil
					}
					r := failure("unavailable", "connect to h:1: refused")
					r.GetFailure().Side = c.side
					return r
				}
				h.create()
				h.rest(c.away / 2)
				require.Equal(t, droverv1.Migration_STATE_PLANNING, h.migration().GetState())
				require.Equal(t, "connect to h:1: refused", h.migration().GetReason())
				h.rest(c.away/2 + time.Minute)
				require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
			})
		})
	}
}

// An error finding refuses the whole migration before anything is prepared.
func TestPlan_Preflight(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if j.GetDesign() == nil {
				return nil
			}
			r := result(j)
			r.GetDesigned().GetDesign().GetTables()[0].Findings = []*planv1.Finding{{Severity: planv1.Severity_SEVERITY_ERROR, Table: "plain", Message: "has rows"}}
			return r
		}
		h.create()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_FAILED, h.migration().GetState())
		require.Equal(t, "preflight", h.migration().GetReasonKind())
		require.Zero(t, h.count(func(j *workerv1.Job) bool { return j.GetPrepare() != nil }))
	})
}

// A limit that a query meets is met again: a split ends the plan with its message, and a
// table whose sample cannot be read is planned without.
func TestPlan_QueryMeetsLimit(t *testing.T) {
	split := func(j *workerv1.Job) bool { return j.GetSplit() != nil }
	sample := func(j *workerv1.Job) bool { return j.GetSample() != nil }
	for name, c := range map[string]struct {
		job  func(*workerv1.Job) bool
		kind string
		want droverv1.Migration_State
	}{
		"Split/exhausted":    {split, "exhausted", droverv1.Migration_STATE_FAILED},
		"Split/canceled":     {split, "canceled", droverv1.Migration_STATE_FAILED},
		"Sample/exhausted":   {sample, "exhausted", droverv1.Migration_STATE_PLANNED},
		"Sample/canceled":    {sample, "canceled", droverv1.Migration_STATE_PLANNED},
		"Sample/unavailable": {sample, "unavailable", droverv1.Migration_STATE_PLANNED},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				h.answer = func(j *workerv1.Job) *workerv1.Result {
					if !c.job(j) {
						return nil
					}
					r := failure(c.kind, "temporary file size exceeds temp_file_limit")
					r.GetFailure().Side = "source"
					return r
				}
				h.createAs(false, func(*droverv1.MigrationSpec) {})
				h.rest(time.Minute)
				require.Equal(t, c.want, h.migration().GetState(), h.migration().GetReason())
				require.NotZero(t, h.count(c.job))
			})
		})
	}
}
