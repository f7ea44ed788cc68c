package coordinator

import (
	"context"
	"fmt"
	"time"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/spec"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// settle draws the conclusions that need no worker: a table whose last range is
// loaded, a migration whose last table is complete. The lock is held.
func (s *Service) settle(ctx context.Context) {
	for _, m := range s.view().Migrations() {
		if s.fatal != nil || ctx.Err() != nil {
			return
		}
		if err := s.settleMigration(ctx, m); err != nil {
			s.cfg.Logger.Error("settle", "migration", m.Name, "err", err)
		}
	}
}

func (s *Service) settleMigration(ctx context.Context, m *state.Migration) error {
	switch m.Stage {
	case state.Planning:
		return s.planned(ctx, m)
	case state.Planned:
		if m.AutoStart {
			return s.begin(ctx, m)
		}
		return nil
	case state.Running:
		if err := s.openStream(ctx, m); err != nil {
			return err
		}
		tables := s.view().Tables(m.UID)
		for _, t := range tables {
			if err := s.settleTable(ctx, m, t); err != nil {
				return err
			}
		}
		return s.end(ctx, m, s.view().Tables(m.UID))
	default:
		return s.closeStream(ctx, m)
	}
}

// settleTable moves a table on as far as counting its ranges can.
func (s *Service) settleTable(ctx context.Context, m *state.Migration, t *state.Table) error {
	w := workID{migration: m.UID, table: t.Number}
	switch {
	case t.Blocked || t.Emptying || t.Stage < state.TableCreated:
		return nil
	case t.Stage < state.TableVerified && t.BlockedRanges > 0:
		return s.blockForRanges(ctx, m, t)
	case t.Stage == state.TableCreated && t.Split && t.Loaded == t.Ranges:
		return s.advanced(ctx, w, state.TableLoaded, 0)
	case t.Stage == state.TableLoaded && !t.Plan.GetKeyAfterLoad():
		return s.advanced(ctx, w, state.TableKeyed, 0)
	case t.Stage == state.TableKeyed && t.Verified == t.Ranges:
		return s.advanced(ctx, w, state.TableVerified, 0)
	case t.Stage == state.TableSequenced && t.SourceRows >= 0:
		return s.compareCounts(ctx, m, t)
	}
	return nil
}

// blockForRanges blocks a table when only its blocked ranges are left.
func (s *Service) blockForRanges(ctx context.Context, m *state.Migration, t *state.Table) error {
	if t.Loaded+t.BlockedRanges < t.Ranges {
		return nil
	}
	var first *state.Range
	s.view().RangesIn(m.UID, t.Number, state.RangeBlocked, func(r *state.Range) bool {
		first = r
		return false
	})
	p := first.Problem
	p.Reason = fmt.Sprintf("%d of %d ranges blocked; range %d %s: %s", t.BlockedRanges, t.Ranges, first.Number, first.Plan.GetLabel(), p.Reason)
	return s.block(ctx, m, t.Number, p)
}

// compareCounts closes a table if the source still has as many rows as were proven.
func (s *Service) compareCounts(ctx context.Context, m *state.Migration, t *state.Table) error {
	if t.SourceRows == t.LoadedDigest.Rows {
		return s.advanced(ctx, workID{migration: m.UID, table: t.Number}, state.TableComplete, 0)
	}
	return s.block(ctx, m, t.Number, state.Problem{Side: "source", Reason: fmt.Sprintf(
		"source has %d rows now, but %d were copied and verified: somebody wrote to it during the copy; stop the writers and copy the table again into an empty target (existing: truncate)",
		t.SourceRows, t.LoadedDigest.Rows)})
}

func (s *Service) block(ctx context.Context, m *state.Migration, table uint32, p state.Problem) error {
	s.cfg.Logger.Warn("table blocked", "migration", m.Name, "table", table, "reason", p.Reason)
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TableBlocked{TableBlocked: &journalv1.TableBlocked{
		Table: table, Reason: p.Reason, Side: p.Side, Key: p.Key, Column: p.Column}}})
}

// end closes a migration of which nothing is left to do.
func (s *Service) end(ctx context.Context, m *state.Migration, tables []*state.Table) error {
	blocked := 0
	for _, t := range tables {
		switch {
		case t.Blocked:
			blocked++
		case t.Stage != state.TableComplete:
			return nil
		}
	}
	for w := range s.busy {
		if w.migration == m.UID && w.kind != workSnapshot {
			return nil
		}
	}
	outcome := journalv1.MigrationEnded_OUTCOME_INCOMPLETE
	if blocked == 0 {
		if !m.Finished {
			return nil
		}
		outcome = journalv1.MigrationEnded_OUTCOME_COMPLETE
	}
	if err := s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_MigrationEnded{MigrationEnded: &journalv1.MigrationEnded{Outcome: outcome}}}); err != nil {
		return err
	}
	s.cfg.Logger.Info("migration ended", "migration", m.Name, "outcome", outcome, "blocked", blocked)
	return nil
}

// openStream makes the migration's row stream before the first range is granted.
func (s *Service) openStream(ctx context.Context, m *state.Migration) error {
	r := s.run(m.UID)
	w := workID{migration: m.UID}
	if r.stream || r.resting(w, time.Now()) {
		return nil
	}
	stream := spec.WithDefaults(m.Spec).GetStream()
	size, _ := spec.ParseSize(stream.GetMaxBytes()) // the spec was validated
	err := s.cfg.Bus.EnsureStream(ctx, bus.StreamConfig{Name: bus.RowStream(m.UID), Subjects: []string{bus.RowSubjects(m.UID)},
		MaxBytes: size, Replicas: int(stream.GetReplicas())})
	if err != nil {
		r.stalled = err.Error()
		if r.retry(w) >= maxAttempts(m) {
			return s.abort(ctx, m, fmt.Errorf("make the row stream: %w", err))
		}
		return err
	}
	r.settled(w)
	r.stream = true
	return nil
}

// closeStream removes the row stream of a migration that has ended, and takes
// back what is still held of it.
func (s *Service) closeStream(ctx context.Context, m *state.Migration) error {
	r := s.runs[m.UID]
	if r == nil {
		return nil
	}
	for w, l := range s.busy {
		if w.migration == m.UID && w.kind != workFinish {
			s.revoke(l, "the migration has ended")
		}
	}
	clear(r.attempts)
	r.snapshot, r.described = "", nil
	if r.stream {
		if err := s.cfg.Bus.DeleteStream(ctx, bus.RowStream(m.UID)); err != nil {
			return err
		}
		r.stream = false
	}
	if !unfinished(m) {
		delete(s.runs, m.UID)
	}
	return nil
}
