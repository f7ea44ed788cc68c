package state

import (
	"fmt"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/fault"
)

// Regress takes note that a migration's log ends, or once ended, at an event before those
// that its state is made of. What has ended stays so: nothing is left to decide.
func (s *Store) Regress(uid string, last uint64, reason string) error {
	r := s.Replay(uid)
	defer r.Abort()
	old := r.currentMigration()
	if old == nil {
		return fmt.Errorf("no such migration")
	}
	m := *old
	if m.Last = last; !m.Stage.Ended() {
		m.regress(reason, fault.Target)
	}
	r.pending.migration = &m
	return r.Commit()
}

// regress has nothing happen to a migration any more until its log is adopted.
func (m *Migration) regress(reason, side string) {
	m.Regressed, m.Problem = true, Problem{Reason: reason, Kind: fault.Fenced.String(), Side: side}
}

// adopted goes on with a log that lost its end. What became of a table since is not
// known, ranges that were cut among it, so only an empty one is a sure beginning.
func (a *apply) adopted() error {
	a.m.Regressed, a.m.Unconfirmed, a.m.Problem = false, 0, Problem{}
	for _, old := range a.view().Tables(a.uid) {
		if old.Skipped || old.Stage == TableComplete {
			continue
		}
		t := *old
		if t.Appends() {
			t.Blocked = true
			t.Problem = Problem{Kind: fault.Unsupported.String(), Side: fault.Target, Attempts: 1,
				Reason: "the control log came back older than the target, and the table had rows before, so drover does not empty it: restore the target and copy again"}
		} else if err := a.tableRestarted(&t, &journalv1.TableRestarted{}); err != nil {
			return err
		}
		if err := a.insert(tableTables, &t); err != nil {
			return err
		}
	}
	return nil
}

// restored takes a log that was written down again. What its writer knew is all that was
// decided, if it led and the target agrees. One that followed may lack the newest
// decisions, and nothing happens on what it knew until somebody adopts it.
func (a *apply) restored(e *journalv1.ControlRestored) {
	switch {
	case a.m.Stage.Ended():
	case e.GetLed() > 0:
		a.m.Unconfirmed = e.GetLed()
	default:
		a.m.regress(e.GetReason(), fault.Stream)
	}
}
