package coordinator

import (
	"context"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// SkipTable gives a table or one of its ranges up.
func (a *migrationServer) SkipTable(ctx context.Context, r *droverv1.SkipTableRequest) (*droverv1.SkipTableResponse, error) {
	s := a.s
	_, m, err := s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	if err := s.skip(ctx, m.UID, r.GetTable(), r.GetRange()); err != nil {
		return nil, err
	}
	return &droverv1.SkipTableResponse{Migration: s.message(m.UID)}, nil
}

func (s *Service) skip(ctx context.Context, uid, table string, number uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.view().Migration(uid)
	if m == nil {
		return fault.New(fault.NotFound, "coordinator.SkipTable", "the migration was deleted")
	}
	if !changeable(m) {
		return refuse(m, "has no table to skip: it is %s", stateName(m))
	}
	for _, t := range s.view().Tables(uid) {
		switch {
		case !isTable(t, table):
		case number != 0:
			return s.skipRange(ctx, m, t, number)
		default:
			return s.skipTable(ctx, m, t)
		}
	}
	return fault.New(fault.NotFound, "coordinator.SkipTable", "no table %q in migration %s", table, m.Name)
}

func (s *Leader) skipTable(ctx context.Context, m *state.Migration, t *state.Table) error {
	switch {
	case t.Skipped && !t.SkippedBySpec:
		return nil
	case t.Stage == state.TableComplete:
		return refuse(m, "has proven table %s already: there is nothing to skip", sourceName(t.Plan))
	}
	if err := s.append(ctx, m.UID, &journalv1.Event{Actor: "admin", Body: &journalv1.Event_TableSkipped{
		TableSkipped: &journalv1.TableSkipped{Table: t.Number}}}); err != nil {
		return err
	}
	s.abandonTable(m.UID, t.Number, "the table was given up")
	s.planAgain(m.UID) // a plan that is being made may have the table in it
	return nil
}

// skipRange gives a range up. Its rows are removed by its bounds, so the target must
// be able to tell which those are.
func (s *Leader) skipRange(ctx context.Context, m *state.Migration, t *state.Table, number uint32) error {
	r := s.view().Range(m.UID, t.Number, number)
	switch {
	case r == nil:
		return fault.New(fault.NotFound, "coordinator.SkipTable", "table %s has no range %d", sourceName(t.Plan), number)
	case r.GivenUp():
		return nil
	case !t.ByRange():
		return refuse(m, "cannot skip a range of table %s: the target cannot tell which rows are the range's, so the table is confirmed as a whole; skip the table", sourceName(t.Plan))
	case r.State == state.RangeVerified || t.Skipped || t.Stage >= state.TableVerified:
		return refuse(m, "has proven range %d of table %s already, or skipped the table: there is nothing to skip", number, sourceName(t.Plan))
	}
	for _, kind := range []workKind{workLoad, workExtract, workValidate} {
		if l := s.busy[rangeID(m.UID, t.Number, number).as(kind)]; l != nil {
			s.takeBack(l, "the range was given up")
		}
	}
	return s.append(ctx, m.UID, &journalv1.Event{Actor: "admin", Body: &journalv1.Event_RangeSkipped{
		RangeSkipped: &journalv1.RangeSkipped{Table: t.Number, Range: number}}})
}

// emptied notes that the rows of a range that was given up are gone, and ends the
// load that was for nothing else.
func (s *Leader) emptied(ctx context.Context, l *lease) {
	if err := s.append(ctx, l.work.migration, &journalv1.Event{Body: &journalv1.Event_RangeEmptied{
		RangeEmptied: &journalv1.RangeEmptied{Table: l.work.table, Range: l.work.number}}}); err != nil {
		s.cfg.Logger.Error("emptied range not recorded", "migration", l.job.GetMigrationName(), "job", l.job.GetTitle(), "err", err)
		return
	}
	s.takeBack(l, "the range was given up and is empty")
}

// emptyingFailed tries again to remove a range's rows, or blocks the table.
func (s *Leader) emptyingFailed(ctx context.Context, l *lease, m *state.Migration, kind fault.Kind, p state.Problem) error {
	id := l.work.as(workLoad)
	p.Attempts = s.run(m.UID).retry(id)
	if transient(kind) && (!counts(kind) || p.Attempts < maxAttempts(m)) {
		return nil
	}
	s.run(m.UID).settled(id)
	return s.block(ctx, m, l.work.table, p)
}
