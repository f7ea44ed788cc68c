package main

import (
	"context"

	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

func newResume(a *app) *cobra.Command {
	m := &job{}
	cmd := &cobra.Command{
		Use:   "resume MIGRATION",
		Short: "Go on with a migration that is paused or stopped",
		Long: `Go on with a paused migration: its workers are granted jobs again. Or with one whose
phase stopped at a blocked table, once the cause is gone: what is blocked is tried
again.

With --state, go on in this process with what drover copy or run began there.`,
		Example: `  drover resume shop
  drover resume shop --state .drover/shop`,
		Args: exactly(1, "the name of a migration"),
		RunE: a.verb(m, func(ctx context.Context, c *clients, name string) (*droverv1.Migration, string, error) {
			r, err := c.migrations.ResumeMigration(ctx, &droverv1.ResumeMigrationRequest{Name: name})
			if err != nil && m.state != "" {
				// What a process left running when it died goes on by itself.
				g, failed := c.migrations.GetMigration(ctx, &droverv1.GetMigrationRequest{Name: name})
				if failed == nil && g.GetMigration().GetState() == droverv1.Migration_STATE_RUNNING {
					return g.GetMigration(), "goes on", nil
				}
			}
			return r.GetMigration(), "resumed", err
		}),
	}
	m.stateFlags(cmd.Flags())
	return cmd
}
