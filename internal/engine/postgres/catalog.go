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
	// Parameters are storage parameters, those of the TOAST table with their prefix.
	Parameters []string
	// Inherited are the parents of a table that is no partition.
	InheritedSchemas, InheritedNames []string
	// Root is the table that a partition is part of in the end, Parent the next one.
	Root                     uint32
	ParentSchema, ParentName *string
	Bound                    *string
	// Tablespace and AccessMethod are set where they are not the usual ones.
	Tablespace, AccessMethod *string
	// ForeignLeaf is a partition, at any level, whose rows live elsewhere.
	ForeignLeaf *string
}

// The leaves of a partitioned table are counted together. Rows are the planner's:
// the density of the last ANALYZE times the pages of today.
const tableQuery = `
SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence::text, c.relispartition,
	EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid OR (h.inhparent = c.oid AND c.relkind = 'r')),
	c.relkind = 'p' AND COALESCE((SELECT bool_and(l.relkind = 'r' AND has_table_privilege(l.oid, 'SELECT') AND has_schema_privilege(l.relnamespace, 'USAGE'))
		FROM pg_partition_tree(c.oid) p JOIN pg_class l ON l.oid = p.relid WHERE p.isleaf), false),
	pg_get_partkeydef(c.oid), obj_description(c.oid, 'pg_class'), s.rows, s.bytes, s.pages,
	ARRAY(SELECT format('%I=%L', option_name, option_value) FROM pg_options_to_table(c.reloptions))
		|| ARRAY(SELECT format('toast.%I=%L', option_name, option_value) FROM pg_class x CROSS JOIN LATERAL pg_options_to_table(x.reloptions) WHERE x.oid = c.reltoastrelid),
	COALESCE(h.schemas, '{}'), COALESCE(h.names, '{}'), CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END,
	CASE WHEN c.relispartition THEN h.schemas[1] END, CASE WHEN c.relispartition THEN h.names[1] END, pg_get_expr(c.relpartbound, c.oid),
	(SELECT s.spcname::text FROM pg_tablespace s WHERE s.oid = c.reltablespace), (SELECT a.amname::text FROM pg_am a WHERE a.oid = c.relam AND a.amname <> 'heap'),
	CASE WHEN c.relkind = 'p' THEN (SELECT min(p.relid::text) FROM pg_partition_tree(c.oid) p JOIN pg_class l ON l.oid = p.relid WHERE l.relkind = 'f') END
FROM pg_class c
LEFT JOIN (SELECT i.inhrelid, array_agg(pn.nspname::text ORDER BY i.inhseqno) AS schemas, array_agg(p.relname::text ORDER BY i.inhseqno) AS names
	FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace GROUP BY i.inhrelid) h ON h.inhrelid = c.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
	SELECT CASE WHEN bool_or(l.reltuples < 0) THEN -1 ELSE COALESCE(sum(
			CASE WHEN l.relpages = 0 THEN l.reltuples ELSE l.reltuples * p.pages / l.relpages END), 0) END::float8 AS rows,
		COALESCE(sum(pg_table_size(l.oid)), 0)::int8 AS bytes, COALESCE(sum(p.pages), 0)::int8 AS pages
	FROM pg_class l
	CROSS JOIN LATERAL (SELECT pg_relation_size(l.oid) / current_setting('block_size')::int8 AS pages) p
	WHERE l.oid = ANY (CASE WHEN c.relkind = 'p' THEN ARRAY(SELECT relid::oid FROM pg_partition_tree(c.oid) WHERE isleaf) ELSE ARRAY[c.oid] END)
		AND l.relkind IN ('r', 'p')) s
WHERE ($1::text[] IS NULL AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
		AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'drover') AND n.nspname !~ '^(pg_|_drover_)'
		AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'))
	OR ($1::text[] IS NOT NULL AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
		AND (n.nspname, c.relname) IN (SELECT * FROM unnest($1::name[], $2::name[])))
ORDER BY n.nspname, c.relname, c.oid`

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
	// Default is the OID of the expression.
	Default *uint32
	// Class is the catalog of expressions.
	Class uint32
	// Collation is set where it is not the type's own.
	Collation *string
	// ByteOrder is set where values compare as bytes.
	ByteOrder bool
	Comment   *string
	// Storage and Compression are set where they are not the type's own.
	Storage     *string
	Compression *string
	Inherited   bool
	// NamedNotNull is the constraint with its name; NotNullProven is not set while rows
	// may break it.
	NamedNotNull  *string
	NotNullProven bool
}

// A default names no column; with the table to find them in, writing it takes the server
// the square of their number.
const columnQuery = `
SELECT a.attrelid, a.attnum, a.attname::text, format_type(a.atttypid, a.atttypmod), a.atttypid, a.atttypmod, a.attnotnull,
	a.attidentity::text, a.attgenerated::text, pg_get_expr(d.adbin, CASE a.attgenerated WHEN '' THEN 0 ELSE d.adrelid END),
	d.oid, 'pg_attrdef'::regclass::oid,
	CASE WHEN a.attcollation <> t.typcollation THEN format('%I.%I', cn.nspname, co.collname) END,
	a.attcollation = 0 OR co.collname IN ('C', 'POSIX') OR (co.collname = 'default' AND db.datlocprovider = 'c' AND db.datcollate IN ('C', 'POSIX')),
	col_description(a.attrelid, a.attnum),
	CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END,
	CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END, NOT a.attislocal,
	'CONSTRAINT ' || quote_ident(nn.conname) || ' NOT NULL' || CASE WHEN nn.connoinherit THEN ' NO INHERIT' ELSE '' END, COALESCE(nn.convalidated, true)
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_constraint nn ON nn.conrelid = a.attrelid AND nn.contype = 'n' AND nn.conkey[1] = a.attnum
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
	Builtin bool
	Class   uint32
	OID     uint32
	// Tablespace is set where it is not the database's.
	Tablespace *string
}

const indexQuery = `
SELECT i.indrelid, c.relname::text, i.indisprimary, i.indisunique, i.indimmediate, i.indnullsnotdistinct, am.amname::text,
	pg_get_expr(i.indpred, i.indrelid), pg_get_constraintdef(con.oid), pg_get_indexdef(i.indexrelid),
	ARRAY(SELECT i.indkey[k - 1] FROM generate_series(1, i.indnkeyatts) k ORDER BY k)::int2[],
	ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(1, i.indnkeyatts) k ORDER BY k),
	ARRAY(SELECT (i.indoption[k - 1] & 1) = 1 FROM generate_series(1, i.indnkeyatts) k ORDER BY k),
	NOT EXISTS (SELECT FROM pg_opclass o WHERE o.oid = ANY (i.indclass::oid[]) AND NOT (o.opcdefault AND o.opcnamespace = 'pg_catalog'::regnamespace)),
	'pg_class'::regclass::oid, i.indexrelid, (SELECT s.spcname::text FROM pg_tablespace s WHERE s.oid = c.reltablespace)
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
	Class             uint32
	OID               uint32
}

const constraintQuery = `
SELECT con.conrelid, con.conname::text, con.contype::text, pg_get_constraintdef(con.oid), pg_get_expr(con.conbin, con.conrelid),
	ARRAY(SELECT a.attname::text FROM unnest(con.conkey) WITH ORDINALITY u (n, i) JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = u.n ORDER BY u.i),
	rn.nspname::text, r.relname::text,
	ARRAY(SELECT a.attname::text FROM unnest(con.confkey) WITH ORDINALITY u (n, i) JOIN pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = u.n ORDER BY u.i),
	con.confupdtype::text, con.confdeltype::text, con.confmatchtype::text, con.condeferrable, con.condeferred,
	'pg_constraint'::regclass::oid, con.oid
FROM pg_constraint con
LEFT JOIN pg_class r ON r.oid = con.confrelid
LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
WHERE con.conrelid = ANY ($1::oid[]) AND con.contype IN ('f', 'c') AND (con.conislocal OR con.contype = 'f') AND (con.contype = 'c' OR con.conparentid = 0)
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
	// Definition is the CREATE statement of a type that a user may make.
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
	` + typeDefinition + `,
	t.typsend <> 0 AND t.typreceive <> 0
FROM used u JOIN pg_type t ON t.oid = u.oid JOIN pg_namespace n ON n.oid = t.typnamespace
ORDER BY t.typtype <> 'e', t.oid`

type sequenceOfRow struct {
	Table        uint32
	Number       int16
	Schema, Name string
	OID          uint32
	Options      string
	Increment    int64
	// Default is set where the column's default, and no identity, takes the number.
	Default bool
}

// sequenceOfQuery reads the sequences that number columns.
const sequenceOfQuery = `
SELECT d.refobjid, d.refobjsubid::int2, n.nspname::text, c.relname::text, c.oid, ` + sequenceOptions + `, q.seqincrement, d.deptype = 'a'
FROM pg_depend d JOIN pg_class c ON c.oid = d.objid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequence q ON q.seqrelid = c.oid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1::oid[])
	AND (d.deptype = 'i' OR (d.deptype = 'a' AND ` + plainNumbering + `))
ORDER BY d.refobjid, d.refobjsubid, c.oid`
