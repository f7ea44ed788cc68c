package coordinator

import (
	"context"
	"fmt"
	"strings"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// stageOf names a migration's staging place; empty where tables fill under their
// final names. The end of the uid is its random part.
func stageOf(spec *droverv1.MigrationSpec, uid string) string {
	if spec.GetPublish() != "atomic" {
		return ""
	}
	return strings.ToLower(uid[max(0, len(uid)-10):])
}

// preparation is how a target is prepared. What came before tables that are published by
// now was for the staging place.
func preparation(m *state.Migration) *workerv1.PrepareTarget {
	out := &workerv1.PrepareTarget{SourceIdentity: m.Source.Identity, TargetIdentity: m.Target.Identity, Reopen: m.Reopen}
	if m.Published.IsZero() {
		out.Statements = m.Statements
	}
	if m.Spec.GetRejects().GetMax() > 0 {
		out.RejectsTo = m.Spec.GetRejects().GetTo()
	}
	return out
}

// discards tells whether a migration that cannot be completed is removed from its target.
func discards(m *state.Migration) bool {
	return m.Atomic() && m.Published.IsZero() && m.Spec.GetOnFailure() != "keep"
}

// mayHaveMade tells whether something of an atomic migration may be in the target.
func mayHaveMade(m *state.Migration) bool {
	return !m.Started.IsZero() && (len(m.Phases) == 0 || !m.Phases[0].Started.IsZero())
}

// discard gives a migration up: from this event on nothing else of it happens.
func (s *Leader) discard(ctx context.Context, m *state.Migration, outcome journalv1.MigrationEnded_Outcome, p state.Problem) error {
	s.cfg.Logger.Warn("discarding", "migration", m.Name, "outcome", outcome, "reason", p.Reason)
	return s.append(ctx, m.UID, discardEvent(outcome, p))
}

func discardEvent(outcome journalv1.MigrationEnded_Outcome, p state.Problem) *journalv1.Event {
	return &journalv1.Event{Body: &journalv1.Event_DiscardStarted{DiscardStarted: &journalv1.DiscardStarted{
		Outcome: outcome, Reason: p.Reason, Side: p.Side, Kind: p.Kind}}}
}

// staged are the plans of tables that were planned into the staging place.
func staged(tables []*state.Table, want func(*state.Table) bool) []*planv1.TablePlan {
	var out []*planv1.TablePlan
	for _, t := range tables {
		if t.Plan.GetPublishName() != "" && want(t) {
			out = append(out, t.Plan)
		}
	}
	return out
}

// unpublishable ends a migration whose proven tables could not be published.
func (s *Leader) unpublishable(ctx context.Context, m *state.Migration, p state.Problem) error {
	p.Reason = "tables cannot be published: " + p.Reason
	if discards(m) {
		return s.discard(ctx, m, journalv1.MigrationEnded_OUTCOME_ROLLED_BACK, p)
	}
	return s.ended(ctx, m, &journalv1.MigrationEnded{Outcome: journalv1.MigrationEnded_OUTCOME_INCOMPLETE, Reason: p.Reason, Side: p.Side, Kind: p.Kind})
}

// unmakeable ends a migration whose tables are all complete, but not what stands on
// them; resume tries again when the cause is gone.
func (s *Leader) unmakeable(ctx context.Context, m *state.Migration, p state.Problem) error {
	return s.ended(ctx, m, &journalv1.MigrationEnded{Outcome: journalv1.MigrationEnded_OUTCOME_INCOMPLETE,
		Reason: "all tables are complete, but objects cannot be made: " + p.Reason, Side: p.Side, Kind: p.Kind})
}

// undiscardable takes a discard that failed for good. A target that refuses because
// the tables are published tells what a coordinator that died did not write down.
func (s *Leader) undiscardable(ctx context.Context, m *state.Migration, kind fault.Kind, p state.Problem) error {
	if kind == fault.Unsupported && complete(s.view().Tables(m.UID)) {
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TargetPublished{TargetPublished: &journalv1.TargetPublished{}}})
	}
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_MigrationFailed{MigrationFailed: &journalv1.MigrationFailed{
		Reason: fmt.Sprintf("what the migration made in the target could not be removed (%s): %s; rollback tries again", m.Problem.Reason, p.Reason),
		Side:   p.Side, Kind: p.Kind}}})
}

// RollbackMigration removes what an atomic migration made.
func (a *migrationServer) RollbackMigration(ctx context.Context, r *droverv1.RollbackMigrationRequest) (*droverv1.RollbackMigrationResponse, error) {
	m, err := a.s.act(ctx, r.GetName(), func(m *state.Migration, _ []*state.Table) (*journalv1.Event, error) {
		switch {
		case !m.Atomic():
			return nil, refuse(m, "cannot be rolled back: its tables are live while they fill; a migration with publish: atomic can be")
		case !m.Published.IsZero():
			return nil, refuse(m, "cannot be rolled back: its tables are published and live")
		case m.Stage == state.Discarding:
			return nil, nil
		case m.Stage == state.RolledBack || m.Discarded:
			return nil, refuse(m, "is rolled back already: its target is as it was")
		case !mayHaveMade(m):
			return nil, refuse(m, "has made nothing in its target: cancel or delete it")
		}
		return discardEvent(journalv1.MigrationEnded_OUTCOME_ROLLED_BACK, state.Problem{Reason: "somebody asked for the rollback"}), nil
	})
	return &droverv1.RollbackMigrationResponse{Migration: m}, err
}

// CancelMigration ends a migration where it stands; an atomic one leaves nothing.
func (a *migrationServer) CancelMigration(ctx context.Context, r *droverv1.CancelMigrationRequest) (*droverv1.CancelMigrationResponse, error) {
	m, err := a.s.act(ctx, r.GetName(), func(m *state.Migration, _ []*state.Table) (*journalv1.Event, error) { return cancellation(m) })
	return &droverv1.CancelMigrationResponse{Migration: m}, err
}

// Cancel ends a migration where it stands.
func (s *Leader) Cancel(ctx context.Context, uid string) error {
	m := s.view().Migration(uid)
	if m == nil {
		return fault.New(fault.NotFound, "coordinator.Cancel", "no migration has the uid %s", uid)
	}
	e, err := cancellation(m)
	if err != nil || e == nil {
		return err
	}
	return s.append(ctx, uid, e)
}

// cancellation is the event that cancels a migration; nil where it is on its way.
func cancellation(m *state.Migration) (*journalv1.Event, error) {
	switch {
	case m.Stage.Ended() && m.Stage != state.Incomplete:
		return nil, refuse(m, "has ended")
	case m.Stage == state.Discarding:
		return nil, nil
	case !m.Published.IsZero():
		return nil, refuse(m, "is published: its tables are live, and it only has to be finished")
	case m.Atomic() && mayHaveMade(m):
		return discardEvent(journalv1.MigrationEnded_OUTCOME_CANCELLED, state.Problem{Reason: "somebody cancelled the migration"}), nil
	}
	return &journalv1.Event{Body: &journalv1.Event_MigrationEnded{MigrationEnded: &journalv1.MigrationEnded{
		Outcome: journalv1.MigrationEnded_OUTCOME_CANCELLED}}}, nil
}
