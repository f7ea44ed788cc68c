package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

type unmovedRow struct {
	Object, Name, Reason string
	Definition           *string
}

func readUnmoved(ctx context.Context, tx pgx.Tx) ([]*planv1.Unmoved, error) {
	rows, err := collect[unmovedRow](ctx, tx, unmovedQuery)
	var out []*planv1.Unmoved
	for _, r := range rows {
		out = append(out, &planv1.Unmoved{Object: r.Object, Name: r.Name, Reason: r.Reason, Definition: text(r.Definition)})
	}
	return out, err
}

// unmovedQuery lists what drover leaves behind, with what makes it in the source but for
// values that may be secrets.
const unmovedQuery = `
SELECT 'user mapping', format('of %s on server %s', COALESCE(m.usename, 'PUBLIC'), m.srvname), 'its options may hold a password: make it on the target by hand', ` + userMapping + `
FROM pg_user_mappings m WHERE ` + holdsSecret + `
UNION ALL
SELECT 'subscription', s.subname::text, 'it would begin to take changes from its publisher, and its connection string may hold a password: make it by hand when the target takes over',
	format('CREATE SUBSCRIPTION %I CONNECTION ''…'' PUBLICATION %s WITH (enabled = false, connect = false%s)', s.subname, (SELECT string_agg(quote_ident(p), ', ') FROM unnest(s.subpublications) p),
		', slot_name = ' || quote_literal(s.subslotname))
FROM pg_subscription s WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL
SELECT 'security label', format('%s on %s %s', l.provider, l.objtype, l.objname), 'the target has to load its provider: set it by hand',
	format('SECURITY LABEL FOR %I ON %s %s IS %L', l.provider, upper(l.objtype), l.objname, l.label)
FROM pg_seclabels l
UNION ALL
SELECT 'large objects', count(*)::text || ' of them', 'they belong to no table: pg_dump --large-objects --data-only carries them', NULL
FROM pg_largeobject_metadata HAVING count(*) > 0
UNION ALL
SELECT 'database setting', split_part(c, '=', 1) || COALESCE(' of role ' || quote_ident(r.rolname), ''), 'it belongs to the database and not to what is in it: set it by hand',
	format('ALTER %s SET %s TO %s', CASE WHEN r.rolname IS NULL THEN format('DATABASE %I', d.datname) ELSE format('ROLE %I IN DATABASE %I', r.rolname, d.datname) END, split_part(c, '=', 1),
		CASE WHEN split_part(c, '=', 1) ~* ` + secretName + ` THEN quote_literal('…') ELSE quote_literal(substr(c, strpos(c, '=') + 1)) END)
FROM pg_db_role_setting g JOIN pg_database d ON d.oid = g.setdatabase LEFT JOIN pg_roles r ON r.oid = g.setrole CROSS JOIN LATERAL unnest(g.setconfig) c
WHERE d.datname = current_database()
ORDER BY 1, 2`
