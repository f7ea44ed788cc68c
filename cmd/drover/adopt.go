package main

import (
	"context"

	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

func newAdopt(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "adopt MIGRATION",
		Short: "Go on with a control log that came back older",
		Long: `Go on with a migration that is CONTROL_REGRESSED: its control log was restored from a
backup, or lost its end, and the target is ahead of it. Make sure that no other
coordinator still runs on the log that was lost. Tables that are not complete by the log
are emptied and copied again, since what became of them is not known; complete ones
stay.`,
		Example: "  drover adopt shop",
		Args:    exactly(1, "the name of a migration"),
		RunE: a.withServer(func(ctx context.Context, c *clients, args []string) error {
			r, err := c.migrations.AdoptMigration(ctx, &droverv1.AdoptMigrationRequest{Name: migrationName(args[0])})
			if err != nil {
				return err
			}
			return a.printMigration(r.GetMigration(), "goes on; tables that are not complete are copied again")
		}),
	}
}
