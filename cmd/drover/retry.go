package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
)

func newRetry(a *app) *cobra.Command {
	m := &job{}
	var table string
	var rng uint32
	cmd := &cobra.Command{
		Use:   "retry MIGRATION",
		Short: "Lift the blocks of a migration",
		Long: `Try again what was blocked: everything, one table, or one range of a table. Use it
when the cause is gone.`,
		Example: `  drover retry shop
  drover retry shop --table public.orders --range 3
  drover retry shop --state .drover/shop`,
		Args: exactly(1, "the name of a migration"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if rng != 0 && table == "" {
				return fault.New(fault.Invalid, "drover.retry", "--range counts within a table: name it with --table")
			}
			return a.verb(m, func(ctx context.Context, c *clients, name string) (*droverv1.Migration, string, error) {
				r, err := c.migrations.RetryMigration(ctx, &droverv1.RetryMigrationRequest{Name: name, Table: table, Range: rng})
				return r.GetMigration(), fmt.Sprintf("retries %d", r.GetRetried()), err
			})(cmd, args)
		},
	}
	cmd.Flags().StringVar(&table, "table", "", "only this `table`: its name in the source or target, or its number")
	cmd.Flags().Uint32Var(&rng, "range", 0, "only this `range` of the table")
	m.stateFlags(cmd.Flags())
	return cmd
}
