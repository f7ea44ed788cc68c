package main

import (
	"context"

	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

func newCancel(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "cancel MIGRATION",
		Short:   "Stop a migration for good",
		Long:    `Stop a migration for good. What was copied stays in the target.`,
		Example: "  drover cancel shop",
		Args:    exactly(1, "the name of a migration"),
		RunE: a.withServer(func(ctx context.Context, c *clients, args []string) error {
			r, err := c.migrations.CancelMigration(ctx, &droverv1.CancelMigrationRequest{Name: migrationName(args[0])})
			if err != nil {
				return err
			}
			return a.printMigration(r.GetMigration(), "cancelled")
		}),
	}
}
