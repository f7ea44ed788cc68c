package compare_test

import (
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/compare"
)

// run gives a database to its own client and returns its URL for compare.
func run(t *testing.T, target, statements string) string {
	t.Helper()
	cmd := exec.Command("sqlite3", "-bail", target)
	switch {
	case strings.HasPrefix(target, "postgres"):
		cmd = exec.Command("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", target)
	case strings.HasPrefix(target, "mysql"):
		cmd = mariadb(t, target)
	}
	cmd.Stdin = strings.NewReader(statements)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if strings.Contains(target, "://") {
		return target
	}
	return (&url.URL{Scheme: "sqlite", Path: target}).String()
}

func mariadb(t *testing.T, target string) *exec.Cmd {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	cmd := exec.Command("mariadb", "--no-defaults", "--host="+u.Hostname(), "--port="+u.Port(), "--user="+u.User.Username(),
		"--default-character-set=utf8mb4", strings.TrimPrefix(u.Path, "/"))
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+password)
	return cmd
}

const sqliteShop = `
CREATE TABLE "Item" ("Id" INTEGER PRIMARY KEY, "Name" NVARCHAR(40), "Price" NUMERIC(10,2), "Made" DATETIME, "Photo" BLOB, "Live" BOOLEAN, "Weight" REAL);
INSERT INTO "Item" VALUES (1, 'Café "x"', 0.99, '2009-01-01 00:00:00', x'00ff', 1, 0.1);
INSERT INTO "Item" VALUES (2, 'line' || char(10) || 'tab' || char(9) || '\N', 12, NULL, NULL, 0, 1e300);
INSERT INTO "Item" VALUES (3, 'two ', 3.5, '2009-01-03 10:20:30.5', x'', NULL, -0.25);
CREATE TABLE "_drover_range" (n INTEGER);
CREATE VIEW "Dear" AS SELECT * FROM "Item" WHERE "Price" > 1;
`

const postgresShop = `
CREATE TABLE "Item" ("Weight" double precision, "Id" bigint PRIMARY KEY, "Name" varchar(40), "Price" numeric(10,2), "Made" timestamp, "Photo" bytea, "Live" boolean);
INSERT INTO "Item" VALUES (0.1, 1, 'Café "x"', 0.99, '2009-01-01', '\x00ff', true);
INSERT INTO "Item" VALUES (1e300, 2, E'line\ntab\t\\N', 12, NULL, NULL, false);
INSERT INTO "Item" VALUES (-0.25, 3, 'two ', 3.50, '2009-01-03 10:20:30.500', '\x', NULL);
CREATE SCHEMA drover; CREATE TABLE drover.range (n int);
`

func equal(t *testing.T, left, right string) compare.Report {
	t.Helper()
	report, err := compare.Databases(t.Context(), left, right, compare.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestDatabases_EqualAcrossEngines(t *testing.T) {
	lite, pg := run(t, testdb.SQLite(t), sqliteShop), run(t, testdb.Postgres(t), postgresShop)
	for _, pair := range [][2]string{{lite, pg}, {pg, lite}, {lite, lite}, {pg, pg}} {
		report := equal(t, pair[0], pair[1])
		if !report.Equal() || len(report.Tables) != 1 || report.Tables[0].Left != 3 {
			t.Errorf("%s and %s: %+v", pair[0], pair[1], report)
		}
	}
}

// Each planted difference is the smallest of its sort.
func TestDatabases_FindsPlantedDifferences(t *testing.T) {
	lite := run(t, testdb.SQLite(t), sqliteShop)
	for name, statement := range map[string]string{
		"LostRow":       `DELETE FROM "Item" WHERE "Id" = 2`,
		"ExtraRow":      `INSERT INTO "Item" ("Id") VALUES (4)`,
		"DoubledValue":  `UPDATE "Item" SET "Name" = 'two ' WHERE "Id" = 1`,
		"LetterCase":    `UPDATE "Item" SET "Name" = lower("Name") WHERE "Id" = 1`,
		"TrailingSpace": `UPDATE "Item" SET "Name" = rtrim("Name") WHERE "Id" = 3`,
		"Byte":          `UPDATE "Item" SET "Photo" = '\x00fe' WHERE "Id" = 1`,
		"Cent":          `UPDATE "Item" SET "Price" = "Price" + 0.01 WHERE "Id" = 3`,
		"LastBit":       `UPDATE "Item" SET "Weight" = 0.10000000000000002 WHERE "Id" = 1`,
		"Microsecond":   `UPDATE "Item" SET "Made" = "Made" + interval '1 us' WHERE "Id" = 3`,
		"NullForEmpty":  `UPDATE "Item" SET "Photo" = NULL WHERE "Id" = 3`,
		"NullForFalse":  `UPDATE "Item" SET "Live" = NULL WHERE "Id" = 2`,
		"SwappedValues": `UPDATE "Item" i SET "Name" = o."Name" FROM "Item" o WHERE i."Id" + o."Id" = 3`,
		"LostTable":     `DROP TABLE "Item"; CREATE TABLE item (id int)`,
		"LostColumn":    `ALTER TABLE "Item" DROP COLUMN "Live"`,
		"ExtraColumn":   `ALTER TABLE "Item" ADD COLUMN "More" int`,
	} {
		t.Run(name, func(t *testing.T) {
			report := equal(t, lite, run(t, testdb.Postgres(t), postgresShop+statement))
			var text strings.Builder
			if err := report.Write(&text); err != nil {
				t.Fatal(err)
			}
			if report.Equal() || !strings.Contains(text.String(), "Item: DIFFERENT") {
				t.Errorf("planted difference was not found:\n%s", text.String())
			}
		})
	}
}

func TestDatabases_NothingIsNotEqual(t *testing.T) {
	empty := run(t, testdb.SQLite(t), "CREATE TABLE _drover_range (n INTEGER)")
	if report := equal(t, empty, empty); report.Equal() {
		t.Errorf("two empty databases prove nothing: %+v", report)
	}
}

func TestDatabases_CountsAndShowsRows(t *testing.T) {
	left := run(t, testdb.SQLite(t), sqliteShop)
	right := run(t, testdb.SQLite(t), sqliteShop+`UPDATE "Item" SET "Price" = 4.5 WHERE "Id" = 3; DELETE FROM "Item" WHERE "Id" = 1`)
	got := equal(t, left, right).Tables[0]
	if got.Left != 3 || got.Right != 2 || got.OnlyLeft != 2 || got.OnlyRight != 1 {
		t.Errorf("counts are %+v", got)
	}
	if len(got.RightExamples) != 1 || !strings.Contains(got.RightExamples[0], "Id=i3") {
		t.Errorf("examples are %q", got.RightExamples)
	}
}

func TestDatabases_FailsRatherThanGuesses(t *testing.T) {
	good := run(t, testdb.SQLite(t), sqliteShop)
	for name, bad := range map[string]string{
		"MissingFile":     "sqlite:///nowhere/at/all.db",
		"UnknownScheme":   "oracle://x",
		"MissingDatabase": testdb.Postgres(t) + "_gone",
	} {
		if _, err := compare.Databases(t.Context(), good, bad, compare.Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
