package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

const (
	severityInfo    = planv1.Severity_SEVERITY_INFO
	severityWarning = planv1.Severity_SEVERITY_WARNING
	severityError   = planv1.Severity_SEVERITY_ERROR
)

// Design plans the file's tables. It changes nothing and makes no file.
func (d *database) Design(ctx context.Context, r engine.DesignRequest) (*planv1.Design, error) {
	const op = "sqlite.Design"
	designer := &designer{request: r, objects: map[string]string{}, there: map[string]bool{}, existing: map[string]*existingTable{}, targets: map[string]string{}, sources: map[string]*planv1.Table{}, taken: map[string]string{}}
	if err := d.read(ctx, func(tx *sql.Tx) error { return designer.readTarget(ctx, tx) }); err != nil {
		return nil, classify(op, err)
	}
	out := &planv1.Design{Engine: Name, Version: sqlite3.SQLITE_VERSION, Identity: d.identity()}
	for i, t := range r.Source.GetTables() {
		p := &planv1.TablePlan{Number: uint32(i + 1), Source: t, TargetSchema: mainSchema, Encoding: planv1.Encoding_ENCODING_CANONICAL,
			Existing: r.Existing, SourceEngine: r.Source.GetEngine(), TargetEngine: Name}
		designer.name(p)
		out.Tables = append(out.Tables, p)
	}
	// Foreign keys name tables that come later.
	for _, p := range out.GetTables() {
		designer.table(p)
	}
	designer.planObjects(out)
	return out, nil
}

// designer plans all tables of one design.
type designer struct {
	request engine.DesignRequest
	// objects are the kinds of everything the file has, by folded name.
	objects map[string]string
	// there are views and triggers of the file, by type and folded name.
	there    map[string]bool
	existing map[string]*existingTable
	// targets are the names that the tables are loaded under, sources the tables, by
	// the source's schema and name.
	targets map[string]string
	sources map[string]*planv1.Table
	// taken are the source tables that have got a name, by folded name.
	taken map[string]string
}

// existingTable is a table that the target has already.
type existingTable struct {
	*tableInfo
	hasRows  bool
	triggers bool
}

func (d *designer) readTarget(ctx context.Context, tx *sql.Tx) error {
	err := each(ctx, tx, "SELECT name, type FROM main.sqlite_schema", nil, func(rows *sql.Rows) error {
		var name, kind string
		err := rows.Scan(&name, &kind)
		d.there[kind+" "+fold(name)] = true
		if kind != "trigger" {
			d.objects[fold(name)] = kind
		}
		return err
	})
	if err != nil {
		return err
	}
	names, err := tableNames(ctx, tx, engine.Selection{})
	if err != nil {
		return err
	}
	for _, name := range names {
		t := &existingTable{}
		if t.tableInfo, err = readTable(ctx, tx, name); err != nil {
			return err
		}
		err := tx.QueryRowContext(ctx, fmt.Sprintf(`SELECT EXISTS (SELECT 1 FROM %s),
			EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE)`, mainTable(name)), name).Scan(&t.hasRows, &t.triggers)
		if err != nil {
			return err
		}
		d.existing[fold(name)] = t
	}
	return nil
}

// sameEngine tells whether the source's SQL is SQLite's.
func (d *designer) sameEngine() bool { return d.request.Source.GetEngine() == Name }

func sourceID(schema, table string) string { return schema + "\x00" + table }

// name gives a table its name in the file.
func (d *designer) name(p *planv1.TablePlan) {
	source := p.GetSource()
	schema, table, ruled := d.request.Name(source.GetSchema(), source.GetName())
	if !ruled {
		schema, table = "", source.GetName()
		if d.manySchemas() {
			note(p, severityError, "SCHEMA_MAPPING_NEEDED", "", "SQLite has no schemas, and the source's tables are in several: "+
				"say where they go, as with tables: [{match: %q, into: \"%s_{table}\"}]", source.GetSchema()+".*", source.GetSchema())
		}
	}
	if schema != "" && fold(schema) != mainSchema {
		note(p, severityError, "SCHEMA_MAPPING_NEEDED", "", "SQLite has no schema %s: map the table to a name without one, as %s_{table}", schema, schema)
	}
	p.TargetName = table
	if t := d.existing[fold(table)]; t != nil {
		p.TargetName = t.name
	}
	if d.request.Stage != "" {
		p.TargetName, p.PublishSchema, p.PublishName = stagedName(d.request.Stage, table), mainSchema, table
	}
	id := sourceID(source.GetSchema(), source.GetName())
	d.targets[id], d.sources[id] = p.TargetName, source
	switch other, taken := d.taken[fold(table)]; {
	case taken:
		note(p, severityError, "NAME_COLLISION", "", "%s becomes %s as well, and SQLite does not tell upper from lower case: map one of them to another name", other, table)
	case internalName(table):
		note(p, severityError, "NAME_RESERVED", "", "names that begin with sqlite_ or %s are not free: map the table to another name", ledgerPrefix)
	case d.existing[fold(table)] != nil && d.request.Stage != "":
		note(p, severityError, "TARGET_EXISTS", "", "the target has a table %s, and with publish: atomic drover makes all of them: remove it, or map the table to another name", table)
	case d.existing[fold(table)] == nil && d.objects[fold(table)] != "":
		note(p, severityError, "NAME_COLLISION", "", "the target has a %s of the name %s: map the table to another name", d.objects[fold(table)], table)
	}
	d.taken[fold(table)] = engine.Label(p, engine.SourceSide)
	d.objects[fold(table)] = "table"
}

func (d *designer) manySchemas() bool {
	tables := d.request.Source.GetTables()
	return slices.ContainsFunc(tables, func(t *planv1.Table) bool { return t.GetSchema() != tables[0].GetSchema() })
}

// table plans one table.
func (d *designer) table(p *planv1.TablePlan) {
	existing := d.existing[fold(p.GetTargetName())]
	p.TargetExists = existing != nil
	seen := map[string]bool{}
	for _, c := range p.GetSource().GetColumns() {
		if c.GetDropped() {
			continue
		}
		name := fold(engine.TargetColumn(c))
		if seen[name] {
			note(p, severityError, "NAME_COLLISION", c.GetName(), "another column differs in case alone, which SQLite does not tell: give one of them another name")
		}
		seen[name] = true
		if _, ok := d.computed(p.GetSource(), c); ok {
			p.Recomputed = append(p.Recomputed, engine.TargetColumn(c))
			continue
		}
		d.column(p, c)
	}
	if len(seen) == len(p.GetRecomputed()) {
		note(p, severityError, "NO_COLUMNS", "", "the table has no columns to copy, and SQLite has no table without")
	}
	if existing != nil {
		d.adopt(p, existing)
	} else {
		d.create(p)
	}
	p.ValidateByRange = d.validateByRange(p, existing)
	p.ComparedKeys = d.comparedKeys(p, existing)
}

// column plans a column; one that cannot be is left out and noted.
func (d *designer) column(p *planv1.TablePlan, c *planv1.Column) {
	if d.sameEngine() && c.GetCast() == "" && c.Constant == nil && c.GetPolicy().GetAction() <= planv1.Policy_ACTION_ERROR {
		p.Columns = append(p.Columns, &planv1.ColumnPlan{Source: c.GetName(), SourceType: c.GetNativeType(), Target: engine.TargetColumn(c),
			TargetType: c.GetNativeType(), Kind: canon.Variant, Scale: -1, Nullable: c.GetNullable(), Policy: c.GetPolicy()})
	} else if !d.typed(p, c) {
		return
	}
	if c.GetGenerated() != "" {
		note(p, severityInfo, "GENERATED_AS_VALUES", c.GetName(), "the expression is not SQLite's, or names columns that the spec changes: the column is copied as plain values; its expression was: %s", c.GetGenerated())
	}
}

// typed plans a column whose values travel by their kind.
func (d *designer) typed(p *planv1.TablePlan, c *planv1.Column) bool {
	t, ok := d.targetType(c)
	if ok && d.sameEngine() && slices.Contains(p.GetSource().GetOptions(), optionStrict) {
		ok = slices.Contains(strictTypes, strings.ToUpper(t.declared))
	}
	switch {
	case ok:
	case c.GetCast() != "":
		note(p, severityError, "CAST_IMPOSSIBLE", c.GetName(), "type %s says nothing of the values that SQLite is to keep in it, or changes them: "+
			"use INTEGER, REAL, TEXT, BLOB or, in a table that is not STRICT, BOOLEAN, DATE, TIME, DATETIME, UUID or DECIMAL(p,s)", c.GetCast())
		return false
	default:
		note(p, severityError, "NO_TYPE_MAPPING", c.GetName(), "type %s has no mapping to SQLite: leave the table or the column out (skip, drop), or cast the column to TEXT",
			c.GetNativeType())
		return false
	}
	planned, err := engine.PlanColumn(c, t.declared, t.kind, t.scale)
	if err != nil {
		note(p, severityError, "CAST_IMPOSSIBLE", c.GetName(), "%s", err)
		return false
	}
	p.Columns = append(p.Columns, planned)
	d.explain(p, c)
	return true
}

// explain notes what a column loses beside its type.
func (d *designer) explain(p *planv1.TablePlan, c *planv1.Column) {
	if c.GetOnUpdateNow() {
		note(p, severityWarning, "ON_UPDATE_NOT_MOVED", c.GetName(), "SQLite sets no column on every update: make a trigger that does")
	}
	if c.GetGeometry() != "" {
		note(p, severityInfo, "GEOMETRY_AS_BYTES", c.GetName(), "SQLite has no type %s: the column keeps EWKB, little endian, with the SRID where there is one", c.GetNativeType())
	}
}

// adopt checks a table that is there against what comes.
func (d *designer) adopt(p *planv1.TablePlan, t *existingTable) {
	if t.hasRows && p.GetExisting() != planv1.Existing_EXISTING_APPEND && p.GetExisting() != planv1.Existing_EXISTING_TRUNCATE {
		note(p, severityError, "TARGET_NOT_EMPTY", "", "the target's table has rows: empty it, or choose --existing=append or --existing=truncate")
	}
	if t.triggers {
		note(p, severityWarning, "TRIGGERS_FIRE", "", "the target's table has triggers, which run for every row that is copied")
	}
	copied := map[string]bool{}
	for _, c := range p.GetColumns() {
		column := t.column(c.GetTarget())
		if column == nil || column.generated() {
			note(p, severityError, "COLUMN_MISSING", c.GetTarget(), "the target's table has no such column to write to: add it, or remove the table")
			continue
		}
		copied[fold(column.name)] = true
		c.Target, c.TargetType = column.name, column.declared
		if !fits(c.GetKind(), column.declared) {
			note(p, severityError, "TYPE_DIFFERS", c.GetTarget(), "a column of type %q would change values of %s: declare it %s", column.declared, c.GetSourceType(), kindTypes[c.GetKind()])
		}
	}
	for _, column := range t.columns {
		if !copied[fold(column.name)] && column.notNull && !column.defaultSQL.Valid && !column.generated() {
			note(p, severityError, "COLUMN_WITHOUT_VALUE", column.name, "the target's column is NOT NULL, has no default, and the source has no such column")
		}
	}
}

// rangeKinds are the kinds whose stored form is ordered as every engine orders
// the values. Times and decimals are not among them: as text, a year before 1 or
// beyond 9999, or a shorter number, stands elsewhere.
var rangeKinds = []planv1.Kind{canon.Bool, canon.Int, canon.Bytes, canon.UUID}

// ordered tells whether a column keeps its values in the order that every engine has.
// An unsigned integer is one of SQLite's only in a column of integers.
func ordered(c *planv1.ColumnPlan) bool {
	return slices.Contains(rangeKinds, c.GetKind()) || c.GetKind() == canon.Uint && affinityOf(c.GetTargetType()) == affinityInteger
}

// validateByRange tells whether the file can tell a range's rows from others.
func (d *designer) validateByRange(p *planv1.TablePlan, existing *existingTable) bool {
	positions, err := engine.KeyColumns(p)
	if err != nil || positions == nil {
		return false
	}
	key := p.GetSource().GetKey()
	for n, i := range positions {
		c := p.GetColumns()[i]
		if c.GetKind() == canon.Variant {
			// The same declared type stores the same, and the same collation orders it.
			if existing != nil && affinityOf(c.GetTargetType()) != affinityOf(c.GetSourceType()) {
				return false
			}
			continue
		}
		if !key.GetPortableOrder() || !ordered(c) || c.GetKind() != key.GetKinds()[n] || c.GetPolicy().GetAction() > planv1.Policy_ACTION_ERROR {
			return false
		}
	}
	return !d.sameEngine() || existing == nil || d.sameCollations(p, existing)
}

// sameCollations tells whether the target's key is ordered as the source's.
func (d *designer) sameCollations(p *planv1.TablePlan, existing *existingTable) bool {
	columns := targetKey(p, engine.TargetSide).GetColumns()
	indexed := existing.keyCollations(columns)
	for n, source := range sourceCollations(p.GetSource()) {
		if source != cmp.Or(indexed[n], existing.collations[fold(columns[n])], "BINARY") {
			return false
		}
	}
	return true
}

// sourceCollations are the collations of a source's key columns.
func sourceCollations(t *planv1.Table) []string {
	out := make([]string, len(t.GetKey().GetColumns()))
	for _, i := range t.GetIndexes() {
		if i.GetUnique() && sameColumns(i, t.GetKey()) {
			for n, c := range i.GetColumns() {
				out[n] = c.GetCollation()
			}
		}
	}
	for n, name := range t.GetKey().GetColumns() {
		for _, c := range t.GetColumns() {
			if c.GetName() == name {
				out[n] = cmp.Or(out[n], c.GetCollation(), "BINARY")
			}
		}
	}
	return out
}

// sameColumns tells whether an index is over a key's columns.
func sameColumns(i *planv1.Index, key *planv1.Key) bool {
	return slices.EqualFunc(i.GetColumns(), key.GetColumns(), func(c *planv1.IndexColumn, name string) bool { return c.GetName() == name })
}

// note adds a finding to a table.
func note(p *planv1.TablePlan, severity planv1.Severity, code, column, format string, args ...any) {
	p.Findings = append(p.Findings, &planv1.Finding{Severity: severity, Code: code, Table: engine.Label(p, engine.SourceSide), Column: column,
		Message: fmt.Sprintf(format, args...)})
}
