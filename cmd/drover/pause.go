package main

import (
	"context"

	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

func newPause(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "pause MIGRATION",
		Short: "Pause a migration",
		Long: `Take running jobs back and grant no new ones: loads end behind the batch that they
write, steps of the target's schema at their end. After ten seconds more the
migration holds no session of its databases. drover resume goes on behind what is in
the target; a table without a key begins again.`,
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
