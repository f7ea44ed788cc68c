package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newWatch(a *app) *cobra.Command {
	var summary string
	cmd := &cobra.Command{
		Use:   "watch MIGRATION",
		Short: "Follow a migration on a server to its end",
		Long: `Show a migration's progress until it ends, then its summary. Ctrl-C detaches; the
migration goes on. While a phase waits for approval, so does the watch. The exit
code is that of drover run.`,
		Example: `  drover watch shop
  drover watch shop --progress json --summary summary.json`,
		Args: exactly(1, "the name of a migration"),
		RunE: a.withServer(func(ctx context.Context, c *clients, args []string) error {
			return a.attend(ctx, c, &follower{clients: c, name: migrationName(args[0]), view: a.view(hintDetach), until: ended}, summary)
		}),
	}
	cmd.Flags().StringVar(&summary, "summary", "", "write the summary as JSON to this `file`")
	return cmd
}
