package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// detailQueries read what an object or a table has beyond what makes it. Each row is what
// it is, the class and OID of what it is of, the relation that belongs to (0 for none),
// what ends its name where there are several, their order, the statements, the roles that
// these name, and those of them that whoever runs them acts as.
var detailQueries = []string{
	// Comments on tables and their columns are in the plan of the table.
	`SELECT 'comment', d.classoid, d.objoid, ` + relationOf("d.classoid", "d.objoid") + `, '', d.objsubid, ARRAY[format('COMMENT ON %s %s IS %L', ` + objectKind + `,
		CASE i.type WHEN 'domain constraint' THEN (SELECT format('%I ON DOMAIN %s', k.conname, k.contypid::regtype) FROM pg_constraint k WHERE k.oid = d.objoid)
			WHEN 'transform' THEN (SELECT format('FOR %s LANGUAGE %I', format_type(f.trftype, NULL), l.lanname) FROM pg_transform f JOIN pg_language l ON l.oid = f.trflang WHERE f.oid = d.objoid)
			ELSE i.identity END, d.description)], ARRAY[]::text[], ARRAY[]::text[]
	FROM pg_description d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
	WHERE (d.objoid >= 16384 OR (d.classoid = 'pg_namespace'::regclass AND d.objoid = 'public'::regnamespace AND d.description <> 'standard public schema'))
		AND i.type NOT IN ('table', 'table column')`,

	looseMembers,

	`SELECT 'attributes', 'pg_class'::regclass::oid, c.oid, c.oid, '', 0, ` + tableAttributes + `, ARRAY[]::text[], ARRAY[]::text[]
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm', 'f') AND ` + userObject,

	// A sequence that goes with a column whose default is more than its next number.
	`SELECT 'ownership', 'pg_class'::regclass::oid, d.objid, d.refobjid, '', 0, ARRAY[format('ALTER SEQUENCE %s OWNED BY %s.%I', d.objid::regclass, d.refobjid::regclass, a.attname)], ARRAY[]::text[], ARRAY[]::text[]
	FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
	WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a' AND NOT ` + plainNumbering,

	ownerQuery,
	grantQuery,
}

// objectKind is what SQL calls the kind of an object i.
const objectKind = `CASE WHEN i.type LIKE '% column' THEN 'COLUMN' WHEN i.type LIKE '% constraint' THEN 'CONSTRAINT' WHEN i.type = 'statistics object' THEN 'STATISTICS'
		WHEN i.type = 'foreign-data wrapper' THEN 'FOREIGN DATA WRAPPER' WHEN i.type IN ('function', 'procedure', 'aggregate') THEN 'ROUTINE' ELSE upper(i.type) END`

// relationOf is the relation that an index or a constraint belongs to, or the relation
// itself.
func relationOf(class, oid string) string {
	return `COALESCE(CASE ` + class + ` WHEN 'pg_class'::regclass THEN COALESCE((SELECT i.indrelid FROM pg_index i WHERE i.indexrelid = ` + oid + `),
			(SELECT q.refobjid FROM pg_depend q WHERE q.classid = 'pg_class'::regclass AND q.objid = ` + oid + ` AND q.refclassid = 'pg_class'::regclass AND q.deptype IN ('a', 'i')
				AND EXISTS (SELECT FROM pg_sequence WHERE seqrelid = q.objid)), ` + oid + `)
		WHEN 'pg_constraint'::regclass THEN (SELECT k.conrelid FROM pg_constraint k WHERE k.oid = ` + oid + `) END, 0)::oid`
}

// tableAttributes are the statements for what CREATE TABLE cannot say, or what must not
// hold while rows are loaded.
const tableAttributes = `
		CASE WHEN c.reloftype <> 0 THEN ARRAY[format('ALTER TABLE %I.%I OF %s', n.nspname, c.relname, c.reloftype::regtype)] END
		|| ARRAY(SELECT format('ALTER TABLE ONLY %I.%I ALTER COLUMN %I SET STATISTICS %s', n.nspname, c.relname, a.attname, a.attstattarget)
			FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND COALESCE(a.attstattarget, -1) >= 0 ORDER BY a.attnum)
		|| ARRAY(SELECT format('ALTER TABLE ONLY %I.%I ALTER COLUMN %I SET (%s)', n.nspname, c.relname, a.attname,
				(SELECT string_agg(format('%I=%L', option_name, option_value), ', ') FROM pg_options_to_table(a.attoptions) WHERE option_name LIKE 'n\_distinct%'))
			FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
				AND EXISTS (SELECT FROM pg_options_to_table(a.attoptions) WHERE option_name LIKE 'n\_distinct%') ORDER BY a.attnum)
		|| ARRAY(SELECT format('ALTER TABLE ONLY %I.%I ADD CONSTRAINT %I %s', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid))
			FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'n' AND NOT k.convalidated AND k.conislocal ORDER BY k.conname)
		|| ARRAY(SELECT format('ALTER INDEX %I.%I SET (%s)', n.nspname, x.relname, (SELECT string_agg(format('%I=%L', option_name, option_value), ', ') FROM pg_options_to_table(x.reloptions)))
			FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x')
			WHERE i.indrelid = c.oid AND x.reloptions IS NOT NULL ORDER BY x.relname)
		|| ARRAY(SELECT format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', n.nspname, x.relname, a.attnum, a.attstattarget)
			FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_attribute a ON a.attrelid = x.oid
			WHERE i.indrelid = c.oid AND COALESCE(a.attstattarget, -1) >= 0 ORDER BY x.relname, a.attnum)
		|| ARRAY(SELECT format('ALTER TABLE %I.%I CLUSTER ON %I', n.nspname, c.relname, x.relname)
			FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisclustered AND c.relkind = 'r')
		|| CASE WHEN c.relkind <> 'f' THEN CASE c.relreplident WHEN 'f' THEN ARRAY[format('ALTER TABLE ONLY %I.%I REPLICA IDENTITY FULL', n.nspname, c.relname)]
			WHEN 'n' THEN ARRAY[format('ALTER TABLE ONLY %I.%I REPLICA IDENTITY NOTHING', n.nspname, c.relname)]
			WHEN 'i' THEN ARRAY(SELECT format('ALTER TABLE ONLY %I.%I REPLICA IDENTITY USING INDEX %I', n.nspname, c.relname, x.relname)
				FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisreplident) END END
		|| CASE WHEN c.relrowsecurity THEN ARRAY[format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', n.nspname, c.relname)] END
		|| CASE WHEN c.relforcerowsecurity THEN ARRAY[format('ALTER TABLE ONLY %I.%I FORCE ROW LEVEL SECURITY', n.nspname, c.relname)] END`

// detailRow is what an object or a table has beyond what makes it.
type detailRow struct {
	Kind       string
	Class, OID uint32
	Relation   uint32
	Suffix     string
	Position   int64
	Definition []*string
	Roles      []string
	Acts       []string
	// Type and Identity are what it is of.
	Type, Identity string
	// Extension is that which brings it.
	Extension uint32
}

// readDetails gives what the objects and tables that move have beyond themselves.
func (r *objectReader) readDetails(ctx context.Context, tx pgx.Tx) ([]*planv1.Object, error) {
	var out []*planv1.Object
	for _, q := range detailQueries {
		rows, err := collect[detailRow](ctx, tx, `SELECT d.*, i.type, i.identity, COALESCE((SELECT e.refobjid FROM pg_depend e WHERE e.classid = d.class AND e.objid = d.oid AND e.deptype = 'e'), 0)
			FROM (`+q+`) d (kind, class, oid, relation, suffix, position, definition, roles, acts) CROSS JOIN LATERAL pg_identify_object(d.class, d.oid, 0) i
			WHERE cardinality(d.definition) > 0 ORDER BY d.class, d.oid, d.position, d.definition`)
		if err != nil {
			return nil, err
		}
		type place struct {
			of     node
			suffix string
		}
		known := map[place]*planv1.Object{}
		for _, d := range rows {
			at := place{node{d.Class, d.OID}, d.Suffix}
			if o := known[at]; o != nil {
				o.Definition = append(o.Definition, statements(d.Definition)...)
				continue
			}
			if o := r.detail(d); o != nil {
				known[at] = o
				out = append(out, o)
			}
		}
	}
	return out, nil
}

// detail is an object of its own; nil where what it is of does not move.
func (r *objectReader) detail(d detailRow) *planv1.Object {
	out := &planv1.Object{Type: d.Kind, Name: ofSomething + d.Type + " " + d.Identity + d.Suffix, Definition: statements(d.Definition), Roles: d.Roles, ActsAs: d.Acts}
	if of := r.carrier(d); of != nil {
		out.Needs, out.Tables = []string{label(of)}, of.GetTables()
		return out
	}
	if name := r.names[r.graph.tables[node{r.graph.class, d.Relation}].OID]; name != nil {
		out.Tables = []*planv1.TableName{name}
		return out
	}
	// What the server has by itself may be granted otherwise than the server does.
	if r.everything && d.OID < firstUserOID {
		return out
	}
	return nil
}

// carrier is the object that a detail is of: itself, the view that an index is of, the
// type that a constraint, a column or a routine is of, or the extension that brings it.
func (r *objectReader) carrier(d detailRow) *planv1.Object {
	at := node{d.Class, d.OID}
	if o := r.models[at]; o != nil {
		return o
	}
	if o := r.models[node{r.graph.class, d.Relation}]; o != nil {
		return o
	}
	for _, n := range r.graph.needs[at] {
		if o := r.models[n]; o != nil && (o.GetType() == "type" || o.GetType() == "extension" && d.Kind == "grants" && n.OID == d.Extension) {
			return o
		}
	}
	return nil
}
