package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/glob"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// rangesPerEvent bounds an event of the log, whatever the table.
const rangesPerEvent = 1000

// reasonPreflight is the kind of failure of a plan that must not be carried out.
const reasonPreflight = "preflight"

// described keeps what the source has for the design; the log gets what people ask for.
func (s *Leader) described(ctx context.Context, m *state.Migration, db *planv1.Database) error {
	r := s.run(m.UID)
	if !designing(m, r) {
		return nil
	}
	spec := wanted(m, r)
	db.Tables = slices.DeleteFunc(db.GetTables(), func(t *planv1.Table) bool { return !moves(spec, t) || s.givenUp(m.UID, t) })
	if len(db.GetTables()) == 0 && r.update != nil {
		s.updateFailed(r, fault.New(fault.Invalid, "coordinator.described", "%s", nothingToMove(spec)))
		return nil
	}
	r.described = db
	if m.Stage != state.Planning {
		return nil
	}
	if len(db.GetTables()) == 0 {
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_MigrationFailed{MigrationFailed: &journalv1.MigrationFailed{
			Reason: nothingToMove(spec), Side: fault.Source, Kind: reasonPreflight}}})
	}
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_SourceDescribed{SourceDescribed: &journalv1.SourceDescribed{
		Engine: db.GetEngine(), Version: db.GetVersion(), Identity: db.GetIdentity(), Unmoved: db.GetUnmoved(), Tables: int32(len(db.GetTables()))}}})
}

// moves tells whether the first rule that matches a table lets it move. The describe
// job selects by globs, which know no order.
func moves(spec *droverv1.MigrationSpec, t *planv1.Table) bool {
	for _, rule := range spec.GetTables() {
		if glob.Table(rule.GetMatch(), t.GetSchema(), t.GetName()) {
			return !rule.GetSkip()
		}
	}
	return true
}

// givenUp tells whether a user has skipped a table.
func (s *Leader) givenUp(uid string, source *planv1.Table) bool {
	return slices.ContainsFunc(s.view().Tables(uid), func(t *state.Table) bool {
		return t.Skipped && !t.SkippedBySpec && t.Plan.GetSource().GetSchema() == source.GetSchema() && t.Plan.GetSource().GetName() == source.GetName()
	})
}

func nothingToMove(spec *droverv1.MigrationSpec) string {
	var globs []string
	for _, rule := range spec.GetTables() {
		if !rule.GetSkip() {
			globs = append(globs, rule.GetMatch())
		}
	}
	if len(globs) == 0 {
		return "source has no tables that this user can see; check the database in the URL and the user's privileges"
	}
	return fmt.Sprintf("source has no table that matches %s; names are schema.table with * and ?", strings.Join(globs, ", "))
}

// designed numbers the tables and writes them down; the design's own event comes
// last and says that all of them are there.
func (s *Leader) designed(ctx context.Context, m *state.Migration, d *planv1.Design) error {
	if !designing(m, s.run(m.UID)) {
		return nil
	}
	if m.Stage != state.Planning {
		return s.redesigned(ctx, m, d)
	}
	findings := append(d.GetFindings(), assignPhases(m.Spec, d.GetTables(), 0)...)
	for i, t := range d.GetTables() {
		t.Number = uint32(i + 1)
		if err := s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TablePlanned{TablePlanned: &journalv1.TablePlanned{Table: t}}}); err != nil {
			return err
		}
	}
	s.run(m.UID).described = nil
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TargetDesigned{TargetDesigned: &journalv1.TargetDesigned{
		Engine: d.GetEngine(), Version: d.GetVersion(), Identity: d.GetIdentity(), Statements: d.GetStatements(),
		Findings: findings, Tables: int32(len(d.GetTables())), Objects: d.GetObjects(), Unmoved: d.GetUnmoved()}}})
}

// ranged writes a table's ranges down.
func (s *Leader) ranged(ctx context.Context, w workID, ranges []*planv1.Range) error {
	if len(ranges) == 0 {
		return fault.New(fault.Internal, "coordinator.ranged", "table %d was split into no ranges", w.table)
	}
	for begin := 0; begin < len(ranges); begin += rangesPerEvent {
		end := min(begin+rangesPerEvent, len(ranges))
		if err := s.append(ctx, w.migration, &journalv1.Event{Body: &journalv1.Event_RangesPlanned{RangesPlanned: &journalv1.RangesPlanned{
			Table: w.table, Ranges: ranges[begin:end], Last: end == len(ranges)}}}); err != nil {
			return err
		}
	}
	return nil
}

// planned ends planning when every table that can move is split.
func (s *Leader) planned(ctx context.Context, m *state.Migration) error {
	if m.Tables < 0 || m.Recovering {
		return nil
	}
	tables := s.view().Tables(m.UID)
	if err := s.concludeAssessments(ctx, m, tables); err != nil {
		return err
	}
	if toPlan(m, s.view().Tables(m.UID)) || len(s.toSample(m, tables)) > 0 {
		return nil
	}
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_PlanFinished{PlanFinished: &journalv1.PlanFinished{}}})
}

// begin starts a planned migration, or refuses it as a whole: before anything is
// created is the time to say what cannot move.
func (s *Leader) begin(ctx context.Context, m *state.Migration) error {
	if err := preflight(m, s.view().Tables(m.UID)); err != nil {
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_MigrationFailed{MigrationFailed: &journalv1.MigrationFailed{
			Reason: err.Error(), Kind: reasonPreflight}}})
	}
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_MigrationStarted{MigrationStarted: &journalv1.MigrationStarted{}}})
}

// unsplittable takes a table that cannot be split. For people who look at a plan it
// is one more finding; a run ends before anything is created.
func (s *Leader) unsplittable(ctx context.Context, t *state.Table, p state.Problem) error {
	plan := proto.CloneOf(t.Plan)
	plan.Findings = append(plan.Findings, &planv1.Finding{Severity: planv1.Severity_SEVERITY_ERROR, Code: "CANNOT_SPLIT", Table: sourceName(plan),
		Message: "table cannot be cut into ranges: " + p.Reason})
	return s.append(ctx, t.Migration, &journalv1.Event{Body: &journalv1.Event_TablePlanned{TablePlanned: &journalv1.TablePlanned{Table: plan}}})
}

// preflight tells what stands against carrying a plan out.
func preflight(m *state.Migration, tables []*state.Table) error {
	findings := m.Findings
	for _, t := range tables {
		if !t.Skipped {
			findings = append(findings[:len(findings):len(findings)], t.Plan.GetFindings()...)
		}
	}
	return preflightOf(findings)
}

// mostFindings are named, a line each, by the refusal of a plan.
const mostFindings = 20

// preflightOf names the findings that stop a plan, a line each; nil where none does.
func preflightOf(findings []*planv1.Finding) error {
	var all []string
	for _, f := range findings {
		if f.GetSeverity() == planv1.Severity_SEVERITY_ERROR {
			all = append(all, findingText(f))
		}
	}
	if len(all) == 0 {
		return nil
	}
	if n := len(all) - mostFindings; n > 0 {
		all = append(all[:mostFindings], fmt.Sprintf("and %d more: see drover check", n))
	}
	return errors.New(strings.Join(all, "\n"))
}

func findingText(f *planv1.Finding) string {
	where := f.GetTable()
	if f.GetColumn() != "" {
		where += "." + f.GetColumn()
	}
	if where != "" {
		where += ": "
	}
	return where + f.GetMessage()
}

// abort ends a migration that could not be planned or prepared.
func (s *Leader) abort(ctx context.Context, m *state.Migration, err error) error {
	f := fault.Find(err)
	if m.Stage == state.Running && m.Prepared && discards(m) {
		return s.discard(ctx, m, journalv1.MigrationEnded_OUTCOME_ROLLED_BACK, state.Problem{Reason: err.Error(), Side: f.Side, Kind: f.Kind.String()})
	}
	s.cfg.Logger.Error("migration failed", "migration", m.Name, "kind", f.Kind.String(), "side", f.Side, "err", err)
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_MigrationFailed{MigrationFailed: &journalv1.MigrationFailed{
		Reason: err.Error(), Side: f.Side, Kind: f.Kind.String()}}})
}
