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
		Long: `Read both catalogs and list what a user should know before data moves. Neither
database is changed. The exit code is 8 when an error was found.`,
		Example: `  drover check sqlite:///data/shop.db postgres://shop@db.example.com/shop
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
			if err := a.printFindings(p.Findings(), "no findings: "+m.spec.GetName()+" can move as planned"); err != nil {
				return err
			}
			return planCode(p, false)
		},
	}
	m.fileFlag(cmd.Flags())
	m.specFlags(cmd.Flags())
	return cmd
}

// printFindings lists findings; none is said in words.
func (a *app) printFindings(list []report.Finding, none string) error {
	if list == nil {
		list = []report.Finding{}
	}
	switch {
	case a.format == output.JSONL:
		for _, f := range list {
			if err := output.Value(a.stdout, a.format, f); err != nil {
				return err
			}
		}
		return nil
	case a.format.Structured():
		return output.Value(a.stdout, a.format, map[string]any{"findings": list})
	case len(list) == 0:
		return output.Printf(a.stdout, "%s\n", none)
	default:
		return report.FindingGrid(list).Write(a.stdout)
	}
}
