package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
	"github.com/drover-db/drover/services/coordinator/internal/presence"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// The store of all logs may be lost as a whole, with every log and snapshot. A
// coordinator that lives has all that it saw in memory, and writes it down again:
//
//  1. It takes a term, far beyond any that the lost log or a target can have seen. The
//     append is conditional, so of several that try one wins.
//  2. It makes sure that nobody has begun anything in the new store, and has sequences
//     go on beyond those of the lost one: a writer of before meets no condition by chance.
//  3. It saves each migration as a snapshot and begins its log with an event that says so.
//  4. It says in the log of the terms that every log is there.
//
// Whoever finds that last event forgets what it knew, and loads what the logs say, the
// writer itself included. A store that came back with events of its own is not lost but
// older; who has seen more ends.
//
// Who led last knows every decision, since none counts before its append is answered.
// Another may have led since without its knowing, if it did not reach the log for a while:
// the target tells (confirmed in offer.go), before anything happens there. Who followed
// may lack the newest decisions, which no ledger tells: it lets who led come first, and
// what it writes down stands still until somebody adopts it.

const (
	// apart is how far the sequences of one store are from those of the one before.
	apart = 1 << 32
	// yield is how long a coordinator that followed waits for one that led.
	yield = 10 * time.Second
)

// errReplaced is a store that came into the place of the one that was known.
var errReplaced = errors.New("the control log's store is another one than before: it was wiped, or replaced")

// same tells whether logs are those that this coordinator knows.
func (s *Leader) same(c journal.Contents) error {
	if s.origin == "" || c.Origin == s.origin {
		return nil
	}
	return fault.New(fault.Corrupt, "coordinator.same", "%w", errReplaced)
}

// lost tells whether an error says that the store of all logs is not there any more.
func lost(err error) bool { return errors.Is(err, journal.ErrGone) || errors.Is(err, errReplaced) }

// mayBeLost tells whether an error could come of a store that was lost.
func mayBeLost(err error) bool {
	return lost(err) || fault.Is(err, fault.Corrupt) || fault.Is(err, fault.Fenced)
}

// survive goes on after an error if it came of a lost store, and gives it back if not.
func (s *Service) survive(ctx context.Context, cause error) error {
	store, ok := s.log.(journal.Store)
	if !ok || !mayBeLost(cause) {
		return cause
	}
	for {
		contents, err := s.log.Logs(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil && s.same(contents) == nil && !lost(cause):
			return cause
		case err == nil || lost(err):
			return s.rebuild(ctx, store)
		}
		rest(ctx, ask)
	}
}

// rebuild brings a lost store back, or waits until another coordinator has.
func (s *Service) rebuild(ctx context.Context, store journal.Store) error {
	s.cfg.Logger.Warn("the store of the control log is lost", "migrations", len(s.view().Migrations()), "led", s.lastLed, "seen", s.seen)
	for begin := time.Now(); ctx.Err() == nil; rest(ctx, ask) {
		done, err := s.rebuildOnce(ctx, store, time.Since(begin) > yield)
		switch {
		case done && err == nil, ctx.Err() != nil:
			return nil
		case err == nil:
		case errors.Is(err, errForeign), fault.Is(err, fault.Internal):
			return err
		default: // nobody else may know what this coordinator knows
			s.cfg.Logger.Warn("the control log is not there again", "err", err)
		}
	}
	return nil
}

// found is what a store has that came into the place of the lost one.
type found struct {
	journal.Contents
	cluster clusterLog
	// restoring: the newest term is that of a coordinator that writes logs down again;
	// restored: one has done so.
	restoring, restored bool
}

// migrations are the logs of migrations.
func (f found) migrations() []string {
	return slices.DeleteFunc(slices.Clone(f.Logs), func(log string) bool { return log == bus.ClusterLog })
}

// survey reads a store from its beginning.
func (s *Leader) survey(ctx context.Context) (f found, err error) {
	if f.Contents, err = s.log.Logs(ctx); err != nil {
		return f, err
	}
	f.cluster.last, err = s.log.Replay(ctx, bus.ClusterLog, 0, func(_ uint64, e *journalv1.Event) error {
		if t := e.GetTermStarted(); t != nil {
			f.cluster.term, f.restoring = max(f.cluster.term, t.GetTerm()), t.GetRestores()
		}
		f.restored = f.restored || e.GetControlRestored() != nil
		return nil
	})
	return f, err
}

// rebuildOnce tries to bring a lost store back. It tells whether one is there now from
// which this coordinator can go on.
func (s *Service) rebuildOnce(ctx context.Context, store journal.Store, waited bool) (bool, error) {
	if err := store.Make(ctx); err != nil {
		return false, err
	}
	f, err := s.survey(ctx)
	switch {
	case err != nil:
		return false, err
	case f.Origin == s.origin:
		return true, nil // it was not lost
	case f.restored, len(s.view().Migrations()) == 0:
		return true, s.reload(ctx, f)
	case len(f.migrations()) > 0 && !f.restoring:
		return false, s.foreign()
	case s.complete() == 0 && !waited:
		return false, nil
	}
	if f.restoring {
		if _, answer := s.askLeader(ctx, f.cluster.term); answer != presence.Absent {
			return false, nil
		}
	}
	return false, s.writeDown(ctx, store, f) // what was written is read before it counts
}

// errForeign is a store in which somebody has begun anew.
var errForeign = errors.New("the control log was replaced by another one that has migrations of its own")

func (s *Leader) foreign() error {
	return fault.New(fault.Corrupt, "coordinator.rebuild",
		"%w, and this coordinator has seen event %d of the one before: it was wiped, or restored from a backup", errForeign, s.seen)
}

// complete gives the term of which this coordinator knows every decision, and knows of
// none behind it; 0 for one that followed.
func (s *Leader) complete() uint64 {
	if s.lastLed < s.heard {
		return 0
	}
	return s.lastLed
}

// hear takes in that somebody led in a term.
func (s *Leader) hear(term uint64) { s.heard = max(s.heard, term) }

// writeDown writes every log down that is not in the store yet.
func (s *Service) writeDown(ctx context.Context, store journal.Store, f found) error {
	begin, led := time.Now(), s.complete()
	s.term = max(f.cluster.term, s.cluster.term, s.watched.term, s.heard, s.lastLed) + adoptedTerms
	defer func() { s.term = 0 }()
	stop, err := s.presence.Announce(s.term, s.cfg.Name, func() bool { return true })
	if err != nil {
		return err
	}
	defer stop()
	base, err := s.occupy(ctx, store, f)
	if err != nil {
		return err
	}
	event := restoredEvent(s.cfg.Name, led)
	count := 0
	for _, m := range s.view().Migrations() {
		if slices.Contains(f.Logs, m.UID) {
			continue // by another coordinator, which did not get to the end
		}
		if err := s.writeLog(ctx, m, base, event); err != nil {
			return fmt.Errorf("write the log of migration %s down again: %w", m.Name, err)
		}
		count++
	}
	if _, err = s.appendFor(ctx, bus.ClusterLog, base, event); err != nil {
		return err
	}
	s.cfg.Metrics.StateRestored()
	s.cfg.Logger.Warn("control log written down again from memory", "term", s.term, "migrations", count, "led", led, "seconds", time.Since(begin).Seconds())
	return nil
}

func restoredEvent(name string, led uint64) *journalv1.ControlRestored {
	e := &journalv1.ControlRestored{Led: led, Reason: fmt.Sprintf("the NATS server lost the control log; %s, which had led in term %d, wrote it down again from memory, "+
		"and what happened before is not told any more", name, led)}
	if led == 0 {
		e.Reason = fmt.Sprintf("the NATS server lost the control log, and so did who led; %s, which followed, wrote down what it knew and may lack the newest decisions. "+
			"Nothing is written until drover adopt, which copies what is not complete again", name)
	}
	return e
}

// occupy makes the store this coordinator's, and gives the sequence of its term.
func (s *Service) occupy(ctx context.Context, store journal.Store, f found) (uint64, error) {
	begin := &journalv1.Event{Body: &journalv1.Event_TermStarted{TermStarted: &journalv1.TermStarted{Term: s.term, Restores: true}}}
	last, err := s.log.Append(ctx, bus.ClusterLog, f.cluster.last, s.stamp(begin))
	if err != nil {
		return 0, err
	}
	// From here on nobody of before can begin a log.
	now, err := s.log.Logs(ctx)
	switch {
	case err != nil:
		return 0, err
	case now.Origin != f.Origin:
		return 0, fault.New(fault.Unavailable, "coordinator.occupy", "%w", errReplaced)
	case f.restoring && len(f.migrations()) > 0:
		return last, nil // sequences were skipped by who began it
	case len(found{Contents: now}.migrations()) > 0:
		return 0, s.foreign()
	}
	if err := store.Skip(ctx, max(s.seen, now.Last)+apart); err != nil {
		return 0, err
	}
	return s.log.Append(ctx, bus.ClusterLog, 0, s.stamp(begin))
}

// writeLog begins a migration's log with what is known of it.
func (s *Service) writeLog(ctx context.Context, m *state.Migration, base uint64, event *journalv1.ControlRestored) error {
	archive := s.archive()
	if err := archive.Drop(ctx, m.UID, 0); err != nil {
		return err
	}
	view := s.view()
	err := archive.Save(ctx, m.UID, base, func(put journal.Put) error {
		return view.Records(m.UID, func(r *journalv1.SnapshotRecord) error {
			if of := r.GetMigration(); of != nil {
				of.Last = base
			}
			return put(r)
		})
	})
	if err == nil {
		_, err = s.appendFor(ctx, m.UID, 0, event)
	}
	return err
}

func (s *Service) appendFor(ctx context.Context, log string, last uint64, e *journalv1.ControlRestored) (uint64, error) {
	return s.log.Append(ctx, log, last, s.stamp(&journalv1.Event{Body: &journalv1.Event_ControlRestored{ControlRestored: e}}))
}

// reload puts what a store says in the place of what was known.
func (s *Service) reload(ctx context.Context, f found) error {
	for _, uid := range f.migrations() {
		there, err := s.restore(ctx, uid, 0)
		if err != nil {
			return err
		}
		if !there {
			s.store.Forget(uid) // it was begun since, and catchUp reads all of it
		}
	}
	s.origin, s.seen, s.cluster, s.watched, s.lastLed, s.heard = f.Origin, 0, clusterLog{}, clusterLog{}, 0, 0
	s.cfg.Logger.Info("control log is there again", "migrations", len(f.migrations()))
	return nil
}
