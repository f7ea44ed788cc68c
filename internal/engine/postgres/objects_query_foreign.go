package postgres

// foreignQueries read what names other servers, and tables that live there. Users of
// other servers move without what looks like a secret: see unmovedQuery.
var foreignQueries = []string{
	`SELECT 'pg_foreign_data_wrapper'::regclass::oid, w.oid, ARRAY[format('CREATE FOREIGN DATA WRAPPER %I%s%s%s', w.fdwname,
		CASE WHEN w.fdwhandler <> 0 THEN ' HANDLER ' || w.fdwhandler::regproc END, CASE WHEN w.fdwvalidator <> 0 THEN ' VALIDATOR ' || w.fdwvalidator::regproc END, ` + foreignOptions("w.fdwoptions") + `)]
	FROM pg_foreign_data_wrapper w`,

	`SELECT 'pg_foreign_server'::regclass::oid, s.oid, ARRAY[format('CREATE SERVER %I%s%s FOREIGN DATA WRAPPER %I%s', s.srvname, ' TYPE ' || quote_literal(s.srvtype), ' VERSION ' || quote_literal(s.srvversion),
		w.fdwname, ` + foreignOptions("s.srvoptions") + `)]
	FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw`,

	`SELECT 'pg_user_mapping'::regclass::oid, m.umid, ARRAY[` + userMapping + `]
	FROM pg_user_mappings m WHERE NOT ` + holdsSecret,

	`SELECT 'pg_class'::regclass::oid, c.oid, ARRAY[format(E'CREATE FOREIGN TABLE %I.%I (%s)%s SERVER %I%s', n.nspname, c.relname, ` + foreignColumns + `,
			' INHERITS (' || (SELECT string_agg(h.inhparent::regclass::text, ', ' ORDER BY h.inhseqno) FROM pg_inherits h WHERE h.inhrelid = c.oid AND NOT c.relispartition) || ')',
			s.srvname, ` + foreignOptions("f.ftoptions") + `)]
		|| ARRAY(SELECT format('ALTER FOREIGN TABLE %I.%I ADD CONSTRAINT %I %s', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid))
			FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conislocal ORDER BY k.conname)
		|| ARRAY(SELECT format('ALTER TABLE ONLY %s ATTACH PARTITION %I.%I %s', h.inhparent::regclass, n.nspname, c.relname, pg_get_expr(c.relpartbound, c.oid))
			FROM pg_inherits h WHERE h.inhrelid = c.oid AND c.relispartition)
	FROM pg_foreign_table f JOIN pg_class c ON c.oid = f.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE ` + userObject,
}

// foreignOptions writes an OPTIONS clause; NULL where there are none.
func foreignOptions(column string) string {
	return `' OPTIONS (' || (SELECT string_agg(format('%I %L', option_name, option_value), ', ') FROM pg_options_to_table(` + column + `)) || ')'`
}

// foreignColumns are the columns that the foreign table c has of its own.
const foreignColumns = `(SELECT string_agg(concat(quote_ident(a.attname), ' ', format_type(a.atttypid, a.atttypmod),
		' OPTIONS (' || (SELECT string_agg(format('%I %L', option_name, option_value), ', ') FROM pg_options_to_table(a.attfdwoptions)) || ')',
		(SELECT format(' COLLATE %I.%I', cn.nspname, co.collname) FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace JOIN pg_type t ON t.oid = a.atttypid
			WHERE co.oid = a.attcollation AND co.oid <> t.typcollation),
		CASE WHEN a.attgenerated <> '' THEN ' GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid) || CASE a.attgenerated WHEN 's' THEN ') STORED' ELSE ') VIRTUAL' END
			ELSE ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) END,
		CASE WHEN a.attnotnull THEN (SELECT ' CONSTRAINT ' || quote_ident(k.conname) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'n' AND k.conkey[1] = a.attnum) END,
		CASE WHEN a.attnotnull THEN ' NOT NULL' END), ', ' ORDER BY a.attnum)
	FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND (a.attislocal OR c.relispartition))`

// userMapping is the statement that makes the user mapping m, without options that
// look like a secret.
const userMapping = `format('CREATE USER MAPPING FOR %s SERVER %I%s', CASE m.umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(m.usename) END, m.srvname,
		' OPTIONS (' || (SELECT string_agg(format('%I %L', option_name, option_value), ', ') FROM pg_options_to_table(m.umoptions) WHERE option_name !~* ` + secretName + `) || ')')`

// holdsSecret tells whether the user mapping m has an option that looks like a secret,
// or options that this user may not read.
const holdsSecret = `(m.umoptions IS NULL AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
		OR EXISTS (SELECT FROM pg_options_to_table(m.umoptions) WHERE option_name ~* ` + secretName + `))`

// secretName matches names of options and settings whose values are not written down.
const secretName = `'pass|secret|token|credential|(^|_|\.)key$'`
