package coordinator

import (
	"time"
)

// hangLeases is how many leases' time a job may wait for its database before it has
// moved anything: ten minutes, unless the configuration says otherwise. A first row may
// be slow to come, from behind a sort or from an index that is not there, and a fence may
// have rows to remove first; so each time that a job is taken back for this doubles it.
const hangLeases = 20

// unseenMost is how long a source whose load is watched may go unseen at least.
const unseenMost = time.Minute

// standstill tells why a job is to be taken back although its worker renews it; nothing
// where it is not. Another attempt goes on behind what is committed.
func (s *Leader) standstill(l *lease, now time.Time) string {
	if patience := s.returns(); s.unread(l) && now.Sub(l.granted) > patience {
		return "no loader has brought its half of the attempt back for " + patience.String()
	}
	since := s.unfed(l)
	if patience := s.feeds(l); !since.IsZero() && now.Sub(since) > patience {
		return "the load stood still for " + patience.String() + " with nothing more to come"
	}
	if patience := s.doubled(l, max(2*s.cfg.LeaseTTL, unseenMost)); l.work.kind == workWatch && now.Sub(s.lastLook(l)) > patience {
		return "the source's load was not seen for " + patience.String()
	}
	since = s.waitsSince(l)
	if patience := s.doubled(l, hangLeases*s.cfg.LeaseTTL); !since.IsZero() && now.Sub(since) > patience {
		return "its database has brought nothing for " + patience.String()
	}
	return ""
}

// doubled is a time for work to move in, and twice that for each time it was taken back.
func (s *Leader) doubled(l *lease, first time.Duration) time.Duration {
	return first << min(s.run(l.work.migration).hung[l.work], 16)
}

// unfed is since when a loader waits for rows that nobody will send, or writes the last
// that were sent: its extraction has ended, or was lost with the coordinator before this
// one. It is zero where more rows may come.
func (s *Leader) unfed(l *lease) (since time.Time) {
	if l.work.kind != workLoad || s.busy[l.work.as(workExtract)] != nil {
		return since
	}
	a := s.run(l.work.migration).attempts[l.work]
	if a == nil || a.fenced == nil || !a.extracted {
		return since
	}
	return later(a.extractedAt, l.moved)
}

// feeds is how long a loader without an extraction may wait for what is in the stream.
// Where it came from the coordinator before this one and has loaded nothing yet, its
// extraction most likely never began: nobody has brought it back in the time that
// workers need for that, and there is nothing to lose.
func (s *Leader) feeds(l *lease) time.Duration {
	if s.orphaned(l) {
		return s.returns()
	}
	return s.doubled(l, 2*s.cfg.LeaseTTL)
}

// returns is how long the workers of an earlier coordinator may take to come.
func (s *Leader) returns() time.Duration { return max(s.cfg.Grace, s.cfg.LeaseTTL/3) }

// unread tells whether nobody reads what an extraction writes: it came from the
// coordinator before this one, and its loader did not. It would fill the stream, and
// then wait for room for ever.
func (s *Leader) unread(l *lease) bool {
	return l.work.kind == workExtract && s.busy[l.work.as(workLoad)] == nil
}

func (s *Leader) orphaned(l *lease) bool {
	a := s.run(l.work.migration).attempts[l.work]
	return l.work.kind == workLoad && a != nil && a.adopted && l.moved.IsZero()
}

// waitsSince is since when nothing but a database keeps a job from moving; zero where
// something else may. A load that is fenced and its extraction wait for each other: the
// two are one, which stands still when neither moves.
func (s *Leader) waitsSince(l *lease) (since time.Time) {
	r := s.run(l.work.migration)
	switch l.work.kind {
	case workLoad:
		a, other := r.attempts[l.work], s.busy[l.work.as(workExtract)]
		switch {
		case a == nil:
		case a.fenced == nil:
			return l.lastMoved()
		case other != nil && !other.moved.IsZero():
			return later(l.lastMoved(), other.moved)
		}
		return since
	case workExtract:
		if !l.moved.IsZero() {
			return since
		}
	case workSnapshot:
		if r.snapshot != "" {
			return since
		}
	case workCut, workValidate, workBaseline, workVerify, workAssess, workReplay:
	default:
		if !isShort(l.work.kind) {
			return since
		}
	}
	return l.lastMoved()
}

// lastLook is when a watching job last saw the source's load, or was granted.
func (s *Leader) lastLook(l *lease) time.Time {
	if now := s.run(l.work.migration).load; now != nil && now.lease == l.id {
		return later(l.granted, now.at)
	}
	return l.granted
}

// isShort tells whether a step has little to do, however large the migration. What builds
// indexes, empties or counts may take hours, and must not be begun again and again.
func isShort(k workKind) bool {
	switch k {
	case workDescribe, workDesign, workSample, workPrepare, workKeep, workRecover, workAudit, workCreate, workSequences, workFinish:
		return true
	default:
		return false
	}
}

// lastMoved is when a lease has last moved anything, or was granted.
func (l *lease) lastMoved() time.Time { return later(l.granted, l.moved) }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
