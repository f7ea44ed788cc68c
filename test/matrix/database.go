package matrix

import (
	"fmt"
	"slices"
	"strings"
)

// Table is a table of a source's database: an id, and a column for each of some types
// with values that are checked in the same way.
type Table struct {
	Name    string
	Group   group
	Columns []Column
}

// Column has the values of a type that belong to its table's group, the first in the row
// with id 1. The row with id 0 is NULL throughout.
type Column struct {
	Type  *Type
	Cells []Cell
}

// Cell is one value on its way to one target.
type Cell struct {
	SQL string
	// Shows is what the target's own client prints; empty where comparing is enough.
	Shows string
}

// group is the tables that the same checks are for; its name begins theirs, so that
// globs pick them.
type group string

const (
	// exact and equal are compared there and back. What the comparer has no rule for, or
	// takes for the same, is shown by the target's client instead.
	exact      group = "x_"
	exactShown group = "xs_"
	equal      group = "e_"
	equalShown group = "es_"
	// refused has a table for each value, since one blocks all of its table.
	refused group = "r_"
	// replaced has the same values, side by side: a policy makes NULL of each.
	replaced group = "p_"
	// unplanned are the types that no plan takes.
	unplanned group = "u_"
)

// refusedID is the key of values that are refused, for their message to name.
const refusedID = 4242

// width is how many types stand in a table side by side: each table costs a migration as
// much as many rows.
const width = 8

// groupOf puts a value into the tables for its checks.
func groupOf(o Outcome, shows string) group {
	switch {
	case o == Refused:
		return refused
	case o == Exact && shows == "":
		return exact
	case o == Exact:
		return exactShown
	case shows == "":
		return equal
	default:
		return equalShown
	}
}

// Tables lays out a source's types for a target.
func (s *Source) Tables(target string) (out []Table) {
	columns := map[group][]Column{}
	for _, t := range s.Types {
		if _, code := t.Planned(target); code != "" {
			columns[unplanned] = append(columns[unplanned], Column{Type: t})
			continue
		}
		for _, c := range t.columns(target) {
			columns[c.group] = append(columns[c.group], c.Column)
		}
	}
	columns[replaced] = together(columns[refused])
	for _, g := range []group{exact, exactShown, equal, equalShown, refused, replaced, unplanned} {
		n := width
		if g == refused {
			n = 1
		}
		for some := range slices.Chunk(columns[g], n) {
			out = append(out, Table{Name: fmt.Sprintf("%s%d", g, len(out)+1), Group: g, Columns: some})
		}
	}
	return out
}

// together makes one column of those of the same type.
func together(columns []Column) (out []Column) {
	for _, c := range columns {
		if n := len(out); n > 0 && out[n-1].Type == c.Type {
			out[n-1].Cells = slices.Concat(out[n-1].Cells, c.Cells)
			continue
		}
		out = append(out, c)
	}
	return out
}

// groupedColumn is a column and the tables that it belongs in.
type groupedColumn struct {
	group group
	Column
}

// columns sorts a type's values by what they are checked for.
func (t *Type) columns(target string) (out []groupedColumn) {
	for _, v := range t.Values {
		shows, _ := v.Shows.of(target)
		g := groupOf(v.Outcome(target), shows)
		for _, sql := range v.SQL {
			i := slices.IndexFunc(out, func(c groupedColumn) bool { return c.group == g && g != refused })
			if i < 0 {
				i, out = len(out), append(out, groupedColumn{group: g, Column: Column{Type: t}})
			}
			out[i].Cells = append(out[i].Cells, Cell{sql, shows})
		}
	}
	return out
}

// id of a table's row: they begin at 1, but for a value that is refused.
func (t Table) id(row int) int {
	if t.Group == refused {
		return refusedID
	}
	return row + 1
}

// Create makes empty tables with the types that ddl declares.
func Create(tables []Table, ddl func(*Type) string) string {
	var b strings.Builder
	for _, t := range tables {
		fmt.Fprintf(&b, "CREATE TABLE %s (id integer PRIMARY KEY", t.Name)
		for _, c := range t.Columns {
			fmt.Fprintf(&b, ", %s %s", c.Type.Column(), ddl(c.Type))
		}
		b.WriteString(");\n")
	}
	return b.String()
}

// Fill writes the tables' rows.
func Fill(tables []Table) string {
	var b strings.Builder
	for _, t := range tables {
		rows := 0
		for _, c := range t.Columns {
			rows = max(rows, len(c.Cells))
		}
		for row := range rows {
			t.insert(&b, t.id(row), row)
		}
		t.insert(&b, 0, rows)
	}
	return b.String()
}

// insert writes a row; of columns without so many values, NULL.
func (t Table) insert(b *strings.Builder, id, row int) {
	fmt.Fprintf(b, "INSERT INTO %s VALUES (%d", t.Name, id)
	for _, c := range t.Columns {
		value := "NULL"
		if row < len(c.Cells) {
			value = c.Cells[row].SQL
		}
		b.WriteString(", " + value)
	}
	b.WriteString(");\n")
}
