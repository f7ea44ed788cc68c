package coordinator

import (
	"context"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

// ApproveMigration lets the phase begin that waits.
func (a *migrationServer) ApproveMigration(ctx context.Context, r *droverv1.ApproveMigrationRequest) (*droverv1.ApproveMigrationResponse, error) {
	_, m, err := a.s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	return nil, refuse(m, "has no phase that waits for approval")
}

// SkipTable gives a table or a range up.
func (a *migrationServer) SkipTable(ctx context.Context, r *droverv1.SkipTableRequest) (*droverv1.SkipTableResponse, error) {
	_, m, err := a.s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	return nil, refuse(m, "cannot skip table %s", r.GetTable())
}

// UpdateMigration takes a changed spec.
func (a *migrationServer) UpdateMigration(ctx context.Context, r *droverv1.UpdateMigrationRequest) (*droverv1.UpdateMigrationResponse, error) {
	_, m, err := a.s.find(ctx, r.GetSpec().GetName())
	if err != nil {
		return nil, err
	}
	return nil, refuse(m, "cannot be changed")
}

// RollbackMigration removes what an atomic migration made.
func (a *migrationServer) RollbackMigration(ctx context.Context, r *droverv1.RollbackMigrationRequest) (*droverv1.RollbackMigrationResponse, error) {
	_, m, err := a.s.find(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	return nil, refuse(m, "has nothing to roll back")
}
