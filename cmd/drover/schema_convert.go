package main

import (
	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"

	"github.com/drover-db/drover/cmd/drover/internal/output"
	"github.com/drover-db/drover/cmd/drover/internal/report"
)

func newSchemaConvert(a *app) *cobra.Command {
	m := &job{noSample: true}
	cmd := &cobra.Command{
		Use:   "convert (-f FILE | SOURCE_URL TARGET_URL)",
		Short: "Write the target's DDL without running it",
		Long: `Plan a migration and write the statements that it would run in the target, in their
order, as a script for the target's own client. What differs from the source, and what
is to be done by hand with its DDL in the source, are comments. No database is changed.
-o json or yaml writes the plan, as drover plan does.

The exit code is 8 when the plan has errors; the script is written all the same.`,
		Example: `  drover schema convert mysql://shop@db1.example.com/shop postgres://shop@db2.example.com/shop > shop.sql
  drover schema convert -f drover.yaml`,
		Args: urlsOrFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.resolve(m, args); err != nil {
				return err
			}
			p, err := a.planned(cmd.Context(), m)
			if err != nil {
				return err
			}
			if a.format.Structured() {
				err = output.Message(a.stdout, a.format, &droverv1.WatchMigrationResponse{Migration: p.Migration, Tables: p.Tables})
			} else {
				err = report.WriteScript(a.stdout, p)
			}
			if err != nil {
				return err
			}
			return planCode(p, false)
		},
	}
	m.fileFlag(cmd.Flags())
	m.specFlags(cmd.Flags())
	return cmd
}
