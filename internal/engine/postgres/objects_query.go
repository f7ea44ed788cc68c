package postgres

// The queries of objects give, for each, its class and OID, and the statements that
// make it. Names in them are whole, for the session's search path is pinned.

// userObject keeps what a user made in a schema of a user: not what belongs to an
// extension, which brings it along.
const userObject = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'drover') AND n.nspname !~ '^(pg_|_drover_)'`

// objectQueries read every class of object that moves.
var objectQueries = []string{
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

	// Types: enums, domains, composites, ranges.
	`SELECT 'pg_type'::regclass::oid, t.oid, ARRAY[` + typeDefinition + `]
	FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
	WHERE (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c')) AND ` + userObject,

	`SELECT 'pg_proc'::regclass::oid, p.oid, ARRAY[CASE p.prokind WHEN 'a' THEN ` + aggregateDefinition + ` ELSE pg_get_functiondef(p.oid) END]
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid WHERE ` + userObject,

	`SELECT 'pg_operator'::regclass::oid, o.oid, ARRAY[format('CREATE OPERATOR %I.%s (%s)', n.nspname, o.oprname, concat_ws(', ',
		'FUNCTION = ' || o.oprcode::oid::regproc, 'LEFTARG = ' || format_type(NULLIF(o.oprleft, 0), NULL), 'RIGHTARG = ' || format_type(NULLIF(o.oprright, 0), NULL),
		CASE WHEN o.oprcom <> 0 THEN (SELECT format('COMMUTATOR = OPERATOR(%I.%s)', m.nspname, x.oprname) FROM pg_operator x JOIN pg_namespace m ON m.oid = x.oprnamespace WHERE x.oid = o.oprcom) END,
		CASE WHEN o.oprnegate <> 0 THEN (SELECT format('NEGATOR = OPERATOR(%I.%s)', m.nspname, x.oprname) FROM pg_operator x JOIN pg_namespace m ON m.oid = x.oprnamespace WHERE x.oid = o.oprnegate) END,
		CASE WHEN o.oprrest <> 0 THEN 'RESTRICT = ' || o.oprrest::oid::regproc END, CASE WHEN o.oprjoin <> 0 THEN 'JOIN = ' || o.oprjoin::oid::regproc END,
		CASE WHEN o.oprcanhash THEN 'HASHES' END, CASE WHEN o.oprcanmerge THEN 'MERGES' END))]
	FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE o.oprcode <> 0 AND ` + userObject,

	`SELECT 'pg_opfamily'::regclass::oid, f.oid, ARRAY[format('CREATE OPERATOR FAMILY %I.%I USING %I', n.nspname, f.opfname, m.amname)]
	FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace JOIN pg_am m ON m.oid = f.opfmethod WHERE ` + userObject,

	`SELECT 'pg_opclass'::regclass::oid, o.oid, ARRAY[format('CREATE OPERATOR CLASS %I.%I %sFOR TYPE %s USING %I FAMILY %I.%I AS %s', n.nspname, o.opcname,
		CASE WHEN o.opcdefault THEN 'DEFAULT ' ELSE '' END, format_type(o.opcintype, NULL), m.amname, fn.nspname, f.opfname,
		concat_ws(', ', CASE WHEN o.opckeytype <> 0 THEN 'STORAGE ' || format_type(o.opckeytype, NULL) END,
			(SELECT string_agg(format('OPERATOR %s %s', p.amopstrategy, p.amopopr::oid::regoperator)
					|| COALESCE((SELECT format(' FOR ORDER BY %I.%I', sn.nspname, s.opfname) FROM pg_opfamily s JOIN pg_namespace sn ON sn.oid = s.opfnamespace WHERE s.oid = p.amopsortfamily), ''),
					', ' ORDER BY p.amopstrategy)
				FROM pg_amop p WHERE p.amopfamily = f.oid AND p.amoplefttype = o.opcintype AND p.amoprighttype = o.opcintype),
			(SELECT string_agg(format('FUNCTION %s (%s, %s) %s', p.amprocnum, format_type(p.amproclefttype, NULL), format_type(p.amprocrighttype, NULL), p.amproc::oid::regprocedure), ', ' ORDER BY p.amprocnum)
				FROM pg_amproc p WHERE p.amprocfamily = f.oid AND p.amproclefttype = o.opcintype AND p.amprocrighttype = o.opcintype)))]
	FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace JOIN pg_am m ON m.oid = o.opcmethod
	JOIN pg_opfamily f ON f.oid = o.opcfamily JOIN pg_namespace fn ON fn.oid = f.opfnamespace WHERE ` + userObject,

	`SELECT 'pg_cast'::regclass::oid, k.oid, ARRAY[format('CREATE CAST (%s AS %s) %s%s', format_type(k.castsource, NULL), format_type(k.casttarget, NULL),
		CASE k.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || k.castfunc::regprocedure WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END,
		CASE k.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' ELSE '' END)]
	FROM pg_cast k WHERE k.oid >= 16384`,

	`SELECT 'pg_ts_dict'::regclass::oid, d.oid, ARRAY[format('CREATE TEXT SEARCH DICTIONARY %I.%I (TEMPLATE = %I.%I%s)', n.nspname, d.dictname, tn.nspname, t.tmplname, ', ' || d.dictinitoption)]
	FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace JOIN pg_ts_template t ON t.oid = d.dicttemplate
	JOIN pg_namespace tn ON tn.oid = t.tmplnamespace WHERE ` + userObject,

	`SELECT 'pg_ts_config'::regclass::oid, c.oid, ARRAY[format('CREATE TEXT SEARCH CONFIGURATION %I.%I (PARSER = %I.%I)', n.nspname, c.cfgname, pn.nspname, p.prsname)]
		|| ARRAY(SELECT format('ALTER TEXT SEARCH CONFIGURATION %I.%I ADD MAPPING FOR %I WITH %s', n.nspname, c.cfgname,
				(SELECT k.alias FROM ts_token_type(c.cfgparser) k WHERE k.tokid = m.maptokentype),
				string_agg(format('%I.%I', dn.nspname, d.dictname), ', ' ORDER BY m.mapseqno))
			FROM pg_ts_config_map m JOIN pg_ts_dict d ON d.oid = m.mapdict JOIN pg_namespace dn ON dn.oid = d.dictnamespace
			WHERE m.mapcfg = c.oid GROUP BY m.maptokentype ORDER BY m.maptokentype)
	FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace JOIN pg_ts_parser p ON p.oid = c.cfgparser
	JOIN pg_namespace pn ON pn.oid = p.prsnamespace WHERE ` + userObject,

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

// typeDefinition is the CREATE statement of the type t in the schema n; NULL for a
// type of another sort.
const typeDefinition = `CASE t.typtype
	WHEN 'e' THEN format('CREATE TYPE %I.%I AS ENUM (%s)', n.nspname, t.typname,
		(SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
	WHEN 'd' THEN format('CREATE DOMAIN %I.%I AS %s', n.nspname, t.typname, format_type(t.typbasetype, t.typtypmod))
		|| COALESCE((SELECT format(' COLLATE %I.%I', cn.nspname, c.collname) FROM pg_collation c JOIN pg_namespace cn ON cn.oid = c.collnamespace
			JOIN pg_type b ON b.oid = t.typbasetype WHERE c.oid = t.typcollation AND c.oid <> b.typcollation), '')
		|| COALESCE(' DEFAULT ' || pg_get_expr(t.typdefaultbin, 0), '')
		|| CASE WHEN t.typnotnull THEN COALESCE((SELECT format(' CONSTRAINT %I', k.conname) FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'n'
			AND current_setting('server_version_num')::int4 >= 180000), '') || ' NOT NULL' ELSE '' END
		|| COALESCE((SELECT string_agg(format(' CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), '' ORDER BY k.conname)
			FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c' AND k.convalidated), '')
		|| COALESCE((SELECT string_agg(format('; ALTER DOMAIN %I.%I ADD CONSTRAINT %I %s', n.nspname, t.typname, k.conname, pg_get_constraintdef(k.oid)), '' ORDER BY k.conname)
			FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c' AND NOT k.convalidated), '')
	WHEN 'c' THEN format('CREATE TYPE %I.%I AS (%s)', n.nspname, t.typname, (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
			|| COALESCE((SELECT format(' COLLATE %I.%I', cn.nspname, co.collname) FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace
				JOIN pg_type b ON b.oid = a.atttypid WHERE co.oid = a.attcollation AND co.oid <> b.typcollation), ''), ', ' ORDER BY a.attnum)
		FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
	WHEN 'r' THEN (SELECT format('CREATE TYPE %I.%I AS RANGE (%s)', n.nspname, t.typname, concat_ws(', ', 'subtype = ' || format_type(r.rngsubtype, NULL),
			(SELECT format('multirange_type_name = %I.%I', mn.nspname, mt.typname) FROM pg_type mt JOIN pg_namespace mn ON mn.oid = mt.typnamespace WHERE mt.oid = r.rngmultitypid),
			(SELECT format('subtype_opclass = %I.%I', pn.nspname, p.opcname) FROM pg_opclass p JOIN pg_namespace pn ON pn.oid = p.opcnamespace WHERE p.oid = r.rngsubopc AND NOT p.opcdefault),
			(SELECT format('collation = %I.%I', cn.nspname, c.collname) FROM pg_collation c JOIN pg_namespace cn ON cn.oid = c.collnamespace
				JOIN pg_type b ON b.oid = r.rngsubtype WHERE c.oid = r.rngcollation AND c.oid <> b.typcollation),
			CASE WHEN r.rngcanonical <> 0 THEN 'canonical = ' || r.rngcanonical::oid::regproc END,
			CASE WHEN r.rngsubdiff <> 0 THEN 'subtype_diff = ' || r.rngsubdiff::oid::regproc END)) FROM pg_range r WHERE r.rngtypid = t.oid)
	END`

// aggregateDefinition is the CREATE statement of the aggregate p, a.
const aggregateDefinition = `format('CREATE AGGREGATE %I.%I(%s) (%s)', n.nspname, p.proname,
		CASE WHEN p.pronargs = 0 THEN '*' ELSE pg_get_function_arguments(p.oid) END, concat_ws(', ',
		'SFUNC = ' || a.aggtransfn::oid::regproc, 'STYPE = ' || format_type(a.aggtranstype, NULL), CASE WHEN a.aggtransspace <> 0 THEN 'SSPACE = ' || a.aggtransspace END,
		CASE WHEN a.aggfinalfn <> 0 THEN 'FINALFUNC = ' || a.aggfinalfn::oid::regproc END, CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END,
		CASE WHEN a.aggfinalfn <> 0 THEN 'FINALFUNC_MODIFY = ' || CASE a.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END,
		CASE WHEN a.aggcombinefn <> 0 THEN 'COMBINEFUNC = ' || a.aggcombinefn::oid::regproc END,
		CASE WHEN a.aggserialfn <> 0 THEN 'SERIALFUNC = ' || a.aggserialfn::oid::regproc END, CASE WHEN a.aggdeserialfn <> 0 THEN 'DESERIALFUNC = ' || a.aggdeserialfn::oid::regproc END,
		'INITCOND = ' || quote_literal(a.agginitval),
		CASE WHEN a.aggmtransfn <> 0 THEN 'MSFUNC = ' || a.aggmtransfn::oid::regproc END, CASE WHEN a.aggminvtransfn <> 0 THEN 'MINVFUNC = ' || a.aggminvtransfn::oid::regproc END,
		CASE WHEN a.aggmtranstype <> 0 THEN 'MSTYPE = ' || format_type(a.aggmtranstype, NULL) END, CASE WHEN a.aggmtransspace <> 0 THEN 'MSSPACE = ' || a.aggmtransspace END,
		CASE WHEN a.aggmfinalfn <> 0 THEN 'MFINALFUNC = ' || a.aggmfinalfn::oid::regproc END, CASE WHEN a.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,
		'MINITCOND = ' || quote_literal(a.aggminitval),
		CASE WHEN a.aggsortop <> 0 THEN (SELECT format('SORTOP = OPERATOR(%I.%s)', m.nspname, x.oprname) FROM pg_operator x JOIN pg_namespace m ON m.oid = x.oprnamespace WHERE x.oid = a.aggsortop) END,
		CASE WHEN p.proparallel <> 'u' THEN 'PARALLEL = ' || CASE p.proparallel WHEN 's' THEN 'SAFE' ELSE 'RESTRICTED' END END,
		CASE WHEN a.aggkind = 'h' THEN 'HYPOTHETICAL' END))`

// sequenceOptions are the options of the sequence q.
const sequenceOptions = `format('AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s', format_type(q.seqtypid, NULL),
		q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, CASE WHEN q.seqcycle THEN ' CYCLE' ELSE '' END)`

// plainNumbering tells whether the default of the column that owns the sequence d.objid
// is the sequence's next number and nothing else: a column of that kind is serial.
const plainNumbering = `EXISTS (SELECT FROM pg_attrdef x WHERE x.adrelid = d.refobjid AND x.adnum = d.refobjsubid
			AND pg_get_expr(x.adbin, x.adrelid) = format('nextval(%L::regclass)', d.objid::regclass))`

// relationOptions are the storage parameters of the relation c, comma separated.
const relationOptions = `(SELECT string_agg(format('%I=%L', option_name, option_value), ', ') FROM pg_options_to_table(c.reloptions))`
