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
	// These have the same values, side by side: set-null makes NULL of each, sentinel the
	// type's sentinel, strip what is left of a text.
	replaced   group = "p_"
	substitute group = "s_"
	stripped   group = "t_"
	// unstripped are texts that strip leaves refused, each in a table; unstrippable are
	// the types for which the plan refuses strip.
	unstripped   group = "f_"
	unstrippable group = "n_"
	// kept are values that are refused, or of types that no plan takes, under a cast that
	// keeps them; keptThere those that do not come back from it; dropped are the columns of
	// all of these, left behind.
	kept      group = "c_"
	keptThere group = "k_"
	dropped   group = "d_"
	// unplanned are the types that no plan takes.
	unplanned group = "u_"
)

// groups is the order of tables.
var groups = []group{exact, exactShown, equal, equalShown, refused, replaced, substitute, stripped, unstripped, unstrippable, kept, keptThere, dropped, unplanned}

// alone tells whether each value of a group has a table of its own.
func (g group) alone() bool { return g == refused || g == unstripped }

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
		if !t.GoesTo(target) {
			continue
		}
		for g, list := range t.columns(target) {
			columns[g] = append(columns[g], list...)
		}
	}
	for _, g := range groups {
		n := width
		if g.alone() {
			n = 1
		}
		for some := range slices.Chunk(columns[g], n) {
			out = append(out, Table{Name: fmt.Sprintf("%s%d", g, len(out)+1), Group: g, Columns: some})
		}
	}
	return out
}

// layout is the columns of a type by group: one, but where values stand alone.
type layout map[group][]Column

func (l layout) add(t *Type, g group, cells ...Cell) {
	if len(l[g]) == 0 || g.alone() {
		l[g] = append(l[g], Column{Type: t})
	}
	last := &l[g][len(l[g])-1]
	last.Cells = append(last.Cells, cells...)
}

// columns sorts a type's values by what they are checked for.
func (t *Type) columns(target string) layout {
	out := layout{}
	_, code := t.Planned(target)
	for _, v := range t.Values {
		shows, _ := v.Shows.of(target)
		for _, sql := range v.SQL {
			g := groupOf(v.Outcome(target), shows)
			if code != "" {
				g = unplanned
			}
			out.add(t, g, Cell{sql, shows})
			if code != "" || g == refused {
				t.choices(out, v, target, Cell{SQL: sql})
			}
		}
	}
	return out
}

// choices puts a value that has no exact form into the tables of what a spec may say of
// it.
func (t *Type) choices(out layout, v Value, target string, c Cell) {
	out.add(t, dropped, c)
	switch {
	case t.CastFor(v, target) == "":
	case t.OneWay:
		out.add(t, keptThere, c)
	default:
		out.add(t, kept, c)
	}
	if _, code := t.Planned(target); code != "" {
		return
	}
	out.add(t, replaced, c)
	if s, _ := t.Sentinel.of(target); s != none {
		out.add(t, substitute, c)
	}
	left, _ := v.Strip.of(target)
	switch {
	case !t.strips(target):
		out[unstrippable] = []Column{{Type: t}}
	case left == stillRefused:
		out.add(t, unstripped, c)
	default:
		out.add(t, stripped, Cell{SQL: c.SQL, Shows: left})
	}
}

const (
	// none says that a type has no text form for a sentinel.
	none = "none"
	// stillRefused says that strip leaves a value refused.
	stillRefused = "error"
)

// strips tells whether the policy strip is for a type: it is text there and here.
func (t *Type) strips(target string) bool {
	return slices.ContainsFunc(t.Values, func(v Value) bool { return v.Strip.count(target) > 0 })
}

// id of a table's row: they begin at 1, but for a value that is refused.
func (t Table) id(row int) int {
	if t.Group.alone() {
		return refusedID
	}
	return row + 1
}

// Rule is what a spec says of the table's columns; empty for nothing.
func (t Table) Rule(target string) string {
	var b strings.Builder
	for _, c := range t.Columns {
		says := ""
		switch t.Group {
		case replaced:
			says = "invalid: set-null"
		case substitute:
			sentinel, _ := c.Type.Sentinel.of(target)
			says = fmt.Sprintf("invalid: sentinel, sentinel: %q", sentinel)
		case stripped, unstripped, unstrippable:
			says = "invalid: strip"
		case kept, keptThere:
			cast, _ := c.Type.Cast.of(target)
			says = fmt.Sprintf("type: %q", cast)
		case dropped:
			says = "drop: true"
		default:
			return ""
		}
		fmt.Fprintf(&b, "      %s: {%s}\n", c.Type.Column(), says)
	}
	return fmt.Sprintf("  - match: \"*.%s\"\n    columns:\n%s", t.Name, b.String())
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
