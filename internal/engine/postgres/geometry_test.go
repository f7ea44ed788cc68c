package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/testdb"
)

// Geometries of MySQL keep their bytes: as geometries where the server has PostGIS,
// as bytea elsewhere.
func TestMySQL_Geometry(t *testing.T) {
	url := testdb.Postgres(t)
	db := openDB(t, url)
	var available bool
	require.NoError(t, db.pool.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'postgis')").Scan(&available))
	want := "bytea"
	if available {
		script(t, url, "CREATE SCHEMA gis; CREATE EXTENSION postgis SCHEMA gis")
		want = "gis.geometry"
	}
	source := foreignSource(&planv1.Column{Name: "v", NativeType: "point", Kind: canon.Bytes, Geometry: "point", Nullable: true})
	source.Engine = "mysql"
	source.Tables[0].Indexes = append(source.Tables[0].Indexes, &planv1.Index{Name: "near", Method: "spatial", Columns: []*planv1.IndexColumn{{Name: "v"}}})
	design, err := db.Design(t.Context(), engine.DesignRequest{Source: source, Name: byName})
	require.NoError(t, err)
	p, m := design.GetTables()[0], engine.Migration{UID: "01GEO", Term: 1}
	require.Equal(t, want, p.GetColumns()[1].GetTargetType())
	require.Equal(t, available, len(p.GetFindings()) == 0, "%v", p.GetFindings())
	require.NoError(t, db.Prepare(t.Context(), engine.PrepareRequest{Migration: m, TargetIdentity: design.GetIdentity(), Statements: design.GetStatements()}))
	require.NoError(t, db.Apply(t.Context(), m, p, planv1.Step_STEP_CREATE))
	fill(t, db, m, p, map[string]string{"id": "1", "v": `\x0101000000000000000000f03f0000000000000040`}, map[string]string{"id": "2", "v": `\x0101000020e6100000000000000000f03f0000000000000040`},
		map[string]string{"id": "3", "v": `\x0104000000020000000101000000000000000000f03f0000000000000040010100000000000000000008400000000000001040`}, map[string]string{"id": "4"})
	for _, step := range []planv1.Step{planv1.Step_STEP_KEY, planv1.Step_STEP_INDEXES} {
		require.NoError(t, db.Apply(t.Context(), m, p, step))
	}
	if available {
		script(t, url, "DO $$ BEGIN ASSERT (SELECT gis.st_srid(v) = 4326 AND gis.st_x(v) = 1 FROM t WHERE id = 2); END $$")
	}
	found := describeTable(t, db, "t")
	require.Equal(t, canon.Bytes, found.GetColumns()[1].GetKind())
}

// What stands on the tables and views of an extension comes with it: PostGIS has rules
// on geometry_columns.
func TestDescribe_ExtensionBringsItsRules(t *testing.T) {
	url := testdb.Postgres(t)
	script(t, url, "CREATE EXTENSION postgis; CREATE TABLE t (id int PRIMARY KEY); CREATE VIEW v AS SELECT id FROM t; CREATE RULE r AS ON INSERT TO v DO INSTEAD INSERT INTO t VALUES (new.id)")
	found, err := openDB(t, url).Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	var rules []string
	for _, o := range found.GetObjects() {
		if o.GetType() == "rule" {
			rules = append(rules, o.GetName())
		}
	}
	require.Equal(t, []string{"r on public.v"}, rules)
}
