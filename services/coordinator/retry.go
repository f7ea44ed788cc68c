package coordinator

import (
	"context"
	"strconv"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// RetryMigration lifts blocks: of everything, of a table, or of one range.
func (a *migrationServer) RetryMigration(ctx context.Context, r *droverv1.RetryMigrationRequest) (*droverv1.RetryMigrationResponse, error) {
	s := a.s
	_, m, err := s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	retry := s.retryBlocked
	if r.GetRejects() {
		retry = s.retryRejects
	}
	n, err := retry(ctx, m.UID, r.GetTable(), r.GetRange())
	if err != nil {
		return nil, err
	}
	return &droverv1.RetryMigrationResponse{Migration: s.message(m.UID), Retried: int32(n)}, nil
}

func (s *Service) retryBlocked(ctx context.Context, uid, table string, number uint32) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lift(ctx, uid, table, number)
}

// lift takes blocks away: of everything, of a table, or of one range.
func (s *Leader) lift(ctx context.Context, uid, table string, number uint32) (int, error) {
	m := s.view().Migration(uid)
	if m == nil || (m.Stage != state.Running && m.Stage != state.Incomplete && m.Stage != state.Stopped) {
		return 0, fault.New(fault.Invalid, "coordinator.RetryMigration", "migration is not running and has nothing that is blocked")
	}
	retried, named := 0, table == ""
	for _, t := range s.view().Tables(uid) {
		if !isTable(t, table) {
			continue
		}
		named = true
		n, err := s.retryTable(ctx, t, number)
		retried += n
		if err != nil {
			return retried, err
		}
	}
	if !named {
		return 0, fault.New(fault.NotFound, "coordinator.RetryMigration", "no table %q in migration %s", table, m.Name)
	}
	if now := s.view().Migration(uid); now.Stage == state.Running || table != "" {
		return retried, nil
	}
	// No table is blocked: publishing was, or what stood in the way was replanned.
	return retried, s.append(ctx, uid, &journalv1.Event{Actor: "admin", Body: &journalv1.Event_MigrationResumed{MigrationResumed: &journalv1.MigrationResumed{}}})
}

func (s *Leader) retryTable(ctx context.Context, t *state.Table, number uint32) (int, error) {
	var blocked []uint32
	s.view().RangesIn(t.Migration, t.Number, state.RangeBlocked, func(r *state.Range) bool {
		if number == 0 || r.Number == number {
			blocked = append(blocked, r.Number)
		}
		return true
	})
	for _, n := range blocked {
		s.run(t.Migration).settled(rangeID(t.Migration, t.Number, n))
		s.run(t.Migration).settled(rangeID(t.Migration, t.Number, n).as(workValidate))
		if err := s.append(ctx, t.Migration, &journalv1.Event{Actor: "admin", Body: &journalv1.Event_RangeRetried{
			RangeRetried: &journalv1.RangeRetried{Table: t.Number, Range: n}}}); err != nil {
			return 0, err
		}
	}
	if !t.Blocked {
		return len(blocked), nil
	}
	err := s.append(ctx, t.Migration, &journalv1.Event{Actor: "admin", Body: &journalv1.Event_TableRetried{
		TableRetried: &journalv1.TableRetried{Table: t.Number}}})
	return max(len(blocked), 1), err
}

// isTable tells whether a name means a table: its number, or its name in source or target.
func isTable(t *state.Table, name string) bool {
	return name == "" || name == strconv.Itoa(int(t.Number)) || name == targetName(t.Plan) || name == sourceName(t.Plan) ||
		name == t.Plan.GetTargetName() || name == t.Plan.GetPublishName()
}
