package main

import (
	"context"

	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

func newPause(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "pause MIGRATION",
		Short:   "Pause a migration",
		Long:    `Let running jobs finish and grant no new ones. drover resume goes on.`,
		Example: "  drover pause shop",
		Args:    exactly(1, "the name of a migration"),
		RunE: a.withServer(func(ctx context.Context, c *clients, args []string) error {
			r, err := c.migrations.PauseMigration(ctx, &droverv1.PauseMigrationRequest{Name: migrationName(args[0])})
			if err != nil {
				return err
			}
			return a.printMigration(r.GetMigration(), "paused")
		}),
	}
}
