package coordinator

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/drover-db/drover/services/coordinator/internal/presence"
)

// currentTerm reads the newest term from the control log.
func (s *Service) currentTerm(ctx context.Context) (uint64, error) {
	contents, err := s.log.Logs(ctx)
	if err == nil {
		err = s.same(contents)
	}
	if err == nil {
		s.watched, err = s.watched.read(ctx, s.log)
	}
	return s.watched.term, err
}

// campaign waits until the place of the leader seems to be vacant, or ctx ends. It
// returns the term of who had it last; a coordinator alone need not know. An error is a
// log that is lost.
func (s *Service) campaign(ctx context.Context) (term uint64, err error) {
	if s.alone {
		return 0, nil
	}
	var heard time.Time
	for absent := 0; ctx.Err() == nil; {
		known, err := s.currentTerm(ctx)
		if lost(err) {
			return 0, err
		}
		if err != nil {
			s.cfg.Logger.Warn("control log cannot be read, waiting for it", "err", err)
			rest(ctx, 2*ask)
			continue
		}
		if known != term || heard.IsZero() {
			term, heard, absent = known, time.Now(), 0
		}
		name, answer := s.askLeader(ctx, term)
		pause := ask
		switch answer {
		case presence.Alive:
			heard, absent = time.Now(), 0
			s.set(false, name, term)
		case presence.Absent:
			absent++
			pause = hesitate + rand.N(hesitate)
		default:
			pause = ask/2 + rand.N(ask/2)
		}
		if term == 0 || absent > 1 || time.Since(heard) > silence {
			return term, nil
		}
		select {
		case <-s.presence.Vacated():
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	return term, nil
}

func (s *Service) askLeader(ctx context.Context, term uint64) (string, presence.Answer) {
	ctx, cancel := context.WithTimeout(ctx, ask)
	defer cancel()
	return s.presence.Ask(ctx, term)
}

// rest waits; it tells whether ctx still lives.
func rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
