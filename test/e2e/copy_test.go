package e2e

import (
	"testing"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// side is one end of a pair.
type side struct {
	name    string
	dialect fixture.Dialect
	make    func(testing.TB) string
}

var (
	sqlite     = side{"SQLite", fixture.SQLite, newSQLite}
	postgres15 = side{"PostgreSQL15", fixture.Postgres, testdb.Postgres}
	postgres18 = side{"PostgreSQL18", fixture.Postgres, testdb.Postgres18}
	mysql      = side{"MySQL", fixture.MySQL, testdb.MySQL}
	mariadb    = side{"MariaDB", fixture.MariaDB, testdb.MariaDB}
)

// isMySQL tells whether a side is MySQL or MariaDB.
func (s side) isMySQL() bool { return s.dialect == fixture.MySQL || s.dialect == fixture.MariaDB }

var pairs = []struct{ from, to side }{
	{sqlite, postgres15},
	{sqlite, postgres18},
	{sqlite, sqlite},
	{postgres15, postgres15},
	{postgres15, postgres18},
	{postgres15, sqlite},
	{postgres18, postgres15},
	{sqlite, mysql},
	{sqlite, mariadb},
	{postgres15, mysql},
	{postgres15, mariadb},
	{mysql, postgres15},
	{mysql, postgres18},
	{mysql, sqlite},
	{mysql, mysql},
	{mysql, mariadb},
	{mariadb, postgres15},
	{mariadb, sqlite},
	{mariadb, mysql},
	{mariadb, mariadb},
}

// forEachPair runs a test on every pair whose source will do, with databases of its
// own.
func forEachPair(t *testing.T, source func(side) bool, test func(t *testing.T, from, to side, source, target string)) {
	for _, p := range pairs {
		if !source(p.from) {
			continue
		}
		t.Run(p.from.name+"To"+p.to.name, func(t *testing.T) {
			test(t, p.from, p.to, p.from.make(t), p.to.make(t))
		})
	}
}

// What a copy of Chinook must refuse and accept like the original: the names are
// SQLite's.
var chinookProbes = []fixture.Probe{
	{Name: "ForeignKey", SQL: `INSERT INTO "Album" ("AlbumId", "Title", "ArtistId") VALUES (90001, 'x', -1)`, Fails: true, Want: "foreign key"},
	{Name: "SelfReference", SQL: `UPDATE "Employee" SET "ReportsTo" = -1`, Fails: true, Want: "foreign key"},
	{Name: "PrimaryKey", SQL: `INSERT INTO "Artist" ("ArtistId") VALUES (1)`, Fails: true, Want: "unique"},
	{Name: "CompositeKey", SQL: `INSERT INTO "PlaylistTrack" SELECT * FROM "PlaylistTrack" LIMIT 1`, Fails: true, Want: "unique"},
	{Name: "NotNull", SQL: `INSERT INTO "Album" ("ArtistId") VALUES (1)`, Fails: true, Want: "null"},
}

// freshIDs are for a source whose keys SQLite hands out by itself.
var freshIDs = []fixture.Probe{
	{Name: "FreshIdentity", SQL: `INSERT INTO "Genre" ("Name") VALUES ('new') RETURNING "GenreId"`,
		MySQL: `INSERT INTO "Genre" ("Name") VALUES ('new'); SELECT LAST_INSERT_ID()`, Want: "26"},
	{Name: "FreshIdentityAgain", SQL: `INSERT INTO "Genre" ("Name") VALUES ('newer') RETURNING "GenreId"`,
		MySQL: `INSERT INTO "Genre" ("Name") VALUES ('newer'); SELECT LAST_INSERT_ID()`, Want: "27"},
}

var chinookPostgresProbes = []fixture.Probe{
	{Name: "ForeignKey", SQL: `INSERT INTO album (album_id, title, artist_id) VALUES (90001, 'x', -1)`, Fails: true, Want: "foreign key"},
	{Name: "SelfReference", SQL: `UPDATE employee SET reports_to = -1`, Fails: true, Want: "foreign key"},
	{Name: "PrimaryKey", SQL: `INSERT INTO artist (artist_id) VALUES (1)`, Fails: true, Want: "unique"},
	{Name: "NotNull", SQL: `INSERT INTO album (album_id, artist_id) VALUES (90002, 1)`, Fails: true, Want: "null"},
}

// The sample is one of SQLite and PostgreSQL.
func TestCopy_Chinook(t *testing.T) {
	forEachPair(t, func(s side) bool { return !s.isMySQL() }, func(t *testing.T, from, to side, source, target string) {
		fixture.Chinook(t, source, from.dialect)
		proven(t, drover(t).Copy(t, source, target))
		equal(t, source, target)
		probes := chinookPostgresProbes
		if from.dialect == fixture.SQLite {
			probes = append(chinookProbes[:len(chinookProbes):len(chinookProbes)], freshIDs...)
		}
		for _, p := range probes {
			p.Check(t, target)
		}
	})
}

func TestCopy_Features(t *testing.T) {
	forEachPair(t, func(side) bool { return true }, func(t *testing.T, from, to side, source, target string) {
		fixture.Features(t, source, from.dialect)
		args := []string{"--range-rows", "700"}
		if from.isMySQL() && to.dialect == fixture.SQLite {
			// Whose integers are signed.
			args = append(args, "--cast", "bigint* unsigned=TEXT")
		}
		r := drover(t).Copy(t, source, target, args...)
		proven(t, r)
		equal(t, source, target)
		for _, p := range fixture.FeatureProbes {
			p.Check(t, target)
		}
		if r.Summary.Table(t, "Person").Ranges < 5 {
			t.Errorf("5000 rows in ranges of 700 make %d ranges", r.Summary.Table(t, "Person").Ranges)
		}
		switch left := r.Summary.Unmoved; {
		case from.dialect != to.dialect && from.isMySQL() && to.isMySQL():
			// Whether the other product takes the view, its own tests say.
		case from.dialect == to.dialect:
			if len(left) != 0 {
				t.Errorf("between equal engines the view moves: %+v", left)
			}
		case len(left) == 0 || left[0].Object != "view":
			t.Errorf("the view that stays behind is not listed: %+v", left)
		case len(left) > 2 || len(left) == 2 && left[1].Object != "owners and grants":
			t.Errorf("more stays behind than the view and what roles may do: %+v", left)
		}
	})
}

// Several schemas keep their names between PostgreSQL databases.
func TestCopy_SchemasKeepTheirNames(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres18(t)
	fixture.Exec(t, source, `
		CREATE SCHEMA sales; CREATE SCHEMA "Stock room";
		CREATE TABLE sales.item (id int PRIMARY KEY, name text);
		CREATE TABLE "Stock room".item (id int PRIMARY KEY, sold int REFERENCES sales.item);
		INSERT INTO sales.item SELECT n, 'i' || n FROM generate_series(1, 500) n;
		INSERT INTO "Stock room".item SELECT n, n FROM generate_series(1, 400) n;`)
	proven(t, drover(t).Copy(t, source, target))
	equal(t, source, target)
}
