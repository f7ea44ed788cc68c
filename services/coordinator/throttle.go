package coordinator

import (
	"context"

	"google.golang.org/protobuf/proto"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/spec"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// ThrottleMigration changes what a migration may ask of its databases.
func (a *migrationServer) ThrottleMigration(ctx context.Context, r *droverv1.ThrottleMigrationRequest) (*droverv1.ThrottleMigrationResponse, error) {
	m, err := a.s.act(ctx, r.GetName(), func(m *state.Migration, _ []*state.Table) (*journalv1.Event, error) {
		if m.Stage.Ended() || m.Stage == state.Discarding {
			return nil, refuse(m, "has ended")
		}
		limits := throttled(m, r)
		if err := spec.CheckLimits(limits); err != nil {
			return nil, fault.Wrap(fault.Invalid, "coordinator.ThrottleMigration", err)
		}
		if proto.Equal(limits, m.Limits) {
			return nil, nil
		}
		return &journalv1.Event{Body: &journalv1.Event_MigrationThrottled{MigrationThrottled: &journalv1.MigrationThrottled{Limits: limits}}}, nil
	})
	return &droverv1.ThrottleMigrationResponse{Migration: m}, err
}

// throttled are a migration's limits with the changes that somebody asks for.
func throttled(m *state.Migration, r *droverv1.ThrottleMigrationRequest) *droverv1.LimitSpec {
	limits := &droverv1.LimitSpec{}
	if r.GetReset_() {
		proto.Merge(limits, m.Spec.GetLimits())
	} else {
		proto.Merge(limits, m.Limits)
	}
	if r.Rows != nil {
		limits.Rows = r.GetRows()
	}
	if r.Bytes != nil {
		limits.Bytes = r.GetBytes()
	}
	if r.Connections != nil {
		limits.Connections = r.GetConnections()
	}
	return limits
}
