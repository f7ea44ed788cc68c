package schemadiff

import (
	"maps"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// target gives a source column's name in the target.
func (c *comparison) target(name string) string {
	for _, p := range c.plan.GetColumns() {
		if p.GetSource() == name {
			return p.GetTarget()
		}
	}
	return name
}

func (c *comparison) targets(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = c.target(n)
	}
	return out
}

func list(names []string) string { return "(" + strings.Join(names, ", ") + ")" }

// primary is the primary key of a table; nil for none.
func primary(t *planv1.Table) []string {
	for _, x := range t.GetIndexes() {
		if x.GetPrimary() {
			return plainColumns(x)
		}
	}
	if t.GetKey().GetSource() == planv1.KeySource_KEY_SOURCE_PRIMARY {
		return t.GetKey().GetColumns()
	}
	return nil
}

func plainColumns(x *planv1.Index) (out []string) {
	for _, c := range x.GetColumns() {
		out = append(out, c.GetName())
	}
	return out
}

func (c *comparison) primaryKey() {
	want, got := c.targets(primary(c.plan.GetSource())), primary(c.there)
	switch {
	case slices.EqualFunc(want, got, strings.EqualFold):
	case len(want) == 0:
		c.extra("primary key", list(got))
	case len(got) == 0:
		c.missing("primary key", list(want))
	default:
		c.different("primary key", list(want), list(got))
	}
}

// shape is what counts of an index; ok is false where only equal engines could tell.
func (c *comparison) shape(x *planv1.Index, name func(string) string) (text string, ok bool) {
	text = "index on ("
	if x.GetUnique() {
		text = "unique " + text
	}
	ok = c.same || x.GetPredicate() == "" && plainMethod(x.GetMethod())
	for i, column := range x.GetColumns() {
		if i > 0 {
			text += ", "
		}
		text += name(column.GetName()) + column.GetExpression()
		if column.GetDescending() {
			text += " DESC"
		}
		ok = ok && (c.same || column.GetExpression() == "" && column.GetPrefix() == 0)
	}
	text += ")"
	if c.same && x.GetPredicate() != "" {
		text += " WHERE " + x.GetPredicate()
	}
	return strings.ToLower(text), ok
}

func plainMethod(method string) bool { return method == "" || strings.EqualFold(method, "btree") }

func (c *comparison) indexes() {
	want, uncertain := c.shapes(c.plan.GetSource(), c.target)
	got, other := c.shapes(c.there, func(n string) string { return n })
	for _, text := range slices.Sorted(maps.Keys(want)) {
		if want[text] > got[text] {
			c.missing(text, "")
		}
	}
	for _, text := range slices.Sorted(maps.Keys(got)) {
		// An index that cannot be compared may be what became of one of the source.
		if got[text] > want[text] && uncertain == 0 && other == 0 && !c.servesForeignKey(text) {
			c.extra(text, "")
		}
	}
}

// shapes counts a table's indexes by what counts of them, and those of which nothing
// can be said.
func (c *comparison) shapes(t *planv1.Table, name func(string) string) (by map[string]int, uncertain int) {
	by = map[string]int{}
	for _, x := range t.GetIndexes() {
		if x.GetPrimary() || slices.ContainsFunc(x.GetColumns(), func(k *planv1.IndexColumn) bool { return c.dropped(k.GetName()) }) {
			continue
		}
		text, ok := c.shape(x, name)
		if !ok || t == c.plan.GetSource() && c.mentioned(x.GetName()) {
			uncertain++
			continue
		}
		by[text]++
	}
	return by, uncertain
}

// dropped tells whether the spec leaves a column behind.
func (c *comparison) dropped(name string) bool {
	return slices.ContainsFunc(c.plan.GetSource().GetColumns(), func(s *planv1.Column) bool { return s.GetName() == name && s.GetDropped() })
}

// mentioned tells whether the plan has a finding that names an index or a constraint:
// what becomes of it is then known.
func (c *comparison) mentioned(name string) bool {
	return name != "" && slices.ContainsFunc(c.plan.GetFindings(), func(f *planv1.Finding) bool { return strings.Contains(f.GetMessage(), name) })
}

// servesForeignKey tells whether an index is one that MySQL makes for a foreign key.
func (c *comparison) servesForeignKey(text string) bool {
	if !strings.HasPrefix(c.plan.GetTargetEngine(), "my") && !strings.HasPrefix(c.plan.GetTargetEngine(), "maria") {
		return false
	}
	return slices.ContainsFunc(c.there.GetForeignKeys(), func(f *planv1.ForeignKey) bool {
		return text == strings.ToLower("index on "+list(f.GetColumns()))
	})
}

// reference is what counts of a foreign key.
func reference(f *planv1.ForeignKey, columns []string) string {
	return strings.ToLower("foreign key " + list(columns) + " to " + f.GetReferencedTable() + " " + list(f.GetReferencedColumns()) +
		rule(" on update ", f.GetOnUpdate()) + rule(" on delete ", f.GetOnDelete()))
}

// rule leaves out what every engine does by itself, and what differs only in when it is
// looked at.
func rule(what, action string) string {
	switch strings.ToUpper(action) {
	case "", "NO ACTION", "RESTRICT":
		return ""
	}
	return what + action
}

func (c *comparison) foreignKeys() {
	made := map[uint32]bool{}
	for _, s := range c.plan.GetStatements() {
		made[s.GetForeignKey()] = true
	}
	want := map[string]int{}
	for i, f := range c.plan.GetSource().GetForeignKeys() {
		// SQLite's are part of the table's own statement.
		if made[uint32(i+1)] || c.plan.GetTargetEngine() == "sqlite" && !c.mentioned(f.GetName()) {
			want[reference(f, c.targets(f.GetColumns()))]++
		}
	}
	got := map[string]int{}
	for _, f := range c.there.GetForeignKeys() {
		got[reference(f, f.GetColumns())]++
	}
	c.multiset(want, got)
}

// multiset reports what is in one of two counts and not in the other.
func (c *comparison) multiset(want, got map[string]int) {
	var all []string
	for text := range want {
		all = append(all, text)
	}
	for text := range got {
		if _, both := want[text]; !both {
			all = append(all, text)
		}
	}
	slices.Sort(all)
	for _, text := range all {
		switch {
		case want[text] > got[text]:
			c.missing(text, "")
		case want[text] < got[text]:
			c.extra(text, "")
		}
	}
}

// checks compares conditions between equal engines, where they are one text.
func (c *comparison) checks() {
	if !c.same {
		return
	}
	want, got := map[string]int{}, map[string]int{}
	for _, k := range c.plan.GetSource().GetChecks() {
		if c.mentioned(k.GetName()) {
			return
		}
		want["check "+strings.Join(strings.Fields(k.GetExpression()), " ")]++
	}
	for _, k := range c.there.GetChecks() {
		got["check "+strings.Join(strings.Fields(k.GetExpression()), " ")]++
	}
	c.multiset(want, got)
}
