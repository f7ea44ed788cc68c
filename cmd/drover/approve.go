package main

import (
	"context"

	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

func newApprove(a *app) *cobra.Command {
	m := &job{}
	var phase string
	cmd := &cobra.Command{
		Use:   "approve MIGRATION",
		Short: "Let the phase begin that waits for approval",
		Long: `Let the phase of a migration begin that waits for approval (approve: manual in its
spec). --phase makes sure that it is the one you mean.

With --state, for a drover run that ended with exit code 11, the approval is
recorded in that folder and the run goes on in this process.`,
		Example: `  drover approve shop
  drover approve shop --phase customers
  drover approve shop --state .drover/shop`,
		Args: exactly(1, "the name of a migration"),
		RunE: a.verb(m, func(ctx context.Context, c *clients, name string) (*droverv1.Migration, string, error) {
			r, err := c.migrations.ApproveMigration(ctx, &droverv1.ApproveMigrationRequest{Name: name, Phase: phase})
			return r.GetMigration(), "approved", err
		}),
	}
	cmd.Flags().StringVar(&phase, "phase", "", "the `phase` you mean; refused where another one waits")
	m.stateFlags(cmd.Flags())
	return cmd
}
