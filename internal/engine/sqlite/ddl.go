package sqlite

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// create plans the statements that make a table. SQLite takes keys, references
// and checks only inside CREATE TABLE; none of them is enforced on the rows of a
// copy but the key.
func (d *designer) create(p *planv1.TablePlan) {
	b := &tableBuilder{designer: d, plan: p, source: p.GetSource(), primary: primaryIndex(p.GetSource())}
	add := func(step planv1.Step, object, text string) {
		p.Statements = append(p.Statements, &planv1.Statement{Step: step, Object: object, Sql: text})
	}
	add(planv1.Step_STEP_CREATE, "table "+p.GetTargetName(), b.createTable())
	for _, index := range b.source.GetIndexes() {
		if index == b.primary {
			continue
		}
		if name, text, ok := b.index(index); ok {
			step := planv1.Step_STEP_INDEXES
			if b.isKey(index) {
				step = planv1.Step_STEP_KEY
			}
			add(step, "index "+name, text)
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
}

func primaryIndex(t *planv1.Table) *planv1.Index {
	for _, i := range t.GetIndexes() {
		if i.GetPrimary() {
			return i
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
	for _, c := range b.source.GetColumns() {
		if c.GetName() == name && c.GetKind() == canon.Int && (!b.sameEngine() || c.GetIdentity() != planv1.Identity_IDENTITY_UNSPECIFIED) {
			return name
		}
	}
	return ""
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
		parts = append(parts, b.column(c, c.GetName() == alias))
	}
	if b.primary != nil && alias == "" {
		parts = append(parts, "PRIMARY KEY ("+b.indexColumns(b.primary)+")")
	}
	parts = append(parts, b.checks()...)
	parts = append(parts, b.foreignKeys()...)
	var options []string
	for _, o := range []string{optionStrict, optionWithoutRowid} {
		if b.option(o) {
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
	parts := []string{ident(c.GetName())}
	if alias {
		parts = append(parts, "INTEGER PRIMARY KEY")
		if b.option(optionAutoincrement) {
			parts = append(parts, "AUTOINCREMENT")
		}
		return strings.Join(parts, " ")
	}
	declared := c.GetNativeType()
	if !b.sameEngine() {
		declared, _ = declaredFor(b.request.Source.GetEngine(), c, b.domains())
		if c.GetIdentity() != planv1.Identity_IDENTITY_UNSPECIFIED {
			note(b.plan, severityWarning, "IDENTITY_NOT_MOVED", c.GetName(), "SQLite makes values for a primary key of one integer column alone: inserts must give this column a value")
		}
	}
	if declared != "" {
		parts = append(parts, declared)
	}
	// SQLite lets NULL into primary keys unless told otherwise.
	if !c.GetNullable() {
		parts = append(parts, "NOT NULL")
	}
	if text := b.defaultSQL(c, declared); text != "" {
		parts = append(parts, "DEFAULT "+text)
	}
	if b.sameEngine() {
		if c.GetCollation() != "" {
			parts = append(parts, "COLLATE "+ident(c.GetCollation()))
		}
		if c.GetGenerated() != "" {
			parts = append(parts, "GENERATED ALWAYS AS ("+c.GetGenerated()+") "+map[bool]string{true: "STORED", false: "VIRTUAL"}[c.GetGeneratedStored()])
		}
	}
	if labels := c.GetEnumLabels(); len(labels) > 0 {
		quoted := make([]string, len(labels))
		for i, l := range labels {
			quoted[i] = literal(l)
		}
		parts = append(parts, "CHECK ("+ident(c.GetName())+" IN ("+strings.Join(quoted, ", ")+"))")
	}
	return strings.Join(parts, " ")
}

// defaultSQL writes a default; empty for none.
func (b *tableBuilder) defaultSQL(c *planv1.Column, declared string) string {
	switch v := c.GetDefault().GetValue().(type) {
	case *planv1.Default_Literal:
		if text, ok := literalDefault(c.GetKind(), affinityOf(declared), v.Literal); ok {
			return text
		}
		b.noDefault(c, literal(v.Literal))
	case *planv1.Default_Moment_:
		if text, ok := momentDefault(c.GetKind(), v.Moment); ok {
			return text
		}
		b.noDefault(c, v.Moment.String())
	case *planv1.Default_Expression:
		if b.sameEngine() {
			return "(" + v.Expression + ")"
		}
		b.noDefault(c, v.Expression)
	}
	return ""
}

func (b *tableBuilder) noDefault(c *planv1.Column, text string) {
	note(b.plan, severityWarning, "DEFAULT_NOT_MOVED", c.GetName(), "the default %s has no form in SQLite: inserts must give the value", text)
}

// literalDefault writes a constant as the column would store it.
func literalDefault(kind planv1.Kind, a affinity, text string) (string, bool) {
	value, err := canon.Parse(kind, text)
	if err != nil || strings.ContainsRune(text, 0) {
		return "", false
	}
	if kind == canon.Bytes {
		return fmt.Sprintf("x'%x'", value), true
	}
	v, err := stored(kind, a, value)
	if err != nil {
		return "", false
	}
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		if math.IsInf(v, 0) {
			return "", false
		}
		digits := strconv.FormatFloat(v, 'e', -1, 64)
		return digits, true
	case string:
		return literal(v), true
	default:
		return "", false
	}
}

// momentDefault writes the present moment, UTC, as a column of the kind stores it.
func momentDefault(kind planv1.Kind, m planv1.Default_Moment) (string, bool) {
	switch {
	case m == planv1.Default_MOMENT_TIMESTAMP && kind == canon.TimestampTZ:
		return "(CURRENT_TIMESTAMP || '+00')", true
	case kind == canon.Date && m != planv1.Default_MOMENT_TIME:
		return "CURRENT_DATE", true
	case kind == canon.Timestamp && m == planv1.Default_MOMENT_DATE:
		return "(CURRENT_DATE || ' 00:00:00')", true
	case kind == canon.TimeTZ:
		return "(CURRENT_TIME || '+00')", m == planv1.Default_MOMENT_TIME
	case m == planv1.Default_MOMENT_TIMESTAMP:
		return "CURRENT_TIMESTAMP", true
	case m == planv1.Default_MOMENT_DATE:
		return "CURRENT_DATE", true
	case m == planv1.Default_MOMENT_TIME:
		return "CURRENT_TIME", true
	}
	return "", false
}

// checks writes the check constraints, where they are in SQLite's language.
func (b *tableBuilder) checks() []string {
	var out []string
	for _, c := range b.source.GetChecks() {
		if !b.sameEngine() {
			note(b.plan, severityWarning, "CHECK_NOT_MOVED", "", "the check %s is not SQLite's: %s", c.GetName(), c.GetExpression())
			continue
		}
		out = append(out, constraint(c.GetName())+"CHECK ("+c.GetExpression()+")")
	}
	return out
}

func constraint(name string) string {
	if name == "" {
		return ""
	}
	return "CONSTRAINT " + ident(name) + " "
}

func (b *tableBuilder) foreignKeys() []string {
	var out []string
	for _, f := range b.source.GetForeignKeys() {
		parent, ok := b.targets[sourceID(f.GetReferencedSchema(), f.GetReferencedTable())]
		if !ok {
			note(b.plan, severityWarning, "FOREIGN_KEY_NOT_MOVED", strings.Join(f.GetColumns(), ", "), "it references %s, which is not copied", f.GetReferencedTable())
			continue
		}
		text := constraint(f.GetName()) + "FOREIGN KEY (" + idents(f.GetColumns()) + ") REFERENCES " + ident(parent)
		if len(f.GetReferencedColumns()) > 0 {
			text += " (" + idents(f.GetReferencedColumns()) + ")"
		}
		text += onEvent("UPDATE", f.GetOnUpdate()) + onEvent("DELETE", f.GetOnDelete())
		if f.GetDeferrable() && f.GetInitiallyDeferred() {
			text += " DEFERRABLE INITIALLY DEFERRED"
		}
		if f.GetMatch() == "FULL" {
			note(b.plan, severityWarning, "MATCH_FULL_NOT_MOVED", strings.Join(f.GetColumns(), ", "), "SQLite checks no reference that is NULL in part")
		}
		b.references++
		out = append(out, text)
	}
	return out
}

func onEvent(event, action string) string {
	if action == "" || action == "NO ACTION" {
		return ""
	}
	return " ON " + event + " " + action
}

// isKey tells whether an index is the one that identifies rows.
func (b *tableBuilder) isKey(i *planv1.Index) bool {
	key := b.source.GetKey()
	return i.GetUnique() && i.GetPredicate() == "" && key.GetSource() == planv1.KeySource_KEY_SOURCE_UNIQUE && sameColumns(i, key)
}

// index writes an index; ok is false where SQLite cannot have it.
func (b *tableBuilder) index(i *planv1.Index) (name, text string, ok bool) {
	expressions := i.GetPredicate() != "" || slices.ContainsFunc(i.GetColumns(), func(c *planv1.IndexColumn) bool { return c.GetName() == "" })
	if !b.sameEngine() && (expressions || !slices.Contains([]string{"", "btree", "hash"}, strings.ToLower(i.GetMethod()))) {
		note(b.plan, severityWarning, "INDEX_NOT_MOVED", "", "index %s is not moved: SQLite has no index of method %s, or its expressions are not SQLite's", i.GetName(), i.GetMethod())
		return "", "", false
	}
	if i.GetNullsNotDistinct() {
		note(b.plan, severityWarning, "NULLS_DISTINCT", "", "index %s: SQLite takes any number of NULLs into a unique index", i.GetName())
	}
	name = b.freeName(i.GetName())
	text = "CREATE INDEX IF NOT EXISTS "
	if i.GetUnique() {
		text = "CREATE UNIQUE INDEX IF NOT EXISTS "
	}
	text += mainTable(name) + " ON " + ident(b.plan.GetTargetName()) + " (" + b.indexColumns(i) + ")"
	if i.GetPredicate() != "" {
		text += " WHERE " + i.GetPredicate()
	}
	return name, text, true
}

// freeName gives an index a name that no table or index has: they share one space.
func (b *tableBuilder) freeName(name string) string {
	name = cmp.Or(name, b.plan.GetTargetName()+"_index")
	for n, free := 2, name; ; n++ {
		if b.objects[fold(free)] == "" && !internalName(free) {
			b.objects[fold(free)] = "index"
			return free
		}
		free = fmt.Sprintf("%s_%s_%d", b.plan.GetTargetName(), strings.TrimPrefix(name, "sqlite_"), n)
	}
}

func (b *tableBuilder) indexColumns(i *planv1.Index) string {
	parts := make([]string, len(i.GetColumns()))
	for n, c := range i.GetColumns() {
		parts[n] = ident(c.GetName())
		if c.GetName() == "" {
			parts[n] = c.GetExpression()
		}
		if c.GetCollation() != "" && b.sameEngine() {
			parts[n] += " COLLATE " + ident(c.GetCollation())
		}
		if c.GetDescending() {
			parts[n] += " DESC"
		}
	}
	return strings.Join(parts, ", ")
}
