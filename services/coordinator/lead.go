package coordinator

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/rpc"
)

const (
	// prove is how often a leader reads the cluster's log, and hold how long it leads on
	// without an answer. Safety rests on appends alone; a leader that cannot append only
	// keeps others from trying.
	prove = 500 * time.Millisecond
	hold  = 5 * time.Second
	// ask is how often a follower asks for the leader, and silence how long one that is
	// there may not answer.
	ask     = 500 * time.Millisecond
	silence = 3 * time.Second
	// settled is how long a log may end before what was seen of it.
	settled = 10 * time.Second
	// decideWait is how long a call waits while nobody is known who leads.
	decideWait = 10 * time.Second
	// hesitate is the pause before a vacant place is taken, up to twice as long: not all
	// followers should try at once, and a leader that was just elected should be heard.
	hesitate = 100 * time.Millisecond
)

// Why a coordinator stops leading; causes of its office's end.
var (
	errDeposed = errors.New("another coordinator leads")
	errAlone   = errors.New("the control log has not answered for " + hold.String())
)

// leadership is what a coordinator knows of who leads, for those who ask. mu guards it.
type leadership struct {
	leading bool
	// leader is the name of who leads; empty where nobody is known.
	leader string
	term   uint64
	// why nobody known leads; nil for no reason known.
	why error
	// decided closes when it is known for the first time who leads.
	decided chan struct{}
	once    sync.Once
	health  []health
}

// health is told whether this coordinator leads.
type health interface {
	SetServing(service string, serving bool)
}

// set takes in who leads.
func (s *Service) set(leading bool, leader string, term uint64) {
	s.mu.Lock()
	s.standing.leading, s.standing.leader, s.standing.term = leading, leader, term
	if leader != "" {
		s.standing.why = nil
	}
	told := s.standing.health
	s.mu.Unlock()
	for _, h := range told {
		h.SetServing(rpc.LeaderService, leading)
	}
	if leader != "" {
		s.standing.once.Do(func() { close(s.standing.decided) })
	}
}

// Healthy returns nil if this coordinator leads or follows one that does, and otherwise
// what is known of the reason.
func (s *Service) Healthy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.standing.leader != "":
		return nil
	case s.standing.why != nil:
		return fault.New(fault.Unavailable, "coordinator.Healthy", "no coordinator leads: %w", s.standing.why)
	default:
		return fault.New(fault.Unavailable, "coordinator.Healthy", "no coordinator is known to lead")
	}
}

// mustLead refuses what only a leader may do.
func (s *Service) mustLead(ctx context.Context) error {
	select {
	case <-s.standing.decided:
	case <-time.After(decideWait):
		return rpc.NotLeading("")
	case <-ctx.Done():
		return fault.New(fault.Unavailable, "coordinator.mustLead", "coordinator is still starting")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.standing.leading {
		return rpc.NotLeading(s.standing.leader)
	}
	return nil
}

// lead tries to take the term behind the vacant one, and leads until ctx ends or
// somebody else does. An error is one that another try does not help against.
func (s *Service) lead(ctx context.Context, vacant uint64) error {
	office, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	term, err := s.enter(office, vacant)
	if err != nil {
		return s.standBack(ctx, err)
	}
	s.proven.renew()
	stop, err := s.presence.Announce(term, s.cfg.Name, s.proven.holds)
	if err != nil {
		s.leave()
		return s.endure(err)
	}
	var beside sync.WaitGroup
	beside.Go(func() { s.proveOn(office, term, leave) })
	err = s.govern(office, term, &beside)
	s.set(false, "", term)
	leave(nil)
	s.leave()
	beside.Wait()
	stop()
	switch {
	case ctx.Err() != nil:
		s.cfg.Logger.Info("coordinator hands over", "term", term)
		return nil
	case errors.Is(err, errAdopted):
		return nil
	case errors.Is(context.Cause(office), errDeposed), errors.Is(context.Cause(office), errAlone):
		err = fault.Wrap(fault.Fenced, "coordinator.lead", context.Cause(office))
	}
	return s.standBack(ctx, err)
}

// standBack is the end of a leadership, or of the try to take one, by an error. What a
// full store refused it may take later.
func (s *Service) standBack(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if fatal := s.endure(err); fatal != nil {
		return fatal
	}
	if fault.Is(err, fault.Exhausted) {
		s.set(false, "", 0) // nobody else can lead either
		rest(ctx, silence)
	}
	return nil
}

// enter takes the term behind the vacant one. Somebody who was faster keeps the place.
func (s *Service) enter(office context.Context, vacant uint64) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.office = office
	known, err := s.cluster.read(office, s.log)
	switch {
	case err != nil:
	case known.term > vacant && !s.alone:
		err = fault.New(fault.Fenced, "coordinator.enter", "another coordinator took term %d", known.term)
	default:
		err = s.takeTerm(office, known)
	}
	if err != nil {
		s.resign()
	}
	return s.term, err
}

func (s *Service) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resign()
}

// govern makes the logs this leader's, and decides until the office ends.
func (s *Service) govern(office context.Context, term uint64, beside *sync.WaitGroup) error {
	s.mu.Lock()
	err := s.takeOver(office)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	s.set(true, s.cfg.Name, term)
	s.led.Do(func() { close(s.ready) })
	beside.Go(func() { s.relieve(office) })
	beside.Go(func() { s.archiveOn(office) })
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		s.mu.Lock()
		err := s.Step(office)
		s.mu.Unlock()
		if err != nil {
			return err
		}
		select {
		case <-office.Done():
			return nil
		case <-s.woken:
		case <-ticker.C:
		}
	}
}

// endure tells which errors end the process: one that lost its place follows, if there
// are others, and a log without room has some again one day.
func (s *Service) endure(err error) error {
	passing := slices.Contains([]fault.Kind{fault.Fenced, fault.Unavailable, fault.Canceled, fault.Exhausted}, fault.KindOf(err)) || s.mayComeYet(err)
	if s.alone || !passing {
		return err
	}
	s.mu.Lock()
	s.standing.why = err
	s.mu.Unlock()
	s.cfg.Logger.Warn("coordinator does not lead", "err", err)
	return nil
}
