package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"google.golang.org/protobuf/proto"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"

	"github.com/drover-db/drover/cmd/drover/internal/output"
	"github.com/drover-db/drover/cmd/drover/internal/progress"
	"github.com/drover-db/drover/cmd/drover/internal/report"
)

func migrationListing(ctx context.Context, c *clients, s *selection) (*listing, error) {
	state, err := stateOf(droverv1.Migration_State_value, s.state)
	if err != nil {
		return nil, err
	}
	list, err := c.listMigrations(ctx)
	list = slices.DeleteFunc(list, func(m *droverv1.Migration) bool { return state != 0 && int32(m.GetState()) != state })
	l := &listing{
		grid: func() *output.Grid {
			return output.NewGrid("NAME", "STATE", ">TABLES", ">RANGES VERIFIED", ">ROWS", "SOURCE", "TARGET", "AGE", "PHASE")
		},
		wide: []string{"UID", "REASON"},
		all: func(m []proto.Message) proto.Message {
			return &droverv1.ListMigrationsResponse{Migrations: typed[*droverv1.Migration](m)}
		},
	}
	for _, m := range list {
		n := m.GetCounters()
		l.items = append(l.items, item{message: m, name: m.GetName(), cells: []string{
			strings.TrimPrefix(m.GetName(), "migrations/"), progress.StateName(m.GetState()),
			fmt.Sprintf("%d/%d", m.GetTablesComplete(), m.GetTables()), fmt.Sprintf("%d/%d", n.GetRangesVerified(), n.GetRanges()),
			humanize.Comma(n.GetRowsLoaded()), m.GetSpec().GetSource().GetUrl(), m.GetSpec().GetTarget().GetUrl(), age(m.GetCreateTime()), progress.Phase(m)},
			wide: []string{m.GetUid(), strings.ReplaceAll(m.GetReason(), "\n", "; ")}})
	}
	return l, err
}

// tableColumn is a column of the list of tables.
type tableColumn struct {
	title string
	cell  func(*droverv1.Table) string
	// optional columns are left out where no table has anything in them.
	optional bool
}

var tableColumns = []tableColumn{
	{"SOURCE", (*droverv1.Table).GetSource, false},
	{"TARGET", (*droverv1.Table).GetTarget, false},
	{"STATE", func(t *droverv1.Table) string { return progress.StateName(t.GetState()) }, false},
	{"PHASE", (*droverv1.Table).GetPhase, true},
	{">ROWS", func(t *droverv1.Table) string { return humanize.Comma(t.GetCounters().GetRowsLoaded()) }, false},
	{">RANGES", func(t *droverv1.Table) string { return fmt.Sprint(t.GetCounters().GetRanges()) }, false},
	{">VERIFIED", func(t *droverv1.Table) string { return fmt.Sprint(t.GetCounters().GetRangesVerified()) }, false},
	{">BLOCKED", func(t *droverv1.Table) string { return some(int64(t.GetCounters().GetRangesBlocked())) }, true},
	{">SKIPPED", func(t *droverv1.Table) string { return some(int64(t.GetRangesSkipped())) }, true},
	{">RETRIES", func(t *droverv1.Table) string { return fmt.Sprint(t.GetCounters().GetRetries()) }, false},
	{">TRIES", func(t *droverv1.Table) string { return some(int64(t.GetAttempts())) }, true},
	{">FILTERED", func(t *droverv1.Table) string { return some(t.GetCounters().GetRowsFiltered()) }, true},
	{">REJECTED", func(t *droverv1.Table) string { return some(t.GetCounters().GetRowsRejected()) }, true},
	{"BY POLICY", func(t *droverv1.Table) string { return report.TouchedText(t.GetTouched()) }, true},
	{"REASON", (*droverv1.Table).GetReason, false},
}

// some is a number that says nothing where it is 0.
func some(n int64) string {
	if n == 0 {
		return ""
	}
	return humanize.Comma(n)
}

func tableListing(ctx context.Context, c *clients, s *selection) (*listing, error) {
	state, err := stateOf(droverv1.Table_State_value, s.state)
	if err != nil {
		return nil, err
	}
	parent, err := c.theMigration(ctx, s.migration)
	if err != nil {
		return nil, err
	}
	list, err := c.listTables(ctx, parent, false)
	list = slices.DeleteFunc(list, func(t *droverv1.Table) bool { return state != 0 && int32(t.GetState()) != state })
	return tableList(list), err
}

// tableList lists tables with the columns that they have something for.
func tableList(list []*droverv1.Table) *listing {
	var columns []tableColumn
	var titles []string
	for _, column := range tableColumns {
		if !column.optional || slices.ContainsFunc(list, func(t *droverv1.Table) bool { return column.cell(t) != "" }) {
			columns, titles = append(columns, column), append(titles, column.title)
		}
	}
	l := &listing{
		grid: func() *output.Grid { return output.NewGrid(titles...) },
		wide: []string{"SOURCE DIGEST", "TARGET DIGEST"},
		all: func(m []proto.Message) proto.Message {
			return &droverv1.ListTablesResponse{Tables: typed[*droverv1.Table](m)}
		},
	}
	for _, t := range list {
		cells := make([]string, len(columns))
		for i, column := range columns {
			cells[i] = column.cell(t)
		}
		l.items = append(l.items, item{message: t, name: t.GetName(), cells: cells, wide: []string{t.GetSourceDigest(), t.GetTargetDigest()}})
	}
	return l
}
