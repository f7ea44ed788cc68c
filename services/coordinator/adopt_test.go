package coordinator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

// A loader that a dead coordinator left waiting for an extraction that never began
// is given up, and the range is done in another attempt.
func TestAdopt_LoadWithoutExtraction(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.silent = func(j *workerv1.Job) bool { return j.GetExtract() != nil }
		h.create()
		h.rest(5 * time.Second)
		h.kill()
		for _, j := range h.jobs {
			if j.GetLoad() != nil && len(h.held) == 0 {
				h.held = append(h.held, j)
			}
		}
		require.NotEmpty(t, h.held)
		h.silent = nil
		h.start()
		// Adopted, not granted anew: the worker is alive and renews. Less than a lease's time
		// is enough, since nothing has come that could be lost.
		for range 8 {
			h.rest(3 * time.Second)
			h.says("loader-old", &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Progress{
				Progress: &workerv1.Progress{Lease: h.held[0].GetLease(), Fenced: &workerv1.Fenced{}}}})
		}
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
	})
}

// An extraction whose loader died with the coordinator is given up, however well it
// goes: nobody reads what it writes, and its range is done in another attempt.
func TestAdopt_ExtractionWithoutLoad(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.silent = func(j *workerv1.Job) bool { return j.GetExtract() != nil }
		h.create()
		h.rest(5 * time.Second)
		h.kill()
		for _, j := range h.jobs {
			if j.GetExtract() != nil && len(h.held) == 0 {
				h.held = append(h.held, j)
			}
		}
		require.NotEmpty(t, h.held)
		h.silent = nil
		h.start()
		for i := range 8 {
			h.rest(3 * time.Second)
			h.says("extractor-old", &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Progress{
				Progress: &workerv1.Progress{Lease: h.held[0].GetLease(), Rows: int64(i)}}})
		}
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		again := h.held[0].GetExtract()
		require.Equal(t, 2, h.count(extracts(again.GetTable().GetTargetName(), again.GetRange().GetNumber())))
	})
}
