package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"

	"github.com/drover-db/drover/cmd/drover/internal/output"
	"github.com/drover-db/drover/cmd/drover/internal/report"
)

func newDescribe(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "describe (migration|table|range|worker) NAME",
		Short: "Show everything about one thing",
		Long: `Show everything a server knows about one migration, table, range or worker. A table
is named by its resource name, its number, or its name in the source or target.
Of a table it says what is proven, what is blocked and why, and what was left out
or changed by choice; -o yaml prints the resource itself.`,
		Example: `  drover describe migration shop
  drover describe table public.orders -m shop
  drover describe range 3 -t public.orders -m shop
  drover describe worker loader-host-1-ab12`,
		Args: cobra.ArbitraryArgs,
		RunE: group,
	}
	s := &selection{}
	add := func(kind string, get func(context.Context, *clients, *selection, string) (proto.Message, error)) *cobra.Command {
		sub := &cobra.Command{
			Use:     kind + " NAME",
			Short:   "Show one " + kind,
			Example: "  drover describe " + kind + " NAME -o json",
			Args:    exactly(1, "the name of a "+kind),
			RunE: a.withServer(func(ctx context.Context, c *clients, args []string) error {
				m, err := get(ctx, c, s, args[0])
				if err != nil {
					return err
				}
				if t, ok := m.(*droverv1.Table); ok && (a.format == output.Table || a.format == output.Wide) {
					return a.printTable(ctx, c, t)
				}
				return a.printOne(m)
			}),
		}
		cmd.AddCommand(sub)
		return sub
	}
	add("migration", describeMigration)
	add("worker", describeWorker)
	for _, sub := range []*cobra.Command{add("table", describeTable), add("range", describeRange)} {
		sub.Flags().StringVarP(&s.migration, "migration", "m", "", "`name` of the migration")
		if sub.Name() == "range" {
			sub.Flags().StringVarP(&s.table, "table", "t", "", "the range's `table`: its name or number")
		}
	}
	return cmd
}

// printOne writes one resource: YAML for people, who find every field in it.
func (a *app) printOne(m proto.Message) error {
	if a.format == output.Name {
		if named, ok := m.(interface{ GetName() string }); ok {
			return output.Printf(a.stdout, "%s\n", named.GetName())
		}
	}
	if a.format.Structured() {
		return output.Message(a.stdout, a.format, m)
	}
	return output.Message(a.stdout, output.YAML, m)
}

// printTable writes where a table stands, for people.
func (a *app) printTable(ctx context.Context, c *clients, t *droverv1.Table) error {
	var odd []*droverv1.Range
	for _, state := range []droverv1.Range_State{droverv1.Range_STATE_BLOCKED, droverv1.Range_STATE_SKIPPED} {
		list, err := c.listRanges(ctx, t.GetName(), state)
		if err != nil {
			return err
		}
		odd = append(odd, list...)
	}
	return report.WriteTable(a.stdout, t, odd)
}

func describeMigration(ctx context.Context, c *clients, _ *selection, name string) (proto.Message, error) {
	r, err := c.migrations.GetMigration(ctx, &droverv1.GetMigrationRequest{Name: migrationName(name)})
	return r.GetMigration(), err
}

func describeTable(ctx context.Context, c *clients, s *selection, name string) (proto.Message, error) {
	full, err := c.theTable(ctx, s.migration, name)
	if err != nil {
		return nil, err
	}
	r, err := c.tables.GetTable(ctx, &droverv1.GetTableRequest{Name: full})
	return r.GetTable(), err
}

func describeRange(ctx context.Context, c *clients, s *selection, name string) (proto.Message, error) {
	if !strings.HasPrefix(name, "migrations/") {
		if s.table == "" {
			return nil, fault.New(fault.Invalid, "drover.describe", "a range counts within a table: name it with -t, as in drover describe range 3 -t public.orders")
		}
		table, err := c.theTable(ctx, s.migration, s.table)
		if err != nil {
			return nil, err
		}
		name = fmt.Sprintf("%s/ranges/%s", table, name)
	}
	r, err := c.ranges.GetRange(ctx, &droverv1.GetRangeRequest{Name: name})
	return r.GetRange(), err
}

func describeWorker(ctx context.Context, c *clients, _ *selection, name string) (proto.Message, error) {
	list, err := c.listWorkers(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range list {
		if w.GetName() == name || w.GetName() == "workers/"+name {
			return w, nil
		}
	}
	return nil, fault.New(fault.NotFound, "drover.describe", "there is no worker %q: see drover get workers", name)
}
