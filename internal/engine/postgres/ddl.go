package postgres

import (
	"fmt"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

// Objects of statements. Apply reads the names behind the first two to know what
// is made already; SQL has no IF NOT EXISTS for constraints.
const (
	objectConstraint = "constraint "
	objectIndex      = "index "
)

func add(p *planv1.TablePlan, step planv1.Step, object, sql string) {
	p.Statements = append(p.Statements, &planv1.Statement{Step: step, Object: object, Sql: sql})
}

func targetTable(p *planv1.TablePlan) string {
	return qualified(p.GetTargetSchema(), p.GetTargetName())
}

// planDDL writes the statements of a table that drover makes.
func (d *designer) planDDL(p *planv1.TablePlan, columns []string) {
	create := "CREATE TABLE "
	if hasOption(p.GetSource(), optionUnlogged) {
		create = "CREATE UNLOGGED TABLE "
	}
	add(p, planv1.Step_STEP_CREATE, "table "+targetTable(p), create+"IF NOT EXISTS "+targetTable(p)+" (\n\t"+strings.Join(columns, ",\n\t")+"\n)")
	key := identifying(p.GetSource())
	for _, x := range p.GetSource().GetIndexes() {
		step := planv1.Step_STEP_INDEXES
		if x == key {
			step = planv1.Step_STEP_KEY
		}
		d.planIndex(p, x, step)
	}
	add(p, planv1.Step_STEP_KEY, "statistics of "+targetTable(p), "ANALYZE "+targetTable(p))
	for _, c := range p.GetSource().GetChecks() {
		d.planCheck(p, c)
	}
	d.planComments(p)
	d.planSequences(p, p.GetSource().GetColumns())
}

// planExistingDDL leaves an existing table's indexes alone; its sequences go on
// behind the rows that came.
func (d *designer) planExistingDDL(p *planv1.TablePlan, there *describedTable) {
	if p.GetKeyAfterLoad() {
		if key := identifying(p.GetSource()); key != nil {
			d.planIndex(p, key, planv1.Step_STEP_KEY)
		}
	}
	d.planSequences(p, there.table.GetColumns())
}

// identifying finds the index behind the key: the primary key wherever there is
// one, since a target wants it first.
func identifying(t *planv1.Table) *planv1.Index {
	for _, x := range t.GetIndexes() {
		if x.GetPrimary() {
			return x
		}
	}
	for _, x := range t.GetIndexes() {
		names := make([]string, len(x.GetColumns()))
		for i, c := range x.GetColumns() {
			names[i] = c.GetName()
		}
		if x.GetUnique() && x.GetPredicate() == "" && slices.Equal(names, t.GetKey().GetColumns()) {
			return x
		}
	}
	return nil
}

// planIndex plans a primary key, a unique constraint or an index.
func (d *designer) planIndex(p *planv1.TablePlan, x *planv1.Index, step planv1.Step) {
	body, constraint, ok := d.indexSQL(p, x)
	if !ok {
		note(p, warning, codeIndexNotMoved, "", "index %s is not moved: %s", x.GetName(), indexReason(x))
		return
	}
	want := d.indexName(p, x)
	name := d.names.free(p.GetTargetSchema(), want)
	if name != want {
		note(p, info, codeNameChanged, "", "index %s becomes %s", want, name)
	}
	if constraint {
		add(p, step, objectConstraint+name, "ALTER TABLE "+targetTable(p)+" ADD CONSTRAINT "+ident(name)+" "+body)
		return
	}
	unique := ""
	if x.GetUnique() {
		unique = "UNIQUE "
	}
	add(p, step, objectIndex+name, "CREATE "+unique+"INDEX IF NOT EXISTS "+ident(name)+" ON "+targetTable(p)+" "+body)
}

func indexReason(x *planv1.Index) string {
	if x.GetDefinition() != "" {
		return "only its own engine understands it: " + x.GetDefinition()
	}
	return "only its own engine understands its expressions or its condition"
}

// indexSQL writes an index behind its name: verbatim from a PostgreSQL source, of
// plain columns otherwise.
func (d *designer) indexSQL(p *planv1.TablePlan, x *planv1.Index) (body string, constraint, ok bool) {
	if d.sameEngine() && !p.GetTargetExists() {
		if x.GetConstraint() {
			body, ok = constraintBody(x.GetDefinition())
			return body, true, ok
		}
		body, ok = indexBody(x.GetDefinition())
		return body, false, ok
	}
	plain := x.GetMethod() == "" || x.GetMethod() == "btree"
	if x.GetPredicate() != "" || !plain || (x.GetConstraint() && !x.GetUnique() && !x.GetPrimary()) {
		return "", false, false
	}
	constraint = x.GetPrimary() || x.GetConstraint()
	var columns []string
	for _, c := range x.GetColumns() {
		to := targetColumn(p, c.GetName())
		if c.GetExpression() != "" || to == "" {
			return "", false, false
		}
		name := ident(to)
		if c.GetDescending() && !constraint {
			name += " DESC"
		}
		columns = append(columns, name)
	}
	switch list := "(" + strings.Join(columns, ", ") + ")"; {
	case x.GetPrimary():
		return "PRIMARY KEY " + list, true, true
	case constraint:
		return "UNIQUE " + list, true, true
	default:
		return list, false, true
	}
}

// targetColumn gives the target's name of a source column, computed ones included.
func targetColumn(p *planv1.TablePlan, source string) string {
	for _, c := range p.GetColumns() {
		if c.GetSource() == source {
			return c.GetTarget()
		}
	}
	if slices.Contains(p.GetRecomputed(), source) {
		return source
	}
	return ""
}

// indexName keeps names that people gave and makes those that engines make.
func (d *designer) indexName(p *planv1.TablePlan, x *planv1.Index) string {
	made := x.GetName() == "" || strings.HasPrefix(x.GetName(), "sqlite_autoindex_") || x.GetName() == "PRIMARY"
	if !made {
		return x.GetName()
	}
	if x.GetPrimary() {
		return clip(p.GetTargetName(), len("_pkey")) + "_pkey"
	}
	parts := []string{p.GetTargetName()}
	for _, c := range x.GetColumns() {
		parts = append(parts, c.GetName())
	}
	suffix := "_idx"
	if x.GetUnique() {
		suffix = "_key"
	}
	return clip(strings.Join(parts, "_"), len(suffix)) + suffix
}

func (d *designer) planCheck(p *planv1.TablePlan, c *planv1.Check) {
	if !d.sameEngine() {
		note(p, warning, codeCheckNotMoved, "", "check %s is not moved, its condition is in the source's dialect: %s", c.GetName(), c.GetExpression())
		return
	}
	add(p, planv1.Step_STEP_INDEXES, objectConstraint+c.GetName(),
		"ALTER TABLE "+targetTable(p)+" ADD CONSTRAINT "+ident(c.GetName())+" CHECK ("+c.GetExpression()+")")
}

func (d *designer) planComments(p *planv1.TablePlan) {
	if c := p.GetSource().GetComment(); c != "" {
		add(p, planv1.Step_STEP_INDEXES, "comment on "+targetTable(p), "COMMENT ON TABLE "+targetTable(p)+" IS "+literal(c))
	}
	for _, c := range p.GetSource().GetColumns() {
		to := targetColumn(p, c.GetName())
		if c.GetComment() != "" && to != "" {
			add(p, planv1.Step_STEP_INDEXES, "comment on "+targetTable(p)+"."+ident(to),
				"COMMENT ON COLUMN "+targetTable(p)+"."+ident(to)+" IS "+literal(c.GetComment()))
		}
	}
}

// planSequences sets the sequence behind each self-numbering column: the next
// insert gets what follows the greatest value, or the sequence's first value.
func (d *designer) planSequences(p *planv1.TablePlan, columns []*planv1.Column) {
	for _, c := range columns {
		if c.GetIdentity() == planv1.Identity_IDENTITY_UNSPECIFIED {
			continue
		}
		name := c.GetName()
		if !p.GetTargetExists() {
			if name = targetColumn(p, c.GetName()); name == "" || !selfNumbering(p, name) {
				continue
			}
		}
		add(p, planv1.Step_STEP_SEQUENCES, "sequence of "+targetTable(p)+"."+ident(name), fmt.Sprintf(
			"SELECT setval(q.seqrelid::regclass, GREATEST(m.top, q.seqmin), COALESCE(m.top >= q.seqmin, false))\n"+
				"FROM pg_sequence q, (SELECT max(%s)::int8 AS top FROM %s) m\nWHERE q.seqrelid = pg_get_serial_sequence(%s, %s)::regclass",
			ident(name), targetTable(p), literal(targetTable(p)), literal(name)))
	}
}

func selfNumbering(p *planv1.TablePlan, target string) bool {
	i := slices.IndexFunc(p.GetColumns(), func(c *planv1.ColumnPlan) bool { return c.GetTarget() == target })
	return i >= 0 && selfNumberingType(p.GetColumns()[i].GetTargetType())
}

func selfNumberingType(t string) bool {
	return t == "smallint" || t == "integer" || t == "bigint"
}

// planForeignKeys points foreign keys at the target's tables.
func (d *designer) planForeignKeys(p *planv1.TablePlan) {
	taken := map[string]bool{}
	for _, c := range p.GetSource().GetChecks() {
		taken[c.GetName()] = true
	}
	for i, f := range p.GetSource().GetForeignKeys() {
		to := d.bySource[[2]string{f.GetReferencedSchema(), f.GetReferencedTable()}]
		if to == nil || blocked(to) {
			note(p, warning, codeForeignNotMoved, "", "foreign key %s is not moved: %s is not in the migration", f.GetName(), f.GetReferencedTable())
			continue
		}
		body, reason := d.foreignKeySQL(p, to, f)
		if reason != "" {
			note(p, warning, codeForeignNotMoved, "", "foreign key %s is not moved: %s", f.GetName(), reason)
			continue
		}
		name := f.GetName()
		if name == "" || taken[name] {
			name = fmt.Sprintf("%s_fkey%d", clip(p.GetTargetName(), 9), i+1)
		}
		name = clip(name, 0)
		taken[name] = true
		add(p, planv1.Step_STEP_FOREIGN_KEYS, objectConstraint+name, "ALTER TABLE "+targetTable(p)+" ADD CONSTRAINT "+ident(name)+" "+body)
	}
}

// foreignKeySQL writes a foreign key behind its name, or says why it cannot be.
func (d *designer) foreignKeySQL(p, to *planv1.TablePlan, f *planv1.ForeignKey) (sql, reason string) {
	if d.sameEngine() && !to.GetTargetExists() {
		before, after, ok := foreignKeyParts(f.GetDefinition())
		if !ok {
			return "", "its definition is not understood: " + f.GetDefinition()
		}
		return before + targetTable(to) + after, ""
	}
	columns, ok1 := targetColumns(p, f.GetColumns())
	referenced := f.GetReferencedColumns()
	if len(referenced) == 0 {
		// SQLite: the primary key of the other table.
		referenced = to.GetSource().GetKey().GetColumns()
	}
	references, ok2 := targetColumns(to, referenced)
	if !ok1 || !ok2 || len(columns) != len(references) {
		return "", "a column of it is not copied"
	}
	if !uniqueOn(to.GetSource(), referenced) {
		return "", "the columns it points at are not unique in the source"
	}
	if reason := typesDiffer(p, to, columns, references); reason != "" {
		return "", reason
	}
	sql = "FOREIGN KEY (" + identList(columns) + ") REFERENCES " + targetTable(to) + " (" + identList(references) + ")"
	if f.GetMatch() == "FULL" {
		sql += " MATCH FULL"
	}
	return sql + action(" ON UPDATE ", f.GetOnUpdate()) + action(" ON DELETE ", f.GetOnDelete()) + deferral(f), ""
}

func targetColumns(p *planv1.TablePlan, source []string) ([]string, bool) {
	out := make([]string, len(source))
	for i, name := range source {
		// Names in a REFERENCES clause may differ in case where the source ignores it.
		at := findColumn(p.GetSource().GetColumns(), name)
		if at < 0 {
			return nil, false
		}
		if out[i] = targetColumn(p, p.GetSource().GetColumns()[at].GetName()); out[i] == "" {
			return nil, false
		}
	}
	return out, len(out) > 0
}

func uniqueOn(t *planv1.Table, columns []string) bool {
	want := folded(columns)
	if t.GetKey().GetSource() == planv1.KeySource_KEY_SOURCE_PRIMARY && slices.Equal(folded(t.GetKey().GetColumns()), want) {
		return true
	}
	return slices.ContainsFunc(t.GetIndexes(), func(x *planv1.Index) bool {
		var names []string
		for _, c := range x.GetColumns() {
			names = append(names, c.GetName())
		}
		return x.GetUnique() && x.GetPredicate() == "" && slices.Equal(folded(names), want)
	})
}

// folded sorts names without their case: the order of a key's columns does not matter.
func folded(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ToLower(n)
	}
	slices.Sort(out)
	return out
}

func typesDiffer(p, to *planv1.TablePlan, columns, references []string) string {
	for i := range columns {
		a, b := planColumn(p, columns[i]), planColumn(to, references[i])
		if a != nil && b != nil && a.GetKind() != b.GetKind() {
			return fmt.Sprintf("%s is %s and %s is %s", a.GetTarget(), a.GetTargetType(), engine.Label(to, engine.TargetSide)+"."+b.GetTarget(), b.GetTargetType())
		}
	}
	return ""
}

func planColumn(p *planv1.TablePlan, target string) *planv1.ColumnPlan {
	for _, c := range p.GetColumns() {
		if c.GetTarget() == target {
			return c
		}
	}
	return nil
}

// referentialActions are those SQL knows; anything else is not pasted into DDL.
var referentialActions = []string{"CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT"}

func action(clause, what string) string {
	if slices.Contains(referentialActions, what) {
		return clause + what
	}
	return ""
}

func deferral(f *planv1.ForeignKey) string {
	switch {
	case f.GetInitiallyDeferred():
		return " DEFERRABLE INITIALLY DEFERRED"
	case f.GetDeferrable():
		return " DEFERRABLE"
	default:
		return ""
	}
}
