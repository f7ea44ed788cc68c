package sqlexpr

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/testdb"
)

// server is an engine with the table of values.
type server struct {
	*sql.DB
	engine  string
	columns []*planv1.Column
}

// columns are those of the table of values: whole numbers, a decimal, two texts that
// compare by bytes, one by the engine's usual way, a boolean and a date.
func columns(native [7]string, collations [3]string) []*planv1.Column {
	kinds := []planv1.Kind{canon.Int, canon.Int, canon.Decimal, canon.Text, canon.Text, canon.Bool, canon.Date}
	var out []*planv1.Column
	for i, name := range []string{"i", "j", "d", "s", "u", "b", "at"} {
		c := &planv1.Column{Name: name, NativeType: native[i], Kind: kinds[i], BinaryOrder: true}
		switch name {
		case "d":
			c.Precision, c.Scale = 8, 2
		case "s", "u":
			c.Collation, c.Length = collations[0], 40
		}
		out = append(out, c)
	}
	return append(out, &planv1.Column{Name: "ci", NativeType: native[3], Kind: canon.Text, Collation: collations[1], BinaryOrder: collations[2] != ""})
}

const values = `(1, 0, 1, 0.00, '', 'x', TRUE, '2024-01-01', 'a'), (2, -7, 3, -12.50, 'Abc', 'aBC', FALSE, '1999-12-31', 'A'),
	(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (4, 2000000, -2000000, 999999.99, 'aé%_\', 'ß€', TRUE, '9999-12-31', 'b'),
	(5, 10, 4, 0.10, ' pad ', ' pad', FALSE, '2000-02-29', 'ä'), (6, 5, 5, 2.50, 'a*b?c[d', 'it''s', TRUE, '2024-01-01', 'a ')`

func servers(t *testing.T) map[string]server {
	t.Helper()
	out := map[string]server{}
	add := func(engine, driver, dsn string, columns []*planv1.Column, create, rows string) {
		db, err := sql.Open(driver, dsn)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		for _, statement := range []string{create, "INSERT INTO v VALUES " + rows} {
			_, err = db.Exec(statement)
			require.NoError(t, err, "%s: %s", engine, statement)
		}
		out[engine] = server{db, engine, columns}
	}
	add("postgres", "pgx", testdb.Postgres(t), columns([7]string{"integer", "integer", "numeric(8,2)", "character varying(40)", "character varying(40)", "boolean", "date"},
		[3]string{`pg_catalog."C"`, `public."und"`, ""}),
		`CREATE TABLE v (id int, i int, j int, d numeric(8,2), s varchar(40) COLLATE "C", u varchar(40) COLLATE "C", b boolean, at date, ci varchar(40))`, values)
	backslashes := strings.ReplaceAll(values, `\`, `\\`)
	for engine, collation := range map[string]string{"mysql": "utf8mb4_0900_bin", "mariadb": "utf8mb4_nopad_bin"} {
		target := map[string]func(testing.TB) string{"mysql": testdb.MySQL, "mariadb": testdb.MariaDB}[engine](t)
		add(engine, "mysql", mysqlDSN(t, target), columns([7]string{"int", "int", "decimal(8,2)", "varchar(40)", "varchar(40)", "tinyint(1)", "date"},
			[3]string{collation, "utf8mb4_general_ci", ""}),
			"CREATE TABLE v (id int, i int, j int, d decimal(8,2), s varchar(40), u varchar(40), b tinyint(1), at date, ci varchar(40) COLLATE utf8mb4_general_ci) CHARSET utf8mb4 COLLATE "+collation, backslashes)
	}
	add("sqlite", "sqlite", "file:"+t.TempDir()+"/v.db", columns([7]string{"INTEGER", "INTEGER", "TEXT", "VARCHAR(40)", "VARCHAR(40)", "BOOLEAN", "DATE"}, [3]string{"", "NOCASE", ""}),
		"CREATE TABLE v (id INTEGER, i INTEGER, j INTEGER, d TEXT, s VARCHAR(40), u VARCHAR(40), b BOOLEAN, at DATE, ci VARCHAR(40) COLLATE NOCASE)",
		strings.NewReplacer("0.00", "'0.00'", "-12.50", "'-12.50'", "999999.99", "'999999.99'", "0.10", "'0.10'", "2.50", "'2.50'").Replace(values))
	return out
}

func mysqlDSN(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.DBName = u.User.Username(), "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	c.Passwd, _ = u.User.Password()
	c.Params = map[string]string{"charset": "utf8mb4"}
	return c.FormatDSN()
}

// answers evaluates an expression over the values; conditions as 1, 0 and null.
func (s server) answers(t *testing.T, expr string, condition bool) []string {
	t.Helper()
	text := "CAST((" + expr + ") AS CHAR(80))"
	if s.engine == "postgres" || s.engine == "sqlite" {
		text = "CAST((" + expr + ") AS text)"
	}
	if condition {
		text = "CASE WHEN (" + expr + ") THEN '1' WHEN NOT (" + expr + ") THEN '0' END"
	}
	rows, err := s.Query("SELECT coalesce(" + text + ", 'null') FROM v ORDER BY id")
	require.NoError(t, err, "%s: %s", s.engine, expr)
	defer func() { require.NoError(t, rows.Close()) }()
	var out []string
	for rows.Next() {
		var one string
		require.NoError(t, rows.Scan(&one))
		if isNumberText(one) {
			one = plainNumber(one)
		}
		out = append(out, one)
	}
	require.NoError(t, rows.Err())
	return out
}

// translate writes an expression of one server for another.
func translate(from, to server, expr string) (Value, error) {
	quotes := map[string]string{"mysql": "`", "mariadb": "`"}
	t := &Translator{From: DialectOf(from.engine), To: DialectOf(to.engine)}
	t.Ident = func(name string) string {
		if q := quotes[to.engine]; q != "" {
			return q + name + q
		}
		return `"` + name + `"`
	}
	t.Literal = func(s string) string {
		if t.To.mysql {
			s = strings.ReplaceAll(s, `\`, `\\`)
		}
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	t.Column = func(name string) (Value, error) {
		for i, c := range from.columns {
			if c.GetName() == name {
				return t.Operand(Column{Source: c, Target: name, Kind: c.GetKind(), Type: to.columns[i].GetNativeType()})
			}
		}
		return Value{}, errDiffers
	}
	return t.Value(expr)
}

// alikeEverywhere are expressions in the words that every engine has.
var alikeEverywhere = []string{
	"i IN (0, 5, 10)", "i NOT IN (0, 5)", "i BETWEEN -7 AND 5", "i NOT BETWEEN 0 AND 5", "d IS NULL", "d IS NOT NULL AND i > 0", "i > j OR b IS NULL", "NOT (i = 5 AND s <> 'x')",
	"s = 'Abc'", "s IN ('Abc', ' pad ')", "s < u", "s >= 'a'", "i + 1 > j", "i - j < 3", "i * 2 = 10", "i % 3 = 1", "i % 3 = -1", "coalesce(i, 0) + 1 > 0", "coalesce(s, u, 'none')",
	"nullif(s, 'Abc')", "abs(i) > 6", "trim(s) = 'pad'", "ltrim(s)", "rtrim(s) = ' pad'", "replace(s, 'b', 'XX')",
	"CASE WHEN i > 0 THEN s WHEN i < 0 THEN 'neg' ELSE 'zero' END", "CASE i WHEN 5 THEN 1 ELSE 2 END", "-i < 0", "i <> -7", "i IS NOT NULL OR NOT (i > 0)",
	"CASE WHEN i > 0 THEN 1 END IS NULL", "(i > 0) IS TRUE", "(i > 0) IS FALSE", "i = 5 AND j = 5 OR s = ''", "coalesce(i, j, 7) * 3 - 1 >= 0",
}

// written are expressions of some engines, and where they have no form.
var written = []struct {
	expr    string
	from    string
	refused string
}{
	{"s LIKE 'A%'", "postgres", ""},
	{"s LIKE '%b_'", "mysql mariadb", "sqlite"},
	{"s GLOB 'A*' OR s GLOB '?b?'", "sqlite", "mysql mariadb"},
	{"substr(s, 1, 2)", "postgres", ""},
	{"substr(s, 2)", "mysql mariadb", "sqlite"},
	{"substr(s, 1, 2) = 'Ab'", "sqlite", "mysql mariadb"},
	{"s LIKE 'a%'", "sqlite", "postgres mysql mariadb"},
	{"s || '-' || u", "postgres sqlite", ""},
	{"concat(s, '-', u)", "mysql mariadb", ""},
	{"char_length(s) > 2", "postgres", ""},
	{"char_length(s) > 1", "mysql mariadb", "sqlite"},
	{"length(s)", "postgres", ""},
	{"length(s) = 3", "sqlite", "mysql mariadb"},
	{"length(s) > 1", "mysql mariadb", "postgres sqlite"},
	{"lower(s)", "postgres", "mysql mariadb"},
	{"upper(u)", "sqlite", "mysql mariadb"},
	{"lower(s)", "mysql mariadb", "postgres sqlite"},
	{"left(s, 3)", "postgres", ""},
	{"left(s, 2)", "mysql mariadb", "sqlite"},
	{"i <=> 5", "mysql mariadb", ""},
	{"i IS NOT DISTINCT FROM 5", "postgres", ""},
	{"i IS 5", "sqlite", ""},
	{"i = ANY (ARRAY[0, 5])", "postgres", ""},
	{"(s)::text <> ALL ((ARRAY['Abc'::character varying, 'x'::character varying])::text[])", "postgres", ""},
	{"b", "postgres sqlite", ""},
	{"b AND i > 0", "postgres sqlite", ""},
	{"if(i > 0, 'p', 'n')", "mysql mariadb", ""},
	{"d > 0 AND d <= 999999.99", "postgres mysql mariadb", ""},
	{"d = 0.1 OR d IN (2.5, -12.5)", "postgres mysql mariadb", ""},
	{"d * 2 + i > 1", "postgres mysql mariadb", "sqlite"},
	{"round(d, 1)", "postgres mysql mariadb", "sqlite"},
	{"floor(d)", "postgres mysql mariadb", "sqlite"},
	{"at >= '2000-01-01'::date", "postgres", "sqlite"},
	{"at < '2024-01-01'", "mysql mariadb", ""},
	{"ci = 'a'", "mysql mariadb sqlite", "postgres mysql mariadb sqlite"},
	{"i / 2 > 1", "postgres mysql mariadb sqlite", "postgres mysql mariadb sqlite"},
	{"ci < 'b'", "postgres", "mysql mariadb sqlite"},
	{"s = 5", "mysql mariadb sqlite", "postgres mysql mariadb sqlite"},
	{"i > 0 || j > 0", "mysql mariadb", "postgres sqlite"},
}

// What is translated gives what it gave, for every value and between all servers.
func TestTranslate_GivesTheSameOnEveryServer(t *testing.T) {
	all := servers(t)
	check := func(from, to server, expr string, refused bool) {
		if from.engine == to.engine || DialectOf(from.engine).mysql && DialectOf(to.engine).mysql {
			return
		}
		v, err := translate(from, to, expr)
		if refused {
			require.Error(t, err, "%s of %s for %s: %s", expr, from.engine, to.engine, v.SQL)
			return
		}
		require.NoError(t, err, "%s of %s for %s", expr, from.engine, to.engine)
		condition := v.Condition || v.Kind == canon.Bool
		require.Equal(t, from.answers(t, expr, condition), to.answers(t, v.SQL, condition), "%s of %s is %s of %s", expr, from.engine, v.SQL, to.engine)
	}
	for _, from := range all {
		for _, to := range all {
			for _, expr := range alikeEverywhere {
				check(from, to, expr, false)
			}
			for _, w := range written {
				if strings.Contains(" "+w.from+" ", " "+from.engine+" ") {
					check(from, to, w.expr, strings.Contains(" "+w.refused+" ", " "+to.engine+" "))
				}
			}
		}
	}
}
