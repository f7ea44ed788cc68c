package coordinator

import (
	"context"
	"errors"
	"fmt"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// failed takes a failure: work that may succeed later rests and is tried again,
// anything else blocks its range or table, or ends a migration that is not planned.
func (s *Leader) failed(ctx context.Context, l *lease, m *state.Migration, f *workerv1.Failure) error {
	kind := fault.ParseKind(f.GetKind())
	p := state.Problem{Reason: f.GetMessage(), Kind: f.GetKind(), Side: f.GetSide(), Key: f.GetKey(), Column: f.GetColumn()}
	s.cfg.Logger.Warn("job failed", "migration", m.Name, "job", l.job.GetTitle(), "worker", l.worker.id, "kind", f.GetKind(), "side", f.GetSide(), "err", f.GetMessage())
	r := s.run(m.UID)
	r.stalled = stall{l.work, f.GetMessage()}
	if p.Side == fault.Stream && kind == fault.Unavailable {
		r.doubted = true
	}
	if regressed, err := s.outranked(ctx, l, m, kind, p); regressed || err != nil {
		return err
	}
	if s.doubted(l, m, kind, p.Side) {
		if l.work.kind == workLoad {
			s.abandon(l, p.Reason)
		}
		r.retry(l.work)
		return nil
	}
	return s.tryAgain(ctx, l, m, kind, p)
}

// tryAgain lets failed work rest until its next try, or ends what it belongs to.
func (s *Leader) tryAgain(ctx context.Context, l *lease, m *state.Migration, kind fault.Kind, p state.Problem) error {
	r := s.run(m.UID)
	switch l.work.kind {
	case workExtract, workLoad, workValidate:
		if l.work.number != 0 {
			return s.rangeFailed(ctx, l, m, kind, p)
		}
	case workCut:
		s.uncut(l.work) // read on as it is
		return nil
	case workWatch:
		r.retry(l.work) // meanwhile the source is read as slowly as before
		return nil
	case workSnapshot:
		return s.snapshotFailed(ctx, l, m, kind, p)
	case workVerify, workRepair:
		return s.verifyFailed(ctx, l, m, kind, p)
	case workForeignKeys:
		p.Reason += s.rejectedParents(l.work)
	}
	tries := r.retry(l.work)
	if kind == fault.Fenced && p.Side == fault.Target && l.work.kind != workRecover {
		return nil // a race, or the first word of a log that came back older
	}
	if transient(kind) && (r.outwaits(m, l.work, kind, p.Side) || tries < maxTries(m, r)) {
		return nil
	}
	p.Attempts = tries
	return s.givenUpOn(ctx, l, m, kind, p)
}

// givenUpOn ends what a step belongs to that has failed for good: its table, a plan,
// or the migration.
func (s *Leader) givenUpOn(ctx context.Context, l *lease, m *state.Migration, kind fault.Kind, p state.Problem) error {
	r := s.run(m.UID)
	switch {
	case l.work.kind == workSample:
		r.unsampled[l.work.table] = true
		r.settled(l.work)
		return nil
	case l.work.kind == workAssess, l.work.kind == workCompare:
		r.settled(l.work)
		return s.unassessable(ctx, s.view().Table(m.UID, l.work.table), p)
	case l.work.kind == workSplit && !m.AutoStart && m.Stage <= state.Planned && !transient(kind):
		r.settled(l.work)
		return s.unsplittable(ctx, s.view().Table(m.UID, l.work.table), p)
	case l.work.table != 0 && m.Stage != state.Planning:
		r.settled(l.work)
		return s.block(ctx, m, l.work.table, p)
	case m.Stage != state.Planning && (l.work.kind == workDescribe || l.work.kind == workDesign):
		if r.update == nil || m.Replan != state.ReplanNone {
			return nil // the spec has changed already, or a table was skipped: tried again until it works
		}
		r.settled(l.work)
		s.updateFailed(r, &fault.Error{Kind: kind, Op: "coordinator.UpdateMigration", Side: p.Side, Err: errors.New(p.Reason)})
		return nil
	case l.work.kind == workKeep, l.work.kind == workAudit:
		return nil // nothing was lost yet: it waits, and says why, until it works
	case l.work.kind == workPrepare && m.Reopen:
		r.settled(l.work)
		return s.ended(ctx, m, &journalv1.MigrationEnded{Outcome: journalv1.MigrationEnded_OUTCOME_INCOMPLETE,
			Reason: "rejected rows cannot be written: " + p.Reason, Side: p.Side, Kind: p.Kind})
	case l.work.kind == workPublish:
		r.settled(l.work)
		return s.unpublishable(ctx, m, p)
	case l.work.kind == workObjects:
		r.settled(l.work)
		return s.unmakeable(ctx, m, p)
	case l.work.kind == workDiscard:
		r.settled(l.work)
		return s.undiscardable(ctx, m, kind, p)
	case m.Stage == state.Cancelled:
		// The target would not take the mark; what is fenced is fenced by its ledger.
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TargetFinished{TargetFinished: &journalv1.TargetFinished{}}})
	}
	return s.abort(ctx, m, &fault.Error{Kind: kind, Side: p.Side, Err: errors.New(p.Reason)})
}

// outwaits tells whether a step is tried for as long as its failure lasts: a database
// that is away or full will come back. While somebody waits for a plan that is so only of
// one that is away and has answered before: another may not be there at all, and a limit
// that a query meets is met again. A measured sample is not worth the wait.
func (r *run) outwaits(m *state.Migration, w workID, kind fault.Kind, side string) bool {
	switch {
	case counts(kind) || r.update != nil || w.kind == workSample:
		return false
	case m.Stage != state.Planning || kind == fault.Unavailable && answered(m, side):
		return true
	default:
		return r.now().Sub(r.failing[w]) < answersWithin
	}
}

// answered tells whether a database has told what it is.
func answered(m *state.Migration, side string) bool {
	switch side {
	case fault.Source:
		return m.Source.Engine != ""
	case fault.Target:
		return m.Target.Engine != "" || m.Recovering
	default:
		return false
	}
}

// maxTries of a step that is no range's: fewer while somebody waits for a plan.
func maxTries(m *state.Migration, r *run) int {
	if m.Stage == state.Planning || r.update != nil {
		return 3
	}
	return maxAttempts(m)
}

// rangeFailed ends an attempt, or a validation, that failed.
func (s *Leader) rangeFailed(ctx context.Context, l *lease, m *state.Migration, kind fault.Kind, p state.Problem) error {
	stage := map[workKind]string{workExtract: "extract", workLoad: "load", workValidate: "validate"}[l.work.kind]
	s.cfg.Metrics.RangeRetried(stage, kind.String())
	r := s.view().Range(l.work.migration, l.work.table, l.work.number)
	if l.work.kind == workValidate && (r == nil || r.State != state.RangeLoaded) {
		return nil // done again since, or given up
	}
	if l.work.kind == workValidate {
		if tries := s.run(m.UID).retry(l.work); transient(kind) && (!counts(kind) || tries < maxAttempts(m)) {
			return nil
		}
		return s.blockRange(ctx, m, r, p)
	}
	s.abandon(l, p.Reason)
	if r != nil && r.State == state.RangeSkipped {
		return s.emptyingFailed(ctx, l, m, kind, p)
	}
	if r == nil || r.State != state.RangePending {
		return nil
	}
	if kind == fault.Changed {
		return s.block(ctx, m, l.work.table, p)
	}
	// A load that does not add up may have spoilt the ledger's sums: going on behind
	// them would fail for ever.
	e := &journalv1.RangeFailed{Stage: stage, Reason: p.Reason, Counted: counts(kind),
		ResetRows: kind == fault.Corrupt && l.work.kind == workLoad}
	if !transient(kind) && kind != fault.Fenced {
		return s.blockRange(ctx, m, r, p)
	}
	return s.fail(ctx, m, r, e, p)
}

// fail records a failed attempt; too many that count block the range.
func (s *Leader) fail(ctx context.Context, m *state.Migration, r *state.Range, e *journalv1.RangeFailed, p state.Problem) error {
	e.Table, e.Range = r.Table, r.Number
	if err := s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_RangeFailed{RangeFailed: e}}); err != nil {
		return err
	}
	now := s.view().Range(m.UID, r.Table, r.Number)
	if now.Failures >= maxAttempts(m) {
		return s.blockRange(ctx, m, now, p)
	}
	run := s.run(m.UID)
	if e.GetStage() != "validate" {
		run.retry(rangeID(m.UID, r.Table, r.Number))
	}
	return nil
}

func (s *Leader) blockRange(ctx context.Context, m *state.Migration, r *state.Range, p state.Problem) error {
	s.cfg.Logger.Warn("range blocked", "migration", m.Name, "table", r.Table, "range", r.Number, "reason", p.Reason)
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_RangeBlocked{RangeBlocked: &journalv1.RangeBlocked{
		Table: r.Table, Range: r.Number, Reason: p.Reason, Side: p.Side, Key: p.Key, Column: p.Column, Kind: p.Kind,
		Attempts: int32(max(r.Failures, p.Attempts, 1))}}})
}

// restartTable empties a table and loads all of it again, unless it has been found
// different (v) too often or holds rows that are not drover's to remove.
func (s *Leader) restartTable(ctx context.Context, m *state.Migration, t *state.Table, reason string, v *workerv1.Verdict) error {
	p := state.Problem{Reason: reason, Side: fault.Target, Kind: fault.Corrupt.String(), Attempts: t.Restarts + 1}
	switch {
	case t.Appends():
		p.Reason += "; the table had rows before, so drover does not empty it: restore the target and copy again"
		return s.block(ctx, m, t.Number, p)
	case v != nil && t.Restarts+1 >= maxAttempts(m):
		p.Reason = fmt.Sprintf("%s (%d times)", reason, t.Restarts+1)
		return s.block(ctx, m, t.Number, p)
	}
	s.abandonTable(m.UID, t.Number, "the table starts again: "+reason)
	s.cfg.Logger.Warn("table starts again", "migration", m.Name, "table", targetName(t.Plan), "reason", reason)
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TableRestarted{TableRestarted: &journalv1.TableRestarted{
		Table: t.Number, Reason: reason, Differences: v.GetDifferences(), DifferentRows: v.GetDifferentRows(), Uncounted: v == nil}}})
}

// transient tells whether work of this kind of failure is worth another try.
func transient(kind fault.Kind) bool { return fault.Retryable(&fault.Error{Kind: kind}) }

// counts tells whether a failure counts against the limit of attempts: a database
// that is away or full will come back, and its ranges with it.
func counts(kind fault.Kind) bool {
	switch kind {
	case fault.Unavailable, fault.Canceled, fault.Fenced, fault.Exhausted:
		return false
	default:
		return true
	}
}
