package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// Codes of findings.
const (
	codeNoTypeMapping     = "NO_TYPE_MAPPING"
	codeTypeMissing       = "TYPE_MISSING"
	codeTypeDiffers       = "TYPE_DIFFERS"
	codeTargetNotEmpty    = "TARGET_NOT_EMPTY"
	codeTargetNotTable    = "TARGET_NOT_A_TABLE"
	codeTargetColumn      = "TARGET_COLUMN"
	codeTargetForeignKey  = "TARGET_FOREIGN_KEY"
	codeNameChanged       = "NAME_CHANGED"
	codeNameTooLong       = "NAME_TOO_LONG"
	codeNameCollision     = "NAME_COLLISION"
	codeDefaultNotMoved   = "DEFAULT_NOT_MOVED"
	codeIdentityNotMoved  = "IDENTITY_NOT_MOVED"
	codeGeneratedAsValue  = "GENERATED_AS_VALUE"
	codeCollationNotMoved = "COLLATION_NOT_MOVED"
	codeIndexNotMoved     = "INDEX_NOT_MOVED"
	codeCheckNotMoved     = "CHECK_NOT_MOVED"
	codeForeignNotMoved   = "FOREIGN_KEY_NOT_MOVED"
	codePartitionsJoined  = "PARTITIONS_JOINED"
	codeOptionNotMoved    = "OPTION_NOT_MOVED"
	codeNoColumns         = "NO_COLUMNS"
	codeCastImpossible    = "CAST_IMPOSSIBLE"
	codeTargetExists      = "TARGET_EXISTS"
	codeGeometryAsBytes   = "GEOMETRY_AS_BYTES"
	codeCollationDiffers  = "COLLATION_DIFFERS"
	codeIndexChanged      = "INDEX_CHANGED"
	codeOnUpdateTrigger   = "ON_UPDATE_BY_TRIGGER"
	codeOnUpdateNotMoved  = "ON_UPDATE_NOT_MOVED"

	codeIdentityBySequence = "IDENTITY_BY_SEQUENCE"
)

// objectType begins a statement's object where it makes a type.
const objectType = "type "

// designer plans one target.
type designer struct {
	db     *database
	source *planv1.Database
	req    engine.DesignRequest
	design *planv1.Design
	// defaultSchema is where the target's role makes tables.
	defaultSchema string
	// schemas are there already.
	schemas map[string]bool
	// existing are the target's tables that plans name, by schema and name.
	existing map[[2]string]*describedTable
	filled   map[[2]string]bool
	// indexes are those of the tables that are there, by the table's OID.
	indexes map[uint32][]indexThere
	// compression is how much the best that the target compresses by makes of one byte.
	compression int64
	// typeThere and collationThere tell what of the source's the target knows.
	typeThere, collationThere map[string]bool
	names                     *namer
	// casts are the types that the spec asks for, by the name it has for them.
	casts map[string]cast
	// geometry is the type of PostGIS, empty where that is not installed.
	geometry string
	// repeated are names of indexes that several tables of a schema have.
	repeated map[[2]string]bool
	// sequences are to be made for columns that cannot be identities.
	sequences []ownedSequence
	// functions are those that set columns at an update, by schema and columns.
	functions map[[2]string]string
	// objects is what the target has beside tables.
	objects targetObjects
	// defaults of columns that take their numbers from a sequence with another place.
	renumbered map[string]string
	// bySource finds the plan of a source table, for foreign keys.
	bySource map[[2]string]*planv1.TablePlan
}

// Design plans the target. It reads the catalog in one snapshot and changes
// nothing.
func (db *database) Design(ctx context.Context, r engine.DesignRequest) (*planv1.Design, error) {
	d := &designer{db: db, source: r.Source, req: r, names: newNamer(), bySource: map[[2]string]*planv1.TablePlan{}, functions: map[[2]string]string{}, renumbered: map[string]string{},
		design: &planv1.Design{Engine: Name, Version: db.version, Identity: db.identity}}
	err := db.inSnapshot(ctx, func(tx pgx.Tx) error { return d.run(ctx, tx) })
	if err != nil {
		return nil, fault.At(classify("postgres.Design", err), fault.Target, "")
	}
	return d.design, nil
}

func (d *designer) run(ctx context.Context, tx pgx.Tx) error {
	if err := d.readDefaults(ctx, tx); err != nil {
		return err
	}
	for i, t := range d.source.GetTables() {
		p := &planv1.TablePlan{Number: uint32(i + 1), Source: d.asPrinted(t), Existing: d.req.Existing, SourceEngine: d.source.GetEngine(), TargetEngine: Name}
		d.place(p)
		d.design.Tables = append(d.design.Tables, p)
		d.bySource[[2]string{t.GetSchema(), t.GetName()}] = p
	}
	if err := d.readTarget(ctx, tx); err != nil {
		return err
	}
	if err := d.noteTarget(ctx, tx); err != nil {
		return err
	}
	d.checkNames()
	if err := d.readObjects(ctx, tx); err != nil {
		return err
	}
	d.planObjects(true)
	if err := d.planTypes(ctx, tx); err != nil {
		return err
	}
	if err := d.planCasts(ctx, tx); err != nil {
		return err
	}
	d.findRepeated()
	for _, p := range d.design.GetTables() {
		d.planTable(p)
	}
	// Foreign keys last: they need the other tables' columns.
	for _, p := range d.design.GetTables() {
		if !p.GetTargetExists() {
			d.planForeignKeys(p)
		}
	}
	d.planFamilies()
	d.planObjects(false)
	return nil
}

// asPrinted lets jsonb travel as PostgreSQL prints it where it goes into jsonb again: by
// value, as other engines have it, 1.50 would arrive as 1.5.
func (d *designer) asPrinted(t *planv1.Table) *planv1.Table {
	prints := func(c *planv1.Column) bool {
		return c.GetNativeType() == "jsonb" && c.GetCast() == "" && c.GetPolicy().GetAction() <= planv1.Policy_ACTION_ERROR && !slices.Contains(t.GetKey().GetColumns(), c.GetName())
	}
	if !d.sameEngine() || !slices.ContainsFunc(t.GetColumns(), prints) {
		return t
	}
	t = proto.CloneOf(t)
	for _, c := range t.GetColumns() {
		if prints(c) {
			c.Kind = canon.JSON
		}
	}
	return t
}

// targetName applies the request's rules, then the default ones.
func (d *designer) targetName(t *planv1.Table) (schema, name string) {
	if d.req.Name != nil {
		if schema, name, ok := d.req.Name(t.GetSchema(), t.GetName()); ok {
			if schema == "" {
				schema = d.defaultSchema
			}
			if name == "" {
				name = t.GetName()
			}
			return schema, name
		}
	}
	if d.severalSchemas() || d.sameEngine() {
		return t.GetSchema(), t.GetName()
	}
	return d.defaultSchema, t.GetName()
}

func (d *designer) severalSchemas() bool {
	tables := d.source.GetTables()
	return slices.ContainsFunc(tables, func(t *planv1.Table) bool { return t.GetSchema() != tables[0].GetSchema() })
}

// readDefaults reads the role's own default schema, which the pinned search path
// of drover's sessions hides. For a role named drover the ledger's schema would come
// first.
func (d *designer) readDefaults(ctx context.Context, tx pgx.Tx) error {
	var current *string
	if _, err := tx.Exec(ctx, "SET LOCAL search_path TO DEFAULT"); err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, "SELECT pg_catalog.min(s) FROM (SELECT s::text FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) s WHERE s::text <> $1 LIMIT 1) f (s)",
		ledgerSchema).Scan(&current); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "SET LOCAL search_path = pg_catalog"); err != nil {
		return err
	}
	d.defaultSchema = "public"
	if current != nil && *current != "pg_catalog" {
		d.defaultSchema = *current
	}
	return nil
}

// readTarget reads what is there of the tables planned, and which names are taken.
func (d *designer) readTarget(ctx context.Context, tx pgx.Tx) error {
	filter := &tableFilter{schemas: []string{}, names: []string{}}
	for _, p := range d.design.GetTables() {
		final := finalPlace(p)
		filter.schemas = append(filter.schemas, final[0])
		filter.names = append(filter.names, final[1])
	}
	cat, err := readCatalog(ctx, tx, filter, engine.Selection{}, nil)
	if err != nil {
		return err
	}
	d.existing, d.filled, d.schemas = map[[2]string]*describedTable{}, map[[2]string]bool{}, map[string]bool{}
	for _, t := range cat.tables {
		at := [2]string{t.Schema, t.Name}
		d.existing[at] = t
		if t.Kind != "r" && t.Kind != "p" {
			continue
		}
		var filled bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+qualified(t.Schema, t.Name)+")").Scan(&filled); err != nil {
			return err
		}
		d.filled[at] = filled
	}
	if err := d.readIndexesThere(ctx, tx); err != nil {
		return err
	}
	for _, t := range d.source.GetTables() {
		for _, part := range t.GetPartitions() {
			filter.schemas = append(filter.schemas, part.GetTable().GetSchema())
		}
	}
	for _, u := range d.source.GetUserTypes() {
		filter.schemas = append(filter.schemas, u.GetSchema())
	}
	return d.readNames(ctx, tx, filter.schemas)
}

// readNames reads which schemas and which names in them are taken, routines
// included, and where PostGIS is.
func (d *designer) readNames(ctx context.Context, tx pgx.Tx, schemas []string) error {
	type nameRow struct{ Schema, Name string }
	rows, err := collect[nameRow](ctx, tx, `SELECT n.nspname::text, COALESCE(c.relname::text, '') FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid
		WHERE n.nspname = ANY ($1::name[])
		UNION SELECT n.nspname::text, p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY ($1::name[])`, schemas)
	if err != nil {
		return err
	}
	for _, r := range rows {
		d.schemas[r.Schema] = true
		d.names.take(r.Schema, r.Name)
	}
	type geometryRow struct{ Name string }
	found, err := collect[geometryRow](ctx, tx, "SELECT format_type(t.oid, -1) FROM pg_type t WHERE t.typname = 'geometry' AND "+isSpatial)
	for _, r := range found {
		d.geometry = r.Name
	}
	return err
}

// checkNames finds tables that would land on one another.
func (d *designer) checkNames() {
	first := map[[2]string]*planv1.TablePlan{}
	for _, p := range d.design.GetTables() {
		at := finalPlace(p)
		if other := first[at]; other != nil {
			note(p, blocker, codeNameCollision, "", "%s and %s would both become %s.%s: map one of them to another name",
				engine.Label(other, engine.SourceSide), engine.Label(p, engine.SourceSide), at[0], at[1])
			continue
		}
		first[at] = p
		d.names.take(at[0], at[1])
		d.makeSchema(p.GetTargetSchema())
	}
}

func (d *designer) makeSchema(name string) {
	if d.schemas[name] {
		return
	}
	d.schemas[name] = true
	d.design.Statements = append(d.design.Statements, &planv1.Statement{Step: planv1.Step_STEP_CREATE, Object: objectSchema + name,
		Sql: "CREATE SCHEMA IF NOT EXISTS " + ident(name)})
}

// planTypes decides which types, collations and user types the target has or gets.
func (d *designer) planTypes(ctx context.Context, tx pgx.Tx) error {
	d.typeThere, d.collationThere = map[string]bool{}, map[string]bool{}
	if d.source.GetEngine() != Name {
		return nil
	}
	types, collations := []string{}, []string{}
	for _, t := range d.source.GetTables() {
		for _, c := range t.GetColumns() {
			types = append(types, c.GetNativeType())
			collations = append(collations, c.GetCollation())
		}
	}
	type thereRow struct {
		Name  string
		There bool
	}
	for _, q := range []struct {
		sql   string
		names []string
		into  map[string]bool
	}{{"SELECT DISTINCT t, to_regtype(t) IS NOT NULL FROM unnest($1::text[]) t", types, d.typeThere},
		{"SELECT DISTINCT t, to_regcollation(t) IS NOT NULL FROM unnest($1::text[]) t WHERE t <> ''", collations, d.collationThere}} {
		rows, err := collect[thereRow](ctx, tx, q.sql, q.names)
		if err != nil {
			return err
		}
		for _, r := range rows {
			q.into[r.Name] = r.There
		}
	}
	d.planUserTypes()
	return nil
}

// planUserTypes notes the types that the source's objects bring.
func (d *designer) planUserTypes() {
	for _, u := range d.source.GetUserTypes() {
		made := slices.ContainsFunc(d.design.GetStatements(), func(s *planv1.Statement) bool {
			switch u.GetDefinition() {
			case extensionDefinition:
				return strings.HasPrefix(s.GetSql(), extensionDefinition)
			case "": // a multirange comes with its range
				return strings.Contains(s.GetSql(), "multirange_type_name = "+bareIdent(u.GetSchema())+"."+bareIdent(u.GetName()))
			default:
				return s.GetSql() == u.GetDefinition()
			}
		})
		if made {
			d.markType(u)
		}
	}
	for _, o := range d.source.GetObjects() {
		if o.GetType() == "collation" && !d.objects.left[label(o)] {
			d.markCollation(o)
		}
	}
}

// markType makes all columns of the type known.
func (d *designer) markType(u *planv1.UserType) {
	for native := range d.typeThere {
		if schema, name := typeName(native); schema == u.GetSchema() && name == u.GetName() {
			d.typeThere[native] = true
		}
	}
}

// markCollation makes all columns of the collation known.
func (d *designer) markCollation(o *planv1.Object) {
	made, _, _ := scanIdent(o.GetName())
	for printed := range d.collationThere {
		if schema, name, _, ok := scanQualified(printed); ok && schema == o.GetSchema() && name == made {
			d.collationThere[printed] = true
		}
	}
}

// note adds a finding to a table.
func note(p *planv1.TablePlan, severity planv1.Severity, code, column, format string, args ...any) {
	p.Findings = append(p.Findings, &planv1.Finding{Severity: severity, Code: code, Table: engine.Label(p, engine.SourceSide), Column: column,
		Message: fmt.Sprintf(format, args...)})
}

const (
	info    = planv1.Severity_SEVERITY_INFO
	warning = planv1.Severity_SEVERITY_WARNING
	blocker = planv1.Severity_SEVERITY_ERROR
)

// sameEngine tells whether definitions of the source hold in the target.
func (d *designer) sameEngine() bool { return d.source.GetEngine() == Name }

func hasOption(t *planv1.Table, option string) bool {
	return slices.ContainsFunc(t.GetOptions(), func(o string) bool { return strings.HasPrefix(o, option) })
}
