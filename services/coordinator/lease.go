package coordinator

import (
	"cmp"
	"slices"
	"time"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

const (
	extractor = workerv1.Role_ROLE_EXTRACTOR
	loader    = workerv1.Role_ROLE_LOADER
	validator = workerv1.Role_ROLE_VALIDATOR
)

// dispatch grants whatever can be granted. The lock is held.
func (s *Leader) dispatch(now time.Time) {
	if s.fatal != nil || now.Before(s.began.Add(s.cfg.Grace)) {
		return
	}
	view := s.view()
	for _, m := range view.Migrations() {
		if m.Regressed || m.Stage.Rests() && !unfinished(m) && !replanning(m, s.runs[m.UID]) && m.Verifying == 0 {
			continue
		}
		tables := slices.Clone(view.Tables(m.UID))
		slices.SortStableFunc(tables, func(a, b *state.Table) int { return cmp.Compare(b.EstimatedBytes, a.EstimatedBytes) })
		active := slices.DeleteFunc(slices.Clone(tables), func(t *state.Table) bool { return t.Skipped || t.Blocked || !m.Begun(t) })
		for _, role := range []workerv1.Role{extractor, loader, validator} {
			if s.anyWorker(role) {
				o := &offer{s: s, view: view, m: m, run: s.run(m.UID), now: now, role: role, tables: tables, active: active}
				o.all()
			}
		}
	}
}

// unfinished tells whether a cancelled migration's target still takes batches.
func unfinished(m *state.Migration) bool {
	return m.Stage == state.Cancelled && m.Prepared && !m.Finished
}

// give grants one piece of work unless somebody has it or it rests. It tells
// whether the role may have room for more.
func (o *offer) give(kind workKind, table, number uint32) bool {
	w := workID{migration: o.m.UID, kind: kind, table: table, number: number}
	if o.s.busy[w] != nil || o.run.resting(w, o.now) {
		return true
	}
	to := o.s.pick(o.role, kind.waits())
	if to == nil || !o.s.roomFor(o.m, kind) {
		return false
	}
	job := o.job(w)
	if job == nil {
		return true
	}
	job.Lease, job.Tries = o.s.newID(), uint32(o.run.tries[w])+1
	if kind.reads() {
		job.Pace = o.s.share(o.m, o.s.readers(o.m.UID)+1)
	}
	o.s.grant(to, w, job, o.now)
	return true
}

// waits tells whether a kind of work waits more than it works and takes no slot.
func (k workKind) waits() bool { return k == workSnapshot || k == workWatch }

// grant hands a job to a worker.
func (s *Leader) grant(to *worker, w workID, job *workerv1.Job, now time.Time) {
	l := &lease{id: job.GetLease(), work: w, job: job, worker: to, granted: now, expires: now.Add(s.cfg.LeaseTTL), pace: job.GetPace(), paced: true}
	s.hold(l)
	if !job.GetBackground() {
		to.credit--
	}
	to.tell(&workerv1.WorkResponse{Message: &workerv1.WorkResponse_Grant{Grant: job}})
	s.cfg.Logger.Debug("granted", "migration", job.GetMigrationName(), "job", job.GetTitle(), "worker", to.id, "lease", l.id)
}

func (s *Leader) hold(l *lease) {
	s.leases[l.id], s.busy[l.work], l.worker.leases[l.id] = l, l, l
}

// drop forgets a lease, whose work may be granted again.
func (s *Leader) drop(l *lease) {
	delete(s.leases, l.id)
	delete(l.worker.leases, l.id)
	if s.busy[l.work] == l {
		delete(s.busy, l.work)
	}
}

// revoke drops a lease and tells its worker.
func (s *Leader) revoke(l *lease, reason string) {
	s.drop(l)
	l.worker.tell(&workerv1.WorkResponse{Message: &workerv1.WorkResponse_Revoke{Revoke: &workerv1.Revoke{Lease: l.id, Reason: reason}}})
}

// pick gives the worker of a role with the most room. A background job needs none.
func (s *Leader) pick(role workerv1.Role, background bool) *worker {
	var best *worker
	for _, w := range s.workers {
		if w.role != role || w.out == nil || w.draining || (w.credit <= 0 && !background) {
			continue
		}
		if best == nil || w.credit > best.credit || (w.credit == best.credit && w.id < best.id) {
			best = w
		}
	}
	return best
}

func (s *Leader) anyWorker(role workerv1.Role) bool { return s.pick(role, true) != nil }

// slots counts the jobs that a role can do at once.
func (s *Leader) slots(role workerv1.Role) int {
	n := 0
	for _, w := range s.workers {
		if w.role == role && w.out != nil && !w.draining {
			n += w.slots
		}
	}
	return n
}
