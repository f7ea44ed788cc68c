package main

import (
	"context"

	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

func newDelete(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "delete MIGRATION",
		Short:   "Forget a migration that has ended",
		Long:    `Forget a migration that has ended. Both databases stay as they are.`,
		Example: "  drover delete shop",
		Args:    exactly(1, "the name of a migration"),
		RunE: a.withServer(func(ctx context.Context, c *clients, args []string) error {
			name := migrationName(args[0])
			if _, err := c.migrations.DeleteMigration(ctx, &droverv1.DeleteMigrationRequest{Name: name}); err != nil {
				return err
			}
			return a.printMigration(&droverv1.Migration{Name: name}, "deleted")
		}),
	}
}
