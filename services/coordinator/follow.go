package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
)

// clusterLog is what is known of the log of the terms.
type clusterLog struct {
	last, term uint64
}

// read gives the cluster's log as it is by now.
func (c clusterLog) read(ctx context.Context, log journal.Log) (clusterLog, error) {
	now := c
	last, err := log.Replay(ctx, bus.ClusterLog, c.last, func(_ uint64, e *journalv1.Event) error {
		now.term = max(now.term, e.GetTermStarted().GetTerm())
		return nil
	})
	if err != nil {
		return c, err
	}
	now.last = last
	return now, nil
}

// catchUp makes every migration known as its log has it by now, and forgets those
// whose log is gone. It returns the last sequence that it takes into account.
func (s *Leader) catchUp(ctx context.Context) (uint64, error) {
	contents, err := s.log.Logs(ctx)
	if err != nil {
		return 0, fault.Wrap(fault.KindOf(err), "coordinator.catchUp", err)
	}
	if err := s.same(contents); err != nil {
		return 0, err
	}
	if s.origin == "" {
		s.origin = contents.Origin
	}
	if contents.Last < s.seen {
		return 0, fault.New(fault.Corrupt, "coordinator.catchUp",
			"the control log ends at event %d, and this coordinator has seen event %d: %w", contents.Last, s.seen, journal.ErrOlder)
	}
	for _, uid := range contents.Logs {
		if uid == bus.ClusterLog {
			continue
		}
		if err := s.replay(ctx, uid); err != nil {
			return 0, err
		}
	}
	for _, m := range s.view().Migrations() {
		if !slices.Contains(contents.Logs, m.UID) {
			s.store.Forget(m.UID)
		}
	}
	s.seen = max(s.seen, contents.Last)
	return contents.Last, nil
}

// replay makes a migration known up to the end of its log: by the newest snapshot where
// nothing is known of it, or where events are gone that came before, then by events.
func (s *Leader) replay(ctx context.Context, uid string) error {
	_, unproven := s.unproven[uid]
	if s.view().Migration(uid) == nil {
		restored, err := s.restore(ctx, uid, 0)
		if err != nil {
			return fmt.Errorf("restore %s: %w", uid, err)
		}
		unproven = restored
	}
	err := s.replayRest(ctx, uid)
	var older *journal.Older
	if unproven && errors.As(err, &older) {
		return s.regressed(ctx, uid, older)
	}
	delete(s.unproven, uid)
	if m := s.view().Migration(uid); m != nil && fault.Is(err, fault.Corrupt) {
		found, failed := s.restore(ctx, uid, m.Last)
		if failed == nil && found {
			err = s.replayRest(ctx, uid)
		}
	}
	if err != nil {
		return fmt.Errorf("replay %s: %w", uid, err)
	}
	return nil
}

// replayRest applies the events behind the last one that is known.
func (s *Leader) replayRest(ctx context.Context, uid string) error {
	var after uint64
	if m := s.view().Migration(uid); m != nil {
		after = m.Last
	}
	events := s.store.Replay(uid)
	_, err := s.log.Replay(ctx, uid, after, func(seq uint64, e *journalv1.Event) error {
		s.hear(e.GetTerm())
		return events.Apply(seq, e)
	})
	return cmp.Or(err, events.Commit())
}

// learn takes an event that another coordinator appended.
func (s *Leader) learn(ctx context.Context, log string, seq uint64, e *journalv1.Event) error {
	s.seen = max(s.seen, seq)
	s.hear(e.GetTerm())
	if log == bus.ClusterLog {
		return nil // whoever wants to lead reads it when it does
	}
	m := s.view().Migration(log)
	switch {
	case m == nil && e.GetMigrationCreated() == nil, m != nil && e.GetPrevious() > m.Last:
		return s.replay(ctx, log) // something came before it that was not seen here
	case m != nil && seq <= m.Last:
		return nil
	}
	return s.store.Apply(log, seq, e)
}

// resign forgets everything but what the log says. Workers hear it by the end of their
// streams, and bring what they hold to whoever leads next.
func (s *Leader) resign() {
	for _, w := range s.workers {
		if w.out != nil {
			close(w.out)
			w.out = nil
		}
	}
	for _, r := range s.runs {
		s.updateFailed(r, fault.New(fault.Unavailable, "coordinator.resign", "this coordinator does not lead any more: ask again"))
	}
	s.workers, s.leases, s.busy, s.runs = map[string]*worker{}, map[string]*lease{}, map[workID]*lease{}, map[string]*run{}
	s.office, s.resigned, s.fatal, s.term = nil, true, nil, 0
	s.cfg.Metrics.Leading(0)
}
