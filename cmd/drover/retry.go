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
	var rejects bool
	cmd := &cobra.Command{
		Use:   "retry MIGRATION",
		Short: "Lift the blocks of a migration",
		Long: `Try again what was blocked: everything, one table, or one range of a table. Use it
when the cause is gone.

With --rejects, write the rows that the target refused, from the files of the
loaders' hosts. What the target takes now is proven like all other rows; what it
refuses again stays rejected.`,
		Example: `  drover retry shop
  drover retry shop --table public.orders --range 3
  drover retry shop --rejects --table public.orders
  drover retry shop --state .drover/shop`,
		Args: exactly(1, "the name of a migration"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if rng != 0 && table == "" {
				return fault.New(fault.Invalid, "drover.retry", "--range counts within a table: name it with --table")
			}
			if rng != 0 && rejects {
				return fault.New(fault.Invalid, "drover.retry", "--rejects writes the rows of whole tables: leave --range out")
			}
			return a.verb(m, func(ctx context.Context, c *clients, name string) (*droverv1.Migration, string, error) {
				r, err := c.migrations.RetryMigration(ctx, &droverv1.RetryMigrationRequest{Name: name, Table: table, Range: rng, Rejects: rejects})
				did := fmt.Sprintf("retries %d", r.GetRetried())
				if rejects {
					did = fmt.Sprintf("writes %d rejected rows", r.GetRetried())
				}
				return r.GetMigration(), did, err
			})(cmd, args)
		},
	}
	cmd.Flags().StringVar(&table, "table", "", "only this `table`: its name in the source or target, or its number")
	cmd.Flags().Uint32Var(&rng, "range", 0, "only this `range` of the table")
	cmd.Flags().BoolVar(&rejects, "rejects", false, "write the rows that were rejected")
	m.stateFlags(cmd.Flags())
	return cmd
}
