package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// querier is a connection, a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// collect runs a catalog query and gives its rows as structs, fields by position.
func collect[T any](ctx context.Context, q querier, sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, classify("postgres.catalog", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	return out, classify("postgres.catalog", err)
}

// tableFilter names the relations to read; nil is all tables of a user's making.
type tableFilter struct {
	schemas, names []string
}

func oneTable(schema, name string) *tableFilter {
	return &tableFilter{schemas: []string{schema}, names: []string{name}}
}

type tableRow struct {
	OID          uint32
	Schema, Name string
	Kind         string
	Persistence  string
	Partition    bool
	Inherits     bool
	// PlainLeaves is set for a partitioned table whose leaves are ordinary tables that
	// this user may read.
	PlainLeaves  bool
	PartitionKey *string
	Comment      *string
	Rows         float64
	Bytes        int64
	Pages        int64
}

// The leaves of a partitioned table are counted together. Rows are the planner's:
// the density of the last ANALYZE times the pages of today.
const tableQuery = `
SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence::text, c.relispartition,
	EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid OR (h.inhparent = c.oid AND c.relkind = 'r')),
	c.relkind = 'p' AND COALESCE((SELECT bool_and(l.relkind = 'r' AND has_table_privilege(l.oid, 'SELECT') AND has_schema_privilege(l.relnamespace, 'USAGE'))
		FROM pg_partition_tree(c.oid) p JOIN pg_class l ON l.oid = p.relid WHERE p.isleaf), false),
	pg_get_partkeydef(c.oid), obj_description(c.oid, 'pg_class'), s.rows, s.bytes, s.pages
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
	SELECT CASE WHEN bool_or(l.reltuples < 0) THEN -1 ELSE COALESCE(sum(
			CASE WHEN l.relpages = 0 THEN l.reltuples ELSE l.reltuples * p.pages / l.relpages END), 0) END::float8 AS rows,
		COALESCE(sum(pg_table_size(l.oid)), 0)::int8 AS bytes, COALESCE(sum(p.pages), 0)::int8 AS pages
	FROM pg_class l
	CROSS JOIN LATERAL (SELECT pg_relation_size(l.oid) / current_setting('block_size')::int8 AS pages) p
	WHERE l.oid = ANY (CASE WHEN c.relkind = 'p' THEN ARRAY(SELECT relid::oid FROM pg_partition_tree(c.oid) WHERE isleaf) ELSE ARRAY[c.oid] END)
		AND l.relkind IN ('r', 'p')) s
WHERE ($1::text[] IS NULL AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
		AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'drover') AND n.nspname !~ '^(pg_|_drover_)'
		AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'))
	OR ($1::text[] IS NOT NULL AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
		AND (n.nspname, c.relname) IN (SELECT * FROM unnest($1::name[], $2::name[])))
ORDER BY n.nspname, c.relname`

func (f *tableFilter) read(ctx context.Context, q querier) ([]tableRow, error) {
	var schemas, names []string
	if f != nil {
		schemas, names = f.schemas, f.names
	}
	return collect[tableRow](ctx, q, tableQuery, schemas, names)
}

type columnRow struct {
	Table    uint32
	Number   int16
	Name     string
	Type     string
	TypeOID  uint32
	Modifier int32
	NotNull  bool
	Identity string
	// Generated is "s" for stored, "v" for virtual.
	Generated  string
	Expression *string
	// UserCode is set where the expression calls a routine that a user made.
	UserCode bool
	// Collation is set where it is not the type's own.
	Collation *string
	// ByteOrder is set where values compare as bytes.
	ByteOrder bool
	Comment   *string
}

const columnQuery = `
SELECT a.attrelid, a.attnum, a.attname::text, format_type(a.atttypid, a.atttypmod), a.atttypid, a.atttypmod, a.attnotnull,
	a.attidentity::text, a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid),
	EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_attrdef'::regclass AND x.objid = d.oid
		AND x.refclassid = 'pg_proc'::regclass AND x.refobjid >= 16384),
	CASE WHEN a.attcollation <> t.typcollation THEN format('%I.%I', cn.nspname, co.collname) END,
	a.attcollation = 0 OR co.collname IN ('C', 'POSIX') OR (co.collname = 'default' AND db.datlocprovider = 'c' AND db.datcollate IN ('C', 'POSIX')),
	col_description(a.attrelid, a.attnum)
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
CROSS JOIN (SELECT * FROM pg_database WHERE datname = current_database()) db
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum`

type indexRow struct {
	Table            uint32
	Name             string
	Primary          bool
	Unique           bool
	Immediate        bool
	NullsNotDistinct bool
	Method           string
	Predicate        *string
	// Constraint is the definition of the constraint that owns the index.
	Constraint *string
	Definition string
	Numbers    []int16
	Texts      []string
	Descending []bool
	// Builtin is set where every operator class is the default one of the catalog:
	// then operators found on the pinned search path order as the index does.
	Builtin  bool
	UserCode bool
}

const indexQuery = `
SELECT i.indrelid, c.relname::text, i.indisprimary, i.indisunique, i.indimmediate, i.indnullsnotdistinct, am.amname::text,
	pg_get_expr(i.indpred, i.indrelid), pg_get_constraintdef(con.oid), pg_get_indexdef(i.indexrelid),
	ARRAY(SELECT i.indkey[k - 1] FROM generate_series(1, i.indnkeyatts) k ORDER BY k)::int2[],
	ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(1, i.indnkeyatts) k ORDER BY k),
	ARRAY(SELECT (i.indoption[k - 1] & 1) = 1 FROM generate_series(1, i.indnkeyatts) k ORDER BY k),
	NOT EXISTS (SELECT FROM pg_opclass o WHERE o.oid = ANY (i.indclass::oid[]) AND NOT (o.opcdefault AND o.opcnamespace = 'pg_catalog'::regnamespace)),
	EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = i.indexrelid
		AND x.refclassid = 'pg_proc'::regclass AND x.refobjid >= 16384)
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid AND con.conrelid = i.indrelid AND con.contype IN ('p', 'u', 'x')
WHERE i.indrelid = ANY ($1::oid[]) AND i.indisvalid AND i.indislive
ORDER BY i.indrelid, NOT i.indisprimary, c.relname`

type constraintRow struct {
	Table uint32
	Name  string
	// Type is "f" or "c".
	Type              string
	Definition        string
	Condition         *string
	Columns           []string
	RefSchema         *string
	RefTable          *string
	RefColumns        []string
	OnUpdate          string
	OnDelete          string
	Match             string
	Deferrable        bool
	InitiallyDeferred bool
	Validated         bool
	UserCode          bool
}

const constraintQuery = `
SELECT con.conrelid, con.conname::text, con.contype::text, pg_get_constraintdef(con.oid), pg_get_expr(con.conbin, con.conrelid),
	ARRAY(SELECT a.attname::text FROM unnest(con.conkey) WITH ORDINALITY u (n, i) JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = u.n ORDER BY u.i),
	rn.nspname::text, r.relname::text,
	ARRAY(SELECT a.attname::text FROM unnest(con.confkey) WITH ORDINALITY u (n, i) JOIN pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = u.n ORDER BY u.i),
	con.confupdtype::text, con.confdeltype::text, con.confmatchtype::text, con.condeferrable, con.condeferred, con.convalidated,
	EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_constraint'::regclass AND x.objid = con.oid
		AND x.refclassid = 'pg_proc'::regclass AND x.refobjid >= 16384)
FROM pg_constraint con
LEFT JOIN pg_class r ON r.oid = con.confrelid
LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
WHERE con.conrelid = ANY ($1::oid[]) AND con.contype IN ('f', 'c') AND (con.contype = 'c' OR con.conparentid = 0)
ORDER BY con.conrelid, con.conname`

type typeRow struct {
	OID          uint32
	Schema, Name string
	// Type is pg_type.typtype: b, c, d, e, r, m, p.
	Type      string
	Base      uint32
	Modifier  int32
	Element   uint32
	Extension bool
	Labels    []string
	// Definition is the CREATE statement of an enum or a domain.
	Definition *string
	// Binary is set where the type has binary input and output.
	Binary bool
}

// typeQuery reads the types of columns, and what domains and arrays stand on.
const typeQuery = `
WITH RECURSIVE used (oid) AS (
	SELECT unnest($1::oid[])
	UNION
	SELECT n.oid FROM used u JOIN pg_type t ON t.oid = u.oid
	CROSS JOIN LATERAL unnest(ARRAY[t.typbasetype, CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END]) n (oid) WHERE n.oid <> 0
)
SELECT t.oid, n.nspname::text, t.typname::text, t.typtype::text, t.typbasetype, t.typtypmod,
	CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END::oid,
	EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e'),
	ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder),
	CASE t.typtype
	WHEN 'e' THEN format('CREATE TYPE %I.%I AS ENUM (%s)', n.nspname, t.typname,
		(SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
	WHEN 'd' THEN format('CREATE DOMAIN %I.%I AS %s', n.nspname, t.typname, format_type(t.typbasetype, t.typtypmod))
		|| COALESCE((SELECT format(' COLLATE %I.%I', cn.nspname, c.collname) FROM pg_collation c JOIN pg_namespace cn ON cn.oid = c.collnamespace
			JOIN pg_type b ON b.oid = t.typbasetype WHERE c.oid = t.typcollation AND c.oid <> b.typcollation), '')
		|| COALESCE(' DEFAULT ' || pg_get_expr(t.typdefaultbin, 0), '')
		|| CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
		|| COALESCE((SELECT string_agg(format(' CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), '' ORDER BY k.conname)
			FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'), '')
	END,
	t.typsend <> 0 AND t.typreceive <> 0
FROM used u JOIN pg_type t ON t.oid = u.oid JOIN pg_namespace n ON n.oid = t.typnamespace
ORDER BY t.typtype <> 'e', t.oid`

type unmovedRow struct {
	Object, Name, Reason string
}

// unmovedQuery lists what drover leaves behind, extensions' members apart: those
// come with their extension.
const unmovedQuery = `
SELECT o.object, o.name, o.reason FROM (
	SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'sequence' END AS object,
		format('%I.%I', n.nspname, c.relname) AS name,
		CASE c.relkind WHEN 'S' THEN 'it belongs to no column' WHEN 'f' THEN 'its rows live elsewhere' ELSE 'its query is in the source''s dialect' END AS reason,
		n.nspname, 'pg_class'::regclass AS class, c.oid
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('v', 'm', 'f') OR (c.relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend d
		WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')))
	UNION ALL
	SELECT 'routine', format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), 'code is not moved',
		n.nspname, 'pg_proc'::regclass, p.oid
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
	UNION ALL
	SELECT 'trigger', format('%I on %I.%I', t.tgname, n.nspname, c.relname), 'code is not moved', n.nspname, 'pg_trigger'::regclass, t.oid
	FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE NOT t.tgisinternal AND t.tgparentid = 0
	UNION ALL
	SELECT CASE t.typtype WHEN 'c' THEN 'composite type' ELSE 'range type' END, format('%I.%I', n.nspname, t.typname), 'only enums and domains are moved',
		n.nspname, 'pg_type'::regclass, t.oid
	FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
	WHERE (t.typtype = 'c' AND c.relkind = 'c') OR t.typtype = 'r'
	UNION ALL
	SELECT 'policy', format('%I on %I.%I', p.polname, n.nspname, c.relname), 'row security is not moved', n.nspname, 'pg_policy'::regclass, p.oid
	FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	UNION ALL
	SELECT 'rule', format('%I on %I.%I', r.rulename, n.nspname, c.relname), 'code is not moved', n.nspname, 'pg_rewrite'::regclass, r.oid
	FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN'
	UNION ALL
	SELECT 'statistics', format('%I.%I', n.nspname, s.stxname), 'extended statistics are not moved', n.nspname, 'pg_statistic_ext'::regclass, s.oid
	FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
	UNION ALL
	SELECT 'partitioning', format('%I.%I', n.nspname, c.relname), 'its partitions are read as one table', n.nspname, 'pg_class'::regclass, c.oid
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'p' AND NOT c.relispartition
	UNION ALL
	SELECT 'inheritance', format('%I.%I', n.nspname, c.relname), 'parent and children are moved as tables of their own', n.nspname, 'pg_class'::regclass, c.oid
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid)
) o
WHERE o.nspname NOT IN ('pg_catalog', 'information_schema', 'drover') AND o.nspname !~ '^(pg_|_drover_)'
	AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = o.class AND e.objid = o.oid AND e.deptype = 'e')
UNION ALL
SELECT 'extension', e.extname::text, 'install it on the target where its types or functions are used' FROM pg_extension e WHERE e.extname <> 'plpgsql'
UNION ALL
SELECT 'event trigger', t.evtname::text, 'code is not moved' FROM pg_event_trigger t
UNION ALL
SELECT 'large objects', count(*)::text || ' of them', 'they belong to no table' FROM pg_largeobject_metadata HAVING count(*) > 0
ORDER BY 1, 2`
