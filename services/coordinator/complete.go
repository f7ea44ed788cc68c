package coordinator

import (
	"context"
	"fmt"
	"strings"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/spec"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// settle draws the conclusions that need no worker: a table whose last range is
// loaded, a migration whose last table is complete. The lock is held.
func (s *Leader) settle(ctx context.Context) {
	for _, m := range s.view().Migrations() {
		if s.fatal != nil || ctx.Err() != nil {
			return
		}
		if err := s.settleMigration(ctx, m); err != nil {
			s.cfg.Logger.Error("settle", "migration", m.Name, "err", err)
		}
	}
}

func (s *Leader) settleMigration(ctx context.Context, m *state.Migration) error {
	if m.Regressed {
		return nil
	}
	if m.Verifying != 0 {
		if err := s.settleVerification(ctx, m); err != nil {
			return err
		}
	}
	if m.Paused && !m.Stage.Rests() {
		if err := s.suspend(ctx, m); err != nil {
			return err
		}
	}
	if m.Replan == state.ReplanSplit && changeable(m) {
		return s.replanned(ctx, m)
	}
	switch m.Stage {
	case state.Planning:
		return s.planned(ctx, m)
	case state.Planned:
		if m.AutoStart && !replanning(m, s.runs[m.UID]) {
			return s.begin(ctx, m)
		}
		return nil
	case state.Running:
		if err := s.openStream(ctx, m); err != nil {
			return err
		}
		for _, t := range s.view().Tables(m.UID) {
			if err := s.settleTable(ctx, m, t); err != nil {
				return err
			}
		}
		return s.end(ctx, m, s.view().Tables(m.UID))
	case state.Discarding:
		if err := s.closeStream(ctx, m); err != nil || !m.Discarded {
			return err
		}
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_MigrationEnded{MigrationEnded: &journalv1.MigrationEnded{Outcome: m.Discard}}})
	default:
		return s.closeStream(ctx, m)
	}
}

// settleTable moves a table on as far as counting its ranges can.
func (s *Leader) settleTable(ctx context.Context, m *state.Migration, t *state.Table) error {
	w := workID{migration: m.UID, table: t.Number}
	if t.Stage <= state.TablePlanned && !t.Blocked && !t.Skipped && hasError(t.Plan) && !replanning(m, s.runs[m.UID]) {
		// Planned without a table that was skipped meanwhile; the others go on.
		return s.block(ctx, m, t.Number, state.Problem{Reason: strings.ReplaceAll(preflightOf(t.Plan.GetFindings()).Error(), "\n", "; "), Kind: fault.Unsupported.String(), Side: fault.Target})
	}
	if s.torn(m, t) {
		return s.restartTable(ctx, m, t, "the snapshot that it was begun in is gone", nil)
	}
	switch {
	case t.Blocked || t.Skipped || t.Emptying || t.Stage < state.TableCreated:
		return nil
	case t.Rejected > m.Spec.GetRejects().GetMax() && t.Replays == 0:
		return s.block(ctx, m, t.Number, tooManyRejects(m, t))
	case t.Stage < state.TableVerified && t.BlockedRanges > 0:
		return s.blockForRanges(ctx, m, t)
	case t.Stage == state.TableCreated && t.AllLoaded():
		return s.advanced(ctx, w, state.TableLoaded, 0)
	case t.Stage == state.TableLoaded && !t.Plan.GetKeyAfterLoad():
		return s.advanced(ctx, w, state.TableKeyed, 0)
	case t.Stage == state.TableKeyed && t.AllVerified():
		return s.advanced(ctx, w, state.TableVerified, 0)
	case t.Stage == state.TableSequenced && t.SourceRows >= 0:
		return s.compareCounts(ctx, m, t)
	}
	return nil
}

// torn tells whether a table was begun in a snapshot that nobody holds any more, and
// another one is about to be taken: row positions of the one mean nothing in the other.
func (s *Leader) torn(m *state.Migration, t *state.Table) bool {
	if !needsSnapshot(t) || t.Stage != state.TableCreated || t.Blocked || t.Skipped || t.Emptying || t.Loaded == 0 || t.AllLoaded() {
		return false
	}
	r := s.run(m.UID)
	return r.snapshot == "" && s.busy[workID{migration: m.UID, kind: workSnapshot}] == nil && !m.Paused && s.anyWorker(extractor) &&
		!s.now().Before(s.began.Add(s.cfg.Grace))
}

// blockForRanges blocks a table when only its blocked ranges are left: the others
// are loaded, and proven where each can be proven alone.
func (s *Leader) blockForRanges(ctx context.Context, m *state.Migration, t *state.Table) error {
	settled := t.Loaded
	if stepwise(t) {
		settled = t.Verified
	}
	if settled+t.BlockedRanges+t.EmptiedRanges < t.Ranges {
		return nil
	}
	var first *state.Range
	s.view().RangesIn(m.UID, t.Number, state.RangeBlocked, func(r *state.Range) bool {
		first = r
		return false
	})
	p := first.Problem
	p.Attempts = max(p.Attempts, first.Failures)
	p.Reason = fmt.Sprintf("%d of %d ranges blocked; range %d %s: %s", t.BlockedRanges, t.Ranges, first.Number, first.Plan.GetLabel(), p.Reason)
	return s.block(ctx, m, t.Number, p)
}

// compareCounts closes a table if the source still has as many rows that move as were
// proven. How many rows a range had that was given up, nobody knows.
func (s *Leader) compareCounts(ctx context.Context, m *state.Migration, t *state.Table) error {
	proven := t.AccountedRows()
	if t.SourceRows == proven || t.SkippedRanges > 0 && t.SourceRows > proven {
		return s.advanced(ctx, workID{migration: m.UID, table: t.Number}, state.TableComplete, 0)
	}
	return s.block(ctx, m, t.Number, state.Problem{Side: fault.Source, Kind: fault.Changed.String(), Reason: fmt.Sprintf(
		"source has %d rows now, but %d were copied and verified: somebody wrote to it during the copy; stop the writers and copy the table again into an empty target (existing: truncate)",
		t.SourceRows, proven)})
}

func (s *Leader) block(ctx context.Context, m *state.Migration, table uint32, p state.Problem) error {
	s.cfg.Logger.Warn("table blocked", "migration", m.Name, "table", table, "reason", p.Reason)
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TableBlocked{TableBlocked: &journalv1.TableBlocked{
		Table: table, Reason: p.Reason, Side: p.Side, Key: p.Key, Column: p.Column, Kind: p.Kind, Attempts: int32(p.Attempts)}}})
}

// remains is what is left to do of the tables that have begun.
type remains struct {
	// moving: some table goes on by itself.
	moving  bool
	blocked []*state.Table
}

func remaining(m *state.Migration, tables []*state.Table) remains {
	var left remains
	for _, t := range tables {
		switch {
		case t.Done() || !m.Begun(t):
		case t.Blocked:
			left.blocked = append(left.blocked, t)
		case !waitsForOthers(m, t, tables):
			left.moving = true
		}
	}
	return left
}

// why names the first block.
func (r remains) why() string {
	first := r.blocked[0]
	text := fmt.Sprintf("table %s is blocked: %s", sourceName(first.Plan), first.Problem.Reason)
	if n := len(r.blocked); n > 1 {
		text = fmt.Sprintf("%d tables are blocked; %s", n, text)
	}
	return text
}

// working tells whether a worker has something of the migration in hand that changes it.
func (s *Leader) working(uid string) bool {
	for w := range s.busy {
		if w.migration == uid && !w.kind.waits() && !w.kind.verifies() {
			return true
		}
	}
	return false
}

// end closes a migration, or its phase, of which nothing is left to do.
func (s *Leader) end(ctx context.Context, m *state.Migration, tables []*state.Table) error {
	left := remaining(m, tables)
	if m.CurrentPhase() != 0 {
		return s.settlePhase(ctx, m, left)
	}
	if left.moving || s.working(m.UID) || replanning(m, s.runs[m.UID]) {
		return nil
	}
	switch {
	case len(left.blocked) == 0 && m.Finished:
		return s.ended(ctx, m, &journalv1.MigrationEnded{Outcome: journalv1.MigrationEnded_OUTCOME_COMPLETE})
	case len(left.blocked) == 0:
		return nil // publishing and finishing are left
	case discards(m):
		p := left.blocked[0].Problem
		p.Reason = left.why()
		return s.discard(ctx, m, journalv1.MigrationEnded_OUTCOME_ROLLED_BACK, p)
	case !s.trusted(m, tables):
		return nil // what is called complete must be there
	default:
		return s.ended(ctx, m, &journalv1.MigrationEnded{Outcome: journalv1.MigrationEnded_OUTCOME_INCOMPLETE})
	}
}

func (s *Leader) ended(ctx context.Context, m *state.Migration, e *journalv1.MigrationEnded) error {
	s.cfg.Logger.Info("migration ended", "migration", m.Name, "outcome", e.GetOutcome())
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_MigrationEnded{MigrationEnded: e}})
}

// openStream makes the migration's row stream before the first range is granted, and
// again when it may be gone.
func (s *Leader) openStream(ctx context.Context, m *state.Migration) error {
	r := s.run(m.UID)
	w := workID{migration: m.UID}
	if r.stream && !r.doubted || r.resting(w, s.now()) {
		return nil
	}
	stream := spec.WithDefaults(m.Spec).GetStream()
	size, _ := spec.ParseSize(stream.GetMaxBytes()) // the spec was validated
	err := s.cfg.Bus.EnsureStream(ctx, bus.StreamConfig{Name: bus.RowStream(m.UID), Subjects: []string{bus.RowSubjects(m.UID)},
		MaxBytes: size, Replicas: int(stream.GetReplicas())})
	if err != nil {
		r.stalled = stall{w, err.Error()}
		// What was loaded once is not given up for want of room.
		if r.retry(w) >= maxAttempts(m) && !fault.Is(err, fault.Unavailable) && !(m.Prepared && fault.Is(err, fault.Exhausted)) {
			return s.abort(ctx, m, fmt.Errorf("make the row stream: %w", err))
		}
		return err
	}
	r.settled(w)
	r.stream, r.doubted = true, false
	return nil
}

// closeStream takes back what is still held of a migration that rests or is being
// discarded, and removes its row stream.
func (s *Leader) closeStream(ctx context.Context, m *state.Migration) error {
	r := s.runs[m.UID]
	if r == nil {
		return nil
	}
	if !changeable(m) {
		s.updateFailed(r, refuse(m, "has ended meanwhile: it is %s", stateName(m)))
	}
	for _, w := range inOrder(s.busy) {
		if w.migration == m.UID && !takes(m, r, w.kind) {
			s.revoke(s.busy[w], "the migration has ended, or stands still")
		}
	}
	clear(r.attempts)
	r.snapshot = ""
	if r.stream {
		if err := s.cfg.Bus.DeleteStream(ctx, bus.RowStream(m.UID)); err != nil {
			return err
		}
		r.stream = false
	}
	if m.Stage.Rests() && !unfinished(m) && !replanning(m, r) && m.Verifying == 0 {
		delete(s.runs, m.UID)
	}
	return nil
}

// takes tells whether a migration still wants the result of a kind of work.
func takes(m *state.Migration, r *run, kind workKind) bool {
	if m.Regressed {
		return false
	}
	switch kind {
	case workVerify, workRepair:
		return m.Verifying != 0
	case workDescribe, workDesign, workSplit:
		return m.Stage == state.Planning || m.Stage == state.Running || replanning(m, r)
	case workSample, workAssess, workCompare:
		return m.Stage == state.Planning
	case workRecover:
		return m.Recovering && m.Stage == state.Planning
	case workDiscard:
		return m.Stage == state.Discarding
	case workFinish:
		return m.Stage == state.Running || unfinished(m)
	default:
		return m.Stage == state.Running
	}
}
