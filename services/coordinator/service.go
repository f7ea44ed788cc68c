package coordinator

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// tick is how often time is looked at: expired leases, back-offs that ended, full streams.
const tick = 250 * time.Millisecond

// Service is a coordinator.
type Service struct {
	cfg   Config
	store *state.Store
	wake  chan struct{}
	ready chan struct{}

	// mu orders everything below; it is held while an event is appended, so that
	// decisions are made one at a time on what the log says.
	mu      sync.Mutex
	log     journal.Log
	term    uint64
	counter uint32
	began   time.Time
	workers map[string]*worker
	leases  map[string]*lease
	busy    map[workID]*lease
	runs    map[string]*run
	fatal   error
}

// New makes a coordinator; Run starts it.
func New(c Config) (*Service, error) {
	if err := c.Validate(); err != nil {
		return nil, fault.Wrap(fault.Invalid, "coordinator.New", err)
	}
	return &Service{
		cfg: c.withDefaults(), store: state.New(),
		wake: make(chan struct{}, 1), ready: make(chan struct{}),
		workers: map[string]*worker{}, leases: map[string]*lease{}, busy: map[workID]*lease{}, runs: map[string]*run{},
	}, nil
}

// Register adds the coordinator's gRPC services to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	workerv1.RegisterCoordinatorServiceServer(r, &workServer{s: s})
	droverv1.RegisterMigrationServiceServer(r, &migrationServer{s: s})
	droverv1.RegisterTableServiceServer(r, &tableServer{s: s})
	droverv1.RegisterRangeServiceServer(r, &rangeServer{s: s})
	droverv1.RegisterWorkerServiceServer(r, &workerServer{s: s})
	droverv1.RegisterEventServiceServer(r, &eventServer{s: s})
	droverv1.RegisterVerificationServiceServer(r, &verificationServer{s: s})
	droverv1.RegisterSystemServiceServer(r, &systemServer{s: s})
}

// Ready closes when the log is replayed and calls are served.
func (s *Service) Ready() <-chan struct{} { return s.ready }

// Run leads until ctx ends. It returns an error when the control log cannot be
// kept any more, or when another coordinator has taken over.
func (s *Service) Run(ctx context.Context) error {
	if err := s.start(ctx); err != nil {
		return err
	}
	close(s.ready)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	relieved := make(chan struct{})
	defer func() { <-relieved }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer close(relieved)
		s.relieve(ctx)
	}()
	for {
		s.mu.Lock()
		s.reap(time.Now())
		s.settle(ctx)
		s.dispatch(time.Now())
		err := s.fatal
		s.mu.Unlock()
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-ticker.C:
		}
	}
}

// start opens the control log, takes a new term and replays every migration.
func (s *Service) start(ctx context.Context) error {
	const op = "coordinator.start"
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = s.cfg.log
	if s.log == nil {
		log, err := journal.NewJetStream(ctx, s.cfg.Conn, journal.Config{Replicas: s.cfg.Replicas, SyncAlways: s.cfg.SyncAlways})
		if err != nil {
			return fault.At(fmt.Errorf("open control log: %w", err), fault.Stream, "")
		}
		s.log = log
	}
	if err := s.takeTerm(ctx); err != nil {
		return fmt.Errorf("take a term: %w", err)
	}
	logs, err := s.log.Logs(ctx)
	if err != nil {
		return fault.Wrap(fault.KindOf(err), op, err)
	}
	for _, uid := range logs {
		if uid == bus.ClusterLog {
			continue
		}
		if _, err := s.log.Replay(ctx, uid, func(seq uint64, e *journalv1.Event) error { return s.store.Apply(uid, seq, e) }); err != nil {
			return fmt.Errorf("replay %s: %w", uid, err)
		}
		m := s.view().Migration(uid)
		if m != nil && m.Stage.Ended() {
			s.run(uid).stream = true // it may have died before it removed it
		}
		if m != nil && !m.Stage.Ended() {
			if err := s.append(ctx, uid, &journalv1.Event{Body: &journalv1.Event_TermStarted{TermStarted: &journalv1.TermStarted{Term: s.term}}}); err != nil {
				return err
			}
		}
	}
	s.began = time.Now()
	s.cfg.Metrics.Leading(s.term)
	s.cfg.Logger.Info("coordinator leads", "term", s.term, "logs", len(logs))
	return nil
}

// takeTerm appends the next term to the cluster's log; whoever led before finds
// out at its next append.
func (s *Service) takeTerm(ctx context.Context) error {
	var term uint64
	last, err := s.log.Replay(ctx, bus.ClusterLog, func(_ uint64, e *journalv1.Event) error {
		term = max(term, e.GetTermStarted().GetTerm())
		return nil
	})
	if err != nil {
		return err
	}
	s.term = term + 1
	_, err = s.log.Append(ctx, bus.ClusterLog, last, s.stamp(&journalv1.Event{
		Body: &journalv1.Event_TermStarted{TermStarted: &journalv1.TermStarted{Term: s.term}}}))
	return err
}

// stamp fills in what every event has.
func (s *Service) stamp(e *journalv1.Event) *journalv1.Event {
	e.Id, e.Time, e.Term = ulid.Make().String(), timestamppb.Now(), s.term
	if e.GetActor() == "" {
		e.Actor = "coordinator"
	}
	return e
}

// append puts an event into a migration's log and applies it. The lock is held.
// An error other than a passing one ends the coordinator: it cannot know any more
// what is true.
func (s *Service) append(ctx context.Context, uid string, e *journalv1.Event) error {
	var last uint64
	if m := s.view().Migration(uid); m != nil {
		last = m.Last
	}
	begin := time.Now()
	seq, err := s.log.Append(ctx, uid, last, s.stamp(e))
	s.cfg.Metrics.StateWritten(time.Since(begin).Seconds(), err == nil)
	if err != nil {
		if ctx.Err() == nil {
			s.fatal = fmt.Errorf("append to control log: %w", err)
		}
		return err
	}
	if err := s.store.Apply(uid, seq, e); err != nil {
		s.fatal = fault.Wrap(fault.Internal, "coordinator.append", err)
		return s.fatal
	}
	s.nudge()
	return nil
}

// nudge makes Run look at once.
func (s *Service) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// number gives an attempt or epoch that was never given before.
func (s *Service) number() uint64 {
	s.counter++
	return s.term<<32 | uint64(s.counter)
}

func (s *Service) view() state.View { return s.store.View() }
