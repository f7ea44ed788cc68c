package compare_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/compare"
)

// kind is one type as four engines have it: declarations, the same value, and the
// smallest change of it, which runs on MySQL and MariaDB.
type kind struct {
	name, mysql, postgres, sqlite string
	// value is what all engines read, unless a field below says otherwise.
	value                                string
	mysqlValue, pgValue, sqliteValue     string
	flip                                 string
	mariadbType, mariadbValue, mariaFlip string
}

var kinds = []kind{
	{name: "tiny", mysql: "tinyint", postgres: "smallint", sqlite: "INTEGER", value: "-128", flip: "-127"},
	{name: "small", mysql: "smallint unsigned", postgres: "integer", sqlite: "INTEGER", value: "65535", flip: "65534"},
	{name: "medium", mysql: "mediumint zerofill", postgres: "bigint", sqlite: "INTEGER", value: "42", flip: "43"},
	{name: "big", mysql: "bigint", postgres: "numeric", sqlite: "INTEGER", value: "-9223372036854775808", flip: "-9223372036854775807"},
	{name: "ubig", mysql: "bigint unsigned", postgres: "numeric(20,0)", sqlite: "TEXT", value: "18446744073709551615",
		sqliteValue: "'18446744073709551615'", flip: "18446744073709551614"},
	{name: "flag", mysql: "tinyint(1)", postgres: "boolean", sqlite: "BOOLEAN", value: "true", flip: "2"},
	{name: "year", mysql: "year", postgres: "smallint", sqlite: "INTEGER", value: "0", flip: "2000"},
	{name: "price", mysql: "decimal(30,10)", postgres: "numeric(40,12)", sqlite: "TEXT", value: "-12345678901234567890.0123456789",
		sqliteValue: "'-12345678901234567890.01234567890'", flip: "-12345678901234567890.0123456788"},
	{name: "ratio", mysql: "float", postgres: "real", sqlite: "REAL", value: "16777216", flip: "16777215"},
	{name: "third", mysql: "float", postgres: "real", sqlite: "REAL", value: "0.1", sqliteValue: "0.10000000149011612", flip: "0.10000001"},
	{name: "weight", mysql: "double", postgres: "double precision", sqlite: "REAL", value: "0.1e0", flip: "0.10000000000000002e0"},
	{name: "least", mysql: "double", postgres: "double precision", sqlite: "REAL", value: "5e-324", flip: "1e-323"},
	{name: "most", mysql: "double", postgres: "double precision", sqlite: "REAL", value: "1.7976931348623157e308", flip: "1.7976931348623155e308"},
	{name: "one", mysql: "bit(1)", postgres: "boolean", sqlite: "INTEGER", value: "", mysqlValue: "b'1'", pgValue: "true", sqliteValue: "1", flip: "b'0'"},
	{name: "bits", mysql: "bit(12)", postgres: "bit(12)", sqlite: "INTEGER", mysqlValue: "b'000000001101'", pgValue: "b'000000001101'", sqliteValue: "13", flip: "b'000000001100'"},
	{name: "wide", mysql: "bit(64)", postgres: "bit(64)", sqlite: "BLOB", mysqlValue: "x'fffffffffffffffe'", pgValue: "x'fffffffffffffffe'",
		sqliteValue: "x'fffffffffffffffe'", flip: "x'7ffffffffffffffe'"},
	{name: "word", mysql: "varchar(40)", postgres: "text", sqlite: "TEXT", value: "'Ünï 🎵 ''x'' '", flip: "'Ünï 🎵 ''x'''"},
	{name: "latin", mysql: "varchar(40) CHARACTER SET latin1", postgres: "text", sqlite: "TEXT", value: "'café €'", flip: "'cafe €'"},
	{name: "lines", mysql: "text", postgres: "text", sqlite: "TEXT", mysqlValue: `'a\tb\nc\\N'`, pgValue: `E'a\tb\nc\\N'`,
		sqliteValue: `'a' || char(9) || 'b' || char(10) || 'c\N'`, flip: `'a\tb\rc\\N'`},
	{name: "none", mysql: "varchar(10)", postgres: "text", sqlite: "TEXT", value: "''", flip: "NULL"},
	{name: "absent", mysql: "varchar(10)", postgres: "text", sqlite: "TEXT", value: "NULL", flip: `'\\N'`},
	{name: "code", mysql: "char(6)", postgres: "character(6)", sqlite: "TEXT", value: "'ab'", flip: "'aB'"},
	{name: "mood", mysql: "enum('ok','')", postgres: "text", sqlite: "TEXT", value: "'ok'", flip: "''"},
	{name: "blank", mysql: "enum('ok','')", postgres: "text", sqlite: "TEXT", value: "''", flip: "'no member'"},
	{name: "tags", mysql: "set('a','b','c')", postgres: "text", sqlite: "TEXT", mysqlValue: "'c,a'", value: "'a,c'", flip: "'a'"},
	{name: "day", mysql: "date", postgres: "date", sqlite: "TEXT", value: "'0999-02-28'", flip: "'0999-02-00'"},
	{name: "zero", mysql: "date", postgres: "text", sqlite: "TEXT", value: "'0000-00-00'", flip: "'0000-01-00'"},
	{name: "at", mysql: "datetime(6)", postgres: "timestamp", sqlite: "TEXT", value: "'2024-02-29 23:59:59.5'", flip: "'2024-02-29 23:59:59.500001'"},
	{name: "moment", mysql: "timestamp(6) NULL", postgres: "timestamptz", sqlite: "TEXT", mysqlValue: "'2024-06-01 10:00:00.000001'",
		pgValue: "'2024-06-01 12:00:00.000001+02'", sqliteValue: "'2024-06-01T10:00:00.000001Z'", flip: "'2024-06-01 12:00:00.000001'"},
	{name: "span", mysql: "time(6)", postgres: "interval", sqlite: "TEXT", mysqlValue: "'-838:59:58.000001'",
		pgValue: "'-838:59:58.000001'", sqliteValue: "'-838:59:58.000001'", flip: "'838:59:58.000001'"},
	{name: "tick", mysql: "time(2)", postgres: "interval", sqlite: "TEXT", value: "'-00:00:00.12'", flip: "'00:00:00.12'"},
	{name: "clock", mysql: "time", postgres: "time", sqlite: "TEXT", value: "'24:00:00'", flip: "'23:59:59'"},
	{name: "doc", mysql: "json", postgres: "jsonb", sqlite: "TEXT", value: `'{"b": 1.50, "a": ["é", null, true]}'`,
		flip: `'{"b": 1.51, "a": ["é", null, true]}'`, mariadbType: "longtext"},
	{name: "raw", mysql: "varbinary(10)", postgres: "bytea", sqlite: "BLOB", mysqlValue: "x'00ff20'", pgValue: `'\x00ff20'`, sqliteValue: "x'00ff20'", flip: "x'00ff'"},
	{name: "fixed", mysql: "binary(4)", postgres: "bytea", sqlite: "BLOB", mysqlValue: "x'0a'", pgValue: `'\x0a000000'`, sqliteValue: "x'0a000000'", flip: "x'0a000001'"},
	{name: "empty", mysql: "blob", postgres: "bytea", sqlite: "BLOB", mysqlValue: "x''", pgValue: `'\x'`, sqliteValue: "x''", flip: "NULL"},
	{name: "place", mysql: "point", postgres: "bytea", sqlite: "BLOB", mysqlValue: "ST_GeomFromText('POINT(1 2)')",
		pgValue: `'\x0101000000000000000000f03f0000000000000040'`, sqliteValue: "x'0101000000000000000000f03f0000000000000040'",
		flip: "ST_GeomFromText('POINT(1 2.0000000000000004)')"},
	{name: "earth", mysql: "geometry", postgres: "bytea", sqlite: "BLOB", mysqlValue: "ST_GeomFromText('POINT(1 2)', 4326, 'axis-order=long-lat')",
		mariadbValue: "ST_GeomFromText('POINT(1 2)', 4326)",
		pgValue:      `'\x0101000020e6100000000000000000f03f0000000000000040'`, sqliteValue: "x'0101000020e6100000000000000000f03f0000000000000040'",
		flip: "ST_GeomFromText('POINT(1 2)', 0)"},
	{name: "ident", mysql: "binary(16)", postgres: "uuid", sqlite: "TEXT", mysqlValue: "x'a0eebc999c0b4ef8bb6d6bb9bd380a11'",
		pgValue: "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", sqliteValue: "x'a0eebc999c0b4ef8bb6d6bb9bd380a11'", flip: "x'a0eebc999c0b4ef8bb6d6bb9bd380a12'",
		mariadbType: "uuid", mariadbValue: "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", mariaFlip: "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'"},
}

// first is the first of some texts that is not empty.
func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// everyKind is a table of all kinds on an engine, with as many equal rows as there
// are kinds: row n is the place to change kind n.
func everyKind(engine string) string {
	var columns, values strings.Builder
	for _, k := range kinds {
		typ, value := "", ""
		quote := `"`
		switch engine {
		case "postgres":
			typ, value = k.postgres, first(k.pgValue, k.value)
		case "sqlite":
			typ, value = k.sqlite, first(k.sqliteValue, k.value)
		case "mysql":
			typ, value, quote = k.mysql, first(k.mysqlValue, k.value), "`"
		case "mariadb":
			typ, value, quote = first(k.mariadbType, k.mysql), first(k.mariadbValue, k.mysqlValue, k.value), "`"
		}
		fmt.Fprintf(&columns, ", %s%s%s %s", quote, k.name, quote, typ)
		fmt.Fprintf(&values, ", %s", value)
	}
	var b strings.Builder
	if quote := engine == "mysql" || engine == "mariadb"; quote {
		b.WriteString("SET sql_mode = '', time_zone = '+00:00';\n")
	}
	fmt.Fprintf(&b, "CREATE TABLE v (id integer PRIMARY KEY%s);\n", columns.String())
	for n := range kinds {
		fmt.Fprintf(&b, "INSERT INTO v VALUES (%d%s);\n", n, values.String())
	}
	return b.String()
}

// everyFlip changes kind n in row n.
func everyFlip(engine string) string {
	b := strings.Builder{}
	b.WriteString("SET sql_mode = '', time_zone = '+00:00';\n")
	for n, k := range kinds {
		flip := k.flip
		if engine == "mariadb" {
			flip = first(k.mariaFlip, k.flip)
		}
		fmt.Fprintf(&b, "UPDATE v SET `%s` = %s WHERE id = %d;\n", k.name, flip, n)
	}
	return b.String()
}

func TestMySQL_EveryTypeEqualAndEveryFlipFound(t *testing.T) {
	sides := map[string]string{
		"postgres": run(t, testdb.Postgres(t), everyKind("postgres")),
		"sqlite":   run(t, testdb.SQLite(t), everyKind("sqlite")),
		"mysql":    run(t, testdb.MySQL(t), everyKind("mysql")),
		"mariadb":  run(t, testdb.MariaDB(t), everyKind("mariadb")),
	}
	flipped := map[string]string{
		"mysql":   run(t, run(t, testdb.MySQL(t), everyKind("mysql")), everyFlip("mysql")),
		"mariadb": run(t, run(t, testdb.MariaDB(t), everyKind("mariadb")), everyFlip("mariadb")),
	}
	for left, leftURL := range sides {
		for _, right := range []string{"mysql", "mariadb"} {
			t.Run(left+"And"+right, func(t *testing.T) {
				if report := equal(t, leftURL, sides[right]); !report.Equal() {
					t.Errorf("equal databases differ:\n%s\n%s", report.Tables[0].LeftExamples[0], report.Tables[0].RightExamples[0])
				}
				allDiffer(t, leftURL, flipped[right])
			})
		}
	}
}

// allDiffer checks that no row of the two is the same.
func allDiffer(t *testing.T, left, right string) {
	t.Helper()
	report, err := compare.Databases(t.Context(), left, right, compare.Options{TempDir: t.TempDir(), Examples: len(kinds)})
	if err != nil {
		t.Fatal(err)
	}
	got := report.Tables[0]
	found := map[string]bool{}
	for _, row := range got.RightExamples {
		id, _, _ := strings.Cut(row, "  ")
		found[strings.TrimPrefix(strings.TrimPrefix(id, "id="), "i")] = true
	}
	for n, k := range kinds {
		if !found[fmt.Sprint(n)] {
			t.Errorf("the change of %s is not found", k.name)
		}
	}
}

// A value whose hex does not fit a packet is an error, never NULL.
func TestMySQL_ReadsNothingAsNullThatIsNot(t *testing.T) {
	target := run(t, testdb.MariaDB(t), `CREATE TABLE v (id int PRIMARY KEY, data longblob); INSERT INTO v VALUES (1, REPEAT('x', 9000000))`)
	_, err := compare.Databases(t.Context(), target, target, compare.Options{TempDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "NULL") {
		t.Errorf("error is %v", err)
	}
}

func TestMySQL_NamesOfAnyLetters(t *testing.T) {
	my := run(t, testdb.MySQL(t), "CREATE TABLE `Straße \"x\"` (`a\tb` int PRIMARY KEY, `Grün``` int); INSERT INTO `Straße \"x\"` VALUES (1, 2); CREATE TABLE _drover_range (n int)")
	pg := run(t, testdb.Postgres(t), `CREATE TABLE "Straße ""x""" ("Grün`+"`"+`" int, "a`+"\t"+`b" int PRIMARY KEY); INSERT INTO "Straße ""x""" VALUES (2, 1)`)
	if report := equal(t, my, pg); !report.Equal() || len(report.Tables) != 1 {
		t.Errorf("%+v", report.Tables)
	}
}
