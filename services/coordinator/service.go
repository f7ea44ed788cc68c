package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"google.golang.org/grpc"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/rpc"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
	"github.com/drover-db/drover/services/coordinator/internal/presence"
)

// tick is how often time is looked at: expired leases, back-offs that ended, full streams.
const tick = 250 * time.Millisecond

// openWait is how long NATS servers may take to agree on who keeps the control log.
const openWait = time.Minute

// Service is a coordinator: a Leader with the goroutines, clocks and streams around it.
type Service struct {
	// Leader decides; mu orders its calls. It is held while an event is appended, so
	// that decisions are made one at a time on what the log says.
	*Leader
	mu    sync.Mutex
	woken chan struct{}
	// caught closes when the log is replayed, ready when this coordinator first leads.
	caught, ready chan struct{}
	led, replayed sync.Once
	standing      leadership
	// watched is the cluster's log as who waits for a change of leaders knows it.
	watched  clusterLog
	presence presence.Presence
	// alone: no other coordinator can be there, and losing the log is the end.
	alone  bool
	proven proof
	// older is since when the log ends before what was seen of it.
	older time.Time
}

// New makes a coordinator; Run starts it.
func New(c Config) (*Service, error) {
	if err := c.Validate(); err != nil {
		return nil, fault.Wrap(fault.Invalid, "coordinator.New", err)
	}
	s := &Service{woken: make(chan struct{}, 1), caught: make(chan struct{}), ready: make(chan struct{}),
		standing: leadership{decided: make(chan struct{})}, presence: c.presence, alone: c.Alone}
	s.Leader = NewLeader(c, Ports{Now: time.Now, NewID: func() string { return ulid.Make().String() }, Wake: s.look})
	return s, nil
}

// Register adds the coordinator's gRPC services to a server. What changes anything is
// refused while another coordinator leads; a server with health says whether this does.
func (s *Service) Register(server grpc.ServiceRegistrar) {
	if h, ok := server.(health); ok {
		h.SetServing(rpc.LeaderService, false)
		s.standing.health = append(s.standing.health, h)
	}
	r := gate{ServiceRegistrar: server, open: s.mustLead}
	workerv1.RegisterCoordinatorServiceServer(r, &workServer{s: s})
	droverv1.RegisterMigrationServiceServer(r, &migrationServer{s: s})
	droverv1.RegisterTableServiceServer(r, &tableServer{s: s})
	droverv1.RegisterRangeServiceServer(r, &rangeServer{s: s})
	droverv1.RegisterWorkerServiceServer(r, &workerServer{s: s})
	droverv1.RegisterEventServiceServer(r, &eventServer{s: s})
	droverv1.RegisterVerificationServiceServer(r, &verificationServer{s: s})
	droverv1.RegisterSystemServiceServer(r, &systemServer{s: s})
}

// Ready closes when this coordinator leads for the first time.
func (s *Service) Ready() <-chan struct{} { return s.ready }

// Run follows the control log until ctx ends, and leads when nobody else does. It
// returns an error when the log cannot be kept any more.
func (s *Service) Run(ctx context.Context) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	defer s.presence.Close()
	for {
		vacant, err := s.follow(ctx)
		if err == nil && ctx.Err() == nil {
			err = s.lead(ctx, vacant)
		}
		if err != nil {
			err = s.survive(ctx, err)
		}
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// open opens the control log and what asks for its leader.
func (s *Service) open(ctx context.Context) (err error) {
	s.log = s.cfg.log
	for begin := time.Now(); s.log == nil; {
		log, err := journal.NewJetStream(ctx, s.cfg.Conn, journal.Config{Replicas: s.cfg.Replicas, SyncAlways: s.cfg.SyncAlways})
		switch {
		case err == nil:
			s.log = log
		case s.alone, !fault.Is(err, fault.Unavailable), time.Since(begin) > openWait, !rest(ctx, ask):
			return fault.At(fmt.Errorf("open control log: %w", err), fault.Stream, "")
		}
	}
	switch {
	case s.presence != nil:
	case s.alone || s.cfg.Conn == nil:
		s.presence, s.alone = presence.NewMemory(), true
	default:
		s.presence, err = presence.NewNATS(s.cfg.Conn)
	}
	if !s.alone {
		s.patience = settled
	}
	return err
}

// follow keeps up with the log until ctx ends or the place of the leader is vacant. It
// returns the last leader's term.
func (s *Service) follow(ctx context.Context) (vacant uint64, err error) {
	end, err := s.catchUp(ctx)
	for ; err != nil; end, err = s.catchUp(ctx) {
		if ctx.Err() != nil {
			return 0, nil
		}
		if lost(err) {
			return 0, err
		}
		if err := s.endure(err); err != nil {
			return 0, err
		}
		rest(ctx, ask)
	}
	s.older = time.Time{}
	s.replayed.Do(func() { close(s.caught) })
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	if !s.alone {
		go func() {
			defer stop()
			ended <- s.keepUp(ctx, end)
		}()
	} else {
		ended <- nil
	}
	vacant, err = s.campaign(ctx)
	stop()
	return vacant, cmp.Or(<-ended, err)
}

// keepUp applies what others append. It returns an error when the log is not the one
// that it was.
func (s *Service) keepUp(ctx context.Context, end uint64) error {
	for {
		err := s.log.Follow(ctx, end, func(log string, seq uint64, e *journalv1.Event) error {
			end = seq
			return s.learn(ctx, log, seq, e)
		})
		for err != nil {
			if ctx.Err() != nil {
				return nil
			}
			s.cfg.Logger.Warn("lost sight of the control log", "err", err)
			if lost(err) || fault.Is(err, fault.Corrupt) && !s.mayComeYet(err) {
				return err
			}
			rest(ctx, ask)
			end, err = s.catchUp(ctx)
		}
		s.older = time.Time{}
	}
}

// mayComeYet tells whether a log that ends too early may have its end again in a moment:
// a server that was just started may answer for a log before it has taken up all that a
// majority has of it. Of a log that is older than its snapshot the Leader knows itself for
// how long.
func (s *Service) mayComeYet(err error) bool {
	if !errors.Is(err, journal.ErrOlder) {
		return false
	}
	if s.older.IsZero() {
		s.older = time.Now()
		s.cfg.Logger.Warn("control log ends too early, waiting for the rest of it", "err", err)
	}
	return time.Since(s.older) < settled || len(s.unproven) > 0
}

// look makes Run look at once.
func (s *Service) look() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}
