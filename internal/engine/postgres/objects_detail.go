package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// detailQueries read what an object or a table has beyond what makes it: comments,
// owners, grants, attributes. Each row is what it is, the class and OID of what it is
// of, the relation that belongs to (0 for none), the statements, and the roles that
// these name.
var detailQueries = []string{
	// Comments on tables and their columns are in the plan of the table.
	`SELECT 'comment', d.classoid, d.objoid, ` + relationOf("d.classoid", "d.objoid") + `, ARRAY[format('COMMENT ON %s %s IS %L',
		CASE WHEN i.type LIKE '% column' THEN 'COLUMN' WHEN i.type LIKE '% constraint' THEN 'CONSTRAINT' WHEN i.type = 'statistics object' THEN 'STATISTICS' ELSE upper(i.type) END,
		CASE WHEN i.type = 'domain constraint' THEN (SELECT format('%I ON DOMAIN %s', k.conname, k.contypid::regtype) FROM pg_constraint k WHERE k.oid = d.objoid) ELSE i.identity END,
		d.description)], ARRAY[]::text[]
	FROM pg_description d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
	WHERE (d.objoid >= 16384 OR (d.classoid = 'pg_namespace'::regclass AND d.objoid = 'public'::regnamespace AND d.description <> 'standard public schema'))
		AND i.type NOT IN ('table', 'table column', 'foreign table', 'foreign table column')`,

	`SELECT 'attributes', 'pg_class'::regclass::oid, c.oid, c.oid, ` + tableAttributes + `, ARRAY[]::text[]
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm') AND ` + userObject,

	// A sequence that goes with a column whose default is more than its next number.
	`SELECT 'ownership', 'pg_class'::regclass::oid, d.objid, d.refobjid, ARRAY[format('ALTER SEQUENCE %s OWNED BY %s.%I', d.objid::regclass, d.refobjid::regclass, a.attname)], ARRAY[]::text[]
	FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
	WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a' AND NOT ` + plainNumbering,

	`SELECT 'owner', o.class, o.oid, o.relation, ARRAY[format('ALTER %s %s OWNER TO %I', CASE i.type WHEN 'statistics object' THEN 'STATISTICS' ELSE upper(i.type) END, i.identity, pg_get_userbyid(o.owner))],
		ARRAY[pg_get_userbyid(o.owner)::text]
	FROM (
		SELECT 'pg_class'::regclass::oid AS class, oid, oid AS relation, relowner AS owner FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S')
		UNION ALL SELECT 'pg_proc'::regclass, oid, 0, proowner FROM pg_proc
		UNION ALL SELECT 'pg_type'::regclass, oid, 0, typowner FROM pg_type WHERE typtype IN ('c', 'd', 'e', 'r')
		UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, nspowner FROM pg_namespace
		UNION ALL SELECT 'pg_collation'::regclass, oid, 0, collowner FROM pg_collation
		UNION ALL SELECT 'pg_operator'::regclass, oid, 0, oprowner FROM pg_operator
		UNION ALL SELECT 'pg_opclass'::regclass, oid, 0, opcowner FROM pg_opclass
		UNION ALL SELECT 'pg_opfamily'::regclass, oid, 0, opfowner FROM pg_opfamily
		UNION ALL SELECT 'pg_ts_dict'::regclass, oid, 0, dictowner FROM pg_ts_dict
		UNION ALL SELECT 'pg_ts_config'::regclass, oid, 0, cfgowner FROM pg_ts_config
		UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, 0, stxowner FROM pg_statistic_ext
		UNION ALL SELECT 'pg_event_trigger'::regclass, oid, 0, evtowner FROM pg_event_trigger) o
	CROSS JOIN LATERAL pg_identify_object(o.class, o.oid, 0) i
	WHERE o.oid >= 16384 AND o.owner <> current_user::regrole AND NOT EXISTS (SELECT FROM pg_depend d
		WHERE d.classid = 'pg_class'::regclass AND d.objid = o.oid AND o.class = d.classid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))`,

	`SELECT 'grants', g.class, g.oid, CASE WHEN g.relation = 0 THEN 0 ELSE ` + relationOf("g.class", "g.oid") + ` END,
		array_agg(CASE WHEN g.given THEN format('GRANT %s%s ON %s %s TO %s%s', x.privilege_type, g.part, g.kind, i.identity, ` + grantee + `, CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
			ELSE format('REVOKE %s%s ON %s %s FROM %s', x.privilege_type, g.part, g.kind, i.identity, ` + grantee + `) END
			ORDER BY g.given, g.part, x.grantee, x.privilege_type),
		COALESCE(array_agg(DISTINCT pg_get_userbyid(x.grantee)::text) FILTER (WHERE x.grantee <> 0), '{}')
	FROM (
		SELECT a.class, a.oid, a.relation, a.kind, a.part, s.given, CASE WHEN s.given THEN a.acl ELSE a.base END AS have, CASE WHEN s.given THEN a.base ELSE a.acl END AS without
		FROM (
			SELECT 'pg_class'::regclass::oid AS class, oid, oid AS relation, CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, '' AS part,
				relacl AS acl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner) AS base FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S')
			UNION ALL SELECT 'pg_class'::regclass, a.attrelid, a.attrelid, 'TABLE', format(' (%I)', a.attname), a.attacl, acldefault('c', 10) FROM pg_attribute a
			UNION ALL SELECT 'pg_proc'::regclass, oid, 0, 'ROUTINE', '', proacl, acldefault('f', proowner) FROM pg_proc
			UNION ALL SELECT 'pg_type'::regclass, oid, 0, 'TYPE', '', typacl, acldefault('T', typowner) FROM pg_type
			UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, 'SCHEMA', '', nspacl,
				COALESCE((SELECT p.initprivs FROM pg_init_privs p WHERE p.classoid = 'pg_namespace'::regclass AND p.objoid = n.oid), acldefault('n', nspowner)) FROM pg_namespace n) a
		CROSS JOIN (VALUES (false), (true)) s (given)
		WHERE a.acl IS NOT NULL AND (a.oid >= 16384 OR a.oid = 'public'::regnamespace)) g
	CROSS JOIN LATERAL (SELECT grantee, privilege_type, is_grantable FROM aclexplode(g.have) EXCEPT SELECT grantee, privilege_type, is_grantable FROM aclexplode(g.without)) x
	CROSS JOIN LATERAL pg_identify_object(g.class, g.oid, 0) i
	GROUP BY g.class, g.oid, g.relation`,
}

const grantee = `CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END`

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
		ARRAY(SELECT format('ALTER TABLE ONLY %I.%I ALTER COLUMN %I SET STATISTICS %s', n.nspname, c.relname, a.attname, a.attstattarget)
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
		|| CASE c.relreplident WHEN 'f' THEN ARRAY[format('ALTER TABLE ONLY %I.%I REPLICA IDENTITY FULL', n.nspname, c.relname)]
			WHEN 'n' THEN ARRAY[format('ALTER TABLE ONLY %I.%I REPLICA IDENTITY NOTHING', n.nspname, c.relname)]
			WHEN 'i' THEN ARRAY(SELECT format('ALTER TABLE ONLY %I.%I REPLICA IDENTITY USING INDEX %I', n.nspname, c.relname, x.relname)
				FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisreplident) END
		|| CASE WHEN c.relrowsecurity THEN ARRAY[format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', n.nspname, c.relname)] END
		|| CASE WHEN c.relforcerowsecurity THEN ARRAY[format('ALTER TABLE ONLY %I.%I FORCE ROW LEVEL SECURITY', n.nspname, c.relname)] END`

// detailRow is what an object or a table has beyond what makes it.
type detailRow struct {
	Kind       string
	Class, OID uint32
	Relation   uint32
	Definition []*string
	Roles      []string
	// Type and Identity are what it is of.
	Type, Identity string
}

// readDetails gives what the objects and tables that move have beyond themselves.
func (r *objectReader) readDetails(ctx context.Context, tx pgx.Tx) ([]*planv1.Object, error) {
	var out []*planv1.Object
	for _, q := range detailQueries {
		rows, err := collect[detailRow](ctx, tx, `SELECT d.kind, d.class, d.oid, d.relation, d.definition, d.roles, i.type, i.identity
			FROM (`+q+`) d (kind, class, oid, relation, definition, roles) CROSS JOIN LATERAL pg_identify_object(d.class, d.oid, 0) i
			WHERE cardinality(d.definition) > 0 ORDER BY d.kind, d.class, d.oid, d.definition`)
		if err != nil {
			return nil, err
		}
		known := map[node]*planv1.Object{}
		for _, d := range rows {
			at := node{d.Class, d.OID}
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
	out := &planv1.Object{Type: d.Kind, Name: "of " + d.Type + " " + d.Identity, Definition: statements(d.Definition), Roles: d.Roles}
	if of := r.carrier(d); of != nil {
		if r.models[node{d.Class, d.OID}] == of {
			out.Name = ofSomething + label(of)
		}
		out.Tables = of.GetTables()
		return out
	}
	if name := r.names[r.graph.tables[node{r.graph.class, d.Relation}].OID]; name != nil {
		out.Tables = []*planv1.TableName{name}
		return out
	}
	return nil
}

// carrier is the object that a detail is of: itself, the view that an index is of, or
// the type that a constraint or a column is of.
func (r *objectReader) carrier(d detailRow) *planv1.Object {
	at := node{d.Class, d.OID}
	if o := r.models[at]; o != nil {
		return o
	}
	if o := r.models[node{r.graph.class, d.Relation}]; o != nil {
		return o
	}
	for _, n := range r.graph.needs[at] {
		if o := r.models[n]; o != nil && o.GetType() == "type" {
			return o
		}
	}
	return nil
}
