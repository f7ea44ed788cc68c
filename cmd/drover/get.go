package main

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"

	"github.com/drover-db/drover/cmd/drover/internal/output"
	"github.com/drover-db/drover/cmd/drover/internal/report"
)

// selection is what the flags of get and describe choose.
type selection struct{ migration, table, state string }

func newGet(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "get (migrations|tables|ranges|workers|findings|events)",
		Short: "List what a server has",
		Long: `List migrations, their tables, ranges, findings and events, or the workers of a
server. -m names the migration; it may be left out while there is only one.`,
		Example: `  drover get migrations
  drover get tables -m shop -o wide
  drover get tables -m shop --state blocked
  drover get ranges -m shop -t public.orders --state blocked
  drover get events -m shop -o jsonl`,
		Args: cobra.ArbitraryArgs,
		RunE: group,
	}
	s := &selection{}
	add := func(use, short string, list func(context.Context, *clients, *selection) (*listing, error)) *cobra.Command {
		sub := &cobra.Command{
			Use:     use + " [NAME...]",
			Short:   short,
			Example: "  drover get " + use + "\n  drover get " + use + " -o json",
			Args:    cobra.ArbitraryArgs,
			RunE: a.withServer(func(ctx context.Context, c *clients, names []string) error {
				l, err := list(ctx, c, s)
				if err != nil {
					return err
				}
				return a.print(l, names)
			}),
		}
		cmd.AddCommand(sub)
		return sub
	}
	s.stateFlag(add("migrations", "List migrations", migrationListing), droverv1.Migration_State_value)
	add("workers", "List workers", workerListing)
	for _, sub := range []*cobra.Command{
		add("tables", "List a migration's tables", tableListing),
		add("ranges", "List a migration's ranges", rangeListing),
		add("events", "List a migration's control log", eventListing),
		newGetFindings(a, cmd, s),
	} {
		s.flags(sub)
	}
	return cmd
}

// flags are those of a list that belongs to a migration.
func (s *selection) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&s.migration, "migration", "m", "", "`name` of the migration")
	switch cmd.Name() {
	case "tables":
		s.stateFlag(cmd, droverv1.Table_State_value)
	case "ranges":
		cmd.Flags().StringVarP(&s.table, "table", "t", "", "only this `table`: its name or number")
		s.stateFlag(cmd, droverv1.Range_State_value)
	}
}

// stateFlag lets a list be of one state.
func (s *selection) stateFlag(cmd *cobra.Command, states map[string]int32) {
	cmd.Flags().StringVar(&s.state, "state", "", "only "+cmd.Name()+" in this `state`: "+stateNames(states))
}

// newGetFindings lists findings, which are part of the plan and have no message
// of their own.
func newGetFindings(a *app, parent *cobra.Command, s *selection) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "findings",
		Short:   "List what a migration's plan has to say",
		Example: "  drover get findings -m shop",
		Args:    noArgs,
		RunE: a.withServer(func(ctx context.Context, c *clients, _ []string) error {
			name, err := c.theMigration(ctx, s.migration)
			if err != nil {
				return err
			}
			m, err := c.migrations.GetMigration(ctx, &droverv1.GetMigrationRequest{Name: name})
			if err != nil {
				return err
			}
			tables, err := c.listTables(ctx, name, true)
			if err != nil {
				return err
			}
			return a.printCheck(report.NewCheck(report.Plan{Migration: m.GetMigration(), Tables: tables}), "no findings")
		}),
	}
	parent.AddCommand(cmd)
	return cmd
}

// print writes a list as -o asks for; names chooses items.
func (a *app) print(l *listing, names []string) error {
	items := l.items
	if len(names) > 0 {
		items = nil
		for _, name := range names {
			i := slices.IndexFunc(l.items, func(i item) bool {
				return i.name == name || strings.HasSuffix(i.name, "/"+name) || (len(i.cells) > 0 && i.cells[0] == name)
			})
			if i < 0 {
				return fault.New(fault.NotFound, "drover.print", "there is no %q", name)
			}
			items = append(items, l.items[i])
		}
	}
	switch a.format {
	case output.JSON, output.YAML:
		return output.Message(a.stdout, a.format, l.all(messages(items)))
	case output.JSONL:
		for _, i := range items {
			if err := output.Message(a.stdout, a.format, i.message); err != nil {
				return err
			}
		}
		return nil
	case output.Name:
		for _, i := range items {
			if err := output.Printf(a.stdout, "%s\n", i.name); err != nil {
				return err
			}
		}
		return nil
	default:
		return a.printGrid(l, items)
	}
}

func (a *app) printGrid(l *listing, items []item) error {
	g := l.grid()
	if a.format == output.Wide {
		g.Append(l.wide...)
	}
	for _, i := range items {
		g.Add(append(slices.Clone(i.cells), i.wide...)...)
	}
	return g.Write(a.stdout)
}

func messages(items []item) []proto.Message {
	out := make([]proto.Message, len(items))
	for i := range items {
		out[i] = items[i].message
	}
	return out
}

// printNames writes the names of tables.
func printNames(w io.Writer, tables []*droverv1.Table) error {
	for _, t := range tables {
		if err := output.Printf(w, "%s\n", t.GetName()); err != nil {
			return err
		}
	}
	return nil
}
