package main

import (
	"github.com/spf13/cobra"

	"github.com/drover-db/drover/cmd/drover/internal/output"
	"github.com/drover-db/drover/cmd/drover/internal/report"
)

func newCheck(a *app) *cobra.Command {
	m := &job{noSample: true}
	cmd := &cobra.Command{
		Use:   "check (-f FILE | SOURCE_URL TARGET_URL)",
		Short: "Look for what would stop a migration",
		Long: `Read both catalogs and list what a user should know before data moves, with the
lines of a spec that settle it. Neither database is changed. The exit code is 8 when
an error was found.

--deep reads all rows too, in ranges and as many at a time as --jobs says, and tells
of each column how many values have no exact form in the target, and in which rows.
Columns without such a finding are proven to move exactly, as the rows are now.

docs/assessment.md lists the findings.`,
		Example: `  drover check sqlite:///data/shop.db postgres://shop@db.example.com/shop
  drover check mysql://shop@old.example.com/shop postgres://shop@db.example.com/shop --deep
  drover check -f drover.yaml -o json`,
		Args: urlsOrFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.resolve(m, args); err != nil {
				return err
			}
			p, err := a.planned(cmd.Context(), m)
			if err != nil {
				return err
			}
			if err := a.printCheck(report.NewCheck(p), "no findings: "+m.spec.GetName()+" can move as planned"); err != nil {
				return err
			}
			return planCode(p, false)
		},
	}
	m.fileFlag(cmd.Flags())
	m.jobsFlag(cmd.Flags())
	m.deepFlag(cmd.Flags())
	m.specFlags(cmd.Flags())
	return cmd
}

// printCheck writes what was found as -o asks for; none is said in words.
func (a *app) printCheck(found report.Check, none string) error {
	switch {
	case a.format == output.JSONL:
		for _, f := range found.Findings {
			if err := output.Value(a.stdout, a.format, f); err != nil {
				return err
			}
		}
		return nil
	case a.format.Structured():
		return output.Value(a.stdout, a.format, found)
	default:
		return report.WriteCheck(a.stdout, found, none, a.format == output.Wide)
	}
}
