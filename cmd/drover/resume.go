package main

import (
	"context"

	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

func newResume(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "resume MIGRATION",
		Short:   "Resume a paused migration",
		Long:    `Go on with a paused migration: its workers are granted jobs again.`,
		Example: "  drover resume shop",
		Args:    exactly(1, "the name of a migration"),
		RunE: a.withServer(func(ctx context.Context, c *clients, args []string) error {
			r, err := c.migrations.ResumeMigration(ctx, &droverv1.ResumeMigrationRequest{Name: migrationName(args[0])})
			if err != nil {
				return err
			}
			return a.printMigration(r.GetMigration(), "resumed")
		}),
	}
}
