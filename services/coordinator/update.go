package coordinator

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/spec"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// update is a changed spec that is being planned. Until its design is there and
// found good, the log knows nothing of it.
type update struct {
	spec      *droverv1.MigrationSpec
	replanned []string
	// done gets the end of it, once.
	done chan error
}

// UpdateMigration plans tables that have not begun by a changed spec.
func (a *migrationServer) UpdateMigration(ctx context.Context, r *droverv1.UpdateMigrationRequest) (*droverv1.UpdateMigrationResponse, error) {
	s := a.s
	_, m, err := s.find(ctx, r.GetSpec().GetName())
	if err != nil {
		return nil, err
	}
	if err := checkSpec(r.GetSpec()); err != nil {
		return nil, err
	}
	u, err := s.beginUpdate(m.UID, r.GetSpec())
	if err != nil {
		return nil, err
	}
	select {
	case err = <-u.done:
	case <-ctx.Done():
		err = s.leaveUpdate(m.UID, u)
	}
	if err != nil {
		return nil, err
	}
	return &droverv1.UpdateMigrationResponse{Migration: s.message(m.UID), Replanned: u.replanned}, nil
}

func (s *Service) beginUpdate(uid string, changed *droverv1.MigrationSpec) (*update, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := &update{spec: changed, done: make(chan error, 1)}
	m := s.view().Migration(uid)
	if m == nil {
		return nil, fault.New(fault.NotFound, "coordinator.UpdateMigration", "migration %s was deleted", changed.GetName())
	}
	if err := updatable(m, s.runs[uid], s.view().Tables(uid)); err != nil {
		return nil, err
	}
	if err := unchangeable(m, changed); err != nil {
		return nil, err
	}
	if proto.Equal(m.Spec, changed) {
		u.done <- nil
		return u, nil
	}
	s.run(uid).update = u
	s.planAgain(uid)
	return u, nil
}

// leaveUpdate goes away from an update. What is in the log goes on by itself.
func (s *Service) leaveUpdate(uid string, u *update) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.runs[uid]; r != nil && r.update == u {
		r.update = nil
		if m := s.view().Migration(uid); m != nil && m.Replan == state.ReplanNone {
			s.planAgain(uid)
			return fault.New(fault.Canceled, "coordinator.UpdateMigration", "the call ended before the plan was made: nothing was changed")
		}
	}
	return fault.New(fault.Canceled, "coordinator.UpdateMigration", "the call ended while tables were being split; the spec is changed")
}

// updatable tells why a migration cannot take a changed spec now.
func updatable(m *state.Migration, r *run, tables []*state.Table) error {
	switch {
	case replanning(m, r):
		return refuse(m, "is being planned anew already: change it when that is done")
	case !changeable(m):
		return refuse(m, "cannot be changed: it is %s", stateName(m))
	case complete(tables):
		return refuse(m, "has no table left that has not begun")
	}
	return nil
}

// unchangeable names the field of a changed spec that can no longer change.
func unchangeable(m *state.Migration, changed *droverv1.MigrationSpec) error {
	cannot := func(field, why string) error { return refuse(m, "cannot change its %s: %s", field, why) }
	old, next := spec.WithDefaults(m.Spec), spec.WithDefaults(changed)
	switch {
	case !proto.Equal(old.GetSource(), next.GetSource()):
		return cannot("source", "make a new migration")
	case !proto.Equal(old.GetTarget(), next.GetTarget()):
		return cannot("target", "make a new migration")
	case old.GetStrategy() != next.GetStrategy():
		return cannot("strategy", "make a new migration")
	case old.GetPublish() != next.GetPublish():
		return cannot("publish", "make a new migration")
	case !m.Started.IsZero() && !proto.Equal(old.GetStream(), next.GetStream()):
		return cannot("stream", "it is in use")
	}
	for i, p := range m.Phases[:begunPhases(m)] {
		same := len(old.GetPhases()) == len(next.GetPhases())
		if i < len(old.GetPhases()) {
			same = i < len(next.GetPhases()) && proto.Equal(old.GetPhases()[i], next.GetPhases()[i])
		}
		if !same {
			return cannot("phases", fmt.Sprintf("phase %q has begun", p.Name))
		}
	}
	return nil
}

// updateFailed gives a changed spec up, if there is one; the migration is as it was.
func (s *Leader) updateFailed(r *run, err error) {
	if r == nil || r.update == nil {
		return
	}
	r.update.done <- err
	r.update, r.described = nil, nil
}

// planAgain forgets what was found out for a plan that is not wanted any more.
func (s *Leader) planAgain(uid string) {
	s.run(uid).described = nil
	for _, kind := range []workKind{workDescribe, workDesign} {
		if l := s.busy[workID{migration: uid, kind: kind}]; l != nil {
			s.revoke(l, "the plan is made in another way")
		}
	}
	s.nudge()
}
