package postgres

// operatorQueries read operators and what makes them known to indexes, casts, and what
// text is searched with.
var operatorQueries = []string{
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
			(SELECT string_agg(` + memberOperator + `,
					', ' ORDER BY p.amopstrategy)
				FROM pg_amop p WHERE ` + belongsTo("pg_amop", "pg_opclass", "o") + `),
			(SELECT string_agg(` + memberFunction + `, ', ' ORDER BY p.amprocnum)
				FROM pg_amproc p WHERE ` + belongsTo("pg_amproc", "pg_opclass", "o") + `)))]
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
}

// memberOperator and memberFunction are the members p of an operator class or family.
const (
	memberOperator = `format('OPERATOR %s %s', p.amopstrategy, p.amopopr::oid::regoperator)
		|| COALESCE((SELECT format(' FOR ORDER BY %I.%I', sn.nspname, s.opfname) FROM pg_opfamily s JOIN pg_namespace sn ON sn.oid = s.opfnamespace WHERE s.oid = p.amopsortfamily), '')`
	memberFunction = `format('FUNCTION %s (%s, %s) %s', p.amprocnum, format_type(p.amproclefttype, NULL), format_type(p.amprocrighttype, NULL), p.amproc::oid::regprocedure)`
)

// belongsTo tells whether the member p goes with an operator class, or with a family alone.
func belongsTo(catalog, ofCatalog, of string) string {
	return `EXISTS (SELECT FROM pg_depend d WHERE d.classid = '` + catalog + `'::regclass AND d.objid = p.oid AND d.refclassid = '` + ofCatalog + `'::regclass AND d.refobjid = ` + of + `.oid)`
}

// looseMembers are the members of operator families that belong to no class: operators
// between types, for the most part. They come when all classes are there.
var looseMembers = `SELECT 'members', 'pg_opfamily'::regclass::oid, f.oid, 0, '', 0, ARRAY(
		SELECT format('ALTER OPERATOR FAMILY %I.%I USING %I ADD %s', n.nspname, f.opfname, a.amname, member) FROM (
			SELECT 1, p.oid, ` + memberOperator + ` FROM pg_amop p WHERE ` + belongsTo("pg_amop", "pg_opfamily", "f") + `
			UNION ALL SELECT 2, p.oid, ` + memberFunction + ` FROM pg_amproc p WHERE ` + belongsTo("pg_amproc", "pg_opfamily", "f") + `) m (part, oid, member)
		ORDER BY part, oid), ARRAY[]::text[], ARRAY[]::text[]
	FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace JOIN pg_am a ON a.oid = f.opfmethod WHERE ` + userObject
