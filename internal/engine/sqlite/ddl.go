package sqlite

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/sqltoken"
)

// objectIndex begins what a statement that makes an index says it makes.
const objectIndex = "index "

// create plans the statements that make a table. SQLite takes keys, references
// and checks only inside CREATE TABLE; none of them is enforced on the rows of a
// copy but the key.
func (d *designer) create(p *planv1.TablePlan) {
	b := &tableBuilder{designer: d, plan: p, source: p.GetSource(), primary: primaryIndex(p.GetSource())}
	if b.primary != nil && !b.copied(b.primary) {
		b.primary = nil // the index says so below
	}
	add := func(step planv1.Step, object, text string) {
		p.Statements = append(p.Statements, &planv1.Statement{Step: step, Object: object, Sql: text})
	}
	text, own := b.ownStatement()
	if b.own = own; own {
		b.references = len(b.source.GetForeignKeys())
	} else {
		text = b.createTable()
	}
	add(planv1.Step_STEP_CREATE, "table "+p.GetTargetName(), text)
	for _, index := range b.source.GetIndexes() {
		if index == b.primary || own && index.GetConstraint() {
			continue
		}
		if name, text, ok := b.index(index); ok {
			step := planv1.Step_STEP_INDEXES
			if b.isKey(index) {
				step = planv1.Step_STEP_KEY
			}
			add(step, objectIndex+name, text)
		}
	}
	if b.references > 0 {
		add(planv1.Step_STEP_FOREIGN_KEYS, "foreign keys of "+p.GetTargetName(), "PRAGMA main.foreign_key_check("+ident(p.GetTargetName())+")")
	}
	if last := b.lastValue(); last > 0 {
		name := literal(p.GetTargetName())
		add(planv1.Step_STEP_SEQUENCES, "sequence of "+p.GetTargetName(), "INSERT INTO main.sqlite_sequence (name, seq) SELECT "+name+
			", 0 WHERE NOT EXISTS (SELECT 1 FROM main.sqlite_sequence WHERE name = "+name+")")
		add(planv1.Step_STEP_SEQUENCES, "sequence of "+p.GetTargetName(), fmt.Sprintf("UPDATE main.sqlite_sequence SET seq = max(seq, %d) WHERE name = %s", last, name))
	}
}

// tableBuilder writes one table's DDL.
type tableBuilder struct {
	*designer
	plan       *planv1.TablePlan
	source     *planv1.Table
	primary    *planv1.Index
	references int
	// own: the table is made by the source's statement, with all of its constraints.
	own bool
}

func primaryIndex(t *planv1.Table) *planv1.Index {
	for _, i := range t.GetIndexes() {
		if i.GetPrimary() {
			return i
		}
	}
	return nil
}

// finalName is the table's name once it is published.
func (b *tableBuilder) finalName() string {
	return cmp.Or(b.plan.GetPublishName(), b.plan.GetTargetName())
}

// planned is the plan of a source column; nil where it is not copied.
func (b *tableBuilder) planned(name string) *planv1.ColumnPlan {
	for _, c := range b.plan.GetColumns() {
		if c.Constant == nil && c.GetSource() == name {
			return c
		}
	}
	return nil
}

// rowidAlias is the column to be declared INTEGER PRIMARY KEY, which makes ids
// and is the table's own order.
func (b *tableBuilder) rowidAlias() string {
	if b.primary == nil || len(b.primary.GetColumns()) != 1 || b.option(optionWithoutRowid) {
		return ""
	}
	name := b.primary.GetColumns()[0].GetName()
	c, planned := engine.SourceColumn(b.plan, name), b.planned(name)
	switch {
	case planned == nil:
		return ""
	case planned.GetKind() == canon.Variant:
		if c.GetKind() != canon.Int || c.GetIdentity() == planv1.Identity_IDENTITY_UNSPECIFIED {
			return ""
		}
	case !slices.Contains([]planv1.Kind{canon.Int, canon.Uint}, planned.GetKind()), !strings.EqualFold(planned.GetTargetType(), "INTEGER"):
		return ""
	}
	return name
}

func (b *tableBuilder) option(name string) bool {
	return b.sameEngine() && slices.ContainsFunc(b.source.GetOptions(), func(o string) bool { return strings.HasPrefix(o, name) })
}

// lastValue is the value that AUTOINCREMENT gave out last in the source.
func (b *tableBuilder) lastValue() int64 {
	for _, o := range b.source.GetOptions() {
		if digits, ok := strings.CutPrefix(o, optionAutoincrement); ok && b.sameEngine() {
			n, err := strconv.ParseInt(digits, 10, 64)
			if err == nil {
				return n
			}
		}
	}
	return 0
}

func (b *tableBuilder) createTable() string {
	var parts []string
	alias := b.rowidAlias()
	for _, c := range b.source.GetColumns() {
		if !c.GetDropped() {
			parts = append(parts, b.column(c, alias != "" && c.GetName() == alias && c.Constant == nil))
		}
	}
	if b.primary != nil && alias == "" {
		parts = append(parts, "PRIMARY KEY ("+b.indexColumns(b.primary)+")")
		b.explainIndex(b.primary)
	}
	parts = append(parts, b.checks()...)
	parts = append(parts, b.foreignKeys()...)
	var options []string
	for _, o := range []string{optionStrict, optionWithoutRowid} {
		if b.option(o) && (o != optionWithoutRowid || b.primary != nil) {
			options = append(options, o)
		}
	}
	if b.option(optionOnConflict) {
		note(b.plan, severityWarning, "CONFLICT_CLAUSE_NOT_MOVED", "", "an ON CONFLICT clause of a constraint is not moved: conflicts abort the statement")
	}
	text := "CREATE TABLE " + mainTable(b.plan.GetTargetName()) + " (\n  " + strings.Join(parts, ",\n  ") + "\n)"
	return strings.TrimSpace(text + " " + strings.Join(options, ", "))
}

func (b *tableBuilder) column(c *planv1.Column, alias bool) string {
	parts := []string{ident(engine.TargetColumn(c))}
	if alias {
		parts = append(parts, "INTEGER PRIMARY KEY")
		if b.option(optionAutoincrement) {
			parts = append(parts, "AUTOINCREMENT")
		}
		return strings.Join(parts, " ")
	}
	t, _ := b.targetType(c)
	if c.GetIdentity() != planv1.Identity_IDENTITY_UNSPECIFIED {
		note(b.plan, severityWarning, "IDENTITY_NOT_MOVED", c.GetName(), "SQLite makes values for a primary key of one INTEGER column alone: inserts must give this column a value")
	}
	if t.declared != "" {
		parts = append(parts, t.declared)
	}
	// SQLite lets NULL into primary keys unless told otherwise.
	if !c.GetNullable() {
		parts = append(parts, "NOT NULL")
	}
	if text := b.defaultSQL(c, t); text != "" {
		parts = append(parts, "DEFAULT "+text)
	}
	if b.sameEngine() {
		if c.GetCollation() != "" && c.GetCast() == "" {
			parts = append(parts, "COLLATE "+ident(c.GetCollation()))
		}
	}
	if text, ok := b.computed(b.source, c); ok {
		parts = append(parts, "GENERATED ALWAYS AS ("+text+") "+map[bool]string{true: "STORED", false: "VIRTUAL"}[c.GetGeneratedStored()])
	}
	if len(c.GetEnumLabels()) > 0 && c.GetCast() == "" {
		parts = append(parts, "CHECK ("+labelCheck(ident(engine.TargetColumn(c)), c)+")")
	}
	return strings.Join(parts, " ")
}

// labelCheck lets in one of an enumeration's labels, or of a set's labels any, each
// once and in their order, as the source writes them.
func labelCheck(column string, c *planv1.Column) string {
	parts := make([]string, len(c.GetEnumLabels()))
	for i, l := range c.GetEnumLabels() {
		parts[i] = literal(l)
		if c.GetMultiple() {
			parts[i] = fmt.Sprintf("iif(instr(',' || %s || ',', %s), %s, '')", column, literal(","+l+","), literal(","+l))
		}
	}
	if c.GetMultiple() {
		return fmt.Sprintf("%[1]s = '' OR ',' || %[1]s = %[2]s", column, strings.Join(parts, " || "))
	}
	return column + " IN (" + strings.Join(parts, ", ") + ")"
}

// checks writes the check constraints, where SQLite means the same by them.
func (b *tableBuilder) checks() []string {
	var out []string
	for _, c := range b.source.GetChecks() {
		if !b.sameEngine() {
			text, err := b.condition(b.source, c.GetExpression())
			if err != nil {
				note(b.plan, severityWarning, "CHECK_NOT_MOVED", "", "check %s is not moved: %s: %s", c.GetName(), err, c.GetExpression())
			} else if text != "true" {
				out = append(out, constraint(c.GetName())+"CHECK ("+text+")")
			}
			continue
		}
		if mentionsRuled(b.source, c.GetExpression()) {
			note(b.plan, severityWarning, "CHECK_NOT_MOVED", "", "the check %s names a column that the spec changes: %s", c.GetName(), c.GetExpression())
			continue
		}
		out = append(out, constraint(c.GetName())+"CHECK ("+unqualified(c.GetExpression(), b.source.GetName())+")")
	}
	return out
}

// mentionsRuled tells whether an expression of SQLite names a column that does not
// arrive as it is.
func mentionsRuled(t *planv1.Table, expression string) bool {
	return slices.ContainsFunc(sqltoken.SQLite.Cut(expression), func(token sqltoken.Token) bool {
		return (token.Kind == sqltoken.Word || token.Kind == sqltoken.Name) && slices.ContainsFunc(t.GetColumns(), func(c *planv1.Column) bool {
			return fold(c.GetName()) == fold(token.Text) && (c.GetDropped() || c.GetCast() != "" || engine.TargetColumn(c) != c.GetName())
		})
	})
}

// unqualified takes the table's name off the columns of an expression: the table may
// have another.
func unqualified(expression, table string) string {
	tokens := sqltoken.SQLite.Cut(expression)
	var b strings.Builder
	from := 0
	for i, t := range tokens {
		if i+2 < len(tokens) && (t.Kind == sqltoken.Word || t.Kind == sqltoken.Name) && fold(t.Text) == fold(table) && tokens[i+1].Is(".") {
			b.WriteString(expression[from:t.Start])
			from = tokens[i+2].Start
		}
	}
	return b.String() + expression[from:]
}

func constraint(name string) string {
	if name == "" {
		return ""
	}
	return "CONSTRAINT " + ident(name) + " "
}
