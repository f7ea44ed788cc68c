package coordinator

import (
	"context"
	"errors"
	"fmt"
	"strings"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// rangesPerEvent bounds an event of the log, whatever the table.
const rangesPerEvent = 1000

// reasonPreflight is the kind of failure of a plan that must not be carried out.
const reasonPreflight = "preflight"

// described keeps what the source has for the design; the log gets what people ask for.
func (s *Service) described(ctx context.Context, m *state.Migration, db *planv1.Database) error {
	if len(db.GetTables()) == 0 {
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_MigrationFailed{MigrationFailed: &journalv1.MigrationFailed{
			Reason: nothingToMove(m), Side: fault.Source, Kind: reasonPreflight}}})
	}
	s.run(m.UID).described = db
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_SourceDescribed{SourceDescribed: &journalv1.SourceDescribed{
		Engine: db.GetEngine(), Version: db.GetVersion(), Identity: db.GetIdentity(), Unmoved: db.GetUnmoved(), Tables: int32(len(db.GetTables()))}}})
}

func nothingToMove(m *state.Migration) string {
	var globs []string
	for _, rule := range m.Spec.GetTables() {
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
func (s *Service) designed(ctx context.Context, m *state.Migration, d *planv1.Design) error {
	for i, t := range d.GetTables() {
		t.Number = uint32(i + 1)
		if err := s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TablePlanned{TablePlanned: &journalv1.TablePlanned{Table: t}}}); err != nil {
			return err
		}
	}
	s.run(m.UID).described = nil
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_TargetDesigned{TargetDesigned: &journalv1.TargetDesigned{
		Engine: d.GetEngine(), Version: d.GetVersion(), Identity: d.GetIdentity(), Statements: d.GetStatements(),
		Findings: d.GetFindings(), Tables: int32(len(d.GetTables()))}}})
}

// ranged writes a table's ranges down.
func (s *Service) ranged(ctx context.Context, w workID, ranges []*planv1.Range) error {
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
func (s *Service) planned(ctx context.Context, m *state.Migration) error {
	if m.Tables < 0 {
		return nil
	}
	for _, t := range s.view().Tables(m.UID) {
		if !t.Split && !hasError(t.Plan) {
			return nil
		}
	}
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_PlanFinished{PlanFinished: &journalv1.PlanFinished{}}})
}

// begin starts a planned migration, or refuses it as a whole: before anything is
// created is the time to say what cannot move.
func (s *Service) begin(ctx context.Context, m *state.Migration) error {
	if err := preflight(m, s.view().Tables(m.UID)); err != nil {
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_MigrationFailed{MigrationFailed: &journalv1.MigrationFailed{
			Reason: err.Error(), Kind: reasonPreflight}}})
	}
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_MigrationStarted{MigrationStarted: &journalv1.MigrationStarted{}}})
}

// preflight tells what stands against carrying a plan out.
func preflight(m *state.Migration, tables []*state.Table) error {
	var all []string
	take := func(f *planv1.Finding) {
		if f.GetSeverity() != planv1.Severity_SEVERITY_ERROR {
			return
		}
		where := f.GetTable()
		if f.GetColumn() != "" {
			where += "." + f.GetColumn()
		}
		if where != "" {
			where += ": "
		}
		all = append(all, where+f.GetMessage())
	}
	for _, f := range m.Findings {
		take(f)
	}
	for _, t := range tables {
		for _, f := range t.Plan.GetFindings() {
			take(f)
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return errors.New(all[0])
	default:
		return fmt.Errorf("%s (and %d more; see drover check)", all[0], len(all)-1)
	}
}

// abort ends a migration that could not be planned or prepared.
func (s *Service) abort(ctx context.Context, m *state.Migration, err error) error {
	f := fault.Find(err)
	s.cfg.Logger.Error("migration failed", "migration", m.Name, "kind", f.Kind.String(), "side", f.Side, "err", err)
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_MigrationFailed{MigrationFailed: &journalv1.MigrationFailed{
		Reason: err.Error(), Side: f.Side, Kind: f.Kind.String()}}})
}
