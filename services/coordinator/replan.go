package coordinator

import (
	"context"

	"google.golang.org/protobuf/proto"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// replanning tells whether tables are planned anew: none begins meanwhile, and the
// migration does not end.
func replanning(m *state.Migration, r *run) bool {
	return changeable(m) && (m.Replan != state.ReplanNone || r != nil && r.update != nil)
}

// changeable tells whether a migration stands where its plan may still change.
func changeable(m *state.Migration) bool {
	return m.Stage == state.Planned || m.Stage == state.Running || m.Stage == state.Stopped || m.Stage == state.Incomplete
}

// designing tells whether source and target are to be looked at for a plan.
func designing(m *state.Migration, r *run) bool {
	switch {
	case m.Stage == state.Planning:
		return m.Tables < 0 && !m.Recovering
	case m.Replan == state.ReplanNone:
		return r.update != nil
	default:
		return m.Replan != state.ReplanSplit
	}
}

// wanted is the spec to plan by.
func wanted(m *state.Migration, r *run) *droverv1.MigrationSpec {
	if r.update != nil && m.Replan == state.ReplanNone {
		return r.update.spec
	}
	return m.Spec
}

// changes are what a new design means for the tables of a migration.
type changes struct {
	planned []*planv1.TablePlan
	gone    []uint32
}

// compare finds what of a new design is for tables that have not begun. Begun ones
// stay as they are.
func (s *Leader) compare(m *state.Migration, spec *droverv1.MigrationSpec, d *planv1.Design) changes {
	var out changes
	known, kept, next := map[string]*state.Table{}, map[uint32]bool{}, uint32(1)
	tables := s.view().Tables(m.UID)
	for _, t := range tables {
		known[sourceName(t.Plan)] = t
		next = max(next, t.Number+1)
	}
	all := m.Replan != state.ReplanLinks
	resplit := !proto.Equal(spec.GetRanges(), m.Spec.GetRanges())
	for _, p := range d.GetTables() {
		t := known[sourceName(p)]
		switch {
		case t == nil && all:
			p.Number = next
			next++
			out.planned = append(out.planned, p)
		case t == nil, s.hasBegun(t):
		case (all || refersToSkipped(t, tables)) && (resplit || t.Skipped || t.Blocked || !samePlan(t.Plan, p)):
			p.Number = t.Number
			out.planned = append(out.planned, p)
		}
		if t != nil {
			kept[t.Number] = true
		}
	}
	for _, t := range tables {
		if all && !kept[t.Number] && !t.Skipped && !s.hasBegun(t) {
			out.gone = append(out.gone, t.Number)
		}
	}
	return out
}

// hasBegun tells whether something of a table is, or may be, in the target.
func (s *Leader) hasBegun(t *state.Table) bool {
	return t.Stage > state.TablePlanned || s.busy[workID{migration: t.Migration, kind: workCreate, table: t.Number}] != nil
}

func refersToSkipped(t *state.Table, tables []*state.Table) bool {
	for _, other := range tables {
		if other.Skipped && t.RefersTo(other) {
			return true
		}
	}
	return false
}

// samePlan compares plans but for what every look at the source changes.
func samePlan(old, p *planv1.TablePlan) bool {
	p = proto.CloneOf(p)
	p.Number = old.GetNumber()
	p.Source.EstimatedRows, p.Source.EstimatedBytes = old.GetSource().GetEstimatedRows(), old.GetSource().GetEstimatedBytes()
	return proto.Equal(old, p)
}

// redesigned takes a design for tables that have not begun. A design of a changed
// spec that cannot be carried out changes nothing.
func (s *Leader) redesigned(ctx context.Context, m *state.Migration, d *planv1.Design) error {
	r := s.run(m.UID)
	spec := wanted(m, r)
	findings := append(d.GetFindings(), assignPhases(spec, d.GetTables(), begunPhases(m))...)
	c := s.compare(m, spec, d)
	if r.update != nil && m.Replan == state.ReplanNone {
		if err := refusal(findings, c.planned); err != nil && m.Stage != state.Planned {
			s.updateFailed(r, fault.Wrap(fault.Unsupported, "coordinator.UpdateMigration", err))
			return nil
		}
		if err := s.append(ctx, m.UID, &journalv1.Event{Actor: "admin", Body: &journalv1.Event_SpecChanged{SpecChanged: &journalv1.SpecChanged{Spec: spec}}}); err != nil {
			return err
		}
	}
	if err := s.record(ctx, m.UID, c); err != nil {
		return err
	}
	if r.update != nil {
		for _, p := range c.planned {
			r.update.replanned = append(r.update.replanned, sourceName(p))
		}
	}
	r.described = nil
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TargetDesigned{TargetDesigned: &journalv1.TargetDesigned{
		Engine: d.GetEngine(), Version: d.GetVersion(), Identity: d.GetIdentity(), Statements: d.GetStatements(),
		Findings: findings, Tables: int32(len(d.GetTables())), Objects: d.GetObjects(), Unmoved: d.GetUnmoved()}}})
}

// refusal tells what stands against tables that are planned anew.
func refusal(findings []*planv1.Finding, planned []*planv1.TablePlan) error {
	for _, p := range planned {
		findings = append(findings[:len(findings):len(findings)], p.GetFindings()...)
	}
	return preflightOf(findings)
}

// record writes the changes down. Whoever was splitting by the old plan stops.
func (s *Leader) record(ctx context.Context, uid string, c changes) error {
	for _, p := range c.planned {
		if l := s.busy[workID{migration: uid, kind: workSplit, table: p.GetNumber()}]; l != nil {
			s.revoke(l, "the table is planned anew")
		}
		if err := s.append(ctx, uid, &journalv1.Event{Body: &journalv1.Event_TablePlanned{TablePlanned: &journalv1.TablePlanned{Table: p}}}); err != nil {
			return err
		}
	}
	for _, number := range c.gone {
		if err := s.append(ctx, uid, &journalv1.Event{Body: &journalv1.Event_TableSkipped{TableSkipped: &journalv1.TableSkipped{Table: number, BySpec: true}}}); err != nil {
			return err
		}
	}
	return nil
}

// replanned ends planning anew when every table that can move is split.
func (s *Leader) replanned(ctx context.Context, m *state.Migration) error {
	for _, t := range s.view().Tables(m.UID) {
		if toSplit(t) {
			return nil
		}
	}
	if err := s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_PlanFinished{PlanFinished: &journalv1.PlanFinished{}}}); err != nil {
		return err
	}
	if r := s.run(m.UID); r.update != nil {
		r.update.done <- nil
		r.update = nil
	}
	return nil
}
