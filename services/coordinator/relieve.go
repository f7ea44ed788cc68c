package coordinator

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/drover-db/drover/internal/bus"
)

// bury marks a subject that nobody reads any more: its attempt has ended. Its messages
// are removed outside the lock. What an extractor writes to it that does not know yet
// goes when the stream needs room.
func (s *Leader) bury(migration, subject string) {
	s.run(migration).dead[subject] = true
}

// Removal is a part of a subject that may go: its messages with a stream sequence below
// UpTo, or all of them where UpTo is 0.
type Removal struct {
	Stream, Subject string
	UpTo            uint64
}

// sweepEvery is how often a stream that needs room is searched for what nobody reads.
const sweepEvery = 10 * time.Second

// relieve keeps row streams from filling up: dead subjects go, and once a stream
// is half full also what loaders have committed. The target's ledger is the truth
// about those rows; should the target lose them, the range is read again. It runs
// beside the coordinator's loop: a stream that does not answer must not hold it up.
func (s *Service) relieve(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var swept time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			sweep := now.Sub(swept) >= sweepEvery
			if sweep {
				swept = now
			}
			s.relieveOnce(ctx, sweep)
		}
	}
}

func (s *Service) relieveOnce(ctx context.Context, sweep bool) {
	for _, uid := range s.streams() {
		usage, err := s.cfg.Bus.Usage(ctx, bus.RowStream(uid))
		if err != nil {
			continue // the stream is away; everybody else finds out too
		}
		if usage.Messages == 0 {
			continue
		}
		pressed := usage.Bytes > usage.MaxBytes/2
		var subjects []string
		if pressed && sweep {
			if subjects, err = s.cfg.Bus.Subjects(ctx, bus.RowStream(uid)); err != nil {
				continue
			}
		}
		for _, r := range s.removals(uid, pressed, subjects) {
			if err := s.cfg.Bus.Purge(ctx, r.Stream, r.Subject, r.UpTo); err != nil {
				s.cfg.Logger.Debug("purge", "subject", r.Subject, "err", err)
				break
			}
		}
	}
}

// streams lists the migrations that have a row stream now.
func (s *Service) streams() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for uid, r := range s.runs {
		if r.stream {
			out = append(out, uid)
		}
	}
	return out
}

func (s *Service) removals(uid string, pressed bool, subjects []string) []Removal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(s.Removals(uid, pressed), s.Leftovers(uid, subjects)...)
}

// Removals lists what may go of a migration's row stream, each of it once. Pressed tells
// that the stream needs room.
func (s *Leader) Removals(uid string, pressed bool) []Removal {
	r := s.runs[uid]
	if r == nil {
		return nil
	}
	stream := bus.RowStream(uid)
	var out []Removal
	for _, subject := range slices.Sorted(maps.Keys(r.dead)) {
		out = append(out, Removal{Stream: stream, Subject: subject})
	}
	clear(r.dead)
	if !pressed {
		return out
	}
	for _, w := range inOrder(r.attempts) {
		if a := r.attempts[w]; a.committed > a.purged {
			a.purged = a.committed
			out = append(out, Removal{Stream: stream, Subject: a.subject, UpTo: a.committed + 1})
		}
	}
	return out
}

// Leftovers lists those of a row stream's subjects that no worker's attempt has: those of
// attempts that earlier coordinators gave out, and those to which an extractor wrote
// that did not know yet that its attempt had ended. Subjects of later terms belong to a
// coordinator that this one does not know of. Nobody reads a subject after its attempt;
// a loader that comes back later than it should finds messages missing, and its range
// is read again.
func (s *Leader) Leftovers(uid string, subjects []string) (out []Removal) {
	r := s.runs[uid]
	if r == nil || s.now().Before(s.began.Add(s.cfg.Grace)) {
		return nil // workers may still bring back what they hold
	}
	live := map[string]bool{}
	for w, a := range r.attempts {
		live[a.subject] = s.busy[w] != nil || s.busy[w.as(workExtract)] != nil
	}
	for _, subject := range subjects {
		if number, ok := bus.AttemptOf(subject); ok && !live[subject] && number>>32 <= s.term {
			out = append(out, Removal{Stream: bus.RowStream(uid), Subject: subject})
		}
	}
	return out
}
