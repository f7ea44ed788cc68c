package postgres

// serverQueries read what rests on code of the server: languages, access methods,
// conversions, parsers. Their routines are of C, so that the target's host needs the
// libraries that these name.
var serverQueries = []string{
	`SELECT 'pg_language'::regclass::oid, l.oid, ARRAY[format('CREATE %sLANGUAGE %I%s%s%s', CASE WHEN l.lanpltrusted THEN 'TRUSTED ' ELSE '' END, l.lanname,
		CASE WHEN l.lanplcallfoid <> 0 THEN ' HANDLER ' || l.lanplcallfoid::regproc END, CASE WHEN l.laninline <> 0 THEN ' INLINE ' || l.laninline::regproc END,
		CASE WHEN l.lanvalidator <> 0 THEN ' VALIDATOR ' || l.lanvalidator::regproc END)]
	FROM pg_language l WHERE l.oid >= 16384`,

	`SELECT 'pg_am'::regclass::oid, a.oid, ARRAY[format('CREATE ACCESS METHOD %I TYPE %s HANDLER %s', a.amname, CASE a.amtype WHEN 't' THEN 'TABLE' ELSE 'INDEX' END, a.amhandler::oid::regproc)]
	FROM pg_am a WHERE a.oid >= 16384`,

	`SELECT 'pg_transform'::regclass::oid, t.oid, ARRAY[format('CREATE TRANSFORM FOR %s LANGUAGE %I (%s)', format_type(t.trftype, NULL), l.lanname, concat_ws(', ',
		CASE WHEN t.trffromsql <> 0 THEN 'FROM SQL WITH FUNCTION ' || t.trffromsql::oid::regprocedure END, CASE WHEN t.trftosql <> 0 THEN 'TO SQL WITH FUNCTION ' || t.trftosql::oid::regprocedure END))]
	FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang WHERE t.oid >= 16384`,

	`SELECT 'pg_conversion'::regclass::oid, c.oid, ARRAY[format('CREATE %sCONVERSION %I.%I FOR %L TO %L FROM %s', CASE WHEN c.condefault THEN 'DEFAULT ' ELSE '' END, n.nspname, c.conname,
		pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), c.conproc::oid::regproc)]
	FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace WHERE ` + userObject,

	`SELECT 'pg_ts_parser'::regclass::oid, p.oid, ARRAY[format('CREATE TEXT SEARCH PARSER %I.%I (%s)', n.nspname, p.prsname, concat_ws(', ', 'START = ' || p.prsstart::oid::regproc,
		'GETTOKEN = ' || p.prstoken::oid::regproc, 'END = ' || p.prsend::oid::regproc, CASE WHEN p.prsheadline <> 0 THEN 'HEADLINE = ' || p.prsheadline::oid::regproc END,
		'LEXTYPES = ' || p.prslextype::oid::regproc))]
	FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = p.prsnamespace WHERE ` + userObject,

	`SELECT 'pg_ts_template'::regclass::oid, t.oid, ARRAY[format('CREATE TEXT SEARCH TEMPLATE %I.%I (%s)', n.nspname, t.tmplname,
		concat_ws(', ', CASE WHEN t.tmplinit <> 0 THEN 'INIT = ' || t.tmplinit::oid::regproc END, 'LEXIZE = ' || t.tmpllexize::oid::regproc))]
	FROM pg_ts_template t JOIN pg_namespace n ON n.oid = t.tmplnamespace WHERE ` + userObject,
}

// replicationQueries read what the database publishes.
var replicationQueries = []string{
	`SELECT 'pg_publication'::regclass::oid, p.oid, ARRAY[format('CREATE PUBLICATION %I%s WITH (%s)', p.pubname, CASE WHEN p.puballtables THEN ' FOR ALL TABLES' END, concat_ws(', ',
		format('publish = %L', concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END)),
		CASE WHEN p.pubviaroot THEN 'publish_via_partition_root = true' END, CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN 'publish_generated_columns = stored' END))]
	FROM pg_publication p`,

	`SELECT 'pg_publication_rel'::regclass::oid, r.oid, ARRAY[format('ALTER PUBLICATION %I ADD TABLE ONLY %I.%I%s%s', p.pubname, n.nspname, c.relname,
		' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.i) FROM unnest(r.prattrs::int2[]) WITH ORDINALITY u (n, i) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.n) || ')',
		' WHERE (' || pg_get_expr(r.prqual, c.oid) || ')')]
	FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ` + userObject,

	`SELECT 'pg_publication_namespace'::regclass::oid, r.oid, ARRAY[format('ALTER PUBLICATION %I ADD TABLES IN SCHEMA %I', p.pubname, n.nspname)]
	FROM pg_publication_namespace r JOIN pg_publication p ON p.oid = r.pnpubid JOIN pg_namespace n ON n.oid = r.pnnspid WHERE ` + userObject,
}
