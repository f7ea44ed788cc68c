package state

import (
	"fmt"
	"time"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/batch"
)

// tablePlanned adds a table; a later plan of the same number replaces it, since a
// coordinator that died in the middle of planning plans again, and a changed spec
// plans what has not begun again.
func (a *apply) tablePlanned(e *journalv1.TablePlanned) error {
	plan := e.GetTable()
	if a.m.Stage != Planning && a.m.Replan == ReplanNone {
		return fmt.Errorf("table planned outside planning")
	}
	if old := a.view().Table(a.uid, plan.GetNumber()); old != nil && old.Stage > TablePlanned {
		return fmt.Errorf("table %d is planned anew, but it has begun", plan.GetNumber())
	}
	if err := a.deleteAll(tableRanges, tableKey(a.uid, plan.GetNumber())); err != nil {
		return err
	}
	t := &Table{Migration: a.uid, Number: plan.GetNumber(), Plan: plan, Stage: TablePlanned, SourceRows: -1}
	t.EstimatedRows, t.EstimatedBytes = plan.GetSource().GetEstimatedRows(), plan.GetSource().GetEstimatedBytes()
	return a.insert(tableTables, t)
}

func (a *apply) rangesPlanned(e *journalv1.RangesPlanned) error {
	return a.table(e.GetTable(), func(t *Table) error {
		for _, p := range e.GetRanges() {
			r := &Range{Migration: a.uid, Table: t.Number, Number: p.GetNumber(), Plan: p}
			if a.view().Range(a.uid, t.Number, p.GetNumber()) == nil {
				t.Ranges++
			}
			if err := a.insert(tableRanges, r); err != nil {
				return err
			}
		}
		t.Split = e.GetLast()
		return nil
	})
}

// rangeCut gives the rest of a range that nobody reads now to new ranges.
func (a *apply) rangeCut(t *Table, r *Range, e *journalv1.RangeCut) error {
	if r.State != RangePending {
		return fmt.Errorf("range %d of table %d is not pending and cannot be cut", r.Number, t.Number)
	}
	r.Plan = e.GetRange()
	for _, p := range e.GetAdded() {
		t.Ranges++
		if int(p.GetNumber()) != t.Ranges {
			return fmt.Errorf("range %d of table %d is added with number %d", t.Ranges, t.Number, p.GetNumber())
		}
		if err := a.insert(tableRanges, &Range{Migration: a.uid, Table: t.Number, Number: p.GetNumber(), Plan: p}); err != nil {
			return err
		}
	}
	return nil
}

func (a *apply) tableAdvanced(t *Table, e *journalv1.TableAdvanced) error {
	if e.GetStage() <= t.Stage {
		return fmt.Errorf("table %d is at %s, cannot advance to %s", t.Number, t.Stage, e.GetStage())
	}
	t.Stage = e.GetStage()
	t.SchemaSeconds += e.GetSeconds()
	return nil
}

// tableRestarted forgets every range: the table is about to be emptied.
func (a *apply) tableRestarted(t *Table, e *journalv1.TableRestarted) error {
	if e.GetDifferentRows() > 0 {
		t.Mismatches++
		t.keepDifferences(e.GetDifferences())
	}
	var err error
	a.view().Ranges(a.uid, t.Number, func(old *Range) bool {
		r := &Range{Migration: old.Migration, Table: old.Table, Number: old.Number, Plan: old.Plan, Failures: old.Failures, Done: old.Done}
		if old.GivenUp() {
			r.State = old.State
		}
		err = a.insert(tableRanges, r)
		return err == nil
	})
	t.forRanges()
	t.Loaded, t.Verified, t.BlockedRanges, t.LoadedBytes, t.Touched = 0, 0, 0, 0, nil
	t.Rejected, t.Replays, t.FirstReject, t.Missing = 0, 0, nil, 0
	t.LoadedDigest, t.VerifiedDigest = batch.Digest{}, batch.Digest{}
	t.uncount()
	t.Emptying = true
	if !e.GetUncounted() {
		t.Restarts++
	}
	t.Retries++
	if t.Stage > TableCreated {
		t.Stage = TableCreated
	}
	return err
}

// tableVerified confirms every range at once.
func (a *apply) tableVerified(t *Table, e *journalv1.TableVerified) error {
	if t.Loaded != t.Ranges {
		return fmt.Errorf("table %d verified with %d of %d ranges loaded", t.Number, t.Loaded, t.Ranges)
	}
	var err error
	a.view().Ranges(a.uid, t.Number, func(old *Range) bool {
		r := *old
		r.State, r.Verified = RangeVerified, a.event.GetTime().AsTime()
		err = a.insert(tableRanges, &r)
		return err == nil
	})
	if err != nil {
		return err
	}
	t.Verified = t.Ranges
	t.ValidateSeconds += e.GetSeconds()
	t.VerifiedDigest, err = batch.DigestOf(e.GetDigest())
	return err
}

func rangeLoaded(t *Table, r *Range, e *journalv1.RangeLoaded) error {
	if r.State != RangePending {
		return fmt.Errorf("range %d of table %d loaded twice", r.Number, t.Number)
	}
	d, err := batch.DigestOf(e.GetDigest())
	if err != nil {
		return err
	}
	r.State, r.Attempt, r.Digest, r.Bytes, r.Reset, r.Problem = RangeLoaded, e.GetAttempt(), d, e.GetBytes(), false, Problem{}
	r.Done = max(r.Done, e.GetAttempt())
	r.Touched = Touched(nil).add(e.GetTouched(), 1)
	t.Touched = t.Touched.add(e.GetTouched(), 1)
	if err := t.reject(r, e.GetRejected()); err != nil {
		return err
	}
	t.Loaded++
	t.LoadedBytes += e.GetBytes()
	t.LoadedDigest.Merge(d)
	t.ExtractSeconds += e.GetExtractSeconds()
	t.LoadSeconds += e.GetLoadSeconds()
	t.Duplicates += e.GetDuplicates()
	return nil
}

// rangeVerified takes a verdict only for the attempt that is loaded: a validator
// that was slow cannot confirm what was done again since.
func rangeVerified(t *Table, r *Range, e *journalv1.RangeVerified, now time.Time) error {
	if r.State != RangeLoaded || r.Attempt != e.GetAttempt() {
		return fmt.Errorf("range %d of table %d: verdict on attempt %d, which is not the loaded one", r.Number, t.Number, e.GetAttempt())
	}
	d, err := batch.DigestOf(e.GetDigest())
	if err != nil {
		return err
	}
	r.State, r.Actual, r.Verified = RangeVerified, d, now
	t.Verified++
	t.VerifiedDigest.Merge(d)
	t.ValidateSeconds += e.GetSeconds()
	return nil
}

func rangeFailed(t *Table, r *Range, e *journalv1.RangeFailed) error {
	if r.GivenUp() {
		return fmt.Errorf("range %d of table %d was given up and cannot fail", r.Number, t.Number)
	}
	unload(t, r)
	if e.GetCounted() {
		r.Failures++
	}
	r.Reset = r.Reset || e.GetResetRows()
	r.Problem = Problem{Reason: e.GetReason()}
	t.Retries++
	if e.GetStage() == "validate" {
		t.Mismatches++
		t.keepDifferences(e.GetDifferences())
	}
	return nil
}

// unload takes a range back to pending, whatever it was.
func unload(t *Table, r *Range) {
	switch r.State {
	case RangeVerified:
		t.Verified--
		t.VerifiedDigest.Subtract(r.Actual)
		fallthrough
	case RangeLoaded:
		t.Loaded--
		t.LoadedBytes -= r.Bytes
		t.LoadedDigest.Subtract(r.Digest)
		t.Touched = t.Touched.add(r.Touched.Proto(), -1)
		t.unreject(r)
		t.uncount()
	case RangeBlocked:
		t.BlockedRanges--
	}
	r.State, r.Attempt, r.Digest, r.Actual, r.Bytes, r.Touched = RangePending, 0, batch.Digest{}, batch.Digest{}, 0, nil
}

func rangeBlocked(t *Table, r *Range, e *journalv1.RangeBlocked) error {
	if r.GivenUp() {
		return fmt.Errorf("range %d of table %d was given up and cannot be blocked", r.Number, t.Number)
	}
	unload(t, r)
	r.State = RangeBlocked
	r.Problem = Problem{Reason: e.GetReason(), Kind: e.GetKind(), Side: e.GetSide(), Key: e.GetKey(), Column: e.GetColumn(), Attempts: int(e.GetAttempts())}
	t.BlockedRanges++
	return nil
}

func rangeRetried(t *Table, r *Range) error {
	if r.State == RangeBlocked {
		t.BlockedRanges--
		r.State = RangePending
	}
	r.Failures, r.Problem = 0, Problem{}
	return nil
}
