package coordinator

import (
	"context"
	"strings"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/spec"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

type migrationServer struct {
	droverv1.UnsafeMigrationServiceServer
	s *Service
}

// find gives a migration by resource name or plain name. It waits for the log to
// be replayed: a coordinator that just started knows nothing before.
func (s *Service) find(ctx context.Context, name string) (state.View, *state.Migration, error) {
	if err := s.await(ctx); err != nil {
		return state.View{}, nil, err
	}
	plain := strings.TrimPrefix(name, "migrations/")
	view := s.view()
	m := view.MigrationByName(plain)
	if m == nil {
		return view, nil, fault.New(fault.NotFound, "coordinator.find", "no migration is named %q", plain)
	}
	return view, m, nil
}

// message writes a migration as it is now.
func (s *Service) message(uid string) *droverv1.Migration {
	view := s.view()
	m := view.Migration(uid)
	if m == nil {
		return nil
	}
	return migration(m, view.Tables(uid), s.live(uid))
}

// CreateMigration appends the first event of a migration's log.
func (a *migrationServer) CreateMigration(ctx context.Context, r *droverv1.CreateMigrationRequest) (*droverv1.CreateMigrationResponse, error) {
	s := a.s
	if err := s.await(ctx); err != nil {
		return nil, err
	}
	if err := checkSpec(r.GetSpec()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	uid, err := s.Create(ctx, r)
	if err != nil {
		return nil, err
	}
	view := s.view()
	return &droverv1.CreateMigrationResponse{Migration: migration(view.Migration(uid), nil, live{})}, nil
}

// Create begins a migration whose spec was found good, and returns its uid.
func (s *Leader) Create(ctx context.Context, r *droverv1.CreateMigrationRequest) (uid string, err error) {
	if m := s.view().MigrationByName(r.GetSpec().GetName()); m != nil {
		return "", fault.New(fault.Exists, "coordinator.CreateMigration", "a migration named %q exists; delete it, or choose another name", m.Name)
	}
	uid = s.newID()
	return uid, s.append(ctx, uid, &journalv1.Event{Actor: "admin", Body: &journalv1.Event_MigrationCreated{
		MigrationCreated: &journalv1.MigrationCreated{Uid: uid, Spec: r.GetSpec(), Start: r.GetStart(), NoSample: r.GetNoSample(), Deep: r.GetDeep(), Fresh: r.GetFresh()}}})
}

// checkSpec tells what is wrong with a spec as such.
func checkSpec(m *droverv1.MigrationSpec) error {
	const op = "coordinator.checkSpec"
	if err := spec.Check(m); err != nil {
		return fault.Wrap(fault.Invalid, op, err)
	}
	for _, e := range []*droverv1.EndpointSpec{m.GetSource(), m.GetTarget()} {
		if spec.Mask(e.GetUrl()) != e.GetUrl() {
			return fault.New(fault.Invalid, op, "a URL must not hold a password: give password: ${env:NAME} or ${file:/path}, which workers resolve")
		}
	}
	return nil
}

// GetMigration reads one.
func (a *migrationServer) GetMigration(ctx context.Context, r *droverv1.GetMigrationRequest) (*droverv1.GetMigrationResponse, error) {
	_, m, err := a.s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	return &droverv1.GetMigrationResponse{Migration: a.s.message(m.UID)}, nil
}

// ListMigrations reads all, by name.
func (a *migrationServer) ListMigrations(ctx context.Context, r *droverv1.ListMigrationsRequest) (*droverv1.ListMigrationsResponse, error) {
	if err := a.s.await(ctx); err != nil {
		return nil, err
	}
	all, next, err := page(a.s.view().Migrations(), r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	out := &droverv1.ListMigrationsResponse{NextPageToken: next}
	for _, m := range all {
		out.Migrations = append(out.Migrations, a.s.message(m.UID))
	}
	return out, nil
}

// DeleteMigration forgets a migration that has ended, or whose log came back older.
func (a *migrationServer) DeleteMigration(ctx context.Context, r *droverv1.DeleteMigrationRequest) (*droverv1.DeleteMigrationResponse, error) {
	s := a.s
	_, m, err := s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !m.Stage.Ended() && m.Stage != state.Planned && !m.Regressed {
		return nil, fault.New(fault.Conflict, "coordinator.DeleteMigration", "migration %s is at work; cancel it first", m.Name)
	}
	if err := s.append(ctx, m.UID, &journalv1.Event{Actor: "admin", Body: &journalv1.Event_MigrationDeleted{MigrationDeleted: &journalv1.MigrationDeleted{}}}); err != nil {
		return nil, err
	}
	s.updateFailed(s.runs[m.UID], refuse(m, "was deleted"))
	delete(s.runs, m.UID)
	if err := s.cfg.Bus.DeleteStream(ctx, bus.RowStream(m.UID)); err != nil {
		return nil, err
	}
	return &droverv1.DeleteMigrationResponse{}, s.forgetLog(ctx, m.UID)
}

// act appends an operator's event if the migration allows it now.
func (s *Service) act(ctx context.Context, name string, event func(*state.Migration, []*state.Table) (*journalv1.Event, error)) (*droverv1.Migration, error) {
	_, found, err := s.find(ctx, name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	m := s.view().Migration(found.UID)
	e, err := event(m, s.view().Tables(found.UID))
	if err == nil && e != nil {
		e.Actor = "admin"
		err = s.append(ctx, m.UID, e)
	}
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return s.message(found.UID), nil
}

func refuse(m *state.Migration, format string, args ...any) error {
	return fault.New(fault.Invalid, "coordinator.act", "migration "+m.Name+" "+format, args...)
}

// StartMigration runs a plan.
func (a *migrationServer) StartMigration(ctx context.Context, r *droverv1.StartMigrationRequest) (*droverv1.StartMigrationResponse, error) {
	m, err := a.s.act(ctx, r.GetName(), func(m *state.Migration, tables []*state.Table) (*journalv1.Event, error) {
		if m.Stage != state.Planned {
			return nil, refuse(m, "is not waiting to be started: it is %s", stateName(m))
		}
		if r := a.s.runs[m.UID]; m.Replan == state.ReplanDesign || m.Replan == state.ReplanSplit || r != nil && r.update != nil {
			return nil, refuse(m, "is being planned anew: start it when that is done")
		}
		if err := preflight(m, tables); err != nil {
			return nil, fault.Wrap(fault.Unsupported, "coordinator.StartMigration", err)
		}
		return &journalv1.Event{Body: &journalv1.Event_MigrationStarted{MigrationStarted: &journalv1.MigrationStarted{}}}, nil
	})
	return &droverv1.StartMigrationResponse{Migration: m}, err
}

// PauseMigration grants nothing new.
func (a *migrationServer) PauseMigration(ctx context.Context, r *droverv1.PauseMigrationRequest) (*droverv1.PauseMigrationResponse, error) {
	m, err := a.s.act(ctx, r.GetName(), func(m *state.Migration, _ []*state.Table) (*journalv1.Event, error) {
		if m.Stage.Ended() || m.Stage == state.Discarding {
			return nil, refuse(m, "has ended")
		}
		if m.Paused {
			return nil, nil
		}
		return &journalv1.Event{Body: &journalv1.Event_MigrationPaused{MigrationPaused: &journalv1.MigrationPaused{}}}, nil
	})
	return &droverv1.PauseMigrationResponse{Migration: m}, err
}

// ResumeMigration lifts a pause, and the blocks of a phase that stopped.
func (a *migrationServer) ResumeMigration(ctx context.Context, r *droverv1.ResumeMigrationRequest) (*droverv1.ResumeMigrationResponse, error) {
	m, err := a.s.act(ctx, r.GetName(), func(m *state.Migration, _ []*state.Table) (*journalv1.Event, error) {
		switch {
		case m.Stage.Ended():
			return nil, refuse(m, "has ended; retry lifts its blocks")
		case m.Stage == state.Stopped:
			if _, err := a.s.lift(ctx, m.UID, "", 0); err != nil {
				return nil, err
			}
		}
		if !m.Paused {
			return nil, nil
		}
		return &journalv1.Event{Body: &journalv1.Event_MigrationResumed{MigrationResumed: &journalv1.MigrationResumed{}}}, nil
	})
	return &droverv1.ResumeMigrationResponse{Migration: m}, err
}
