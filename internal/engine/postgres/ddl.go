package postgres

import (
	"fmt"
	"maps"
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
	objectTable      = "table "
	objectAnalyze    = "statistics of "
	// Two tables may share a function, and be built at once.
	objectFunction = "function "
)

// tableClauses are how a table of a PostgreSQL source is partitioned and stored.
func (d *designer) tableClauses(p *planv1.TablePlan) string {
	out := ""
	if !d.sameEngine() {
		return ""
	}
	if key := p.GetSource().GetPartitionKey(); key != "" && !d.joined(p) {
		out += " PARTITION BY " + key
	}
	if method := p.GetSource().GetAccessMethod(); method != "" {
		out += " USING " + ident(method)
	}
	if len(p.GetSource().GetParameters()) > 0 {
		out += " WITH (" + strings.Join(p.GetSource().GetParameters(), ", ") + ")"
	}
	if space := p.GetSource().GetTablespace(); space != "" && d.objects.tablespaces[space] {
		out += " TABLESPACE " + ident(space)
	}
	return out
}

// inTablespace puts the place of an index behind its columns and parameters, and before
// its condition and what else ends its definition.
func (d *designer) inTablespace(x *planv1.Index, body string) string {
	space := x.GetTablespace()
	if space == "" || !d.objects.tablespaces[space] {
		return body
	}
	end := ""
	for _, clause := range []string{" INITIALLY DEFERRED", " DEFERRABLE", " WHERE (" + x.GetPredicate() + ")", " WHERE " + x.GetPredicate()} {
		if rest, ok := strings.CutSuffix(body, clause); ok {
			body, end = rest, clause+end
		}
	}
	if x.GetConstraint() {
		return body + " USING INDEX TABLESPACE " + ident(space) + end
	}
	return body + " TABLESPACE " + ident(space) + end
}

// noteServer says what of a table's making the target lacks, before anything is made.
func (d *designer) noteServer(p *planv1.TablePlan) {
	t := p.GetSource()
	for _, need := range t.GetNeeds() {
		if d.objects.gone[need] {
			severity := blocker
			if d.leavesType(t) {
				severity = warning // perhaps nothing else needs it
			}
			note(p, severity, codeObjectMissing, "", "%s is not on the target, and a default, a constraint, an index or a type of the table needs it: make it there first, or leave the table out", need)
		}
	}
	spaces := map[string]bool{t.GetTablespace(): true}
	for _, x := range t.GetIndexes() {
		spaces[x.GetTablespace()] = true
	}
	for _, space := range slices.Sorted(maps.Keys(spaces)) {
		if space != "" && !d.objects.tablespaces[space] {
			note(p, warning, codeTablespaceMissing, "", "tablespace %s is not on the target: what is in it goes to the database's own; CREATE TABLESPACE %s there first to keep it apart", space, bareIdent(space))
		}
	}
	for _, o := range t.GetOptions() {
		if name, ok := strings.CutPrefix(o, optionForeignLeaf+" "); ok {
			note(p, blocker, codeForeignPartition, "", "its partition %s is a foreign table, whose rows drover does not move apart from the others: ALTER TABLE … DETACH PARTITION for the migration, or leave the table out", name)
		}
	}
}

// leavesType tells whether a type that the target lacks stays behind, with its column or
// by a cast.
func (d *designer) leavesType(t *planv1.Table) bool {
	return slices.ContainsFunc(t.GetColumns(), func(c *planv1.Column) bool {
		return (c.GetDropped() || c.GetCast() != "") && !d.typeThere[c.GetNativeType()]
	})
}

// planStorage says of columns what CREATE TABLE cannot in every version, before rows
// come: how large values are kept, and the defaults of columns that are a parent's.
func (d *designer) planStorage(p *planv1.TablePlan, related bool) {
	for _, c := range p.GetSource().GetColumns() {
		to := targetColumn(p, c.GetName())
		if !d.sameEngine() || to == "" || c.GetCast() != "" {
			continue
		}
		column := "ALTER TABLE " + targetTable(p) + " ALTER COLUMN " + ident(to)
		if c.GetStorage() != "" {
			add(p, planv1.Step_STEP_CREATE, "storage of "+targetTable(p)+"."+ident(to), column+" SET STORAGE "+c.GetStorage())
		}
		if sql, ok := renderDefault(Name, c, targetType{name: c.GetNativeType(), kind: c.GetKind(), scale: -1}); ok && related && c.GetInherited() && c.GetGenerated() == "" {
			add(p, planv1.Step_STEP_CREATE, "default of "+targetTable(p)+"."+ident(to), column+" SET DEFAULT "+sql)
		}
	}
}

func add(p *planv1.TablePlan, step planv1.Step, object, sql string) {
	p.Statements = append(p.Statements, &planv1.Statement{Step: step, Object: object, Sql: sql})
}

func targetTable(p *planv1.TablePlan) string {
	return qualified(p.GetTargetSchema(), p.GetTargetName())
}

// planDDL writes the statements of a table that drover makes.
func (d *designer) planDDL(p *planv1.TablePlan, columns []string, family string) {
	create := "CREATE TABLE "
	if hasOption(p.GetSource(), optionUnlogged) {
		create = "CREATE UNLOGGED TABLE "
	}
	add(p, planv1.Step_STEP_CREATE, objectTable+targetTable(p), create+"IF NOT EXISTS "+targetTable(p)+" (\n\t"+strings.Join(columns, ",\n\t")+"\n)"+family+d.tableClauses(p))
	d.planOwnSequences(p)
	d.planStorage(p, family != "")
	if !d.joined(p) {
		p.Statements = append(p.Statements, d.planPartitions(p)...)
	}
	key := identifying(p.GetSource())
	for _, x := range p.GetSource().GetIndexes() {
		step := planv1.Step_STEP_INDEXES
		if x == key {
			step = planv1.Step_STEP_KEY
		}
		d.planIndex(p, x, step)
	}
	add(p, planv1.Step_STEP_KEY, objectAnalyze+targetTable(p), "ANALYZE "+targetTable(p))
	d.planChecks(p)
	d.planOnUpdate(p)
	d.planCollations(p)
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

// targetColumn gives the target's name of a source column, computed ones included.
func targetColumn(p *planv1.TablePlan, source string) string {
	for _, c := range p.GetColumns() {
		if c.GetSource() == source && c.Constant == nil {
			return c.GetTarget()
		}
	}
	for _, c := range p.GetSource().GetColumns() {
		if name := clip(engine.TargetColumn(c), 0); c.GetName() == source && slices.Contains(p.GetRecomputed(), name) {
			return name
		}
	}
	return ""
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
		if c.GetIdentity() == planv1.Identity_IDENTITY_UNSPECIFIED && (c.GetSequence() == nil || !d.sameEngine()) {
			continue
		}
		name := c.GetName()
		if !p.GetTargetExists() {
			if name = targetColumn(p, c.GetName()); name == "" || !d.numbered(p, name) {
				continue
			}
		}
		add(p, planv1.Step_STEP_SEQUENCES, "sequence of "+targetTable(p)+"."+ident(name), setSequence(p, name, d.lastOf(p, c)))
	}
}

// lastOf is the sequence of a source column that goes on where it was; nil for one that
// only follows the values.
func (d *designer) lastOf(p *planv1.TablePlan, c *planv1.Column) *planv1.Sequence {
	if !d.sameEngine() || p.GetTargetExists() {
		return nil
	}
	return c.GetSequence()
}

// setSequence lets a column's sequence go on behind the last value in the table, and
// behind the one that the source's sequence gave last.
func setSequence(p *planv1.TablePlan, column string, last *planv1.Sequence) string {
	const numbers = "FROM pg_sequence q, (SELECT %s(%s)::int8 AS top FROM %s) m\nWHERE q.seqrelid = pg_get_serial_sequence(%s, %s)::regclass"
	bound, further := "max", "GREATEST"
	if last.GetIncrement() < 0 {
		bound, further = "min", "LEAST"
	}
	from := fmt.Sprintf(numbers, bound, ident(column), targetTable(p), literal(targetTable(p)), literal(column))
	if last == nil {
		return "SELECT setval(q.seqrelid::regclass, GREATEST(m.top, q.seqmin), COALESCE(m.top >= q.seqmin, false))\n" + from
	}
	compare := ">="
	if last.GetIncrement() < 0 {
		compare = "<="
	}
	return fmt.Sprintf("SELECT setval(q.seqrelid::regclass, LEAST(GREATEST(%[1]s(m.top, %[2]d), q.seqmin), q.seqmax), COALESCE(m.top %[3]s %[2]d, false) OR %[4]t)\n",
		further, last.GetLastValue(), compare, last.GetCalled()) + from
}

// planOwnSequences makes the sequences of columns that cannot be identities.
func (d *designer) planOwnSequences(p *planv1.TablePlan) {
	for _, s := range d.sequences {
		if s.plan != p {
			continue
		}
		sequence := qualified(p.GetTargetSchema(), s.name)
		column := targetTable(p) + "." + ident(s.column)
		add(p, planv1.Step_STEP_CREATE, "sequence "+sequence, "CREATE SEQUENCE IF NOT EXISTS "+sequence+spaced(s.options)+" OWNED BY "+column)
		add(p, planv1.Step_STEP_CREATE, "default of "+column,
			"ALTER TABLE "+targetTable(p)+" ALTER COLUMN "+ident(s.column)+" SET DEFAULT nextval("+literal(sequence)+"::regclass)")
	}
}

// ownedSequence numbers a column that cannot be an identity.
type ownedSequence struct {
	plan                  *planv1.TablePlan
	column, name, options string
}

// spaced puts a space before a clause, if there is one.
func spaced(clause string) string {
	if clause == "" {
		return ""
	}
	return " " + clause
}

// numbered tells whether the target numbers a column.
func (d *designer) numbered(p *planv1.TablePlan, target string) bool {
	return selfNumbering(p, target) || slices.ContainsFunc(d.sequences, func(s ownedSequence) bool { return s.plan == p && s.column == target })
}

func selfNumbering(p *planv1.TablePlan, target string) bool {
	i := slices.IndexFunc(p.GetColumns(), func(c *planv1.ColumnPlan) bool { return c.GetTarget() == target })
	return i >= 0 && selfNumberingType(p.GetColumns()[i].GetTargetType())
}

func selfNumberingType(t string) bool {
	return t == "smallint" || t == "integer" || t == "bigint"
}
