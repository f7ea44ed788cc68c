package postgres

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
	WHEN 'r' THEN ` + shellOfType + ` || (SELECT format('CREATE TYPE %I.%I AS RANGE (%s)', n.nspname, t.typname, concat_ws(', ', 'subtype = ' || format_type(r.rngsubtype, NULL),
			(SELECT format('multirange_type_name = %I.%I', mn.nspname, mt.typname) FROM pg_type mt JOIN pg_namespace mn ON mn.oid = mt.typnamespace WHERE mt.oid = r.rngmultitypid),
			(SELECT format('subtype_opclass = %I.%I', pn.nspname, p.opcname) FROM pg_opclass p JOIN pg_namespace pn ON pn.oid = p.opcnamespace WHERE p.oid = r.rngsubopc AND NOT p.opcdefault),
			(SELECT format('collation = %I.%I', cn.nspname, c.collname) FROM pg_collation c JOIN pg_namespace cn ON cn.oid = c.collnamespace
				JOIN pg_type b ON b.oid = r.rngsubtype WHERE c.oid = r.rngcollation AND c.oid <> b.typcollation),
			CASE WHEN r.rngcanonical <> 0 THEN 'canonical = ' || r.rngcanonical::oid::regproc END,
			CASE WHEN r.rngsubdiff <> 0 THEN 'subtype_diff = ' || r.rngsubdiff::oid::regproc END)) FROM pg_range r WHERE r.rngtypid = t.oid)
	WHEN 'b' THEN CASE WHEN t.oid >= 16384 AND ` + noArray + ` THEN ` + shellOfType + ` || ` + baseType + ` END
	WHEN 'p' THEN CASE WHEN NOT t.typisdefined THEN format('CREATE TYPE %I.%I', n.nspname, t.typname) END
	END`

// noArray tells whether t is no array of another type: those come with it.
const noArray = `NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)`

// routineOfType tells whether the routine p reads, writes or normalizes values of the
// type t, and takes or gives them: neither can be made without the other.
const routineOfType = `(t.typtype = 'b' AND p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend, t.typanalyze, t.typsubscript)
		OR t.typtype = 'r' AND EXISTS (SELECT FROM pg_range r WHERE r.rngtypid = t.oid AND r.rngcanonical = p.oid))
	AND (p.prorettype = t.oid OR t.oid = ANY (p.proargtypes::oid[]))`

// shellOfType is what comes before the definition of the type t in the schema n, where
// routines of its own do: the type's name and those routines.
const shellOfType = `COALESCE((SELECT format('CREATE TYPE %I.%I', n.nspname, t.typname) || string_agg(E';\n' || rtrim(pg_get_functiondef(p.oid), E'\n'), '' ORDER BY p.oid) || E';\n'
		FROM pg_proc p WHERE ` + routineOfType + ` HAVING count(*) > 0), '')`

// baseType is the CREATE statement of the base type t in the schema n.
const baseType = `format('CREATE TYPE %I.%I (%s)', n.nspname, t.typname, concat_ws(', ',
		'INTERNALLENGTH = ' || CASE WHEN t.typlen < 0 THEN 'variable' ELSE t.typlen::text END, 'INPUT = ' || t.typinput::oid::regproc, 'OUTPUT = ' || t.typoutput::oid::regproc,
		CASE WHEN t.typreceive <> 0 THEN 'RECEIVE = ' || t.typreceive::oid::regproc END, CASE WHEN t.typsend <> 0 THEN 'SEND = ' || t.typsend::oid::regproc END,
		CASE WHEN t.typmodin <> 0 THEN 'TYPMOD_IN = ' || t.typmodin::oid::regproc END, CASE WHEN t.typmodout <> 0 THEN 'TYPMOD_OUT = ' || t.typmodout::oid::regproc END,
		CASE WHEN t.typanalyze <> 0 THEN 'ANALYZE = ' || t.typanalyze::oid::regproc END, CASE WHEN t.typsubscript <> 0 THEN 'SUBSCRIPT = ' || t.typsubscript::oid::regproc END,
		CASE WHEN t.typbyval THEN 'PASSEDBYVALUE' END,
		'ALIGNMENT = ' || CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN 'int2' WHEN 'i' THEN 'int4' ELSE 'double' END,
		'STORAGE = ' || CASE t.typstorage WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended' WHEN 'm' THEN 'main' ELSE 'plain' END,
		'CATEGORY = ' || quote_literal(t.typcategory::text), CASE WHEN t.typispreferred THEN 'PREFERRED = true' END, 'DEFAULT = ' || quote_literal(t.typdefault),
		CASE WHEN t.typelem <> 0 THEN 'ELEMENT = ' || format_type(t.typelem, NULL) END, 'DELIMITER = ' || quote_literal(t.typdelim::text),
		CASE WHEN t.typcollation <> 0 THEN 'COLLATABLE = true' END))`

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
