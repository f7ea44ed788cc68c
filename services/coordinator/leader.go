package coordinator

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/guard"
	"github.com/drover-db/drover/internal/rpc"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// Leader is everything that a coordinator decides, as a state machine: the same calls
// with the same answers of its ports make the same decisions. It starts no goroutine,
// reads no clock and waits for nobody, so the simulator can lead whole migrations with
// it. Its caller makes one call at a time; Service is the one that ships.
type Leader struct {
	cfg   Config
	store *state.Store
	log   journal.Log
	now   func() time.Time
	newID func() string
	wake  func()

	// office ends with the leadership, and with it what is being appended; nil where
	// the callers' own contexts do that. resigned leaders append nothing.
	office   context.Context
	resigned bool
	// cluster is what is known of the cluster's log, seen the last sequence of any.
	cluster clusterLog
	seen    uint64
	// origin of the store that seen counts in. lastLed is the last term in which
	// this coordinator led, heard the newest one in which anybody did.
	origin         string
	lastLed, heard uint64

	term    uint64
	counter uint32
	began   time.Time
	workers map[string]*worker
	leases  map[string]*lease
	busy    map[workID]*lease
	runs    map[string]*run
	// unproven are migrations that are known by a snapshot whose log ends before it, since
	// when; patience is how long the rest of the log may come yet. Then they are rewound,
	// and what they lost is kept.
	unproven map[string]time.Time
	patience time.Duration
	rewound  map[string]*journal.Older
	fatal    error
}

// Ports are what a Leader reaches beyond itself, besides the bus of its Config.
type Ports struct {
	// Log is the control log.
	Log Log
	// Now is the time, for leases and back-offs only.
	Now func() time.Time
	// NewID makes ids of leases, events and migrations that are never made twice and
	// sort by age.
	NewID func() string
	// Wake asks for a Step soon.
	Wake func()
}

type (
	// Log is a control log: package journal says what each call means.
	Log = journal.Log
	// LogContents is what a log has.
	LogContents = journal.Contents
)

// NewLeader makes a leader that knows nothing yet; Lead tells it.
func NewLeader(c Config, p Ports) *Leader {
	return &Leader{
		cfg: c.withDefaults(), store: state.New(), log: p.Log, now: p.Now, newID: p.NewID, wake: p.Wake,
		workers: map[string]*worker{}, leases: map[string]*lease{}, busy: map[workID]*lease{}, runs: map[string]*run{}, rewound: map[string]*journal.Older{}, unproven: map[string]time.Time{},
	}
}

// Lead takes a new term and makes every migration known.
func (s *Leader) Lead(ctx context.Context) error {
	known, err := s.cluster.read(ctx, s.log)
	if err == nil {
		err = s.takeTerm(ctx, known)
	}
	if err != nil {
		return fmt.Errorf("take a term: %w", err)
	}
	return s.takeOver(ctx)
}

// takeOver reads what was appended before the term, and makes every log this leader's.
func (s *Leader) takeOver(ctx context.Context) error {
	if _, err := s.catchUp(ctx); err != nil {
		return err
	}
	migrations := s.view().Migrations()
	for _, m := range migrations {
		if err := s.claim(ctx, m.UID); err != nil {
			return err
		}
	}
	s.began, s.lastLed = s.now(), s.term
	s.hear(s.term)
	s.cfg.Metrics.Leading(s.term)
	s.cfg.Logger.Info("coordinator leads", "term", s.term, "migrations", len(migrations))
	return nil
}

// claim appends the term to a migration's log, so that whoever led before can append
// nothing more. It may have done so until now.
func (s *Leader) claim(ctx context.Context, uid string) error {
	if err := s.keepRewound(ctx, uid); err != nil {
		return err
	}
	for {
		m := s.view().Migration(uid)
		switch {
		case m == nil:
			return nil
		case m.Stage.Ended():
			s.run(uid).stream = true // it may have died before it removed it
			return nil
		}
		err := s.append(ctx, uid, &journalv1.Event{Body: &journalv1.Event_TermStarted{TermStarted: &journalv1.TermStarted{Term: s.term}}})
		if !fault.Is(err, fault.Fenced) {
			return err
		}
		s.fatal = nil
		if err := s.replay(ctx, uid); err != nil {
			return err
		}
	}
}

// Step draws conclusions and grants what can be granted. An error means that this
// leader must not go on: its log cannot be kept, or has another leader.
func (s *Leader) Step(ctx context.Context) error {
	s.reap(s.now())
	s.settle(ctx)
	s.dispatch(s.now())
	s.pace()
	return s.fatal
}

// takeTerm appends the next term to the cluster's log; whoever led before finds
// out at its next append. fault.Fenced means that somebody else took it.
func (s *Leader) takeTerm(ctx context.Context, known clusterLog) error {
	s.cluster = known
	s.term, s.counter, s.fatal, s.resigned = known.term+1, 0, nil, false
	seq, err := s.log.Append(ctx, bus.ClusterLog, s.cluster.last, s.stamp(&journalv1.Event{
		Body: &journalv1.Event_TermStarted{TermStarted: &journalv1.TermStarted{Term: s.term}}}))
	if err == nil {
		s.cluster, s.seen = clusterLog{last: seq, term: s.term}, max(s.seen, seq)
	}
	return err
}

// stamp fills in what every event has.
func (s *Leader) stamp(e *journalv1.Event) *journalv1.Event {
	e.Id, e.Time, e.Term = s.newID(), timestamppb.New(s.now()), s.term
	if e.GetActor() == "" {
		e.Actor = "coordinator"
	}
	return e
}

// append puts an event into a migration's log and applies it. An error other than a
// passing one ends the leader: it cannot know any more what is true.
func (s *Leader) append(ctx context.Context, uid string, e *journalv1.Event) error {
	if s.resigned {
		return rpc.NotLeading("")
	}
	if err := s.allows(uid, e); err != nil {
		return err
	}
	if s.office != nil {
		ctx = s.office // who asked may go away, and what is appended must still be known here
	}
	var last uint64
	if m := s.view().Migration(uid); m != nil {
		last = m.Last
	}
	begin := s.now()
	seq, err := s.log.Append(ctx, uid, last, s.stamp(e))
	s.cfg.Metrics.StateWritten(s.now().Sub(begin).Seconds(), err == nil)
	if err != nil {
		if ctx.Err() == nil {
			s.fatal = fmt.Errorf("append to control log: %w", err)
		}
		return err
	}
	s.seen = max(s.seen, seq)
	if err := s.store.Apply(uid, seq, e); err != nil {
		s.fatal = fault.Wrap(fault.Internal, "coordinator.append", err)
		return s.fatal
	}
	s.nudge()
	return nil
}

// nudge asks for a step soon.
func (s *Leader) nudge() { s.wake() }

// number gives an attempt or epoch that was never given before.
func (s *Leader) number() uint64 {
	s.counter++
	if guard.Removed(guard.AttemptTerm) {
		return uint64(s.counter)
	}
	return s.term<<32 | uint64(s.counter)
}

func (s *Leader) view() state.View { return s.store.View() }
