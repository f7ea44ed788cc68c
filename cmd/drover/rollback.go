package main

import (
	"context"

	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

func newRollback(a *app) *cobra.Command {
	m := &job{want: droverv1.Migration_STATE_ROLLED_BACK}
	cmd := &cobra.Command{
		Use:   "rollback MIGRATION",
		Short: "End a migration and leave its target as it was",
		Long: `End a migration with publish: atomic and remove what it staged: the target is then
as it was before. Once the tables are published this is refused: they are live.`,
		Example: `  drover rollback shop
  drover rollback shop --state .drover/shop`,
		Args: exactly(1, "the name of a migration"),
		RunE: a.verb(m, func(ctx context.Context, c *clients, name string) (*droverv1.Migration, string, error) {
			r, err := c.migrations.RollbackMigration(ctx, &droverv1.RollbackMigrationRequest{Name: name})
			return r.GetMigration(), "is being rolled back", err
		}),
	}
	m.stateFlags(cmd.Flags())
	return cmd
}
