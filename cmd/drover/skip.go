package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
)

func newSkip(a *app) *cobra.Command {
	m := &job{}
	var table string
	var rng uint32
	cmd := &cobra.Command{
		Use:   "skip MIGRATION --table TABLE",
		Short: "Give a table or a range up and go on without it",
		Long: `Give a table up, or one range of it: the migration goes on and ends without it,
and every list and summary says so. Nothing of a skipped table is proven; the rows
of a skipped range are removed from the target.`,
		Example: `  drover skip shop --table public.audit
  drover skip shop --table public.orders --range 3
  drover skip shop --table public.audit --state .drover/shop`,
		Args: exactly(1, "the name of a migration"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if table == "" {
				return fault.New(fault.Invalid, "drover.skip", "name the table with --table, as in drover skip %s --table public.audit", args[0])
			}
			return a.verb(m, func(ctx context.Context, c *clients, name string) (*droverv1.Migration, string, error) {
				r, err := c.migrations.SkipTable(ctx, &droverv1.SkipTableRequest{Name: name, Table: table, Range: rng})
				if rng != 0 {
					return r.GetMigration(), fmt.Sprintf("goes on without range %d of %s", rng, table), err
				}
				return r.GetMigration(), "goes on without " + table, err
			})(cmd, args)
		},
	}
	cmd.Flags().StringVar(&table, "table", "", "the `table`: its name in the source or target, or its number")
	cmd.Flags().Uint32Var(&rng, "range", 0, "only this `range` of the table")
	m.stateFlags(cmd.Flags())
	return cmd
}
