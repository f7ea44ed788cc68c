package coordinator

import (
	"context"
	"errors"
	"fmt"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

const (
	// outrankedMost is how often the target must refuse the same work of the current term,
	// each time with a higher number, before the log is thought to be older than the
	// target. One may be a race; a coordinator that was replaced finds out by its next append.
	outrankedMost = 3
	// adoptedTerms is how far the term jumps when an older log is adopted: beyond any
	// that the target can have seen since.
	adoptedTerms = 1 << 16
)

// errAdopted ends a leader so that the next term begins.
var errAdopted = errors.New("a control log was adopted, for the next term")

// outranked notices a control log that came back older than the target: nobody has
// higher numbers than the leader, unless its log has forgotten who gave them. It tells
// whether that is so.
func (s *Leader) outranked(ctx context.Context, l *lease, m *state.Migration, kind fault.Kind, p state.Problem) (bool, error) {
	asked := m.Unconfirmed != 0 && l.work.kind == workPrepare && l.job.GetTerm() == m.Unconfirmed
	if kind != fault.Fenced || p.Side != fault.Target || l.job.GetTerm() != s.term && !asked || l.work.kind == workRecover {
		return false, nil
	}
	r := s.run(m.UID)
	if r.outranked[l.work]++; r.outranked[l.work] < outrankedMost && !asked {
		return false, nil
	}
	reason := fmt.Sprintf("the target was written by a later coordinator than the control log knows (%s): the log was wiped or restored from a backup. "+
		"Nothing is written until drover adopt %s, which copies what is not complete again", p.Reason, m.Name)
	err := s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_ControlRegressed{ControlRegressed: &journalv1.ControlRegressed{Reason: reason}}})
	if err != nil {
		return false, err
	}
	s.cfg.Logger.Error("control log is older than the target", "migration", m.Name, "reason", p.Reason)
	s.standStill(m.UID, "the control log is older than the target")
	return true, nil
}

// standStill takes everything back that is under way for a migration.
func (s *Leader) standStill(uid, reason string) {
	for _, w := range inOrder(s.busy) {
		if l := s.busy[w]; l != nil && w.migration == uid {
			s.revoke(l, reason)
		}
	}
	r := s.run(uid)
	for _, w := range inOrder(r.attempts) {
		s.bury(uid, r.attempts[w].subject)
		delete(r.attempts, w)
	}
	clear(r.outranked)
	r.snapshot = ""
}

// allows refuses what would happen to a migration whose log came back older: only to be
// adopted or deleted is left.
func (s *Leader) allows(uid string, e *journalv1.Event) error {
	m := s.view().Migration(uid)
	if m == nil || !m.Regressed {
		return nil
	}
	switch e.GetBody().(type) {
	case *journalv1.Event_TermStarted, *journalv1.Event_ControlRegressed, *journalv1.Event_ControlAdopted, *journalv1.Event_MigrationDeleted:
		return nil
	}
	return fault.New(fault.Conflict, "coordinator.append", "migration %s is at rest: %s", m.Name, m.Problem.Reason)
}

// Adopt goes on with a log that came back older, under a term that the target has not
// seen. The leader must not go on after it: the next one has that term.
func (s *Leader) Adopt(ctx context.Context, uid string) error {
	err := s.append(ctx, uid, &journalv1.Event{Actor: "admin", Body: &journalv1.Event_ControlAdopted{ControlAdopted: &journalv1.ControlAdopted{}}})
	if err != nil {
		return err
	}
	term := s.term + adoptedTerms
	_, err = s.log.Append(ctx, bus.ClusterLog, s.cluster.last, s.stamp(&journalv1.Event{
		Body: &journalv1.Event_TermStarted{TermStarted: &journalv1.TermStarted{Term: term}}}))
	if err == nil {
		s.fatal = errAdopted
	}
	s.nudge()
	return err
}

// AdoptMigration goes on with a migration whose log came back older.
func (a *migrationServer) AdoptMigration(ctx context.Context, r *droverv1.AdoptMigrationRequest) (*droverv1.AdoptMigrationResponse, error) {
	_, found, err := a.s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	a.s.mu.Lock()
	m := a.s.view().Migration(found.UID)
	switch {
	case m == nil || !m.Regressed:
		err = fault.New(fault.Invalid, "coordinator.AdoptMigration", "migration %s has a control log as new as its target: there is nothing to adopt", found.Name)
	case m.Stage != state.Running:
		err = fault.New(fault.Unsupported, "coordinator.AdoptMigration",
			"the control log of %s has lost the plan by which the target was filled: delete the migration and apply the spec again, which goes on with what the target keeps", m.Name)
	default:
		err = a.s.Adopt(ctx, m.UID)
	}
	a.s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return &droverv1.AdoptMigrationResponse{Migration: a.s.message(found.UID)}, nil
}
