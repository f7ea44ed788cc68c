package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
)

func newRetry(a *app) *cobra.Command {
	var table string
	var rng uint32
	cmd := &cobra.Command{
		Use:   "retry MIGRATION",
		Short: "Lift the blocks of a migration",
		Long: `Try again what was blocked: everything, one table, or one range of a table. Use it
when the cause is gone.`,
		Example: `  drover retry shop
  drover retry shop --table public.orders --range 3`,
		Args: exactly(1, "the name of a migration"),
		RunE: a.withServer(func(ctx context.Context, c *clients, args []string) error {
			if rng != 0 && table == "" {
				return fault.New(fault.Invalid, "drover.retry", "--range counts within a table: name it with --table")
			}
			r, err := c.migrations.RetryMigration(ctx, &droverv1.RetryMigrationRequest{Name: migrationName(args[0]), Table: table, Range: rng})
			if err != nil {
				return err
			}
			return a.printMigration(r.GetMigration(), fmt.Sprintf("retries %d", r.GetRetried()))
		}),
	}
	cmd.Flags().StringVar(&table, "table", "", "only this `table`: its name in the target or its number")
	cmd.Flags().Uint32Var(&rng, "range", 0, "only this `range` of the table")
	return cmd
}
