package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// places has every sort of geometry, with and without a spatial reference.
const places = `CREATE TABLE place (id int PRIMARY KEY, spot point NOT NULL, shape geometry, SPATIAL KEY place_spot (spot));
INSERT INTO place VALUES (1, ST_GeomFromText('POINT(1.5 -2.25)'), ST_GeomFromText('LINESTRING(0 0, 1 1, 2 0)')),
  (2, ST_GeomFromText('POINT(0 0)'), ST_GeomFromText('POLYGON((0 0, 4 0, 4 4, 0 0), (1 0.5, 2 0.5, 2 1, 1 0.5))')),
  (3, ST_GeomFromText('POINT(1e300 -0.1)'), ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2), MULTIPOINT((3 4), (5 6)))')),
  (4, ST_GeomFromText('POINT(8 9)'), ST_GeomFromText('POINT(13.4 52.5)', 4326)), (5, ST_GeomFromText('POINT(7 7)'), NULL);`

// With PostGIS geometries stay geometries; the database measures the same with them.
func TestCopy_GeometriesIntoPostGIS(t *testing.T) {
	for _, from := range []side{mysql, mariadb} {
		t.Run(from.name, func(t *testing.T) {
			source, target := from.make(t), testdb.Postgres(t)
			fixture.Exec(t, source, places)
			fixture.Exec(t, target, "CREATE EXTENSION postgis")
			proven(t, drover(t).Copy(t, source, target))
			equal(t, source, target)
			for _, p := range []fixture.Probe{
				{Name: "Type", SQL: "SELECT count(*) FROM pg_attribute WHERE attrelid = 'place'::regclass AND atttypid = 'geometry'::regtype", Want: "2"},
				{Name: "Axes", SQL: "SELECT ST_X(spot), ST_Y(spot) FROM place WHERE id = 1", Want: "1.5|-2.25"},
				{Name: "Area", SQL: "SELECT ST_Area(shape) FROM place WHERE id = 2", Want: "7.75"},
				{Name: "SRID", SQL: "SELECT ST_SRID(shape) FROM place WHERE id = 4", Want: "4326"},
				{Name: "SpatialIndex", SQL: "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam WHERE i.indrelid = 'place'::regclass AND a.amname = 'gist' AND i.indisvalid", Want: "1"},
			} {
				p.Check(t, target)
			}
		})
	}
}

// Without it they are bytes, and the plan says so.
func TestCopy_GeometriesAsBytes(t *testing.T) {
	for _, to := range []side{postgres18, sqlite} {
		t.Run(to.name, func(t *testing.T) {
			source, target := testdb.MySQL(t), to.make(t)
			fixture.Exec(t, source, places)
			r := drover(t).Copy(t, source, target)
			proven(t, r)
			equal(t, source, target)
			if to.dialect == fixture.Postgres {
				assert.Contains(t, findings(r), "PostGIS")
			}
		})
	}
}
