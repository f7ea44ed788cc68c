package coordinator

import (
	"context"
	"slices"
	"time"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// forget is how long a worker that is gone stays in lists.
const forget = 10 * time.Minute

// reap takes leases back whose workers were not heard of. The lock is held.
func (s *Leader) reap(now time.Time) {
	var due []string
	for id, l := range s.leases {
		if now.After(l.expires) || s.standstill(l, now) != "" {
			due = append(due, id)
		}
	}
	slices.Sort(due)
	for _, id := range due {
		l := s.leases[id]
		if l == nil {
			continue // revoked with the other half of its attempt
		}
		if now.After(l.expires) {
			s.cfg.Metrics.LeaseExpired(roleName(l.worker.role))
			s.cfg.Logger.Warn("lease expired", "migration", l.job.GetMigrationName(), "job", l.job.GetTitle(), "worker", l.worker.id)
			s.takeBack(l, "worker was not heard of for "+s.cfg.LeaseTTL.String())
		} else if why := s.standstill(l, now); why != "" {
			s.cfg.Logger.Warn("job stands still", "migration", l.job.GetMigrationName(), "job", l.job.GetTitle(), "worker", l.worker.id, "why", why)
			r := s.run(l.work.migration)
			if !s.orphaned(l) && !s.unread(l) {
				r.hung[l.work]++
			}
			r.stalled = stall{l.work, l.job.GetTitle() + ": " + why}
			s.takeBack(l, why)
		}
	}
	s.countWorkers()
	for id, w := range s.workers {
		if w.out == nil && len(w.leases) == 0 && now.Sub(w.heard) > forget {
			delete(s.workers, id)
		}
	}
}

func (s *Leader) countWorkers() {
	connected, draining := map[workerv1.Role]int{}, map[workerv1.Role]int{}
	for _, w := range s.workers {
		switch {
		case w.out == nil:
		case w.draining:
			draining[w.role]++
		default:
			connected[w.role]++
		}
	}
	for _, role := range []workerv1.Role{extractor, loader, validator} {
		s.cfg.Metrics.Workers(roleName(role), "connected", connected[role])
		s.cfg.Metrics.Workers(roleName(role), "draining", draining[role])
	}
}

// takeBack ends a lease, of a worker that has died or still has it, and gives its work back.
func (s *Leader) takeBack(l *lease, reason string) {
	if err := s.released(context.Background(), l, reason); err != nil {
		s.cfg.Logger.Error("lease not taken back", "job", l.job.GetTitle(), "err", err)
		return
	}
	s.revoke(l, reason)
}

// released gives work back that nobody failed at. An attempt needs both its
// halves: the other one is revoked, and the next attempt goes on behind what is
// committed.
func (s *Leader) released(ctx context.Context, l *lease, reason string) error {
	switch l.work.kind {
	case workLoad, workExtract:
		s.abandon(l, reason)
	case workCut:
		s.uncut(l.work)
	case workSnapshot:
		return s.snapshotLost(ctx, l, reason)
	}
	return nil
}

// abandon ends the attempt that a lease belongs to.
func (s *Leader) abandon(l *lease, reason string) {
	id := l.work.as(workLoad)
	a := s.run(l.work.migration).attempts[id]
	if a != nil && a.number == attemptOf(l.job) {
		s.endAttempt(id, l, reason)
	}
}

// endAttempt takes back what an attempt is, but for the half that has ended.
func (s *Leader) endAttempt(id workID, ended *lease, reason string) {
	for _, kind := range []workKind{workLoad, workExtract} {
		if other := s.busy[id.as(kind)]; other != nil && other != ended {
			s.revoke(other, "the other half of the attempt ended: "+reason)
		}
	}
	r := s.run(id.migration)
	s.bury(id.migration, r.attempts[id].subject)
	delete(r.attempts, id)
	s.nudge()
}

func attemptOf(j *workerv1.Job) uint64 {
	if e := j.GetExtract(); e != nil {
		return e.GetAttempt()
	}
	return j.GetLoad().GetAttempt()
}

// snapshotLost starts tables again whose ranges were being read in the snapshot:
// row positions of another snapshot do not fit behind those of this one.
func (s *Leader) snapshotLost(ctx context.Context, l *lease, reason string) error {
	m := s.view().Migration(l.work.migration)
	if m == nil || m.Stage != state.Running {
		return nil
	}
	s.run(m.UID).snapshot = ""
	for _, t := range s.view().Tables(m.UID) {
		begun := t.Loaded > 0
		for w := range s.run(m.UID).attempts {
			begun = begun || w.table == t.Number
		}
		if needsSnapshot(t) && t.Stage == state.TableCreated && begun && !t.Blocked && !t.Skipped && t.Loaded < t.Ranges {
			if err := s.restartTable(ctx, m, t, "the snapshot it was read in was lost: "+reason, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// snapshotFailed blocks the tables that cannot be read without a snapshot once it is
// clear that the source will not hold one.
func (s *Leader) snapshotFailed(ctx context.Context, l *lease, m *state.Migration, kind fault.Kind, p state.Problem) error {
	r := s.run(m.UID)
	p.Attempts = r.retry(l.work)
	if transient(kind) && (!counts(kind) || p.Attempts < maxAttempts(m)) {
		return s.snapshotLost(ctx, l, p.Reason)
	}
	r.settled(l.work)
	r.snapshot = ""
	for _, t := range s.view().Tables(m.UID) {
		if needsSnapshot(t) && t.Stage == state.TableCreated && !t.Blocked && !t.Skipped && !t.AllLoaded() {
			if err := s.block(ctx, m, t.Number, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// abandonTable takes back everything that is under way for a table.
func (s *Leader) abandonTable(uid string, table uint32, reason string) {
	for _, w := range inOrder(s.busy) {
		if w.migration == uid && w.table == table {
			s.revoke(s.busy[w], reason)
		}
	}
	for w, a := range s.run(uid).attempts {
		if w.table == table {
			s.bury(uid, a.subject)
			delete(s.run(uid).attempts, w)
		}
	}
}
