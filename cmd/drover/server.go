package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/rpc"
)

// withServer runs a command with a connection to --server.
func (a *app) withServer(run func(ctx context.Context, c *clients, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		conn, err := rpc.DialLeader(a.server, rpc.ClientOptions{})
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		err = run(cmd.Context(), newClients(conn), args)
		if !rpc.Leaderless(err) && fault.Is(err, fault.Unavailable) && fault.Find(err).Side == "" {
			err = fault.New(fault.Unavailable, "drover.withServer",
				"coordinator at %s cannot be reached: %w (start one with drover serve all, or name another with --server)", a.server, err)
		}
		return stopped(cmd.Context(), err)
	}
}
