package coordinator

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// bury marks a subject that nobody reads any more: its attempt ended, or its range
// is verified. Its messages are removed outside the lock, more than once, because
// an extractor that was paused may still write to it.
func (s *Leader) bury(migration, subject string) {
	s.run(migration).dead[subject] = true
}

// Removal is a part of a subject that may go: its messages with a stream sequence below
// UpTo, or all of them where UpTo is 0.
type Removal struct {
	Stream, Subject string
	UpTo            uint64
}

// relieve keeps row streams from filling up: dead subjects go, and once a stream
// is half full also what loaders have committed. The target's ledger is the truth
// about those rows; should the target lose them, the range is read again. It runs
// beside the coordinator's loop: a stream that does not answer must not hold it up.
func (s *Service) relieve(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.relieveOnce(ctx)
		}
	}
}

func (s *Service) relieveOnce(ctx context.Context) {
	for _, uid := range s.streams() {
		usage, err := s.cfg.Bus.Usage(ctx, bus.RowStream(uid))
		if err != nil {
			continue // the stream is away; everybody else finds out too
		}
		if usage.Messages == 0 {
			continue
		}
		for _, r := range s.removals(uid, usage.Bytes > usage.MaxBytes/2) {
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

func (s *Service) removals(uid string, pressed bool) []Removal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Removals(uid, pressed)
}

// Removals lists what may go of a migration's row stream. Pressed tells that it needs
// room.
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
	// One removal after the end is enough unless room is needed.
	if !pressed {
		clear(r.dead)
		return out
	}
	for _, w := range inOrder(r.attempts) {
		if a := r.attempts[w]; a.committed > a.purged {
			a.purged = a.committed
			out = append(out, Removal{Stream: stream, Subject: a.subject, UpTo: a.committed + 1})
		}
	}
	return append(out, s.loadedSubjects(uid)...)
}

// loadedSubjects are those of ranges that are in the target and wait for validation.
func (s *Leader) loadedSubjects(uid string) []Removal {
	var out []Removal
	view := s.view()
	for _, t := range view.Tables(uid) {
		view.RangesIn(uid, t.Number, state.RangeLoaded, func(r *state.Range) bool {
			out = append(out, Removal{Stream: bus.RowStream(uid), Subject: subjectOf(rangeID(uid, t.Number, r.Number), r.Attempt)})
			return len(out) < 1000
		})
	}
	return out
}
