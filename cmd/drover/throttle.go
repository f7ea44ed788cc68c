package main

import (
	"context"

	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
)

func newThrottle(a *app) *cobra.Command {
	var rows, bytes string
	var connections int32
	var reset bool
	cmd := &cobra.Command{
		Use:   "throttle MIGRATION",
		Short: "Limit what a migration asks of its databases",
		Long: `Limit how many rows and bytes a second all extractors together read from the source,
and how many sessions all workers together have on each of the two databases. What
is not given stays as it is; 0 lifts a limit, and --reset goes back to what the spec
says. Running jobs are slowed down or sped up at once, the share of each the same;
sessions beyond a limit end with their jobs.`,
		Example: `  drover throttle shop --rows 10000/s --bytes 50MiB/s
  drover throttle shop --connections 4
  drover throttle shop --rows 0/s
  drover throttle shop --reset`,
		Args: exactly(1, "the name of a migration"),
	}
	f := cmd.Flags()
	f.StringVar(&rows, "rows", "", "`number` of rows a second, such as 10000/s; 0/s for no limit")
	f.StringVar(&bytes, "bytes", "", "`size` of what is read in a second, such as 50MiB/s; 0B/s for no limit")
	f.Int32Var(&connections, "connections", 0, "`sessions` on each database; 0 for no limit")
	f.BoolVar(&reset, "reset", false, "go back to the limits of the spec, before what else is given")
	cmd.RunE = a.withServer(func(ctx context.Context, c *clients, args []string) error {
		r := &droverv1.ThrottleMigrationRequest{Name: migrationName(args[0]), Reset_: reset}
		if f.Changed("rows") {
			r.Rows = &rows
		}
		if f.Changed("bytes") {
			r.Bytes = &bytes
		}
		if f.Changed("connections") {
			r.Connections = &connections
		}
		if r.Rows == nil && r.Bytes == nil && r.Connections == nil && !reset {
			return fault.New(fault.Invalid, "drover.throttle", "say what to limit: --rows, --bytes, --connections or --reset")
		}
		answer, err := c.migrations.ThrottleMigration(ctx, r)
		if err != nil {
			return err
		}
		return a.printMigration(answer.GetMigration(), "throttled")
	})
	return cmd
}
