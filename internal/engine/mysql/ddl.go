package mysql

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// Objects of statements. Apply reads the names behind them to know what is made
// already: DDL is in no transaction, and has no IF NOT EXISTS for most of this.
const (
	objectTable      = "table "
	objectIndex      = "index "
	objectForeignKey = "foreign key "
	objectSequence   = "auto_increment of "
)

func add(p *planv1.TablePlan, step planv1.Step, object, sql string) {
	p.Statements = append(p.Statements, &planv1.Statement{Step: step, Object: object, Sql: sql})
}

func targetTable(p *planv1.TablePlan) string {
	return qualified(p.GetTargetSchema(), p.GetTargetName())
}

// tableBuilder writes one table's DDL.
type tableBuilder struct {
	*designer
	plan    *planv1.TablePlan
	columns []*plannedColumn
	// keyed are the indexes that CREATE TABLE makes.
	keyed map[*planv1.Index]bool
	// numbering is the column that numbers itself.
	numbering *plannedColumn
	// charset and collation of texts that say nothing else.
	charset, collation string
}

// build plans columns and statements. Whatever would rewrite the table later is in
// CREATE TABLE: keys that rows are kept by, comments, and checks. Other indexes come
// when the rows are there, foreign keys when all tables are.
func (b *tableBuilder) build() {
	if text, ok := b.ownDefinition(); ok {
		b.buildOwn(text)
		return
	}
	b.noteRewritten()
	b.charset, b.collation = charset, b.dialect.target.textCollation
	if text, ok := option(b.plan.GetSource(), optionCollate); ok && b.family() {
		b.tableCollation(text)
	}
	var lines []string
	for _, c := range b.columns {
		if line, ok := b.column(c); ok {
			lines = append(lines, line)
		}
	}
	lines = append(lines, b.keys()...)
	lines = append(lines, b.checks()...)
	add(b.plan, planv1.Step_STEP_CREATE, objectTable+targetTable(b.plan), "CREATE TABLE "+targetTable(b.plan)+" (\n\t"+strings.Join(lines, ",\n\t")+"\n)"+b.tableOptions())
	names := map[string]bool{"primary": true}
	for _, x := range b.plan.GetSource().GetIndexes() {
		if !b.keyed[x] {
			b.index(x, names)
		}
	}
	if b.numbering != nil {
		addSequence(b.plan)
	}
}

// tableCollation keeps a table's collation, or takes the nearest: what comes of that for
// its columns, each says for itself.
func (b *tableBuilder) tableCollation(name string) {
	if !b.catalog.collations[name] {
		name = b.dialect.target.nearest(name)
	}
	if b.catalog.collations[name] {
		b.charset, _, _ = strings.Cut(name, "_")
		b.collation = name
	}
}

// addSequence lets AUTO_INCREMENT go on behind the greatest value, which is what the
// server makes of a value that is too low, and behind the source's own.
func addSequence(p *planv1.TablePlan) {
	next := "1"
	if text, ok := option(p.GetSource(), optionAutoIncrement); ok {
		if _, err := strconv.ParseUint(text, 10, 64); err == nil {
			next = text
		}
	}
	add(p, planv1.Step_STEP_SEQUENCES, objectSequence+targetTable(p), "ALTER TABLE "+targetTable(p)+" AUTO_INCREMENT = "+next)
}

func (b *tableBuilder) tableOptions() string {
	t := b.plan.GetSource()
	out := " ENGINE=" + innoDB + " DEFAULT CHARSET=" + b.charset + " COLLATE=" + b.collation
	if text, ok := option(t, optionRowFormat); ok && b.family() && slices.Contains([]string{"DYNAMIC", "COMPRESSED", "COMPACT", "REDUNDANT"}, text) {
		out += " ROW_FORMAT=" + text
	}
	if name, ok := option(t, optionEngine); ok && b.family() && !strings.EqualFold(name, innoDB) {
		note(b.plan, info, codeOptionNotMoved, "", "the table is in %s in the source and will be in InnoDB, which has transactions", name)
	}
	if b.family() {
		out += sharedOptions(t)
	}
	if t.GetComment() != "" {
		out += " COMMENT=" + literal(t.GetComment())
	}
	return out
}

// column plans one column and writes its line of CREATE TABLE.
func (b *tableBuilder) column(c *plannedColumn) (string, bool) {
	plan, err := engine.PlanColumn(c.source, c.to.name, c.to.kind, c.to.scale)
	if err != nil {
		note(b.plan, blocker, codeCastImpossible, c.source.GetName(), "%s: %s", c.to.name, err)
		return "", false
	}
	plan.Target, plan.TargetCharset, plan.TargetCollation = c.name, c.to.charset, c.to.collation
	line := ident(c.name) + " " + c.to.name
	if c.to.collation != "" && c.to.collation != b.collation {
		line += " CHARACTER SET " + c.to.charset + " COLLATE " + c.to.collation
	}
	if clause, ok := b.generated(c); ok {
		b.plan.Recomputed = append(b.plan.Recomputed, c.name)
		return line + clause + b.attributes(c), true
	}
	b.plan.Columns = append(b.plan.Columns, plan)
	switch {
	case !c.source.GetNullable() || b.inPrimary(c):
		line += " NOT NULL"
	case dataTypeOf(c.to.name) == "timestamp":
		// Else old settings make it NOT NULL.
		line += " NULL"
	}
	return line + b.valueClause(c) + b.attributes(c), true
}

// attributes are what the model has no place for, and the comment.
func (b *tableBuilder) attributes(c *plannedColumn) string {
	out := ""
	t := b.plan.GetSource()
	for _, o := range t.GetOptions() {
		if name, ok := strings.CutPrefix(o, optionInvisible); ok && name == c.source.GetName() {
			if b.family() && c.source.GetNullable() || c.source.GetDefault() != nil || b.sameEngine() {
				out += " INVISIBLE"
			} else {
				note(b.plan, warning, codeOptionNotMoved, c.source.GetName(), "%s hides no column that must have a value and has no default: SELECT * gives it", b.dialect.product)
			}
		}
		if text, ok := strings.CutPrefix(o, optionSRID); ok && b.sameEngine() {
			if id, name, _ := strings.Cut(text, " "); name == c.source.GetName() {
				out += " SRID " + id
			}
		}
	}
	if c.source.GetComment() != "" {
		out += " COMMENT " + literal(c.source.GetComment())
	}
	return out
}

// asWritten tells whether expressions of the source hold in the target: names and
// types are what they were.
func (b *tableBuilder) asWritten(expression string) bool {
	for _, c := range b.plan.GetSource().GetColumns() {
		if c.GetDropped() || c.GetCast() != "" || (engine.TargetColumn(c) != c.GetName()) {
			return false
		}
	}
	return b.sameEngine() || b.accepted[expression]
}

// generated writes the clause of a column that the target computes.
func (b *tableBuilder) generated(c *plannedColumn) (string, bool) {
	expression := c.source.GetGenerated()
	if expression == "" {
		return "", false
	}
	text, ok := b.generatedSQL(c)
	if !ok {
		note(b.plan, warning, codeGeneratedAsValue, c.source.GetName(), "generated column becomes an ordinary one with the values of now; its expression was: %s", expression)
		return "", false
	}
	out := " GENERATED ALWAYS AS (" + text + ")"
	if c.source.GetGeneratedStored() {
		out += " STORED"
	} else {
		out += " VIRTUAL"
	}
	if !c.source.GetNullable() && b.dialect.target.generatedNotNull {
		out += " NOT NULL"
	}
	return out, true
}

// valueClause writes AUTO_INCREMENT, or default and ON UPDATE.
func (b *tableBuilder) valueClause(c *plannedColumn) string {
	if c.source.GetIdentity() != planv1.Identity_IDENTITY_UNSPECIFIED {
		return b.identity(c)
	}
	out := ""
	if c.source.GetDefault() != nil {
		text, ok := b.defaultSQL(c)
		if ok {
			out = " DEFAULT " + text
		} else {
			note(b.plan, warning, codeDefaultNotMoved, c.source.GetName(), "default is not moved: %s", describeDefault(c.source.GetDefault()))
		}
	}
	if name := dataTypeOf(c.to.name); c.source.GetOnUpdateNow() && (name == "timestamp" || name == "datetime") {
		out += " ON UPDATE CURRENT_TIMESTAMP" + fraction(c.to.name)
	}
	return out
}

// identity lets the server number rows: one column of a table, of whole numbers.
func (b *tableBuilder) identity(c *plannedColumn) string {
	integer := slices.Contains(integerTypes, dataTypeOf(c.to.name)) && c.to.kind != canon.Bool
	required := !c.source.GetNullable() || b.inPrimary(c)
	switch {
	case !integer || !required:
		note(b.plan, warning, codeIdentityNotMoved, c.source.GetName(), "%s numbers only columns of whole numbers that take no NULL; this one is %s", b.dialect.product, c.to.name)
	case b.numbering != nil:
		note(b.plan, warning, codeIdentityNotMoved, c.source.GetName(), "%s numbers one column of a table, and %s is that already: inserts must give this one a value", b.dialect.product, b.numbering.name)
	default:
		b.numbering = c
		return " AUTO_INCREMENT"
	}
	return ""
}

// keys writes what CREATE TABLE must have: the primary key, the unique key that
// identifies rows, and an index that begins with the column that numbers itself.
func (b *tableBuilder) keys() []string {
	var out []string
	numbered := b.numbering == nil
	write := func(x *planv1.Index, head string) {
		parts, reason := b.indexParts(x)
		if reason != "" {
			return
		}
		b.keyed[x] = true
		out = append(out, head+"("+parts+")"+b.indexOptions(x))
		numbered = numbered || x.GetColumns()[0].GetName() == b.numbering.source.GetName()
	}
	if x := b.primary(); x != nil {
		write(x, "PRIMARY KEY ")
	}
	if x := b.identifying(); x != nil {
		write(x, "UNIQUE KEY "+ident(b.indexName(x))+" ")
	}
	if numbered {
		return out
	}
	for _, x := range b.plan.GetSource().GetIndexes() {
		if !b.keyed[x] && len(x.GetColumns()) > 0 && x.GetColumns()[0].GetName() == b.numbering.source.GetName() && ordinary(x) {
			head := "KEY "
			if x.GetUnique() {
				head = "UNIQUE KEY "
			}
			write(x, head+ident(b.indexName(x))+" ")
			break
		}
	}
	if !numbered {
		note(b.plan, info, codeIdentityIndexed, b.numbering.source.GetName(), "an index is made on the column: the server numbers only columns that an index begins with")
		out = append(out, "KEY "+ident(clip(b.plan.GetTargetName(), len("_auto_increment"))+"_auto_increment")+" ("+ident(b.numbering.name)+")")
	}
	return out
}

// primary is the source's primary key.
func (b *tableBuilder) primary() *planv1.Index {
	i := slices.IndexFunc(b.plan.GetSource().GetIndexes(), func(x *planv1.Index) bool { return x.GetPrimary() })
	if i < 0 {
		return nil
	}
	return b.plan.GetSource().GetIndexes()[i]
}

func (b *tableBuilder) inPrimary(c *plannedColumn) bool {
	x := b.primary()
	return x != nil && slices.ContainsFunc(x.GetColumns(), func(part *planv1.IndexColumn) bool { return part.GetName() == c.source.GetName() })
}

// identifying is the unique index behind the plan's key, where that is not the
// primary key.
func (b *tableBuilder) identifying() *planv1.Index {
	key := b.plan.GetSource().GetKey()
	if key.GetSource() != planv1.KeySource_KEY_SOURCE_UNIQUE {
		return nil
	}
	for _, x := range b.plan.GetSource().GetIndexes() {
		if x.GetUnique() && !x.GetPrimary() && x.GetPredicate() == "" && slices.EqualFunc(x.GetColumns(), key.GetColumns(),
			func(c *planv1.IndexColumn, name string) bool { return c.GetName() == name && c.GetPrefix() == 0 }) {
			return x
		}
	}
	return nil
}

// checks writes the conditions on rows.
func (b *tableBuilder) checks() []string {
	var out []string
	for i, c := range b.plan.GetSource().GetChecks() {
		condition, err := b.checkSQL(c)
		if err != nil {
			note(b.plan, warning, codeCheckNotMoved, "", "check %s is not moved: %s: %s", c.GetName(), err, c.GetExpression())
			continue
		}
		name := cmp.Or(c.GetName(), clip(b.plan.GetTargetName(), len("_check_00"))+"_check_"+strconv.Itoa(i+1))
		if b.dialect.target.checkNamesShared {
			name = b.constraintName(b.plan, name)
		}
		out = append(out, "CONSTRAINT "+ident(name)+" CHECK ("+condition+")")
	}
	return out
}

// constraintName gives a name that is free among the foreign keys and checks of the
// table's databases, the staging one included.
func (d *designer) constraintName(p *planv1.TablePlan, want string) string {
	schema, _ := finalPlace(p)
	schema = d.fold(schema)
	name := clip(want, 0)
	for n := 2; d.constraints[[2]string{schema, strings.ToLower(name)}]; n++ {
		suffix := "_" + strconv.Itoa(n)
		name = clip(want, len(suffix)) + suffix
	}
	d.constraints[[2]string{schema, strings.ToLower(name)}] = true
	if name != want {
		note(p, info, codeNameChanged, "", "constraint %s becomes %s", want, name)
	}
	return name
}

func describeDefault(v *planv1.Default) string {
	switch v := v.GetValue().(type) {
	case *planv1.Default_Expression:
		return v.Expression
	case *planv1.Default_Literal:
		return v.Literal
	default:
		return "the present moment"
	}
}
