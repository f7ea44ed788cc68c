package coordinator

import (
	"cmp"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

const (
	extractor = workerv1.Role_ROLE_EXTRACTOR
	loader    = workerv1.Role_ROLE_LOADER
	validator = workerv1.Role_ROLE_VALIDATOR
)

// offer is one pass over a migration's work for one role.
type offer struct {
	s    *Service
	view state.View
	m    *state.Migration
	run  *run
	now  time.Time
	role workerv1.Role
	// tables by expected size, largest first: a long table that begins late is
	// what everybody waits for in the end.
	tables []*state.Table
}

// dispatch grants whatever can be granted. The lock is held.
func (s *Service) dispatch(now time.Time) {
	if s.fatal != nil || now.Before(s.began.Add(s.cfg.Grace)) {
		return
	}
	view := s.view()
	for _, m := range view.Migrations() {
		if m.Stage.Ended() && !unfinished(m) {
			continue
		}
		tables := view.Tables(m.UID)
		slices.SortStableFunc(tables, func(a, b *state.Table) int { return cmp.Compare(b.EstimatedBytes, a.EstimatedBytes) })
		for _, role := range []workerv1.Role{extractor, loader, validator} {
			if s.anyWorker(role) {
				o := &offer{s: s, view: view, m: m, run: s.run(m.UID), now: now, role: role, tables: tables}
				o.all()
			}
		}
	}
}

// unfinished tells whether a cancelled migration's target still takes batches.
func unfinished(m *state.Migration) bool {
	return m.Stage == state.Cancelled && m.Prepared && !m.Finished
}

// all offers a migration's work until there is none or nobody has room.
func (o *offer) all() {
	switch {
	case o.m.Stage == state.Planning:
		o.planning()
	case unfinished(o.m) && o.role == loader:
		o.give(workFinish, 0, 0)
	case o.m.Stage != state.Running:
	case o.role == extractor:
		o.extracting()
	case o.m.Paused:
	case o.role == loader:
		o.loading()
	case o.role == validator:
		o.validating()
	}
}

func (o *offer) planning() {
	switch {
	case o.role == extractor && o.m.Tables < 0 && o.run.described == nil:
		o.give(workDescribe, 0, 0)
	case o.role == loader && o.m.Tables < 0 && o.run.described != nil:
		o.give(workDesign, 0, 0)
	case o.role == extractor && o.m.Tables >= 0:
		for _, t := range o.tables {
			if !t.Split && !hasError(t.Plan) && !o.give(workSplit, t.Number, 0) {
				return
			}
		}
	}
}

// extracting goes on while the migration is paused: loaders wait for it.
func (o *offer) extracting() {
	for w, a := range o.run.attempts {
		if a.fenced != nil && !a.extracted && !o.give(workExtract, w.table, w.number) {
			return
		}
	}
	if o.m.Paused {
		return
	}
	for _, t := range o.tables {
		switch {
		case t.Blocked:
		case t.Stage == state.TableCreated && needsSnapshot(t) && o.run.snapshot == "":
			o.give(workSnapshot, 0, 0)
		case t.Stage == state.TableSequenced && t.SourceRows < 0:
			if !o.give(workCount, t.Number, 0) {
				return
			}
		}
	}
}

func (o *offer) loading() {
	if !o.m.Prepared {
		o.give(workPrepare, 0, 0)
		return
	}
	if o.schema() {
		o.ranges()
	}
}

// schema offers steps on whole tables; they come before loads, because others
// wait for them.
func (o *offer) schema() bool {
	linked := linkable(o.tables)
	for _, t := range o.tables {
		kind, ok := schemaWork(t, linked)
		if ok && !t.Blocked && !o.give(kind, t.Number, 0) {
			return false
		}
	}
	if complete(o.tables) && !o.m.Finished {
		return o.give(workFinish, 0, 0)
	}
	return true
}

// schemaWork gives the step that a table waits for.
func schemaWork(t *state.Table, linkable bool) (workKind, bool) {
	switch {
	case t.Emptying:
		return workEmpty, true
	case t.Stage == state.TablePlanned:
		return workCreate, true
	case t.Stage == state.TableLoaded && t.Plan.GetKeyAfterLoad():
		return workKey, true
	case t.Stage == state.TableVerified:
		return workIndexes, true
	case t.Stage == state.TableIndexed && linkable:
		return workForeignKeys, true
	case t.Stage == state.TableLinked:
		return workSequences, true
	}
	return 0, false
}

// ranges offers pending ranges, as many as extractors can soon begin with: a range
// that only waits would hold a loader's slot.
func (o *offer) ranges() {
	waiting := 0
	for w, a := range o.run.attempts {
		if !a.extracted && o.s.busy[w.as(workExtract)] == nil {
			waiting++
		}
	}
	room := o.s.slots(extractor) - waiting
	if !o.run.stream {
		return
	}
	for _, t := range o.tables {
		if !t.Open() || (t.Appends() && !t.HasBaseline) || (needsSnapshot(t) && o.run.snapshot == "") {
			continue
		}
		o.view.RangesIn(t.Migration, t.Number, state.RangePending, func(r *state.Range) bool {
			w := rangeID(t.Migration, t.Number, r.Number)
			if room <= 0 {
				return false
			}
			if o.s.busy[w] == nil && !o.run.resting(w, o.now) {
				if !o.give(workLoad, t.Number, r.Number) {
					room = 0
					return false
				}
				room--
			}
			return true
		})
		if room <= 0 {
			return
		}
	}
}

func (o *offer) validating() {
	for _, t := range o.tables {
		switch {
		case t.Blocked || t.Emptying:
		case t.Appends() && !t.HasBaseline && t.Stage == state.TableCreated:
			o.give(workBaseline, t.Number, 0)
		case !t.ByRange():
			if t.Stage == state.TableKeyed {
				o.give(workValidate, t.Number, 0)
			}
		case t.Stage >= state.TableKeyed || (!t.Plan.GetKeyAfterLoad() && t.Stage >= state.TableCreated):
			room := true
			o.view.RangesIn(t.Migration, t.Number, state.RangeLoaded, func(r *state.Range) bool {
				room = o.give(workValidate, t.Number, r.Number)
				return room
			})
			if !room {
				return
			}
		}
	}
}

// give grants one piece of work unless somebody has it or it rests. It tells
// whether the role may have room for more.
func (o *offer) give(kind workKind, table, number uint32) bool {
	w := workID{migration: o.m.UID, kind: kind, table: table, number: number}
	if o.s.busy[w] != nil || o.run.resting(w, o.now) {
		return true
	}
	to := o.s.pick(o.role, kind == workSnapshot)
	if to == nil {
		return false
	}
	job := o.job(w)
	if job == nil {
		return true
	}
	job.Lease, job.Tries = ulid.Make().String(), uint32(o.run.tries[w])+1
	o.s.grant(to, w, job, o.now)
	return true
}

// grant hands a job to a worker.
func (s *Service) grant(to *worker, w workID, job *workerv1.Job, now time.Time) {
	l := &lease{id: job.GetLease(), work: w, job: job, worker: to, granted: now, expires: now.Add(s.cfg.LeaseTTL)}
	s.hold(l)
	if !job.GetBackground() {
		to.credit--
	}
	to.tell(&workerv1.WorkResponse{Message: &workerv1.WorkResponse_Grant{Grant: job}})
	s.cfg.Logger.Debug("granted", "migration", job.GetMigrationName(), "job", job.GetTitle(), "worker", to.id, "lease", l.id)
}

func (s *Service) hold(l *lease) {
	s.leases[l.id], s.busy[l.work], l.worker.leases[l.id] = l, l, l
}

// drop forgets a lease, whose work may be granted again.
func (s *Service) drop(l *lease) {
	delete(s.leases, l.id)
	delete(l.worker.leases, l.id)
	if s.busy[l.work] == l {
		delete(s.busy, l.work)
	}
}

// revoke drops a lease and tells its worker.
func (s *Service) revoke(l *lease, reason string) {
	s.drop(l)
	l.worker.tell(&workerv1.WorkResponse{Message: &workerv1.WorkResponse_Revoke{Revoke: &workerv1.Revoke{Lease: l.id, Reason: reason}}})
}

// pick gives the worker of a role with the most room. A background job needs none.
func (s *Service) pick(role workerv1.Role, background bool) *worker {
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

func (s *Service) anyWorker(role workerv1.Role) bool { return s.pick(role, true) != nil }

// slots counts the jobs that a role can do at once.
func (s *Service) slots(role workerv1.Role) int {
	n := 0
	for _, w := range s.workers {
		if w.role == role && w.out != nil && !w.draining {
			n += w.slots
		}
	}
	return n
}

func needsSnapshot(t *state.Table) bool { return t.Plan.GetSource().GetKey().GetNeedsSnapshot() }

func hasError(p *planv1.TablePlan) bool {
	return slices.ContainsFunc(p.GetFindings(), func(f *planv1.Finding) bool { return f.GetSeverity() == planv1.Severity_SEVERITY_ERROR })
}

// linkable tells whether foreign keys may be built: every table that can has its indexes.
func linkable(tables []*state.Table) bool {
	return !slices.ContainsFunc(tables, func(t *state.Table) bool { return !t.Blocked && t.Stage < state.TableIndexed })
}

func complete(tables []*state.Table) bool {
	return !slices.ContainsFunc(tables, func(t *state.Table) bool { return t.Stage != state.TableComplete })
}
