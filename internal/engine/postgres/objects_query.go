package postgres

import "slices"

// The queries of objects give, for each, its class and OID, and the statements that
// make it. Names in them are whole, for the session's search path is pinned.

// userObject keeps what a user made in a schema of a user: not what belongs to an
// extension, which brings it along.
const userObject = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'drover') AND n.nspname !~ '^(pg_|_drover_)'`

// objectQueries read every class of object that moves.
var objectQueries = slices.Concat(commonQueries, operatorQueries, serverQueries, foreignQueries, replicationQueries, []string{defaultGrantQuery})

// commonQueries read what many databases have.
var commonQueries = []string{
	`SELECT 'pg_namespace'::regclass::oid, n.oid, ARRAY[format('CREATE SCHEMA IF NOT EXISTS %I', n.nspname)]
	FROM pg_namespace n WHERE ` + userObject,

	`SELECT 'pg_extension'::regclass::oid, e.oid, ARRAY[format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA %I', e.extname, n.nspname)]
	FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql'`,

	`SELECT 'pg_collation'::regclass::oid, c.oid, ARRAY[format('CREATE COLLATION %I.%I (%s)', n.nspname, c.collname, concat_ws(', ',
		'provider = ' || CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
		CASE WHEN NOT c.collisdeterministic THEN 'deterministic = false' END,
		'locale = ' || quote_literal(COALESCE(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale')),
		'lc_collate = ' || quote_literal(c.collcollate), 'lc_ctype = ' || quote_literal(c.collctype),
		'rules = ' || quote_literal(to_jsonb(c) ->> 'collicurules')))]
	FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace WHERE ` + userObject,

	// Types, and those of which only the name is known.
	`SELECT 'pg_type'::regclass::oid, t.oid, ARRAY[` + typeDefinition + `]
	FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
	WHERE (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c') OR (t.typtype = 'b' AND ` + noArray + `) OR (t.typtype = 'p' AND NOT t.typisdefined)) AND ` + userObject,

	`SELECT 'pg_proc'::regclass::oid, p.oid, ARRAY[CASE p.prokind WHEN 'a' THEN ` + aggregateDefinition + ` ELSE pg_get_functiondef(p.oid) END]
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
	WHERE NOT EXISTS (SELECT FROM pg_type t WHERE t.oid >= 16384 AND ` + routineOfType + `) AND ` + userObject,

	// Sequences that number no column by themselves.
	`SELECT 'pg_class'::regclass::oid, c.oid, ARRAY[format('CREATE %sSEQUENCE %I.%I ', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END, n.nspname, c.relname) || ` + sequenceOptions + `]
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequence q ON q.seqrelid = c.oid
	WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
		AND (d.deptype = 'i' OR (d.deptype = 'a' AND ` + plainNumbering + `))) AND c.relpersistence <> 't' AND ` + userObject,

	`SELECT 'pg_class'::regclass::oid, c.oid,
		ARRAY[format('CREATE VIEW %I.%I%s AS%s', n.nspname, c.relname, ' WITH (' || NULLIF(` + relationOptions + `, '') || ')', E'\n' || rtrim(pg_get_viewdef(c.oid), ';'))]
		|| ARRAY(SELECT format('ALTER VIEW %I.%I ALTER COLUMN %I SET DEFAULT %s', n.nspname, c.relname, a.attname, pg_get_expr(d.adbin, d.adrelid))
			FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE d.adrelid = c.oid ORDER BY a.attnum)
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v' AND c.relpersistence <> 't' AND ` + userObject,

	`SELECT 'pg_class'::regclass::oid, c.oid,
		ARRAY[format('CREATE MATERIALIZED VIEW %I.%I%s AS%s', n.nspname, c.relname, ' WITH (' || NULLIF(` + relationOptions + `, '') || ')', E'\n' || rtrim(pg_get_viewdef(c.oid), ';') || E'\nWITH NO DATA')]
		|| CASE WHEN c.relispopulated THEN ARRAY[format('REFRESH MATERIALIZED VIEW %I.%I', n.nspname, c.relname)] END
		|| ARRAY(SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid ORDER BY i.indexrelid)
		|| ARRAY(SELECT format('ALTER MATERIALIZED VIEW %I.%I CLUSTER ON %I', n.nspname, c.relname, x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisclustered)
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm' AND ` + userObject,

	`SELECT 'pg_rewrite'::regclass::oid, r.oid, ARRAY[rtrim(pg_get_ruledef(r.oid), ';')]
		|| CASE WHEN r.ev_enabled <> 'O' THEN ARRAY[format('ALTER TABLE %I.%I %s RULE %I', n.nspname, c.relname, ` + enabledState("r.ev_enabled") + `, r.rulename)] END
	FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN' AND ` + userObject,

	`SELECT 'pg_trigger'::regclass::oid, t.oid, ARRAY[pg_get_triggerdef(t.oid)]
		|| CASE WHEN t.tgenabled <> 'O' THEN ARRAY[format('ALTER TABLE %I.%I %s TRIGGER %I', n.nspname, c.relname, ` + enabledState("t.tgenabled") + `, t.tgname)] END
	FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND ` + userObject,

	`SELECT 'pg_policy'::regclass::oid, p.oid, ARRAY[format('CREATE POLICY %I ON %I.%I AS %s FOR %s TO %s%s%s', p.polname, n.nspname, c.relname,
		CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
		CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
		(SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ') FROM unnest(p.polroles) r),
		' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')]
	FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ` + userObject,

	`SELECT 'pg_statistic_ext'::regclass::oid, s.oid, ARRAY[rtrim(pg_get_statisticsobjdef(s.oid), ';')]
		|| CASE WHEN COALESCE(s.stxstattarget, -1) >= 0 THEN ARRAY[format('ALTER STATISTICS %I.%I SET STATISTICS %s', n.nspname, s.stxname, s.stxstattarget)] END
	FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE ` + userObject,

	`SELECT 'pg_event_trigger'::regclass::oid, e.oid, ARRAY[format('CREATE EVENT TRIGGER %I ON %I%s EXECUTE FUNCTION %s()', e.evtname, e.evtevent,
		' WHEN TAG IN (' || (SELECT string_agg(quote_literal(t), ', ') FROM unnest(e.evttags) t) || ')', e.evtfoid::regproc)]
		|| CASE WHEN e.evtenabled <> 'O' THEN ARRAY[format('ALTER EVENT TRIGGER %I %s', e.evtname, ` + enabledState("e.evtenabled") + `)] END
	FROM pg_event_trigger e`,
}

func enabledState(column string) string {
	return "CASE " + column + " WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END"
}

// sequenceOptions are the options of the sequence q.
const sequenceOptions = `format('AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s', format_type(q.seqtypid, NULL),
		q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, CASE WHEN q.seqcycle THEN ' CYCLE' ELSE '' END)`

// plainNumbering tells whether the default of the column that owns the sequence d.objid
// is the sequence's next number and nothing else: a column of that kind is serial.
const plainNumbering = `EXISTS (SELECT FROM pg_attrdef x WHERE x.adrelid = d.refobjid AND x.adnum = d.refobjsubid
			AND pg_get_expr(x.adbin, x.adrelid) = format('nextval(%L::regclass)', d.objid::regclass))`

// relationOptions are the storage parameters of the relation c, comma separated.
const relationOptions = `(SELECT string_agg(format('%I=%L', option_name, option_value), ', ') FROM pg_options_to_table(c.reloptions))`
