package coordinator

import (
	"context"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// progress renews a lease and passes on what others wait for.
func (s *Leader) progress(ctx context.Context, w *worker, p *workerv1.Progress) {
	l := s.leases[p.GetLease()]
	if l == nil || l.worker != w {
		return
	}
	l.expires = w.heard.Add(s.cfg.LeaseTTL)
	r := s.run(l.work.migration)
	if p.GetRows() > l.rows || p.GetBytes() > l.bytes {
		l.rows, l.bytes, l.moved = p.GetRows(), p.GetBytes(), w.heard
		r.goesOn(l.work)
	}
	if m := s.view().Migration(l.work.migration); p.GetLoad() != nil && l.work.kind == workWatch && m != nil {
		s.bears(m, l.id, p.GetLoad())
		r.settled(l.work)
	}
	if p.GetSnapshot() != "" && l.work.kind == workSnapshot {
		r.snapshot = p.GetSnapshot()
		s.nudge()
	}
	if a := r.attempts[l.work]; a != nil && l.work.kind == workLoad && a.number == l.job.GetLoad().GetAttempt() {
		if p.GetCommittedSequence() > a.committed {
			a.committed, l.moved = p.GetCommittedSequence(), w.heard
			r.goesOn(l.work)
		}
		if p.GetFenced() != nil && a.fenced == nil {
			s.fenced(ctx, l, a, p.GetFenced())
		}
	}
}

// fenced lets the extraction of an attempt begin. A range that was given up needs
// none: its rows went with the fence.
func (s *Leader) fenced(ctx context.Context, l *lease, a *attempt, f *workerv1.Fenced) {
	if r := s.view().Range(l.work.migration, l.work.table, l.work.number); r != nil && r.State == state.RangeSkipped {
		s.emptied(ctx, l)
		return
	}
	a.fenced = f
	s.run(l.work.migration).goesOn(l.work)
	s.nudge()
}
