package state

import (
	"fmt"
	"slices"
	"time"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

// Phase is a group of tables that begins when the one before is proven.
type Phase struct {
	Name string
	// Manual phases begin when somebody has approved them.
	Manual, Approved bool
	// RangesPerStep bounds the ranges that are under way; 0 for no bound.
	RangesPerStep      int
	Started, Completed time.Time
	// Stopped: a table is blocked and nothing else is left to do.
	Stopped bool
}

// rest is the phase of tables that no phase of the spec names.
const rest = "rest"

// CurrentPhase is the first phase that is not complete, from 1; 0 where there is none.
func (m *Migration) CurrentPhase() uint32 {
	for i, p := range m.Phases {
		if p.Completed.IsZero() {
			return uint32(i + 1)
		}
	}
	return 0
}

// WaitingPhase is the phase that waits for approval, from 1; 0 where none does.
func (m *Migration) WaitingPhase() uint32 {
	n := m.CurrentPhase()
	if n == 0 || m.Stage != Running {
		return 0
	}
	if p := m.Phases[n-1]; !p.Started.IsZero() || !p.Manual || p.Approved {
		return 0
	}
	return n
}

// Begun tells whether a table's phase has begun; without phases every table's has.
func (m *Migration) Begun(t *Table) bool {
	n := int(t.Plan.GetPhase())
	return n == 0 || (n <= len(m.Phases) && !m.Phases[n-1].Started.IsZero())
}

// PhaseNames are the names of a spec's phases and of the one behind them.
func PhaseNames(s *droverv1.MigrationSpec) []string {
	var names []string
	for _, p := range s.GetPhases() {
		names = append(names, p.GetName())
	}
	last := rest
	for i := 2; slices.Contains(names, last); i++ {
		last = fmt.Sprintf("%s-%d", rest, i)
	}
	return append(names, last)
}

// planPhases lists the phases that a plan has; what has begun stays as it is.
func (a *apply) planPhases() {
	if a.m.Spec.GetStrategy() != "phased" {
		return
	}
	tables := a.view().Tables(a.uid)
	var out []Phase
	for i, name := range PhaseNames(a.m.Spec) {
		number := uint32(i + 1)
		if i == len(a.m.Spec.GetPhases()) && !slices.ContainsFunc(tables, func(t *Table) bool { return t.Plan.GetPhase() == number }) {
			break
		}
		p := Phase{Name: name}
		if i < len(a.m.Spec.GetPhases()) {
			p.Manual, p.RangesPerStep = a.m.Spec.GetPhases()[i].GetApprove() == "manual", int(a.m.Spec.GetPhases()[i].GetRangesPerStep())
		}
		if i < len(a.m.Phases) && !a.m.Phases[i].Started.IsZero() {
			p = a.m.Phases[i]
		} else if i < len(a.m.Phases) && a.m.Phases[i].Name == name {
			p.Approved = a.m.Phases[i].Approved
		}
		out = append(out, p)
	}
	a.m.Phases = out
}

// phase applies the events of phases.
func (a *apply) phase() error {
	now := a.event.GetTime().AsTime()
	switch b := a.event.GetBody().(type) {
	case *journalv1.Event_PhaseApproved:
		return a.changePhase(b.PhaseApproved.GetPhase(), func(p *Phase) { p.Approved = true })
	case *journalv1.Event_PhaseStarted:
		return a.changePhase(b.PhaseStarted.GetPhase(), func(p *Phase) { p.Started = now })
	case *journalv1.Event_PhaseCompleted:
		return a.changePhase(b.PhaseCompleted.GetPhase(), func(p *Phase) { p.Completed = now })
	case *journalv1.Event_PhaseStopped:
		a.m.Stage, a.m.Problem = Stopped, Problem{Reason: b.PhaseStopped.GetReason()}
		return a.changePhase(b.PhaseStopped.GetPhase(), func(p *Phase) { p.Stopped = true })
	}
	return nil
}

// changePhase changes a copy of the phases: stored ones are never changed.
func (a *apply) changePhase(number uint32, change func(*Phase)) error {
	if number == 0 || int(number) > len(a.m.Phases) {
		return fmt.Errorf("no phase %d", number)
	}
	a.m.Phases = slices.Clone(a.m.Phases)
	change(&a.m.Phases[number-1])
	return nil
}

// reopen lets a migration go on that ended or stopped with blocked tables.
func (a *apply) reopen() {
	if a.m.Stage != Incomplete && a.m.Stage != Stopped {
		return
	}
	a.m.Stage, a.m.Problem, a.m.Ended = Running, Problem{}, time.Time{}
	a.m.Phases = slices.Clone(a.m.Phases)
	for i := range a.m.Phases {
		a.m.Phases[i].Stopped = false
	}
}
