package coordinator

import (
	"context"
	"fmt"
	"slices"
	"strings"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/glob"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

const strategyPhased = "phased"

// assignPhases gives each table the first phase that names it, or the one behind
// all, and tells what is strange about the phases. The first ones have begun: what
// they have is not this plan's to say.
func assignPhases(s *droverv1.MigrationSpec, tables []*planv1.TablePlan, begun int) []*planv1.Finding {
	if s.GetStrategy() != strategyPhased {
		return nil
	}
	used, left := make([]bool, len(s.GetPhases())+1), []string{}
	for _, t := range tables {
		i := phaseOf(s, t.GetSource())
		t.Phase, used[i] = uint32(i+1), true
		if i == len(s.GetPhases()) {
			left = append(left, sourceName(t))
		} else if s.GetPhases()[i].GetRangesPerStep() > 0 {
			keyFirst(t)
		}
	}
	var out []*planv1.Finding
	for i, p := range s.GetPhases() {
		if !used[i] && i >= begun {
			out = append(out, &planv1.Finding{Severity: planv1.Severity_SEVERITY_ERROR, Code: "PHASE_EMPTY", Message: fmt.Sprintf(
				"phase %q has no table: none matches %s, or an earlier phase has them; names are schema.table of the source with * and ?",
				p.GetName(), strings.Join(p.GetTables(), ", "))})
		}
	}
	if len(left) > 0 {
		names := state.PhaseNames(s)
		out = append(out, &planv1.Finding{Severity: planv1.Severity_SEVERITY_INFO, Code: "PHASE_REST", Message: fmt.Sprintf(
			"no phase names %s: they move last, in a phase %q", strings.Join(left, ", "), names[len(names)-1])})
	}
	return out
}

// phaseOf is the position of the first phase that names a table.
func phaseOf(s *droverv1.MigrationSpec, t *planv1.Table) int {
	for i, p := range s.GetPhases() {
		if slices.ContainsFunc(p.GetTables(), func(g string) bool { return glob.Table(g, t.GetSchema(), t.GetName()) }) {
			return i
		}
	}
	return len(s.GetPhases())
}

// begunPhases counts the phases that have begun.
func begunPhases(m *state.Migration) int {
	n := slices.IndexFunc(m.Phases, func(p state.Phase) bool { return p.Started.IsZero() })
	if n < 0 {
		return len(m.Phases)
	}
	return n
}

// settlePhase begins, completes or stops the current phase.
func (s *Leader) settlePhase(ctx context.Context, m *state.Migration, left remains) error {
	n := m.CurrentPhase()
	if n == 0 || replanning(m, s.runs[m.UID]) {
		return nil
	}
	switch p := m.Phases[n-1]; {
	case p.Started.IsZero():
		if m.WaitingPhase() != 0 {
			s.releaseSnapshot(m.UID)
			return nil
		}
		if m.Paused {
			return nil
		}
		s.cfg.Logger.Info("phase begins", "migration", m.Name, "phase", p.Name)
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_PhaseStarted{PhaseStarted: &journalv1.PhaseStarted{Phase: n}}})
	case left.moving || s.working(m.UID):
		return nil
	case len(left.blocked) > 0:
		s.cfg.Logger.Warn("phase stopped", "migration", m.Name, "phase", p.Name, "blocked", len(left.blocked))
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_PhaseStopped{PhaseStopped: &journalv1.PhaseStopped{
			Phase: n, Reason: fmt.Sprintf("phase %q stopped: %s; resume goes on when the cause is gone, skip goes on without the table", p.Name, left.why())}}})
	default:
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_PhaseCompleted{PhaseCompleted: &journalv1.PhaseCompleted{Phase: n}}})
	}
}

// releaseSnapshot lets go of a snapshot that no table of the begun phases needs any
// more: a phase may wait for days, and the source pays for it.
func (s *Leader) releaseSnapshot(uid string) {
	if l := s.busy[workID{migration: uid, kind: workSnapshot}]; l != nil {
		s.revoke(l, "no table needs the snapshot now")
		s.run(uid).snapshot = ""
	}
}

// ApproveMigration lets the phase begin that waits.
func (a *migrationServer) ApproveMigration(ctx context.Context, r *droverv1.ApproveMigrationRequest) (*droverv1.ApproveMigrationResponse, error) {
	m, err := a.s.act(ctx, r.GetName(), func(m *state.Migration, _ []*state.Table) (*journalv1.Event, error) {
		n := m.WaitingPhase()
		if n == 0 {
			return nil, refuse(m, "has no phase that waits for approval: %s", standing(m))
		}
		if name := m.Phases[n-1].Name; r.GetPhase() != "" && r.GetPhase() != name {
			return nil, refuse(m, "does not wait for phase %q: it is phase %q that waits for approval", r.GetPhase(), name)
		}
		return &journalv1.Event{Body: &journalv1.Event_PhaseApproved{PhaseApproved: &journalv1.PhaseApproved{Phase: n}}}, nil
	})
	return &droverv1.ApproveMigrationResponse{Migration: m}, err
}

// standing says in a few words what a migration does now.
func standing(m *state.Migration) string {
	if n := m.CurrentPhase(); n != 0 && m.Stage == state.Running {
		return fmt.Sprintf("phase %q is running", m.Phases[n-1].Name)
	}
	return "it is " + stateName(m)
}

// waitingReason says what a phase waits for.
func waitingReason(m *state.Migration) string {
	n := m.WaitingPhase()
	return fmt.Sprintf("phase %d of %d, %q, waits for approval: run `drover approve %s`", n, len(m.Phases), m.Phases[n-1].Name, m.Name)
}

// phaseMessages writes the phases for the admin API.
func phaseMessages(m *state.Migration, tables []*state.Table) []*droverv1.PhaseStatus {
	var out []*droverv1.PhaseStatus
	for i, p := range m.Phases {
		msg := &droverv1.PhaseStatus{Name: p.Name, StartTime: timestamp(p.Started), EndTime: timestamp(p.Completed), State: droverv1.PhaseStatus_STATE_PENDING}
		switch {
		case !p.Completed.IsZero():
			msg.State = droverv1.PhaseStatus_STATE_COMPLETE
		case p.Stopped:
			msg.State = droverv1.PhaseStatus_STATE_STOPPED
		case !p.Started.IsZero():
			msg.State = droverv1.PhaseStatus_STATE_RUNNING
		case m.WaitingPhase() == uint32(i+1):
			msg.State = droverv1.PhaseStatus_STATE_WAITING
		}
		for _, t := range tables {
			if t.Plan.GetPhase() != uint32(i+1) {
				continue
			}
			msg.Tables++
			if t.Done() {
				msg.TablesComplete++
			}
		}
		out = append(out, msg)
	}
	return out
}
