package coordinator

import (
	"time"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// adopt takes up a job that was granted before this coordinator started. Only
// attempts and snapshots are worth it; anything else is done again. Whether the
// attempt is right is not decided here: the ledger in the target decides.
func (s *Leader) adopt(w *worker, job *workerv1.Job, now time.Time) bool {
	m := s.view().Migration(job.GetMigration())
	if m == nil || m.Stage != state.Running || job.GetTerm() >= s.term {
		return false
	}
	id, ok := workOf(job)
	if !ok || s.busy[id] != nil {
		return false
	}
	if id.number != 0 && !s.adoptAttempt(id, job, now) {
		return false
	}
	if id.kind == workSnapshot && s.run(m.UID).snapshot != "" {
		return false
	}
	s.hold(&lease{id: job.GetLease(), work: id, job: job, worker: w, granted: now, expires: now.Add(s.cfg.LeaseTTL)})
	s.cfg.Logger.Info("took a job up again", "migration", m.Name, "job", job.GetTitle(), "worker", w.id)
	return true
}

// adoptAttempt makes the attempt known again, whichever half comes first. Whether
// its extraction has ended, was under way elsewhere or had not begun, nobody knows
// yet, and an attempt is never extracted twice: a load that stands still gives it
// away (standstill.go).
func (s *Leader) adoptAttempt(w workID, job *workerv1.Job, now time.Time) bool {
	r := s.view().Range(w.migration, w.table, w.number)
	t := s.view().Table(w.migration, w.table)
	if r == nil || r.State != state.RangePending || !t.Open() {
		return false
	}
	id := w.as(workLoad)
	run := s.run(w.migration)
	number := attemptOf(job)
	if number <= max(r.Done, t.Emptied) || run.given[id] {
		return false // what it brought was counted already, or removed since, or may be yet
	}
	a := run.attempts[id]
	if a == nil {
		a = &attempt{number: number, epoch: job.GetLoad().GetEpoch(), subject: subjectOf(id, number), adopted: true, extracted: true, extractedAt: now}
		run.attempts[id] = a
	}
	return a.number == number
}

// workOf tells which work a job is, for the kinds that can be adopted.
func workOf(j *workerv1.Job) (workID, bool) {
	switch b := j.GetWork().(type) {
	case *workerv1.Job_Extract:
		return workID{j.GetMigration(), workExtract, b.Extract.GetTable().GetNumber(), b.Extract.GetRange().GetNumber()}, true
	case *workerv1.Job_Load:
		return workID{j.GetMigration(), workLoad, b.Load.GetTable().GetNumber(), b.Load.GetRange().GetNumber()}, true
	case *workerv1.Job_HoldSnapshot:
		return workID{migration: j.GetMigration(), kind: workSnapshot}, true
	}
	return workID{}, false
}
