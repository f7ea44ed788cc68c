// Package schemadiff compares a table that is there with the table that its plan makes:
// columns, types, nullability, defaults, keys, indexes, foreign keys and checks. Names
// of indexes and constraints do not count. What the plan itself leaves out, with a
// finding, is no difference; nor is what only equal engines can compare, between others.
//
// Read schemadiff.go for columns, constraints.go for the rest.
package schemadiff

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// comparison of one table.
type comparison struct {
	plan  *planv1.TablePlan
	there *planv1.Table
	// same is set where both engines speak one dialect.
	same  bool
	found []*planv1.SchemaDifference
}

// Compare tells in what a table is not as its plan makes it; nil where it is. A table
// that is not there at all is one difference.
func Compare(p *planv1.TablePlan, there *planv1.Table) []*planv1.SchemaDifference {
	if there == nil {
		return []*planv1.SchemaDifference{{Type: planv1.Difference_TYPE_MISSING, Object: "table", Expected: fmt.Sprintf("%d columns", len(p.GetColumns()))}}
	}
	c := &comparison{plan: p, there: there, same: p.GetSourceEngine() == p.GetTargetEngine()}
	c.columns()
	if !p.GetTargetExists() { // else its owner made it, and drover only fills it
		c.primaryKey()
		c.indexes()
		c.foreignKeys()
		c.checks()
	}
	return c.found
}

func (c *comparison) missing(object, expected string) {
	c.found = append(c.found, &planv1.SchemaDifference{Type: planv1.Difference_TYPE_MISSING, Object: object, Expected: expected})
}

func (c *comparison) extra(object, actual string) {
	c.found = append(c.found, &planv1.SchemaDifference{Type: planv1.Difference_TYPE_EXTRA, Object: object, Actual: actual})
}

func (c *comparison) different(object, expected, actual string) {
	c.found = append(c.found, &planv1.SchemaDifference{Type: planv1.Difference_TYPE_DIFFERENT, Object: object, Expected: expected, Actual: actual})
}

// column finds a column of the table that is there: by its name, or but for its case.
func (c *comparison) column(name string) *planv1.Column {
	var folded *planv1.Column
	for _, x := range c.there.GetColumns() {
		if x.GetName() == name {
			return x
		}
		if strings.EqualFold(x.GetName(), name) {
			folded = x
		}
	}
	return folded
}

func (c *comparison) columns() {
	known := map[string]bool{}
	for _, p := range c.plan.GetColumns() {
		is := c.column(p.GetTarget())
		if is == nil {
			c.missing("column "+p.GetTarget(), p.GetTargetType()+nullability(p.GetNullable()))
			continue
		}
		known[is.GetName()] = true
		c.compareColumn(p, is)
	}
	for _, name := range c.plan.GetRecomputed() {
		is := c.column(name)
		if is == nil {
			c.missing("column "+name, "a generated column")
			continue
		}
		known[is.GetName()] = true
		if is.GetGenerated() == "" {
			c.different("column "+name, "generated", "not generated")
		}
	}
	for _, is := range c.there.GetColumns() {
		if !known[is.GetName()] {
			c.extra("column "+is.GetName(), is.GetNativeType()+nullability(is.GetNullable()))
		}
	}
}

func (c *comparison) compareColumn(p *planv1.ColumnPlan, is *planv1.Column) {
	object := "column " + p.GetTarget()
	if !c.sameType(p.GetTargetType(), is.GetNativeType()) {
		c.different(object, p.GetTargetType(), is.GetNativeType())
	}
	// A key that a table gets takes no NULL, whatever the source's did.
	nullable := p.GetNullable() && !slices.Contains(primary(c.plan.GetSource()), p.GetSource())
	if nullable != is.GetNullable() {
		c.different(object, p.GetTargetType()+nullability(nullable), is.GetNativeType()+nullability(is.GetNullable()))
	}
	i := slices.IndexFunc(c.plan.GetSource().GetColumns(), func(s *planv1.Column) bool { return s.GetName() == p.GetSource() })
	if i < 0 || c.plan.GetTargetExists() || p.Constant != nil {
		return
	}
	source := c.plan.GetSource().GetColumns()[i]
	if (source.GetIdentity() != 0) != (is.GetIdentity() != 0) && !c.noted(source.GetName()) && !c.isRowID(is) {
		c.different(object, identity(source), identity(is))
	}
	if source.GetIdentity() == 0 && is.GetIdentity() == 0 {
		c.compareDefault(object, source, is)
	}
}

// noted tells whether the plan has a finding about a column: what it says is then
// known, and no difference.
func (c *comparison) noted(column string) bool {
	return slices.ContainsFunc(c.plan.GetFindings(), func(f *planv1.Finding) bool { return f.GetColumn() == column })
}

// isRowID tells whether a column is the one that SQLite numbers rows by: it makes its own
// values whether anybody wants it or not.
func (c *comparison) isRowID(is *planv1.Column) bool {
	return c.plan.GetTargetEngine() == "sqlite" && slices.Equal(primary(c.there), []string{is.GetName()})
}

func identity(c *planv1.Column) string {
	if c.GetIdentity() != 0 {
		return "makes its own values"
	}
	return "makes no values"
}

// compareDefault compares what an insert gets that says nothing. Expressions mean the
// same between equal engines only.
func (c *comparison) compareDefault(object string, source, is *planv1.Column) {
	want, got := source.GetDefault(), is.GetDefault()
	_, expression := want.GetValue().(*planv1.Default_Expression)
	_, written := got.GetValue().(*planv1.Default_Expression)
	switch {
	case proto.Equal(want, got), c.noted(source.GetName()):
	case !c.same && (expression || written):
	case want != nil && got != nil && sameConstant(want.GetLiteral(), got.GetLiteral()) && want.GetMoment() == got.GetMoment() && expression == written && !expression:
	default:
		c.different(object, defaultText(want), defaultText(got))
	}
}

func defaultText(d *planv1.Default) string {
	switch v := d.GetValue().(type) {
	case *planv1.Default_Literal:
		return "default " + v.Literal
	case *planv1.Default_Moment_:
		return "default current " + strings.ToLower(strings.TrimPrefix(v.Moment.String(), "MOMENT_"))
	case *planv1.Default_Expression:
		return "default " + v.Expression
	default:
		return "no default"
	}
}

func nullability(nullable bool) string {
	if nullable {
		return " NULL"
	}
	return " NOT NULL"
}
