package coordinator

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/spec"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// How the source is read more slowly and faster again: halved whenever it shows too much,
// and raised by a little whenever it does not.
const (
	slowDown   = 0.5
	speedUp    = 0.05
	leastSpeed = 0.02
)

// load is what a source was last seen to bear.
type load struct {
	at       time.Time
	look     int64
	lease    string
	sessions int
	lag      time.Duration
	// speed is the share of the time in which the source is read, from near 0 to 1; why
	// says what slows it down.
	speed float64
	why   string
}

// bears takes a look at the source's load.
func (s *Leader) bears(m *state.Migration, lease string, seen *workerv1.SourceLoad) {
	r, limits := s.run(m.UID), spec.LimitsOf(m.Limits)
	if r.load != nil && r.load.lease == lease && r.load.look >= seen.GetLook() {
		return // it is only sent again
	}
	l := load{at: s.now(), look: seen.GetLook(), lease: lease, sessions: int(seen.GetActiveSessions()), speed: 1,
		lag: time.Duration(seen.GetReplicaLagSeconds() * float64(time.Second))}
	if r.load != nil {
		l.speed = r.load.speed
	}
	switch {
	case limits.ReplicaLag > 0 && l.lag > limits.ReplicaLag:
		l.why = fmt.Sprintf("replica lag %s is over %s", l.lag.Round(100*time.Millisecond), limits.ReplicaLag)
	case limits.ActiveSessions > 0 && l.sessions > limits.ActiveSessions:
		l.why = fmt.Sprintf("%d active sessions are over %d", l.sessions, limits.ActiveSessions)
	}
	if l.why != "" {
		l.speed = max(l.speed*slowDown, leastSpeed)
	} else {
		l.speed = min(l.speed+speedUp, 1)
	}
	if l.why == "" && l.speed < 1 {
		l.why = r.load.why // going back to speed
	}
	r.load = &l
	s.nudge()
}

// slowed says for people why and how far a source is slowed down; empty where it is not.
func (l *load) slowed() string {
	if l == nil || l.speed >= 1 {
		return ""
	}
	return fmt.Sprintf("reading the source in %.0f %% of the time: %s", l.speed*100, l.why)
}

// message writes it for the admin API.
func (l *load) message() *droverv1.SourceLoad {
	if l == nil {
		return nil
	}
	return &droverv1.SourceLoad{ActiveSessions: int32(l.sessions), ReplicaLagSeconds: l.lag.Seconds(), Speed: l.speed, Time: timestamp(l.at)}
}

// reads tells whether a kind of work reads rows of the source at its migration's pace.
func (k workKind) reads() bool { return k == workExtract || k == workAssess }

// share is the pace of each of n readers; nil for as fast as they can.
func (s *Leader) share(m *state.Migration, n int) *workerv1.Pace {
	limits, speed := spec.LimitsOf(m.Limits), 1.0
	if r := s.runs[m.UID]; r != nil && r.load != nil && limits.Watched() {
		speed = r.load.speed
	}
	if limits.Rows == 0 && limits.Bytes == 0 && speed == 1 {
		return nil
	}
	return &workerv1.Pace{RowsPerSecond: limits.Rows / float64(n), BytesPerSecond: limits.Bytes / float64(n), Speed: speed}
}

// readers counts the readers of a migration.
func (s *Leader) readers(uid string) (n int) {
	for w := range s.busy {
		if w.migration == uid && w.kind.reads() {
			n++
		}
	}
	return n
}

// pace tells every reader its share where it has changed: another has begun or ended,
// or somebody throttles the migration.
func (s *Leader) pace() {
	for _, w := range inOrder(s.busy) {
		l := s.busy[w]
		if !w.kind.reads() {
			continue
		}
		m := s.view().Migration(w.migration)
		if m == nil {
			continue
		}
		now := s.share(m, s.readers(w.migration))
		if l.paced && proto.Equal(now, l.pace) {
			continue
		}
		l.pace, l.paced = now, true
		l.worker.tell(&workerv1.WorkResponse{Message: &workerv1.WorkResponse_Adjust{Adjust: &workerv1.Adjust{Lease: l.id, Pace: now}}})
	}
}

// sides are the databases on which a kind of work has a session.
func (k workKind) sides() (source, target bool) {
	switch k {
	case workDescribe, workSplit, workSnapshot, workExtract, workCut, workCount, workSample, workAssess, workWatch:
		return true, false
	case workVerify, workRepair:
		return true, true
	default:
		return false, true
	}
}

// roomFor tells whether a migration's limit of sessions leaves one for a kind of work.
func (s *Leader) roomFor(m *state.Migration, kind workKind) bool {
	limit := spec.LimitsOf(m.Limits).Connections
	if limit == 0 {
		return true
	}
	sources, targets := 0, 0
	for w := range s.busy {
		if w.migration != m.UID {
			continue
		}
		source, target := w.kind.sides()
		if source {
			sources++
		}
		if target {
			targets++
		}
	}
	source, target := kind.sides()
	return (!source || sources < limit) && (!target || targets < limit)
}
