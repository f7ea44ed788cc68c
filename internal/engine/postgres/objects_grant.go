package postgres

// ownerQuery reads who owns what, in the form of details.
const ownerQuery = `SELECT 'owner', o.class, o.oid, o.relation, '', 0, ARRAY[format('ALTER %s %s OWNER TO %I', ` + objectKind + `, i.identity, pg_get_userbyid(o.owner))],
		ARRAY[pg_get_userbyid(o.owner)::text], ARRAY[pg_get_userbyid(o.owner)::text]
	FROM (
		SELECT 'pg_class'::regclass::oid AS class, oid, oid AS relation, relowner AS owner FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
		UNION ALL SELECT 'pg_proc'::regclass, oid, 0, proowner FROM pg_proc
		UNION ALL SELECT 'pg_type'::regclass, t.oid, 0, typowner FROM pg_type t WHERE typtype IN ('d', 'e', 'r') OR typtype = 'b' AND ` + noArray + `
			OR typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c')
		UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, nspowner FROM pg_namespace
		UNION ALL SELECT 'pg_collation'::regclass, oid, 0, collowner FROM pg_collation
		UNION ALL SELECT 'pg_conversion'::regclass, oid, 0, conowner FROM pg_conversion
		UNION ALL SELECT 'pg_operator'::regclass, oid, 0, oprowner FROM pg_operator
		UNION ALL SELECT 'pg_opclass'::regclass, oid, 0, opcowner FROM pg_opclass
		UNION ALL SELECT 'pg_opfamily'::regclass, oid, 0, opfowner FROM pg_opfamily
		UNION ALL SELECT 'pg_ts_dict'::regclass, oid, 0, dictowner FROM pg_ts_dict
		UNION ALL SELECT 'pg_ts_config'::regclass, oid, 0, cfgowner FROM pg_ts_config
		UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, 0, stxowner FROM pg_statistic_ext
		UNION ALL SELECT 'pg_language'::regclass, oid, 0, lanowner FROM pg_language
		UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, 0, fdwowner FROM pg_foreign_data_wrapper
		UNION ALL SELECT 'pg_foreign_server'::regclass, oid, 0, srvowner FROM pg_foreign_server
		UNION ALL SELECT 'pg_publication'::regclass, oid, 0, pubowner FROM pg_publication
		UNION ALL SELECT 'pg_event_trigger'::regclass, oid, 0, evtowner FROM pg_event_trigger) o
	CROSS JOIN LATERAL pg_identify_object(o.class, o.oid, 0) i
	WHERE (o.oid >= 16384 OR o.class = 'pg_namespace'::regclass AND o.oid = 'public'::regnamespace AND o.owner <> 'pg_database_owner'::regrole)
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = o.oid AND o.class = d.classid AND (d.deptype = 'e'
			OR d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND EXISTS (SELECT FROM pg_sequence WHERE seqrelid = d.objid)))`

// grantQuery reads what roles may do that is not as the server has it by itself, or as an
// extension does: one detail a role. What somebody granted who is not the owner is granted
// in that role's name.
var grantQuery = `SELECT 'grants', g.class, g.oid, CASE WHEN g.relation = 0 THEN 0 ELSE ` + relationOf("g.class", "g.oid") + ` END,
		' to ' || g.grantee || COALESCE(' by ' || g.grantor, ''), min(g.number),
		CASE WHEN g.grantor IS NULL THEN '{}' ELSE ARRAY['SET ROLE ' || g.grantor] END || array_agg(g.statement ORDER BY g.number, g.statement) || CASE WHEN g.grantor IS NULL THEN '{}' ELSE ARRAY['RESET ROLE'] END,
		array_remove(ARRAY[min(g.grantee_name), min(g.grantor_name)], NULL), array_remove(ARRAY[min(g.grantor_name)], NULL)
	FROM (
		SELECT a.class, a.oid, a.relation, CASE WHEN x.given THEN a.sub * 1000000::int8 + x.number ELSE 0 END AS number,
			format(CASE WHEN x.given THEN 'GRANT %s%s ON %s %s TO %s%s' ELSE 'REVOKE %s%s ON %s %s FROM %s' END, x.privilege_type, a.part, ` + grantKind + `, i.identity, ` + grantee + `,
				CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' END) AS statement,
			` + grantee + ` AS grantee, CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee)::text END AS grantee_name,
			CASE WHEN x.given AND x.grantor <> a.owner THEN quote_ident(pg_get_userbyid(x.grantor)) END AS grantor, CASE WHEN x.given AND x.grantor <> a.owner THEN pg_get_userbyid(x.grantor)::text END AS grantor_name
		FROM (` + aclQuery + `) a
		CROSS JOIN LATERAL (` + aclChanges("a.acl", "COALESCE((SELECT p.initprivs FROM pg_init_privs p WHERE p.classoid = a.class AND p.objoid = a.oid AND p.objsubid = a.sub), a.base)", "a.owner") + `) x
		CROSS JOIN LATERAL pg_identify_object(a.class, a.oid, 0) i
		WHERE a.acl IS NOT NULL AND COALESCE(i.schema, i.identity) <> 'information_schema') g
	GROUP BY g.class, g.oid, g.relation, g.grantee, g.grantor`

const grantee = `CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END`

// grantKind is what GRANT calls the kind of an object i: domains are types, and all that is
// like a table is a table.
const grantKind = `CASE WHEN i.type = 'foreign-data wrapper' THEN 'FOREIGN DATA WRAPPER' WHEN i.type = 'server' THEN 'FOREIGN SERVER' WHEN i.type IN ('schema', 'sequence', 'language', 'type') THEN upper(i.type)
		WHEN i.type IN ('function', 'procedure', 'aggregate') THEN 'ROUTINE' ELSE 'TABLE' END`

// aclQuery gives everything that has a list of privileges, and the one that it would have
// if nobody had granted or revoked anything.
const aclQuery = `SELECT 'pg_class'::regclass::oid AS class, oid, 0 AS sub, oid AS relation, '' AS part, relowner AS owner, relacl AS acl,
			acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner) AS base FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
		UNION ALL SELECT 'pg_class'::regclass, a.attrelid, a.attnum, a.attrelid, format(' (%I)', a.attname), c.relowner, a.attacl, acldefault('c', c.relowner)
			FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
		UNION ALL SELECT 'pg_proc'::regclass, oid, 0, 0, '', proowner, proacl, acldefault('f', proowner) FROM pg_proc
		UNION ALL SELECT 'pg_type'::regclass, oid, 0, 0, '', typowner, typacl, acldefault('T', typowner) FROM pg_type
		UNION ALL SELECT 'pg_language'::regclass, oid, 0, 0, '', lanowner, lanacl, acldefault('l', lanowner) FROM pg_language
		UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, 0, 0, '', fdwowner, fdwacl, acldefault('F', fdwowner) FROM pg_foreign_data_wrapper
		UNION ALL SELECT 'pg_foreign_server'::regclass, oid, 0, 0, '', srvowner, srvacl, acldefault('S', srvowner) FROM pg_foreign_server
		UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, 0, '', nspowner, nspacl, acldefault('n', nspowner) FROM pg_namespace`

// aclChanges gives what a list of privileges grants beyond another one, and what it lacks
// of that. An owner's own grants count as the same whoever owned it before.
func aclChanges(acl, base, owner string) string {
	return `SELECT true AS given, h.* FROM aclexplode(` + acl + `) WITH ORDINALITY h (grantor, grantee, privilege_type, is_grantable, number)
			WHERE NOT EXISTS (SELECT FROM aclexplode(` + base + `) b WHERE (b.grantor = h.grantor OR h.grantor = ` + owner + `)
				AND b.grantee = h.grantee AND b.privilege_type = h.privilege_type AND b.is_grantable = h.is_grantable)
		UNION ALL SELECT false, b.* FROM aclexplode(` + base + `) WITH ORDINALITY b (grantor, grantee, privilege_type, is_grantable, number)
			WHERE NOT EXISTS (SELECT FROM aclexplode(` + acl + `) h WHERE h.grantee = b.grantee AND h.privilege_type = b.privilege_type)`
}

// defaultGrantQuery reads what is granted on objects that roles will make.
var defaultGrantQuery = `SELECT 'pg_default_acl'::regclass::oid, a.oid, ARRAY(
		SELECT format(CASE WHEN x.given THEN 'ALTER DEFAULT PRIVILEGES FOR ROLE %I%s GRANT %s ON %s TO %s%s' ELSE 'ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE %s ON %s FROM %s' END,
			pg_get_userbyid(a.defaclrole), ' IN SCHEMA ' || quote_ident(n.nspname), x.privilege_type,
			CASE a.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END,
			` + grantee + `, CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' END)
		FROM (` + aclChanges("a.defaclacl", `CASE WHEN n.oid IS NULL THEN acldefault(CASE a.defaclobjtype WHEN 'S' THEN 's' ELSE a.defaclobjtype END, a.defaclrole) ELSE acldefault('c', a.defaclrole) END`, "a.defaclrole") + `) x
		ORDER BY x.given, x.number, x.privilege_type)
	FROM pg_default_acl a LEFT JOIN pg_namespace n ON n.oid = a.defaclnamespace WHERE n.oid IS NULL OR ` + userObject
