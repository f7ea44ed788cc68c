// Package schemadiff compares a table that is there with the table that its plan makes:
// columns, types, nullability, defaults, keys, indexes, foreign keys and checks. Names
// of indexes and constraints do not count. What the plan itself leaves out, with a
// finding, is no difference. Between engines expressions are those of the plan's
// statements, compared with what the target prints by what they say.
//
// Read schemadiff.go for columns, constraints.go for the rest, statement.go for how the
// plan's statements are read.
package schemadiff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/sqlexpr"
)

// comparison of one table.
type comparison struct {
	plan  *planv1.TablePlan
	there *planv1.Table
	// same is set where both engines speak one dialect.
	same bool
	// dialect is the target's; nil where its expressions cannot be read.
	dialect *sqlexpr.Dialect
	// uncertain is set where an index of the source is one that a finding speaks of.
	uncertain bool
	// made is what the plan's statements say.
	made  *declared
	found []*planv1.SchemaDifference
}

// Compare tells in what a table is not as its plan makes it; nil where it is. A table
// that is not there at all is one difference.
func Compare(p *planv1.TablePlan, there *planv1.Table) []*planv1.SchemaDifference {
	if there == nil {
		return []*planv1.SchemaDifference{{Type: planv1.Difference_TYPE_MISSING, Object: "table", Expected: fmt.Sprintf("%d columns", len(p.GetColumns()))}}
	}
	c := &comparison{plan: p, there: there, same: p.GetSourceEngine() == p.GetTargetEngine(), dialect: sqlexpr.DialectOf(p.GetTargetEngine()), made: &declared{}}
	if c.dialect != nil {
		c.made = read(p, c.dialect.Tokens())
	}
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
		c.compareGenerated(name, is)
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
		c.compareDefault(object, p, source, is)
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

// compareGenerated compares what a generated column is computed by.
func (c *comparison) compareGenerated(name string, is *planv1.Column) {
	want := c.made.generated[name]
	if c.same {
		i := slices.IndexFunc(c.plan.GetSource().GetColumns(), func(s *planv1.Column) bool { return targetName(s) == name })
		if i >= 0 {
			want = c.plan.GetSource().GetColumns()[i].GetGenerated()
		}
	}
	switch {
	case is.GetGenerated() == "":
		c.different("column "+name, "generated", "not generated")
	case want != "" && c.canonical(want) != c.canonical(is.GetGenerated()):
		c.different("column "+name, "generated as "+oneLine(want), "generated as "+oneLine(is.GetGenerated()))
	}
}

// targetName is a column's name in the target, as the spec has it.
func targetName(s *planv1.Column) string { return cmp.Or(s.GetTargetName(), s.GetName()) }

// compareDefault compares what an insert gets that says nothing.
func (c *comparison) compareDefault(object string, p *planv1.ColumnPlan, source, is *planv1.Column) {
	want, got := source.GetDefault(), is.GetDefault()
	_, expression := want.GetValue().(*planv1.Default_Expression)
	_, written := got.GetValue().(*planv1.Default_Expression)
	made := c.made.defaults[p.GetTarget()]
	switch {
	case proto.Equal(want, got), made == "" && c.noted(source.GetName()):
	case want != nil && got != nil && sameConstant(want.GetLiteral(), got.GetLiteral()) && want.GetMoment() == got.GetMoment() && expression == written && !expression:
	case !c.same && made != "" && got != nil && c.sameDefault(made, got):
	default:
		if !c.same && made != "" {
			c.different(object, "default "+made, defaultText(got))
			return
		}
		c.different(object, defaultText(want), defaultText(got))
	}
}

// sameDefault tells whether a default is the one that a statement has.
func (c *comparison) sameDefault(made string, is *planv1.Default) bool {
	want := c.canonical(made)
	switch v := is.GetValue().(type) {
	case *planv1.Default_Expression:
		got := c.canonical(v.Expression)
		return want == got || sameConstant(bare(want), bare(got))
	case *planv1.Default_Moment_:
		return want == "current_"+strings.ToLower(strings.TrimPrefix(v.Moment.String(), "MOMENT_"))+"()"
	}
	return sameConstant(bare(want), is.GetLiteral())
}

// bare is a constant without its quotes.
func bare(text string) string {
	if len(text) > 1 && strings.HasPrefix(text, "'") && strings.HasSuffix(text, "'") {
		return strings.ReplaceAll(text[1:len(text)-1], "''", "'")
	}
	return text
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
