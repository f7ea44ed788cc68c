package main

import (
	"github.com/spf13/cobra"

	"github.com/drover-db/drover/internal/fault"
)

func newRun(a *app) *cobra.Command {
	m := &job{}
	cmd := &cobra.Command{
		Use:   "run -f FILE",
		Short: "Move a database as a spec says",
		Long: `Run the migration of a spec file in this process, as drover copy does for two
URLs. Ctrl-C pauses; the same command goes on where it stopped. With a changed spec,
tables that have not begun take its rules.

A phase with approve: manual asks on a terminal; elsewhere the run ends with exit
code 11, and drover approve NAME --state FOLDER goes on. A phase that stops at a
blocked table ends the run too: drover resume NAME --state FOLDER, or the same
command again, goes on when the cause is gone.`,
		Example: `  drover run -f drover.yaml
  drover run -f drover.yaml --state /var/lib/drover/shop --summary summary.json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if m.file == "" {
				return fault.New(fault.Invalid, "drover.run", "name the spec with -f, as in drover run -f drover.yaml")
			}
			if err := a.resolve(m, args); err != nil {
				return err
			}
			return a.move(cmd.Context(), m)
		},
	}
	m.fileFlag(cmd.Flags())
	m.runFlags(cmd.Flags())
	return cmd
}
