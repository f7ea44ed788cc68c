package main

import "github.com/spf13/cobra"

func newCopy(a *app) *cobra.Command {
	m := &job{}
	cmd := &cobra.Command{
		Use:   "copy SOURCE_URL TARGET_URL",
		Short: "Move a database with no configuration",
		Long: `Copy every table of one database into another, in this process: all four
services and their message server run inside it. Each range is read back from
the target and compared before it counts.

Ctrl-C pauses; the same command goes on where it stopped. What it needs for that
is in the state folder, ` + stateRoot + `/NAME in the working folder, where NAME is made of
the two URLs. A state folder whose migration is complete is refused. Where the folder
was lost, the same command goes on from what the target knows, and says so; --fresh
begins anew.

Databases are postgres://, mysql:// and mariadb:// URLs, user@host:port/database, and
sqlite:///path. What a spec can say beyond these flags: docs/spec.md.

Passwords: in the URL, or in DROVER_SOURCE_PASSWORD and DROVER_TARGET_PASSWORD.
They are never written to the state folder.`,
		Example: `  drover copy sqlite:///data/shop.db postgres://shop@db.example.com/shop
  drover copy postgres://a@one/shop postgres://b@two/shop --tables 'public.*' --exclude '*.audit_*'
  drover copy mysql://a@one/shop postgres://b@two/shop --cast 'tinyint(1)=boolean' --publish atomic
  drover copy mysql://a@one/shop mariadb://b@two/shop --where "shop.orders=created_at >= DATE '2024-01-01'"
  drover copy sqlite:old.db sqlite:new.db --summary summary.json -o json`,
		Args: exactly(2, "a source URL and a target URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.resolve(m, args); err != nil {
				return err
			}
			return a.move(cmd.Context(), m)
		},
	}
	m.specFlags(cmd.Flags())
	m.runFlags(cmd.Flags())
	return cmd
}
