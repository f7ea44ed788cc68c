package coordinator

import (
	"time"
)

// hangLeases is how many leases' time a job may wait for its database before it has
// moved anything: ten minutes, unless the configuration says otherwise. A first row may
// be slow to come, from behind a sort or from an index that is not there, and a fence may
// have rows to remove first; so each time that a job is taken back for this doubles it.
const hangLeases = 20

// standstill tells why a job is to be taken back although its worker renews it; nothing
// where it is not. Another attempt goes on behind what is committed.
func (s *Leader) standstill(l *lease, now time.Time) string {
	if s.unfed(l, now) {
		return "the load stood still with nothing more to come"
	}
	if !s.waitsForDatabase(l) {
		return ""
	}
	patience := hangLeases * s.cfg.LeaseTTL << min(s.run(l.work.migration).hung[l.work], 16)
	if now.Sub(l.lastMoved()) <= patience {
		return ""
	}
	return "its database has brought nothing for " + patience.String()
}

// unfed tells whether a loader waits for rows that nobody will send: its extraction
// has ended, or was lost with the coordinator before this one, and nothing has
// moved for two leases' time. A database that hangs looks the same and is helped
// by the same.
func (s *Leader) unfed(l *lease, now time.Time) bool {
	if l.work.kind != workLoad || s.busy[l.work.as(workExtract)] != nil {
		return false
	}
	a := s.run(l.work.migration).attempts[l.work]
	if a == nil || a.fenced == nil || !a.extracted {
		return false
	}
	since := a.extractedAt
	if l.moved.After(since) {
		since = l.moved
	}
	return now.Sub(since) > s.feeds(l, a)
}

// feeds is how long a loader without an extraction may wait for what is in the stream.
// Where it came from the coordinator before this one and has loaded nothing yet, its
// extraction most likely never began: nobody has brought it back in the time that
// workers need for that, and there is nothing to lose.
func (s *Leader) feeds(l *lease, a *attempt) time.Duration {
	if a.adopted && l.moved.IsZero() {
		return max(s.cfg.Grace, s.cfg.LeaseTTL/3)
	}
	return 2 * s.cfg.LeaseTTL
}

// waitsForDatabase tells whether nothing but a database keeps a job from moving. A load
// that is fenced waits for its extraction, one that has begun gives itself up when its
// stream is silent, and a full stream may keep an extraction waiting for long.
func (s *Leader) waitsForDatabase(l *lease) bool {
	switch l.work.kind {
	case workLoad:
		a := s.run(l.work.migration).attempts[l.work]
		return a != nil && a.fenced == nil
	case workExtract:
		return l.moved.IsZero()
	case workValidate:
		return true
	default:
		return isShort(l.work.kind)
	}
}

// isShort tells whether a step has little to do, however large the migration. What builds
// indexes, empties or counts may take hours, and must not be begun again and again.
func isShort(k workKind) bool {
	switch k {
	case workDescribe, workDesign, workPrepare, workKeep, workAudit, workCreate, workSequences, workFinish:
		return true
	default:
		return false
	}
}

// lastMoved is when a lease has last moved anything, or was granted.
func (l *lease) lastMoved() time.Time {
	if l.moved.After(l.granted) {
		return l.moved
	}
	return l.granted
}
