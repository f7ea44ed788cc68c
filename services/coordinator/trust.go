package coordinator

import (
	"slices"
	"time"

	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/guard"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// trust is what audits have shown.
type trust struct {
	// doubts there were so far, and how many of them an audit has settled. A leader begins
	// with one.
	doubts, settled int
	// whole: the target has all of a migration in which nothing moves any more.
	whole bool
	// rests is when the next audit may begin.
	rests time.Time
	// failed work, by the doubts there were when it did.
	failed map[workID]int
}

func newTrust() trust { return trust{doubts: 1, failed: map[workID]int{}} }

// still tells whether nothing of a migration moves any more.
func still(m *state.Migration, r *run, tables []*state.Table) bool {
	return !remaining(m, tables).moving && !replanning(m, r)
}

func begun(tables []*state.Table) bool {
	return slices.ContainsFunc(tables, func(t *state.Table) bool { return t.Stage >= state.TableCreated })
}

// trusted tells whether the target is known to have all of a migration that stands still.
func (s *Leader) trusted(m *state.Migration, tables []*state.Table) bool {
	t := &s.run(m.UID).trust
	return guard.Removed(guard.LedgerAudit) || t.whole && t.doubts == t.settled || !begun(tables)
}

// doubted takes a failure at the target as a sign that it may have lost something, where
// it can be one. It tells whether the work is to be tried again once that is known: a
// table that is not there, or a key that refers to nothing, may be that of a target that
// has gone back.
func (s *Leader) doubted(l *lease, m *state.Migration, kind fault.Kind, side string) bool {
	_, atTarget := l.work.kind.sides()
	if side != fault.Target || !atTarget || m.Stage != state.Running || l.work.table == 0 || l.work.kind.verifies() {
		return false
	}
	switch kind {
	case fault.Canceled, fault.Conflict, fault.Exhausted:
		return false
	case fault.Value, fault.Unsupported:
		if l.work.number != 0 {
			return false // what a row says, or a server cannot
		}
	}
	t := &s.run(m.UID).trust
	if transient(kind) {
		t.doubts++
		return false
	}
	at, before := t.failed[l.work]
	if before && at <= t.settled {
		delete(t.failed, l.work)
		return false // the target has what it had
	}
	if !before {
		t.doubts++
		t.failed[l.work] = t.doubts
	}
	return true
}
