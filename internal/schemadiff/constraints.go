package schemadiff

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/sqlexpr"
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

// shape is what counts of an index.
func (c *comparison) shape(x *planv1.Index) string {
	text := "index on ("
	if x.GetUnique() {
		text = "unique " + text
	}
	if m := strings.ToLower(x.GetMethod()); m != "" && m != "btree" {
		text = m + " " + text
	}
	for i, column := range x.GetColumns() {
		if i > 0 {
			text += ", "
		}
		text += strings.ToLower(column.GetName())
		if column.GetExpression() != "" {
			text += c.canonical(column.GetExpression())
		}
		if n := column.GetPrefix(); n > 0 && !c.whole(column.GetName(), n) {
			text += fmt.Sprintf("(%d)", n)
		}
		if column.GetDescending() {
			text += " DESC"
		}
	}
	text += ")"
	if x.GetPredicate() != "" {
		text += " WHERE " + c.canonical(x.GetPredicate())
	}
	return text
}

// whole tells whether a prefix is all of a column, which MySQL then forgets.
func (c *comparison) whole(column string, prefix int32) bool {
	length := c.column(column).GetLength()
	return length > 0 && length <= int64(prefix)
}

// canonical is an expression of the target in the form that it is compared in.
func (c *comparison) canonical(expression string) string {
	if c.dialect == nil {
		return strings.Join(strings.Fields(expression), " ")
	}
	return sqlexpr.Canonical(expression, c.dialect)
}

// indexes compares those that the statements make with those that are there.
func (c *comparison) indexes() {
	want, got := map[string]*planv1.Index{}, map[string]*planv1.Index{}
	counts := map[string]int{}
	for _, x := range c.wanted() {
		text := c.shape(x)
		want[text] = x
		counts[text]++
	}
	for _, x := range c.there.GetIndexes() {
		if text := c.shape(x); !x.GetPrimary() {
			got[text] = x
			counts[text]--
		}
	}
	for _, text := range slices.Sorted(maps.Keys(want)) {
		if counts[text] > 0 {
			if other := c.namesake(want[text], got, counts); other != "" {
				counts[other]++
				c.different("index "+got[other].GetName(), text, other)
				continue
			}
			c.missing(text, "")
		}
	}
	for _, text := range slices.Sorted(maps.Keys(got)) {
		// One that cannot be compared may be what became of one of the source.
		if counts[text] < 0 && !c.uncertain && !c.servesForeignKey(text) {
			c.extra(text, "")
		}
	}
}

// namesake finds the index that is there by an index's name, and is another one. Where
// names are shared by all tables, a plan that is made beside them has to add to each.
func (c *comparison) namesake(x *planv1.Index, got map[string]*planv1.Index, counts map[string]int) string {
	for _, text := range slices.Sorted(maps.Keys(got)) {
		if counts[text] < 0 && got[text].GetName() != "" && strings.Contains(x.GetName(), got[text].GetName()) {
			return text
		}
	}
	return ""
}

// wanted are the indexes that the plan makes, beside the primary key: as its statements
// have them, and between equal engines as the source has them.
func (c *comparison) wanted() []*planv1.Index {
	if !c.same {
		return c.made.indexes
	}
	var out []*planv1.Index
	for _, x := range c.plan.GetSource().GetIndexes() {
		if x.GetPrimary() || slices.ContainsFunc(x.GetColumns(), func(k *planv1.IndexColumn) bool { return c.dropped(k.GetName()) }) {
			continue
		}
		if c.mentioned(x.GetName()) {
			c.uncertain = true
			continue
		}
		x = proto.CloneOf(x)
		for _, k := range x.GetColumns() {
			k.Name = c.target(k.GetName())
		}
		out = append(out, x)
	}
	return out
}

// dropped tells whether the spec leaves a column behind.
func (c *comparison) dropped(name string) bool {
	return slices.ContainsFunc(c.plan.GetSource().GetColumns(), func(s *planv1.Column) bool { return s.GetName() == name && s.GetDropped() })
}

// mentioned tells whether the plan has a finding that names an index or a constraint,
// for more than its name: what becomes of it is then known.
func (c *comparison) mentioned(name string) bool {
	return name != "" && slices.ContainsFunc(c.plan.GetFindings(), func(f *planv1.Finding) bool {
		return f.GetCode() != "NAME_CHANGED" && strings.Contains(f.GetMessage(), name)
	})
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

// checks compares conditions by what they say: those that the plan's statements make,
// and between equal engines those of the source.
func (c *comparison) checks() {
	wanted := c.made.checks
	if c.same {
		wanted = c.plan.GetSource().GetChecks()
		if slices.ContainsFunc(wanted, func(k *planv1.Check) bool { return c.mentioned(k.GetName()) }) {
			return
		}
	}
	left := slices.Clone(c.there.GetChecks())
	var missing []*planv1.Check
	for _, k := range wanted {
		text := c.canonical(k.GetExpression())
		i := slices.IndexFunc(left, func(is *planv1.Check) bool { return c.canonical(is.GetExpression()) == text })
		if i < 0 {
			missing = append(missing, k)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	for _, k := range missing {
		i := slices.IndexFunc(left, func(is *planv1.Check) bool { return is.GetName() != "" && strings.Contains(k.GetName(), is.GetName()) })
		if i < 0 {
			c.missing("check "+oneLine(k.GetExpression()), "")
			continue
		}
		c.different("check "+left[i].GetName(), oneLine(k.GetExpression()), oneLine(left[i].GetExpression()))
		left = slices.Delete(left, i, i+1)
	}
	for _, k := range left {
		c.extra("check "+oneLine(k.GetExpression()), "")
	}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
