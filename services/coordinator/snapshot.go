package coordinator

import (
	"context"
	"time"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

const (
	// snapshotEvery is how many events a log grows by between two snapshots: fewer are
	// replayed in a second or two. A migration of many ranges has more, since all of
	// them are in every snapshot.
	snapshotEvery = 20_000
	// snapshotLook is how often logs are looked at.
	snapshotLook = 2 * time.Second
)

// archive keeps snapshots; nil where the log has no place for them.
func (s *Leader) archive() journal.Archive {
	a, _ := s.log.(journal.Archive)
	return a
}

// restore makes a migration known as the newest good snapshot behind an event has it;
// it tells whether there was one.
func (s *Leader) restore(ctx context.Context, uid string, behind uint64) (bool, error) {
	archive := s.archive()
	if archive == nil {
		return false, nil
	}
	list, err := archive.Snapshots(ctx, uid)
	if err != nil {
		return false, err
	}
	for _, seq := range list {
		if seq <= behind {
			break
		}
		if err = s.load(ctx, archive, uid, seq); err == nil {
			return true, nil
		}
		if !fault.Is(err, fault.Corrupt) && !fault.Is(err, fault.NotFound) {
			return false, err
		}
		s.cfg.Logger.Warn("snapshot of the control log is not good, trying an older one", "migration", uid, "sequence", seq, "err", err)
	}
	return false, nil
}

// load puts one snapshot into the store, as a whole or not at all.
func (s *Leader) load(ctx context.Context, archive journal.Archive, uid string, seq uint64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	records := make(chan *journalv1.SnapshotRecord, 64)
	read := make(chan error, 1)
	go func() {
		defer close(records)
		read <- archive.Load(ctx, uid, seq, func(r *journalv1.SnapshotRecord) error {
			if r.GetStory() != nil {
				return nil
			}
			select {
			case records <- r:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	return s.store.Restore(uid, func() (*journalv1.SnapshotRecord, error) {
		if r := <-records; r != nil {
			return r, nil
		}
		return nil, <-read
	})
}

// archiveOn takes snapshots of logs that have grown, for as long as this coordinator
// leads. It reads the state as it was at one event, so nobody waits for it.
func (s *Service) archiveOn(office context.Context) {
	if s.archive() == nil {
		return
	}
	taken := map[string]uint64{}
	for rest(office, snapshotLook) {
		view := s.view()
		for _, m := range view.Migrations() {
			if err := s.archiveOne(office, view, m, taken); err != nil && office.Err() == nil {
				s.cfg.Logger.Warn("no snapshot of the control log was taken, events are kept", "migration", m.Name, "err", err)
				taken[m.UID] = m.Last // not at once again
			}
		}
	}
}

// archiveOne takes a snapshot of one migration if its log has grown enough.
func (s *Service) archiveOne(office context.Context, view state.View, m *state.Migration, taken map[string]uint64) error {
	last, known := taken[m.UID]
	if !known {
		list, err := s.archive().Snapshots(office, m.UID)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			last = list[0]
		}
		taken[m.UID] = last
	}
	if m.Last < last+s.cfg.snapshotEvery {
		return nil
	}
	objects := 0
	for _, t := range view.Tables(m.UID) {
		objects += t.Ranges
	}
	if m.Last < last+uint64(objects)/2 {
		return nil
	}
	begin := time.Now()
	if err := s.snapshot(office, view, m); err != nil {
		return err
	}
	taken[m.UID] = m.Last
	s.cfg.Logger.Info("snapshot of the control log taken", "migration", m.Name, "sequence", m.Last, "ranges", objects,
		"seconds", time.Since(begin).Seconds())
	return s.compact(office, m.UID)
}

// snapshot saves what a migration's log amounts to in a view: its story, then its state.
func (s *Service) snapshot(office context.Context, view state.View, m *state.Migration) error {
	story, err := s.story(office, m.UID, m.Last)
	if err != nil {
		return err
	}
	return s.save(office, view, m.UID, m.Last, story)
}

// save puts a story and a view's state of a migration into the archive.
func (s *Leader) save(ctx context.Context, view state.View, uid string, seq uint64, story []*journalv1.StoryLine) error {
	return s.archive().Save(ctx, uid, seq, func(put journal.Put) error {
		for _, line := range story {
			if err := put(&journalv1.SnapshotRecord{Body: &journalv1.SnapshotRecord_Story{Story: line}}); err != nil {
				return err
			}
		}
		return view.Records(uid, put)
	})
}

// compact removes the events before the older of the last two snapshots, and the
// snapshots before that.
func (s *Service) compact(office context.Context, uid string) error {
	list, err := s.archive().Snapshots(office, uid)
	if err != nil || len(list) < 2 {
		return err
	}
	if err := s.log.Delete(office, uid, list[1]); err != nil {
		return err
	}
	return s.archive().Drop(office, uid, list[1])
}

// forgetLog removes all that is kept of a migration that was deleted: its snapshots
// last, without which the end of its log could not be read.
func (s *Leader) forgetLog(ctx context.Context, uid string) error {
	if err := s.log.Delete(ctx, uid, 0); err != nil || s.archive() == nil {
		return err
	}
	return s.archive().Drop(ctx, uid, 0)
}
