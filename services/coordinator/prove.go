package coordinator

import (
	"context"
	"sync"
	"time"

	"github.com/drover-db/drover/internal/fault"
)

// proof is when the control log last answered.
type proof struct {
	mu sync.Mutex
	at time.Time
}

func (p *proof) renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = time.Now()
}

// holds tells whether the log has answered lately.
func (p *proof) holds() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.at) < hold
}

// proveOn reads the cluster's log again and again, so that a leader that was replaced,
// or cannot reach the log, notices before it appends.
func (s *Service) proveOn(office context.Context, term uint64, leave context.CancelCauseFunc) {
	for !s.alone && rest(office, prove) {
		ctx, cancel := context.WithTimeout(office, 2*prove)
		known, err := s.currentTerm(ctx)
		cancel()
		switch {
		case err == nil && known > term, fault.Is(err, fault.Corrupt), lost(err):
			leave(errDeposed)
		case err == nil:
			s.proven.renew()
		case !s.proven.holds():
			leave(errAlone)
		}
	}
}
