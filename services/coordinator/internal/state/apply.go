package state

import (
	"fmt"
	"slices"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/fault"
)

// mostDifferences kept of a table.
const mostDifferences = 100

// Apply brings the state of a migration up to an event: the same events in the
// same order give the same state. An event that does not fit is an error and
// changes nothing.
func (s *Store) Apply(migration string, seq uint64, e *journalv1.Event) error {
	r := s.Replay(migration)
	defer r.Abort()
	if err := r.Apply(seq, e); err != nil {
		return err
	}
	return r.Commit()
}

// apply is one event being applied.
type apply struct {
	*Replay
	event *journalv1.Event
	m     *Migration
}

func (a *apply) run(seq uint64) error {
	if c := a.event.GetMigrationCreated(); c != nil {
		return a.insert(tableMigrations, &Migration{UID: c.GetUid(), Name: c.GetSpec().GetName(), Spec: c.GetSpec(), AutoStart: c.GetStart(), NoSample: c.GetNoSample(), Deep: c.GetDeep(), Fresh: c.GetFresh(),
			Limits: c.GetSpec().GetLimits(), Created: a.event.GetTime().AsTime(), Tables: -1, Last: seq})
	}
	old := a.currentMigration()
	if old == nil {
		return fmt.Errorf("no such migration")
	}
	if a.event.GetMigrationDeleted() != nil {
		return a.delete(old)
	}
	m := *old
	m.Last = seq
	a.m = &m
	if err := a.body(); err != nil {
		return err
	}
	if err := a.planChanges(seq); err != nil {
		return err
	}
	a.pending.migration = a.m
	return nil
}

// body is the one switch over everything that can happen.
func (a *apply) body() error {
	switch b := a.event.GetBody().(type) {
	case *journalv1.Event_TermStarted:
		return nil
	case *journalv1.Event_ControlRegressed:
		a.m.regress(b.ControlRegressed.GetReason(), fault.Target)
		return nil
	case *journalv1.Event_ControlAdopted:
		return a.adopted()
	case *journalv1.Event_PlanKept:
		return a.planKept(b.PlanKept)
	case *journalv1.Event_MigrationFound, *journalv1.Event_RangesFound, *journalv1.Event_MigrationRecovered:
		return a.recovery()
	case *journalv1.Event_ControlRestored:
		a.restored(b.ControlRestored)
		return nil
	case *journalv1.Event_ControlConfirmed:
		a.m.Unconfirmed = 0
		return nil
	case *journalv1.Event_SourceDescribed:
		return a.sourceDescribed(b.SourceDescribed)
	case *journalv1.Event_TargetDesigned:
		return a.targetDesigned(b.TargetDesigned)
	case *journalv1.Event_TablePlanned:
		return a.tablePlanned(b.TablePlanned)
	case *journalv1.Event_RangesPlanned:
		return a.rangesPlanned(b.RangesPlanned)
	case *journalv1.Event_PlanFinished, *journalv1.Event_SpecChanged, *journalv1.Event_MigrationStarted, *journalv1.Event_MigrationPaused,
		*journalv1.Event_MigrationResumed, *journalv1.Event_MigrationThrottled, *journalv1.Event_MigrationEnded, *journalv1.Event_MigrationFailed,
		*journalv1.Event_TargetPrepared, *journalv1.Event_TargetFinished, *journalv1.Event_ObjectsApplied:
		return a.lifecycle()
	case *journalv1.Event_TargetPublished, *journalv1.Event_DiscardStarted, *journalv1.Event_TargetDiscarded:
		return a.publication()
	case *journalv1.Event_PhaseApproved, *journalv1.Event_PhaseStarted, *journalv1.Event_PhaseCompleted, *journalv1.Event_PhaseStopped:
		return a.phase()
	case *journalv1.Event_VerificationStarted, *journalv1.Event_VerificationRangeChecked, *journalv1.Event_VerificationEnded,
		*journalv1.Event_RepairStarted, *journalv1.Event_RangeRepaired:
		return a.verification()
	default:
		return a.tableEvent()
	}
}

// tableEvent applies what happens to one table.
func (a *apply) tableEvent() error {
	switch b := a.event.GetBody().(type) {
	case *journalv1.Event_TableAdvanced:
		return a.table(b.TableAdvanced.GetTable(), func(t *Table) error { return a.tableAdvanced(t, b.TableAdvanced) })
	case *journalv1.Event_TableBlocked:
		return a.table(b.TableBlocked.GetTable(), func(t *Table) error {
			t.Blocked, t.Problem = true, Problem{Reason: b.TableBlocked.GetReason(), Kind: b.TableBlocked.GetKind(), Side: b.TableBlocked.GetSide(),
				Key: b.TableBlocked.GetKey(), Column: b.TableBlocked.GetColumn(), Attempts: int(b.TableBlocked.GetAttempts())}
			return nil
		})
	case *journalv1.Event_TableRetried:
		return a.table(b.TableRetried.GetTable(), func(t *Table) error {
			t.Blocked, t.Problem, t.Restarts = false, Problem{}, 0
			t.uncount()
			a.reopen()
			return nil
		})
	case *journalv1.Event_TableRestarted:
		return a.table(b.TableRestarted.GetTable(), func(t *Table) error { return a.tableRestarted(t, b.TableRestarted) })
	case *journalv1.Event_TableEmptied:
		return a.table(b.TableEmptied.GetTable(), func(t *Table) error {
			t.Emptying, t.Emptied = false, b.TableEmptied.GetEpoch()
			return nil
		})
	case *journalv1.Event_BaselineTaken:
		return a.table(b.BaselineTaken.GetTable(), func(t *Table) (err error) {
			t.HasBaseline = true
			t.Baseline, err = batch.DigestOf(b.BaselineTaken.GetDigest())
			return err
		})
	case *journalv1.Event_TableVerified:
		return a.table(b.TableVerified.GetTable(), func(t *Table) error { return a.tableVerified(t, b.TableVerified) })
	case *journalv1.Event_TableCounted:
		return a.table(b.TableCounted.GetTable(), func(t *Table) error {
			t.SourceRows, t.Filtered = b.TableCounted.GetSourceRows(), b.TableCounted.GetFiltered()
			return nil
		})
	case *journalv1.Event_TableSkipped:
		return a.table(b.TableSkipped.GetTable(), func(t *Table) error { return a.tableSkipped(t, b.TableSkipped) })
	case *journalv1.Event_TargetLost:
		return a.table(b.TargetLost.GetTable(), func(t *Table) error { return a.targetLost(t, b.TargetLost) })
	case *journalv1.Event_RejectsRetried:
		return a.table(b.RejectsRetried.GetTable(), a.rejectsRetried)
	case *journalv1.Event_TableSampled:
		return a.table(b.TableSampled.GetTable(), func(t *Table) error {
			t.Sample = &Sample{Rows: b.TableSampled.GetRows(), Bytes: b.TableSampled.GetBytes(), Seconds: b.TableSampled.GetSeconds()}
			return nil
		})
	case *journalv1.Event_KeysCompared:
		return a.table(b.KeysCompared.GetTable(), func(t *Table) error { return keysCompared(t, b.KeysCompared) })
	case *journalv1.Event_TableAssessed:
		return a.table(b.TableAssessed.GetTable(), func(t *Table) error { return tableAssessed(t, b.TableAssessed) })
	default:
		return a.rangeEvent()
	}
}

func (a *apply) rangeEvent() error {
	switch b := a.event.GetBody().(type) {
	case *journalv1.Event_RangeLoaded:
		return a.rng(b.RangeLoaded.GetTable(), b.RangeLoaded.GetRange(), func(t *Table, r *Range) error { return rangeLoaded(t, r, b.RangeLoaded) })
	case *journalv1.Event_RangeReplayed:
		return a.rng(b.RangeReplayed.GetTable(), b.RangeReplayed.GetRange(), func(t *Table, r *Range) error { return rangeReplayed(t, r, b.RangeReplayed) })
	case *journalv1.Event_RangeVerified:
		return a.rng(b.RangeVerified.GetTable(), b.RangeVerified.GetRange(), func(t *Table, r *Range) error {
			return rangeVerified(t, r, b.RangeVerified, a.event.GetTime().AsTime())
		})
	case *journalv1.Event_RangeFailed:
		return a.rng(b.RangeFailed.GetTable(), b.RangeFailed.GetRange(), func(t *Table, r *Range) error { return rangeFailed(t, r, b.RangeFailed) })
	case *journalv1.Event_RangeBlocked:
		return a.rng(b.RangeBlocked.GetTable(), b.RangeBlocked.GetRange(), func(t *Table, r *Range) error { return rangeBlocked(t, r, b.RangeBlocked) })
	case *journalv1.Event_RangeAssessed:
		return a.rng(b.RangeAssessed.GetTable(), b.RangeAssessed.GetRange(), func(t *Table, r *Range) error { return rangeAssessed(t, r, b.RangeAssessed) })
	case *journalv1.Event_RangeRetried:
		a.reopen()
		return a.rng(b.RangeRetried.GetTable(), b.RangeRetried.GetRange(), rangeRetried)
	case *journalv1.Event_RangeSkipped:
		a.reopen()
		return a.rng(b.RangeSkipped.GetTable(), b.RangeSkipped.GetRange(), rangeSkipped)
	case *journalv1.Event_RangeCut:
		return a.rng(b.RangeCut.GetTable(), b.RangeCut.GetRange().GetNumber(), func(t *Table, r *Range) error { return a.rangeCut(t, r, b.RangeCut) })
	case *journalv1.Event_RangeEmptied:
		return a.rng(b.RangeEmptied.GetTable(), b.RangeEmptied.GetRange(), rangeEmptied)
	default:
		return fmt.Errorf("unknown event; a newer coordinator wrote this log: upgrade this one")
	}
}

// table changes a copy of a table.
func (a *apply) table(number uint32, change func(*Table) error) error {
	old := a.currentTable(number)
	if old == nil {
		return fmt.Errorf("no table %d", number)
	}
	t := *old
	if err := change(&t); err != nil {
		return err
	}
	a.pending.tables[number] = &t
	return nil
}

// rng changes copies of a range and its table.
func (a *apply) rng(table, number uint32, change func(*Table, *Range) error) error {
	return a.table(table, func(t *Table) error {
		old := a.currentRange(table, number)
		if old == nil {
			return fmt.Errorf("no range %d of table %d", number, table)
		}
		r := *old
		if err := change(t, &r); err != nil {
			return err
		}
		a.pending.ranges[rangeNumber{table, number}] = &r
		return nil
	})
}

func (a *apply) delete(m *Migration) error {
	for _, t := range []string{tableTables, tableRanges, tableVerifications, tableChecks} {
		if err := a.deleteAll(t, tuple(nil).text(m.UID)); err != nil {
			return err
		}
	}
	return a.remove(tableMigrations, m)
}

func (t *Table) keepDifferences(found []*planv1.Difference) {
	t.Differences = append(slices.Clone(t.Differences), found...)
	if n := len(t.Differences); n > mostDifferences {
		t.Differences = t.Differences[n-mostDifferences:]
	}
}
