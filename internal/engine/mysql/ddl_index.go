package mysql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// ordinary tells whether an index is a tree over values; hash indexes of other
// engines become one.
func ordinary(x *planv1.Index) bool {
	return x.GetPredicate() == "" && slices.Contains([]string{"", "btree", "hash"}, x.GetMethod())
}

// Methods of indexes that are no trees over values.
const (
	methodFulltext = "fulltext"
	methodSpatial  = "spatial"
)

// asSpatial is PostGIS's index of a geometry as the kind of index that there is here.
func (b *tableBuilder) asSpatial(x *planv1.Index) *planv1.Index {
	if x.GetMethod() != "gist" || x.GetPredicate() != "" || x.GetConstraint() || len(x.GetColumns()) != 1 {
		return x
	}
	if c := b.plannedBy(x.GetColumns()[0].GetName()); c == nil || !isGeometry(dataTypeOf(c.to.name)) {
		return x
	}
	return &planv1.Index{Name: x.GetName(), Columns: []*planv1.IndexColumn{{Name: x.GetColumns()[0].GetName()}}, Method: methodSpatial, Comment: x.GetComment()}
}

// index plans an index that is built when the rows are there.
func (b *tableBuilder) index(x *planv1.Index, names map[string]bool) {
	x = b.asSpatial(x)
	parts, reason := b.indexParts(x)
	if reason != "" {
		note(b.plan, warning, codeIndexNotMoved, "", "index %s is not moved: %s", x.GetName(), reason)
		return
	}
	if x.GetMethod() == methodSpatial && !b.family() && b.dialect.target.spatialNeedsSRID {
		note(b.plan, warning, codeIndexChanged, x.GetColumns()[0].GetName(), "index %s becomes a spatial one: the optimizer uses it when the column has an SRID, "+
			"which ALTER TABLE … MODIFY … SRID … gives it", x.GetName())
	}
	want := b.indexName(x)
	name := want
	for n := 2; names[strings.ToLower(name)]; n++ {
		suffix := "_" + strconv.Itoa(n)
		name = clip(want, len(suffix)) + suffix
	}
	names[strings.ToLower(name)] = true
	if x.GetName() != "" && name != x.GetName() && !madeName(x) {
		note(b.plan, info, codeNameChanged, "", "index %s becomes %s", x.GetName(), name)
	}
	if x.GetNullsNotDistinct() {
		note(b.plan, warning, codeNullsDistinct, "", "index %s: %s takes any number of NULLs into a unique index", x.GetName(), b.dialect.product)
	}
	kind := map[string]string{methodFulltext: "FULLTEXT INDEX ", methodSpatial: "SPATIAL INDEX "}[x.GetMethod()]
	switch {
	case x.GetUnique():
		kind = "UNIQUE INDEX "
	case kind == "":
		kind = "INDEX "
	}
	add(b.plan, planv1.Step_STEP_INDEXES, objectIndex+name, "ALTER TABLE "+targetTable(b.plan)+" ADD "+kind+ident(name)+" ("+parts+")"+b.indexOptions(x))
}

// indexOptions are the comment of an index, and that the optimizer does not use it.
func (b *tableBuilder) indexOptions(x *planv1.Index) string {
	out := ""
	if x.GetComment() != "" && b.family() {
		out += " COMMENT " + literal(x.GetComment())
	}
	if b.family() && slices.Contains(b.plan.GetSource().GetOptions(), optionIgnored+x.GetName()) {
		out += " " + b.dialect.target.indexHidden
	}
	switch {
	case x.GetParser() == "":
	case b.sameEngine():
		out = " WITH PARSER " + ident(x.GetParser()) + out
	default:
		note(b.plan, warning, codeOptionNotMoved, "", "index %s: its parser %s is not moved, words are told apart as usual", x.GetName(), x.GetParser())
	}
	return out
}

// madeName tells whether an engine made an index's name, not a person.
func madeName(x *planv1.Index) bool {
	return x.GetName() == "" || x.GetPrimary() || strings.HasPrefix(x.GetName(), "sqlite_autoindex_")
}

// indexName keeps names that people gave.
func (b *tableBuilder) indexName(x *planv1.Index) string {
	if !madeName(x) && !strings.EqualFold(x.GetName(), primaryIndex) && invalidName(x.GetName()) == "" {
		return clip(x.GetName(), 0)
	}
	parts := []string{b.plan.GetTargetName()}
	for _, c := range x.GetColumns() {
		parts = append(parts, c.GetName())
	}
	suffix := "_idx"
	if x.GetUnique() {
		suffix = "_key"
	}
	return clip(strings.Join(parts, "_"), len(suffix)) + suffix
}

// indexParts writes an index's columns, or says why it cannot be.
func (b *tableBuilder) indexParts(x *planv1.Index) (parts, reason string) {
	special := x.GetMethod() == methodSpatial || b.family() && x.GetMethod() == methodFulltext
	if !ordinary(x) && !special || x.GetConstraint() && !x.GetUnique() && !x.GetPrimary() {
		return "", "only its own engine has it: " + x.GetMethod() + " " + x.GetDefinition() + x.GetPredicate()
	}
	prefixes := map[string]int{}
	if !b.family() && !x.GetUnique() {
		prefixes = b.fitIndex(x)
	}
	var out []string
	for _, part := range x.GetColumns() {
		text, reason := b.indexPart(x, part, prefixes[part.GetName()])
		if reason != "" {
			return "", reason
		}
		out = append(out, text)
	}
	return strings.Join(out, ", "), ""
}

func (b *tableBuilder) indexPart(x *planv1.Index, part *planv1.IndexColumn, fit int) (text, reason string) {
	if part.GetName() == "" {
		text, ok := b.indexExpression(part.GetExpression())
		if !ok {
			return "", "it has an expression, which only its own engine understands: " + part.GetExpression()
		}
		return "(" + text + ")" + descending(part), ""
	}
	c := b.plannedBy(part.GetName())
	if c == nil {
		return "", "a column of it is not copied"
	}
	text = ident(c.name)
	prefix := int(part.GetPrefix())
	switch name := dataTypeOf(c.to.name); {
	case name == "json", x.GetMethod() != methodSpatial && isGeometry(name):
		return "", "a column of it is " + name + ", of which there is no such index"
	case x.GetMethod() == methodSpatial && c.source.GetNullable():
		return "", "a column of it may be NULL, which a spatial index here does not take"
	case prefix == 0 && fit == 0 && isLong(name) && ordinary(x) && !(x.GetUnique() && b.dialect.target.longUnique):
		return "", "it takes all of a long column, and " + b.dialect.product + " has no such index"
	case fit > 0:
		prefix = fit
		note(b.plan, info, codeIndexPrefix, c.source.GetName(), "index %s takes the first %d characters of the column, as many as an index here holds", x.GetName(), prefix)
	case prefix > 0 && c.source.GetCast() != "":
		if size, per := c.to.bytesOf(); per == 0 || size <= prefix*per {
			prefix = 0 // another type has no beginning, or is no longer than that
		}
	}
	if prefix > 0 && x.GetMethod() != methodSpatial && x.GetMethod() != methodFulltext {
		text += fmt.Sprintf("(%d)", prefix)
	}
	return text + descending(part), ""
}

// isLong tells whether a type has no length that an index could take.
func isLong(dataType string) bool {
	return strings.HasSuffix(dataType, "text") || strings.HasSuffix(dataType, "blob")
}

func descending(part *planv1.IndexColumn) string {
	if part.GetDescending() {
		return " DESC"
	}
	return ""
}

// plannedBy finds the column of a source's column.
func (b *tableBuilder) plannedBy(source string) *plannedColumn {
	i := slices.IndexFunc(b.columns, func(c *plannedColumn) bool { return c.source.GetName() == source && c.source.Constant == nil })
	if i < 0 {
		return nil
	}
	return b.columns[i]
}

// planForeignKeys points foreign keys at the target's tables.
func (d *designer) planForeignKeys(p *planv1.TablePlan) {
	for i, f := range p.GetSource().GetForeignKeys() {
		name := f.GetName()
		to := d.bySource[[2]string{f.GetReferencedSchema(), f.GetReferencedTable()}]
		if to == nil || blocked(to) {
			note(p, warning, codeForeignNotMoved, "", "foreign key %s is not moved: %s is not in the migration", name, f.GetReferencedTable())
			continue
		}
		body, reason := d.foreignKeySQL(p, to, f)
		if reason != "" {
			note(p, warning, codeForeignNotMoved, "", "foreign key %s is not moved: %s", name, reason)
			continue
		}
		if name == "" {
			name = clip(p.GetTargetName(), 9) + "_fk_" + strconv.Itoa(i+1)
		}
		name = d.constraintName(p, name)
		add(p, planv1.Step_STEP_FOREIGN_KEYS, objectForeignKey+name, "ALTER TABLE "+targetTable(p)+" ADD CONSTRAINT "+ident(name)+" "+body)
		p.Statements[len(p.GetStatements())-1].ForeignKey = uint32(i + 1)
	}
}

// foreignKeySQL writes a foreign key behind its name, or says why it cannot be.
func (d *designer) foreignKeySQL(p, to *planv1.TablePlan, f *planv1.ForeignKey) (sql, reason string) {
	referenced := f.GetReferencedColumns()
	if len(referenced) == 0 {
		// SQLite: the primary key of the other table.
		referenced = to.GetSource().GetKey().GetColumns()
	}
	columns, references := targetColumns(p, f.GetColumns()), targetColumns(to, referenced)
	switch {
	case columns == nil || references == nil || len(columns) != len(references):
		return "", "a column of it is not copied"
	case !d.family() && !engine.UniqueOn(to.GetSource(), referenced):
		return "", "the columns it points at are not unique in the source"
	}
	for i := range columns {
		if !d.joins(columns[i].GetTargetType(), references[i].GetTargetType()) {
			return "", fmt.Sprintf("%s is %s and %s.%s is %s", columns[i].GetTarget(), columns[i].GetTargetType(), to.GetTargetName(), references[i].GetTarget(), references[i].GetTargetType())
		}
	}
	if f.GetDeferrable() || f.GetMatch() == "FULL" {
		note(p, warning, codeForeignChanged, "", "foreign key %s is checked at once, and not where a column of it is NULL: %s has neither DEFERRABLE nor MATCH FULL", f.GetName(), d.dialect.product)
	}
	return "FOREIGN KEY (" + identList(columns) + ") REFERENCES " + targetTable(to) + " (" + identList(references) + ")" +
		d.action(p, f, " ON UPDATE ", f.GetOnUpdate()) + d.action(p, f, " ON DELETE ", f.GetOnDelete()), ""
}

// joins tells whether columns of these types may refer to each other: texts whatever
// their length, everything else of one type.
func (d *designer) joins(a, b string) bool {
	ta, errA := d.dialect.typeOf(a)
	tb, errB := d.dialect.typeOf(b)
	if errA != nil || errB != nil {
		return a == b
	}
	kinds := []planv1.Kind{ta.kind, tb.kind}
	return ta.name == tb.name || kinds[0] == kinds[1] && (kinds[0] == canon.Text || kinds[0] == canon.Bytes) ||
		strings.HasPrefix(ta.name, "tinyint") && strings.TrimSuffix(ta.name, "(1)") == strings.TrimSuffix(tb.name, "(1)")
}

func identList(columns []*planv1.ColumnPlan) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.GetTarget()
	}
	return idents(names)
}

// targetColumns gives the plans of source columns; nil where one is not copied.
func targetColumns(p *planv1.TablePlan, source []string) []*planv1.ColumnPlan {
	var out []*planv1.ColumnPlan
	for _, name := range source {
		// Names in a REFERENCES clause may differ in case where the source ignores it.
		i := slices.IndexFunc(engine.Stored(p, engine.SourceSide), func(c *planv1.ColumnPlan) bool { return c.GetSource() == name })
		if i < 0 {
			i = slices.IndexFunc(engine.Stored(p, engine.SourceSide), func(c *planv1.ColumnPlan) bool { return strings.EqualFold(c.GetSource(), name) })
		}
		if i < 0 {
			return nil
		}
		out = append(out, p.GetColumns()[i])
	}
	return out
}

// action writes what becomes of rows that refer to one that goes; anything but what
// the server knows is not pasted into DDL. InnoDB
// refuses the change for NO ACTION as for RESTRICT.
func (d *designer) action(p *planv1.TablePlan, f *planv1.ForeignKey, clause, what string) string {
	switch {
	case what == d.dialect.target.impliedAction:
	case slices.Contains([]string{"CASCADE", "SET NULL", "RESTRICT", "NO ACTION"}, what):
		return clause + what
	case what == "SET DEFAULT":
		note(p, warning, codeForeignChanged, "", "foreign key %s has%s SET DEFAULT, which InnoDB does not have: it refuses the change instead", f.GetName(), clause)
	}
	return ""
}
