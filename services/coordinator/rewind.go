package coordinator

import (
	"context"
	"fmt"
	"slices"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
)

// A log may come back older than a snapshot that was taken of it: snapshots are a stream of
// their own, which a backup may not have brought back. Such a snapshot has seen more than
// the log that is there, so the migration is known by it, and stands still.

// regressed makes a migration stand still whose log has lost events that its snapshot stands
// for, and takes in what came behind the loss. Until it is sure of that it returns older.
func (s *Leader) regressed(ctx context.Context, uid string, older *journal.Older) error {
	if _, waits := s.unproven[uid]; !waits {
		s.unproven[uid] = s.now()
	}
	if s.now().Sub(s.unproven[uid]) < s.patience {
		return fault.Wrap(fault.Corrupt, "coordinator.replay", older)
	}
	delete(s.unproven, uid)
	m := s.view().Migration(uid)
	reason := fmt.Sprintf("the %s. Nothing is written until drover adopt %s, which copies what is not complete again", older, m.Name)
	if err := s.store.Regress(uid, older.Lost, reason); err != nil {
		return err
	}
	s.cfg.Logger.Error("control log is older than its snapshot", "migration", m.Name, "lost_behind", older.Lost, "snapshot", older.Had)
	s.rewound[uid] = older
	if err := s.replayRest(ctx, uid); err != nil {
		return fmt.Errorf("replay %s: %w", uid, err)
	}
	return nil
}

// keepRewound has the log say what its loss was, under the leader's term, and puts
// snapshots of it in the place of those that stand for other events.
func (s *Leader) keepRewound(ctx context.Context, uid string) error {
	older := s.rewound[uid]
	m := s.view().Migration(uid)
	if older == nil || m == nil {
		return nil
	}
	list, err := s.archive().Snapshots(ctx, uid)
	if err != nil {
		return err
	}
	story, err := s.told(ctx, uid, older.Had)
	if err != nil {
		return err
	}
	story = slices.DeleteFunc(story, func(l *journalv1.StoryLine) bool { return l.GetSequence() > older.Lost })
	kept := map[uint64]bool{m.Last: true}
	if err := s.save(ctx, s.view(), uid, m.Last, story); err != nil {
		return err
	}
	if m.Regressed {
		event := &journalv1.Event{Body: &journalv1.Event_ControlRegressed{ControlRegressed: &journalv1.ControlRegressed{Reason: m.Problem.Reason}}}
		if err := s.append(ctx, uid, event); err != nil {
			return err
		}
		last := s.view().Migration(uid).Last
		kept[last] = true
		if err := s.save(ctx, s.view(), uid, last, story); err != nil {
			return err
		}
	}
	for _, seq := range list {
		if seq > older.Lost && !kept[seq] {
			if err := s.archive().Remove(ctx, uid, seq); err != nil {
				return err
			}
		}
	}
	delete(s.rewound, uid)
	return nil
}
