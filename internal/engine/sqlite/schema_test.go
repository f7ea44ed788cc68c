package sqlite

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

// hostileDDL has what a file may say in its own words.
const hostileDDL = richDDL + `;
DROP TABLE words;
DROP TRIGGER hush;
create table "Order" ([group] int constraint g unique on conflict replace, 'quoted' text not null on conflict ignore default ('it''s, (x)'), -- a comment, with a comma
	` + "`back``tick`" + ` real check ("group" > 0) /* and ) another */, "größe 表" any, primary key ("group" desc, "quoted" collate rtrim)) without rowid;
CREATE TABLE loop (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES loop(id) ON DELETE SET NULL, other REFERENCES pool(id) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE pool (id INTEGER PRIMARY KEY DESC, loop REFERENCES loop);
CREATE TABLE typeless (a, b UNSIGNED BIG INT, c VARCHAR (30), UNIQUE (b, c COLLATE NOCASE));
CREATE TABLE made AS SELECT 1 AS x, 'a' AS y;
CREATE TABLE log (what TEXT);
CREATE INDEX  part ON typeless (b DESC, lower(c) COLLATE NOCASE) WHERE b IS NOT NULL AND c <> 'x';
CREATE UNIQUE INDEX "in ""dex" ON "Order" ("größe 表");
CREATE VIEW late (one, two) AS SELECT * FROM early JOIN "Order";
CREATE VIEW early AS WITH q AS (SELECT 1) SELECT * FROM q;
CREATE TRIGGER noted AFTER UPDATE OF email, age ON person FOR EACH ROW WHEN new.age > 3 BEGIN INSERT INTO log VALUES ('a;b'); END;
CREATE TRIGGER on_insert BEFORE INSERT ON person BEGIN INSERT INTO log VALUES (new.email); END;
CREATE TRIGGER instead INSTEAD OF INSERT ON guests BEGIN INSERT INTO log VALUES ('guest'); END;
INSERT INTO "Order" VALUES (1, 'q', 2.5, x'00');
INSERT INTO pool VALUES (3, NULL);
INSERT INTO loop VALUES (1, NULL, NULL), (2, 1, 3);
UPDATE loop SET parent = 2 WHERE id = 1;
UPDATE pool SET loop = 1;
DELETE FROM log;
ANALYZE`

// drovers are the ledger's own tables.
var drovers = regexp.MustCompile(`_drover_`)

const schemaQuery = "SELECT type || ' ' || name || ' on ' || tbl_name || ': ' || coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\' ORDER BY type, name"

// A copy has the words of the file, and nothing fires while it is made.
func TestSchema_SameEngine(t *testing.T) {
	source, target := newFile(t, hostileDDL), filepath.Join(t.TempDir(), "target.db")
	want := query(t, source, schemaQuery)
	m := newMove(t, source, target, planv1.Existing_EXISTING_FAIL, nil)
	for _, p := range m.design.GetTables() {
		require.Empty(t, p.GetFindings())
	}
	require.Empty(t, m.design.GetUnmoved())
	m.prepare()
	m.tables()
	require.Empty(t, query(t, target, "SELECT what FROM log"))
	for range 2 {
		require.NoError(t, m.target.ApplyObjects(t.Context(), m.migration, m.design.GetObjects()))
	}
	require.NoError(t, m.target.Finish(t.Context(), m.migration, engine.StageComplete))
	var got []string
	for _, line := range query(t, target, schemaQuery) {
		if !drovers.MatchString(line) {
			got = append(got, line)
		}
	}
	require.Equal(t, want, got)
	require.Equal(t, []string{"2"}, query(t, target, "SELECT count(*) FROM loop"))
	script(t, target, "INSERT INTO person (email, age) VALUES ('new', 30)", "INSERT INTO guests (email) VALUES ('x')")
	require.Equal(t, []string{"new", "guest"}, query(t, target, "SELECT what FROM log"))
}

// What needs something that is left behind is left behind with its words.
func TestSchema_ObjectsLeft(t *testing.T) {
	source := newFile(t, "CREATE TABLE a (x INTEGER PRIMARY KEY); CREATE VIRTUAL TABLE found USING fts5(x); CREATE VIEW v AS SELECT * FROM found; CREATE VIEW w AS SELECT * FROM v;"+
		"CREATE VIEW fine AS SELECT * FROM a; CREATE TRIGGER seek AFTER INSERT ON a BEGIN INSERT INTO found VALUES (new.x); END; CREATE VIEW there AS SELECT 1")
	m := newMove(t, source, newFile(t, "CREATE VIEW there AS SELECT 2"), planv1.Existing_EXISTING_FAIL, nil)
	require.Len(t, m.design.GetObjects(), 1)
	require.Equal(t, "view fine", m.design.GetObjects()[0].GetObject())
	reasons := map[string]string{}
	for _, u := range m.design.GetUnmoved() {
		require.NotEmpty(t, u.GetDefinition())
		reasons[u.GetName()] = u.GetReason()
	}
	require.Equal(t, map[string]string{"main.v": "it needs found, which is not moved", "main.w": "it needs v, which is not moved", "main.seek": "it needs found, which is not moved",
		"main.there": "the target has something of its name already: compare the two"}, reasons)
	require.Equal(t, "CREATE VIRTUAL TABLE found USING fts5(x)", m.described.GetUnmoved()[len(m.described.GetUnmoved())-1].GetDefinition())
}
