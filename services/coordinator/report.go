package coordinator

import (
	"context"
	"fmt"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// result takes what a job came to. It is acknowledged when it is in the log, or
// when nobody wants it any more; a worker whose result is not acknowledged sends
// it again.
func (s *Leader) result(ctx context.Context, w *worker, r *workerv1.Result) {
	l := s.leases[r.GetLease()]
	if l != nil && l.worker == w {
		if err := s.settleResult(ctx, l, r); err != nil {
			s.cfg.Logger.Error("result not recorded", "migration", l.job.GetMigrationName(), "job", l.job.GetTitle(), "err", err)
			return
		}
	}
	w.tell(&workerv1.WorkResponse{Message: &workerv1.WorkResponse_Ack{Ack: &workerv1.Ack{Lease: r.GetLease()}}})
	s.nudge()
}

func (s *Leader) settleResult(ctx context.Context, l *lease, r *workerv1.Result) error {
	m := s.view().Migration(l.work.migration)
	if m == nil || !takes(m, s.run(m.UID), l.work.kind) {
		s.drop(l)
		return nil
	}
	var err error
	switch o := r.GetOutcome().(type) {
	case *workerv1.Result_Released:
		err = s.released(ctx, l, "worker is stopping")
	case *workerv1.Result_Failure:
		err = s.failed(ctx, l, m, o.Failure)
	default:
		err = s.done(ctx, l, m, r)
		if err == nil {
			s.run(m.UID).settled(l.work)
			delete(s.run(m.UID).outranked, l.work)
		}
	}
	if err == nil {
		s.drop(l)
	}
	return err
}

// done records a job that succeeded.
func (s *Leader) done(ctx context.Context, l *lease, m *state.Migration, r *workerv1.Result) error {
	seconds := s.now().Sub(l.granted).Seconds()
	advanced := func(stage journalv1.TableStage) error { return s.advanced(ctx, l.work, stage, seconds) }
	switch l.work.kind {
	case workDescribe:
		return s.described(ctx, m, r.GetDescribed().GetDatabase())
	case workDesign:
		if found, err := s.found(ctx, m, r.GetDesigned()); found || err != nil {
			return err
		}
		return s.designed(ctx, m, r.GetDesigned().GetDesign())
	case workRecover:
		return s.recover(ctx, m, r.GetLedgerPage())
	case workKeep:
		return s.kept(ctx, m)
	case workAudit:
		return s.audit(ctx, m, r.GetLedgerPage())
	case workSplit:
		return s.ranged(ctx, l.work, r.GetSplit().GetRanges())
	case workWatch:
		return nil
	case workSnapshot:
		return s.snapshotLost(ctx, l, "it was closed")
	case workPrepare:
		return s.prepared(ctx, l, m, r)
	case workCreate:
		return advanced(state.TableCreated)
	case workKey:
		return advanced(state.TableKeyed)
	case workIndexes:
		return advanced(state.TableIndexed)
	case workForeignKeys:
		return advanced(state.TableLinked)
	case workSequences:
		return advanced(state.TableSequenced)
	case workBaseline:
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_BaselineTaken{BaselineTaken: &journalv1.BaselineTaken{
			Table: l.work.table, Digest: r.GetVerdict().GetActual()}}})
	case workEmpty:
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TableEmptied{TableEmptied: &journalv1.TableEmptied{Table: l.work.table, Epoch: l.job.GetEmpty().GetEpoch()}}})
	case workExtract:
		s.extracted(l, seconds)
		return nil
	case workCut:
		return s.cutRange(ctx, l, r.GetSplit().GetRanges())
	case workLoad:
		return s.loaded(ctx, l, r.GetLoaded(), seconds)
	case workReplay:
		return s.replayed(ctx, l, r.GetReplayed())
	case workValidate:
		return s.judged(ctx, l, m, r.GetVerdict(), seconds)
	case workCount:
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TableCounted{TableCounted: &journalv1.TableCounted{
			Table: l.work.table, SourceRows: r.GetCounted().GetRows(), Filtered: r.GetCounted().GetFiltered()}}})
	case workSample:
		return s.sampled(ctx, l, r.GetSampled())
	case workAssess:
		return s.assessed(ctx, l, r.GetAssessed())
	case workCompare:
		return s.compared(ctx, l, r.GetCompared())
	case workPublish:
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TargetPublished{TargetPublished: &journalv1.TargetPublished{}}})
	case workObjects:
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_ObjectsApplied{ObjectsApplied: &journalv1.ObjectsApplied{}}})
	case workDiscard:
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TargetDiscarded{TargetDiscarded: &journalv1.TargetDiscarded{}}})
	case workVerify:
		return s.checked(ctx, l, m, r.GetRangeCheck(), seconds)
	case workRepair:
		return s.repaired(ctx, l, m, r.GetRangeRepair())
	case workFinish:
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TargetFinished{TargetFinished: &journalv1.TargetFinished{}}})
	}
	return fault.New(fault.Internal, "coordinator.done", "no way to settle %s", l.job.GetTitle())
}

// prepared notes that the target takes this leader's work; it is in the log once.
func (s *Leader) prepared(ctx context.Context, l *lease, m *state.Migration, r *workerv1.Result) error {
	if m.Unconfirmed != 0 && l.job.GetTerm() == m.Unconfirmed {
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_ControlConfirmed{ControlConfirmed: &journalv1.ControlConfirmed{}}})
	}
	s.run(m.UID).entered = true
	if m.Prepared && !m.MorePrepare && !m.Reopen {
		return nil
	}
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TargetPrepared{TargetPrepared: &journalv1.TargetPrepared{
		RejectsFolder: r.GetDone().GetRejectsFolder()}}})
}

func (s *Leader) advanced(ctx context.Context, w workID, stage journalv1.TableStage, seconds float64) error {
	t := s.view().Table(w.migration, w.table)
	if t == nil || t.Stage != stage-1 {
		return nil // done before, or of a time before the target lost what the step stood on
	}
	return s.append(ctx, w.migration, &journalv1.Event{Body: &journalv1.Event_TableAdvanced{TableAdvanced: &journalv1.TableAdvanced{
		Table: w.table, Stage: stage, Seconds: seconds}}})
}

// extracted notes that an attempt's rows are all in the stream.
func (s *Leader) extracted(l *lease, seconds float64) {
	a := s.run(l.work.migration).attempts[l.work.as(workLoad)]
	if a != nil && a.number == l.job.GetExtract().GetAttempt() {
		a.extracted, a.extractedAt, a.extractSeconds = true, s.now(), seconds
	}
}

func (s *Leader) loaded(ctx context.Context, l *lease, d *workerv1.Loaded, seconds float64) error {
	r := s.run(l.work.migration)
	e := &journalv1.RangeLoaded{Table: l.work.table, Range: l.work.number, Attempt: l.job.GetLoad().GetAttempt(),
		Digest: d.GetDigest(), Bytes: d.GetBytes(), LoadSeconds: seconds, Duplicates: d.GetDuplicates(), Touched: d.GetTouched(), Rejected: d.GetRejected()}
	if a := r.attempts[l.work]; a != nil {
		e.ExtractSeconds = a.extractSeconds
	}
	if now := s.view().Range(l.work.migration, l.work.table, l.work.number); now == nil || now.State != state.RangePending {
		return nil
	}
	if err := s.append(ctx, l.work.migration, &journalv1.Event{Body: &journalv1.Event_RangeLoaded{RangeLoaded: e}}); err != nil {
		return err
	}
	// An extraction that the loader had no more use for may still be announced.
	if other := s.busy[l.work.as(workExtract)]; other != nil {
		s.drop(other)
	}
	s.bury(l.work.migration, subjectOf(l.work, e.GetAttempt()))
	delete(r.attempts, l.work)
	delete(r.given, l.work)
	return nil
}

// judged takes a validator's verdict on a range or a table.
func (s *Leader) judged(ctx context.Context, l *lease, m *state.Migration, v *workerv1.Verdict, seconds float64) error {
	if l.work.number == 0 {
		return s.judgedTable(ctx, l, m, v, seconds)
	}
	r := s.view().Range(l.work.migration, l.work.table, l.work.number)
	if r == nil || r.State != state.RangeLoaded || r.Attempt != l.job.GetValidate().GetAttempt() {
		return nil // done again since: that attempt gets a verdict of its own
	}
	if v.GetEqual() {
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_RangeVerified{RangeVerified: &journalv1.RangeVerified{
			Table: r.Table, Range: r.Number, Attempt: r.Attempt, Digest: v.GetActual(), Seconds: seconds}}})
	}
	s.cfg.Metrics.RangeRetried("validate", "mismatch")
	return s.fail(ctx, m, r, &journalv1.RangeFailed{Stage: "validate", Reason: mismatch(v), ResetRows: true,
		Differences: v.GetDifferences(), DifferentRows: v.GetDifferentRows(), Counted: true}, state.Problem{Reason: mismatch(v), Kind: fault.Corrupt.String(), Side: fault.Target})
}

func (s *Leader) judgedTable(ctx context.Context, l *lease, m *state.Migration, v *workerv1.Verdict, seconds float64) error {
	t := s.view().Table(l.work.migration, l.work.table)
	if t == nil || t.Stage != state.TableKeyed {
		return nil
	}
	if expected, err := batch.DigestOf(l.job.GetValidate().GetExpected()); err != nil || expected != t.LoadedDigest {
		return err // rejected rows were written since: the table is read again
	}
	if v.GetEqual() {
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TableVerified{TableVerified: &journalv1.TableVerified{
			Table: t.Number, Digest: v.GetActual(), Seconds: seconds}}})
	}
	s.cfg.Metrics.RangeRetried("validate", "mismatch")
	return s.restartTable(ctx, m, t, mismatch(v), v)
}

func mismatch(v *workerv1.Verdict) string {
	text := fmt.Sprintf("target differs from source in %d rows", v.GetDifferentRows())
	for i, d := range v.GetDifferences() {
		if i == 3 {
			return text + " …"
		}
		text += fmt.Sprintf("; %s %s", differenceName(d.GetType()), d.GetKey())
		if len(d.GetColumns()) > 0 {
			text += fmt.Sprintf(" in %v", d.GetColumns())
		}
	}
	return text
}

func differenceName(t planv1.Difference_Type) string {
	switch t {
	case planv1.Difference_TYPE_MISSING:
		return "missing"
	case planv1.Difference_TYPE_EXTRA:
		return "extra"
	default:
		return "different"
	}
}
