package coordinator

import (
	"context"
	"slices"
	"strings"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

const pausedReason = "the migration is paused"

// suspend takes back what a paused migration has in hand. Loads end behind the batch that
// they write; steps of the target's schema go on to their end, since half an index is
// none.
func (s *Leader) suspend(ctx context.Context, m *state.Migration) error {
	for _, w := range inOrder(s.busy) {
		l := s.busy[w]
		if l == nil || w.migration != m.UID {
			continue // it was an extraction, and went with its load
		}
		switch w.kind {
		case workLoad:
			s.abandon(l, pausedReason)
			s.drop(l)
			l.worker.tell(&workerv1.WorkResponse{Message: &workerv1.WorkResponse_Revoke{Revoke: &workerv1.Revoke{
				Lease: l.id, Reason: pausedReason, AfterBatch: true}}})
		case workDescribe, workDesign, workSplit, workSnapshot, workBaseline, workExtract, workCut, workValidate, workCount,
			workSample, workAssess, workCompare, workWatch:
			if err := s.released(ctx, l, pausedReason); err != nil {
				return err
			}
			s.revoke(l, pausedReason)
		}
	}
	return nil
}

// finishing says what a paused migration still has in hand; empty for nothing.
func (s *Leader) finishing(uid string) string {
	var titles []string
	for w, l := range s.busy {
		if w.migration == uid && !w.kind.verifies() {
			titles = append(titles, l.job.GetTitle())
		}
	}
	slices.Sort(titles)
	if len(titles) == 0 {
		return ""
	}
	return "finishing " + strings.Join(titles, ", ")
}
