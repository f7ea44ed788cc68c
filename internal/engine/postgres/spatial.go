package postgres

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// spatialTypes are those of PostGIS whose values travel as EWKB.
var spatialTypes = []string{"geometry", "geography"}

// isSpatialType tells whether a type is one of PostGIS.
func isSpatialType(t typeRow) bool { return t.Extension && slices.Contains(spatialTypes, t.Name) }

// isSpatial tells whether the pg_type row t is a type of PostGIS.
const isSpatial = `(t.typname IN ('geometry', 'geography') AND EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
	WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e' AND e.extname = 'postgis'))`

// geometryModifier is what a declared type says of its geometries: "Point", "PolygonZ".
var geometryModifier = regexp.MustCompile(`\((\w+?)(?:Z|M|ZM)?(?:,-?\d+)?\)$`)

// simpleGeometries are those that every engine with geometries has.
var simpleGeometries = []string{"point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection"}

// geometryOf names the geometries of a declared type: "point" of "geometry(Point,4326)",
// "geometry" of one that takes any, of a domain, which does not say, and of those that
// other engines lack.
func geometryOf(declared string) string {
	m := geometryModifier.FindStringSubmatch(declared)
	if m == nil || !slices.Contains(simpleGeometries, strings.ToLower(m[1])) {
		return "geometry"
	}
	return strings.ToLower(m[1])
}

// spatial selects the values of PostGIS as EWKB, least byte first; oids then say so. A
// geography has the geometry's functions by its cast, which changes nothing of it.
func (out *projection) spatial(ctx context.Context, conn *pgconn.PgConn, oids []uint32) error {
	for i, oid := range oids {
		if oid < firstUserOID {
			continue
		}
		results, err := conn.Exec(ctx, "SELECT quote_ident(n.nspname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = "+
			itoa(int64(oid))+" AND "+isSpatial).ReadAll()
		if err != nil {
			return classify("postgres.Read", err)
		}
		if len(results[0].Rows) == 1 {
			schema := string(results[0].Rows[0][0])
			out.exprs[i], oids[i] = schema+".st_asewkb("+out.exprs[i]+"::"+schema+".geometry, 'NDR')", oidBytea
		}
	}
	return nil
}
