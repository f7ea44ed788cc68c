package coordinator

import (
	"context"
	"slices"
	"time"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/guard"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// A target may lose the end of what it had committed: it failed over to a replica that was
// behind, or was restored from a backup. Rows and ledger go back together, and what was
// proven before is not looked at again. So the ledger is read, a page at a time, and
// compared with the control log: by every leader when it begins, after a failure that a
// loss may have caused (doubted), and before a migration is published or ends. A range
// that is not there as it was loaded loads again, behind what is left of it; a table whose
// last step is not noted goes through its steps again, which does nothing where they were
// done.

// auditRest is the least time between two audits.
const auditRest = 5 * time.Second

// audit is how far the ledger was compared. It may be lost: then all is compared again.
type audit struct {
	// was is what the log said at the beginning, and doubts how many there were.
	was    state.View
	doubts int
	began  time.Time
	// whole: nothing moved when it began, nor since.
	whole bool
	// after is where the last page ended; nil before the first.
	after *workerv1.LedgerRange
	// there are the ranges of each table that the ledger has as they were loaded, other
	// those of which it has another load.
	there, other map[uint32]map[uint32]bool
}

// audited tells whether the target is known to have what was committed; it has that found
// out where it is not. What is published goes by other names, and was compared before.
func (o *offer) audited() bool {
	t, whole := &o.run.trust, still(o.m, o.run, o.tables)
	if !whole {
		t.whole = false
		if o.run.audit != nil {
			o.run.audit.whole = false
		}
	}
	if guard.Removed(guard.LedgerAudit) || o.m.Atomic() && !o.m.Published.IsZero() || t.doubts == t.settled && t.whole == whole {
		return true
	}
	if !begun(o.tables) {
		t.settled, t.whole = t.doubts, whole
		return true
	}
	if whole || !o.now.Before(t.rests) {
		o.give(workAudit, 0, 0)
	}
	return false
}

// nextAudit is the job that reads the next page.
func (o *offer) nextAudit() *workerv1.ReadLedger {
	a := o.run.audit
	if a == nil {
		a = &audit{was: o.view, doubts: o.run.trust.doubts, began: o.now, whole: still(o.m, o.run, o.tables),
			there: map[uint32]map[uint32]bool{}, other: map[uint32]map[uint32]bool{}}
		o.run.audit = a
	}
	return ledgerBehind(a.after, &workerv1.ReadLedger{Ranges: true})
}

// audit takes a page.
func (s *Leader) audit(ctx context.Context, m *state.Migration, page *workerv1.LedgerPage) error {
	r := s.run(m.UID)
	a := r.audit
	if a == nil {
		return nil // begun by a coordinator of before
	}
	for _, row := range page.GetRanges() {
		if err := a.compare(a.was.Range(m.UID, row.GetTable(), row.GetNumber()), row); err != nil {
			return err
		}
		a.after = row
	}
	if !page.GetLast() {
		return nil
	}
	lost, err := s.compareTables(ctx, m, a, page.GetTables())
	if err != nil {
		return err
	}
	r.audit, r.trust.settled, r.trust.whole = nil, a.doubts, a.whole && !lost
	if lost {
		clear(r.trust.failed) // what failed may have failed for what is done again now
	}
	r.trust.rests = s.now().Add(max(auditRest, 4*s.now().Sub(a.began)))
	return nil
}

// compare takes a range's row of the ledger.
func (a *audit) compare(r *state.Range, row *workerv1.LedgerRange) error {
	if !r.InTarget() {
		return nil
	}
	has, err := batch.DigestOf(row.GetDigest())
	if err != nil {
		return err
	}
	list := a.there // under a later attempt too, one of a leader that was replaced
	switch {
	case has == r.Digest && (row.GetAttempt() >= r.Attempt || row.GetAttempt() == 0):
	case row.GetLoaded():
		list = a.other
	default:
		return nil
	}
	if list[r.Table] == nil {
		list[r.Table] = map[uint32]bool{}
	}
	list[r.Table][r.Number] = true
	return nil
}

// compareTables ends an audit; it tells whether something is lost.
func (s *Leader) compareTables(ctx context.Context, m *state.Migration, a *audit, rows []*workerv1.LedgerTable) (lost bool, err error) {
	found := map[uint32]*workerv1.LedgerTable{}
	for _, t := range rows {
		found[t.GetNumber()] = t
	}
	for _, was := range a.was.Tables(m.UID) {
		now, row := s.view().Table(m.UID, was.Number), found[was.Number]
		if now == nil || now.Skipped || now.Emptying || was.Emptying || was.Stage < state.TableCreated || now.Stage < was.Stage {
			continue
		}
		unfinished := was.Stage >= state.TableSequenced && !row.GetFinished()
		missing := &journalv1.TargetLost{Table: was.Number, Unmade: !row.GetMade()}
		if len(a.there[was.Number]) < was.Loaded {
			s.missing(a, was, missing)
		}
		if !missing.GetUnmade() && !unfinished && len(missing.GetRanges()) == 0 {
			continue
		}
		lost = true
		if err := s.targetLost(ctx, m, now, missing); err != nil {
			return lost, err
		}
	}
	return lost, nil
}

// missing lists the ranges that the ledger has not as they were loaded, and that nobody
// has done again since, or writes rejected rows of now.
func (s *Leader) missing(a *audit, was *state.Table, out *journalv1.TargetLost) {
	view := s.view()
	a.was.Ranges(was.Migration, was.Number, func(r *state.Range) bool {
		if !r.InTarget() || a.there[r.Table][r.Number] {
			return true
		}
		if now := view.Range(r.Migration, r.Table, r.Number); now.InTarget() && !now.Replay && now.Attempt == r.Attempt && now.Digest == r.Digest {
			out.Ranges = append(out.Ranges, r.Number)
			if a.other[r.Table][r.Number] {
				out.Reset_ = append(out.Reset_, r.Number)
			}
		}
		return true
	})
}

// targetLost has a table go back to where the target is.
func (s *Leader) targetLost(ctx context.Context, m *state.Migration, t *state.Table, lost *journalv1.TargetLost) error {
	s.cfg.Logger.Error("the target has lost what it had committed", "migration", m.Name, "table", targetName(t.Plan),
		"ranges", len(lost.GetRanges()), "table_gone", lost.GetUnmade())
	if len(lost.GetReset_()) > 0 && !t.ByRange() {
		return s.restartTable(ctx, m, t, "the target lost rows that it had committed", nil)
	}
	for ranges := lost.GetRanges(); ; {
		n := min(len(ranges), rangesPerEvent)
		e := &journalv1.TargetLost{Table: t.Number, Ranges: ranges[:n], Unmade: lost.GetUnmade()}
		for _, number := range e.GetRanges() {
			if _, other := slices.BinarySearch(lost.GetReset_(), number); other {
				e.Reset_ = append(e.Reset_, number)
			}
		}
		if err := s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TargetLost{TargetLost: e}}); err != nil {
			return err
		}
		if ranges = ranges[n:]; len(ranges) == 0 {
			return nil
		}
	}
}
