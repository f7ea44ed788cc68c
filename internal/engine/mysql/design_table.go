package mysql

import (
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// maxColumns is what InnoDB takes.
const maxColumns = 1017

// planTable plans columns and statements of one table.
func (d *designer) planTable(p *planv1.TablePlan) {
	schema, name := finalPlace(p)
	at := [2]string{d.fold(schema), d.fold(name)}
	there := d.catalog.existing[at]
	switch kind := d.catalog.tables[at]; {
	case kind != "" && d.req.Stage != "":
		note(p, blocker, codeTargetExists, "", "%s.%s is on the target already, and publish: atomic makes its tables itself: drop it, rename it, or map the table to another name", schema, name)
		d.planNew(p)
	case kind != "" && !isTable(kind):
		p.TargetExists = true
		note(p, blocker, codeTargetNotTable, "", "%s.%s on the target is no table: map the table to another name", schema, name)
	case there != nil:
		d.planExisting(p, there)
	default:
		d.planNew(p)
	}
	if len(p.GetColumns()) == 0 && !blocked(p) {
		note(p, blocker, codeNoColumns, "", "no column is left to copy")
	}
	p.ValidateByRange = d.validatesByRange(p, there)
	p.ComparedKeys = d.comparedKeys(p, there)
}

// plannedColumn is a column of a new table on its way into the plan.
type plannedColumn struct {
	source *planv1.Column
	name   string
	to     targetType
}

// planNew plans a table that drover makes. Its primary key is made with it: InnoDB
// keeps rows in the key's order.
func (d *designer) planNew(p *planv1.TablePlan) {
	columns := d.plannedColumns(p)
	if len(columns) > maxColumns {
		note(p, blocker, codeTooManyColumns, "", "the table has %d columns, InnoDB takes %d: drop some in the spec", len(columns), maxColumns)
	}
	b := &tableBuilder{designer: d, plan: p, columns: columns, keyed: map[*planv1.Index]bool{}}
	if !d.family() {
		b.fitKeys()
		b.fitRow()
		b.checkPage()
	}
	b.build()
	b.checkKeys()
	if d.server.keyRequired && b.primary() == nil {
		note(p, blocker, codeKeyRequired, "", "the server takes no table without a primary key (%s): set it to OFF there for the migration, or give the source's table a key",
			strings.TrimPrefix(d.dialect.target.keyRequired, "@@"))
	}
}

// plannedColumns names the columns that move and chooses their types.
func (d *designer) plannedColumns(p *planv1.TablePlan) []*plannedColumn {
	taken := map[string]string{}
	var out []*plannedColumn
	for _, c := range p.GetSource().GetColumns() {
		if c.GetDropped() {
			continue
		}
		name := d.columnName(p, c, taken)
		if to, ok := d.columnType(p, c); ok {
			out = append(out, &plannedColumn{source: c, name: name, to: to})
		}
	}
	return out
}

// columnName gives a column's name as the server keeps it. Two that differ in case
// alone are the user's to rename.
func (d *designer) columnName(p *planv1.TablePlan, c *planv1.Column, taken map[string]string) string {
	name := clip(engine.TargetColumn(c), 0)
	if name != engine.TargetColumn(c) {
		note(p, warning, codeNameChanged, c.GetName(), "name is longer than %d characters: it becomes %s", maxIdentifier, name)
	}
	if reason := invalidName(name); reason != "" {
		note(p, blocker, codeNameInvalid, c.GetName(), "%s: give the column another name in the spec", reason)
	}
	if other, ok := taken[strings.ToLower(name)]; ok {
		note(p, blocker, codeNameCollision, c.GetName(), "columns %s and %s would have the same name %s, whose case says nothing here: give one of them another name", other, c.GetName(), name)
	}
	taken[strings.ToLower(name)] = c.GetName()
	return name
}

// columnType gives the type of a new column; false with a finding where there is none.
func (d *designer) columnType(p *planv1.TablePlan, c *planv1.Column) (targetType, bool) {
	switch {
	case c.GetCast() != "":
		return d.castOf(p, c)
	case c.Constant != nil:
		return targetType{name: "longtext", kind: canon.Text, scale: -1}, true
	case d.family():
		to := d.dialect.ownType(d.source.GetEngine(), c)
		if to.name != c.GetNativeType() {
			note(p, info, codeTypeTranslated, c.GetName(), "%s has no type %s: the column becomes %s", d.dialect.product, c.GetNativeType(), to.name)
		}
		d.collate(p, c, &to)
		d.ownBytes(p.GetSource(), c, &to)
		return to, true
	}
	to, ok := d.dialect.mapType(d.source.GetEngine(), c)
	switch {
	case !ok:
		note(p, blocker, codeNoTypeMapping, c.GetName(), "declared type %q has no mapping to %s: its values may be of any type; "+
			"declare one in the source, give the column a type in the spec, or make the table on the target first and use --existing=append", c.GetNativeType(), d.dialect.product)
	case narrowed(c, to):
		note(p, warning, codeTypeNarrowed, c.GetName(), "%s becomes %s, the widest there is: a number with more digits stops the table; cast the column to longtext to keep all", c.GetNativeType(), to.name)
	case c.GetKind() == canon.TimestampTZ:
		note(p, info, codeInstantAsUTC, c.GetName(), "%s becomes %s, which has no time zone: it holds the instant in UTC", c.GetNativeType(), to.name)
	}
	if c.GetCollation() != "" && to.kind == canon.Text && !strings.EqualFold(c.GetCollation(), "BINARY") {
		note(p, warning, codeCollationNotMoved, c.GetName(), "collation %s is not %s's: values compare by their bytes (%s)", c.GetCollation(), d.dialect.product, d.dialect.target.textCollation)
	}
	return to, ok
}

// castOf reads the type that the spec asks for.
func (d *designer) castOf(p *planv1.TablePlan, c *planv1.Column) (targetType, bool) {
	to, err := d.dialect.typeOf(c.GetCast())
	if err != nil {
		note(p, blocker, codeCastImpossible, c.GetName(), "%s", err)
		return to, false
	}
	return to.suited(c.GetKind()), true
}

// collate keeps the collation of a text, or takes the nearest that the server has.
func (d *designer) collate(p *planv1.TablePlan, c *planv1.Column, to *targetType) {
	if to.collation == "" || d.catalog.collations[to.collation] {
		return
	}
	was := to.collation
	if to.collation = d.dialect.target.nearest(was); !d.catalog.collations[to.collation] {
		to.collation = d.catalog.defaults[to.charset]
	}
	note(p, warning, codeCollationChanged, c.GetName(), "collation %s is not on the target: %s takes its place, by which a few values may be equal or ordered otherwise", was, to.collation)
}

// validatesByRange tells whether the target finds the rows of a range as the source
// does.
func (d *designer) validatesByRange(p *planv1.TablePlan, there *planv1.Table) bool {
	at, err := engine.KeyColumns(p)
	if err != nil || len(at) == 0 || (p.GetTargetExists() && p.GetExisting() == planv1.Existing_EXISTING_APPEND) {
		return false
	}
	key := p.GetSource().GetKey()
	for n, i := range at {
		c := p.GetColumns()[i]
		if c.GetKind() != key.GetKinds()[n] {
			return false
		}
		if d.sameOrder(engine.SourceColumn(p, c.GetSource()), c, there) {
			continue
		}
		if !key.GetPortableOrder() || !slices.Contains(orderedTypes[c.GetKind()], dataTypeOf(c.GetTargetType())) {
			return false
		}
	}
	return true
}

// orderedTypes are the types that order the values of a kind as every engine does.
var orderedTypes = map[planv1.Kind][]string{
	canon.Bool: {"tinyint"}, canon.Int: append([]string{"decimal", "year"}, integerTypes...), canon.Uint: append([]string{"decimal"}, integerTypes...),
	canon.Decimal: {"decimal"}, canon.Bytes: {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}, canon.Date: {"date"}, canon.Time: {"time"},
	canon.Timestamp: {"datetime"}, canon.TimestampTZ: {"datetime", "timestamp"}, canon.UUID: {"char", "varchar", "binary", "varbinary"},
}

// sameOrder tells whether a column is the source's own: one product orders values of
// one type and collation alike, in every version.
func (d *designer) sameOrder(source *planv1.Column, c *planv1.ColumnPlan, there *planv1.Table) bool {
	if !d.sameEngine() || source == nil || source.GetNativeType() != c.GetTargetType() {
		return false
	}
	if there == nil {
		return source.GetCollation() == "" || d.catalog.collations[source.GetCollation()]
	}
	i := findColumn(there.GetColumns(), c.GetTarget())
	return i >= 0 && there.GetColumns()[i].GetCollation() == source.GetCollation()
}

// findColumn finds a column whatever the case of its name.
func findColumn(columns []*planv1.Column, name string) int {
	return slices.IndexFunc(columns, func(c *planv1.Column) bool { return strings.EqualFold(c.GetName(), name) })
}

func hasOption(t *planv1.Table, name string) bool {
	_, ok := option(t, name)
	return ok
}
