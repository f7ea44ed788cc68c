package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// planted is a table with values that a target cannot hold, and what is said of them.
// Every table has an id and one other column, v.
type planted struct {
	table, sql string
	// code of the finding, and the rows it names.
	code string
	ids  []int
	// cast, if not empty, is the type that the spec asks for.
	cast string
	// policy settles it; set-null where nothing is said.
	policy string
	// target makes the table there first.
	target string
}

// typed is what the rule of the column says beside its policy.
func (p planted) typed() []string {
	if p.cast == "" {
		return nil
	}
	return []string{"type: " + p.cast}
}

// rules writes the tables of a spec; settled adds the policies.
func rules(all []planted, settled bool) string {
	var b strings.Builder
	b.WriteString("existing: append\ntables:\n")
	for _, p := range all {
		rule := p.typed()
		if settled && p.policy != "where" {
			policy := p.policy
			if policy == "" {
				policy = "invalid: set-null"
			}
			rule = append(rule, policy)
		}
		fmt.Fprintf(&b, "  - match: \"*.%s\"\n", p.table)
		if settled && p.policy == "where" {
			b.WriteString("    where: v IS NOT NULL\n")
		}
		if len(rule) > 0 {
			fmt.Fprintf(&b, "    columns: {v: {%s}}\n", strings.Join(rule, ", "))
		}
	}
	return b.String()
}

// plantedMySQL are lossy values of MySQL and MariaDB for PostgreSQL.
var plantedMySQL = []planted{
	{table: "zero_date", sql: "CREATE TABLE zero_date (id int PRIMARY KEY, v date); INSERT INTO zero_date VALUES (1, '2020-01-31'), (2, '0000-00-00'), (3, '2020-00-01'), (4, NULL)", code: "IMPOSSIBLE_DATE", ids: []int{2, 3}},
	{table: "nul", sql: "CREATE TABLE nul (id int PRIMARY KEY, v varchar(20)); INSERT INTO nul VALUES (1, 'a'), (2, concat('a', char(0), 'b'))", code: "NUL_CHARACTER", ids: []int{2}},
	{table: "label", sql: "CREATE TABLE label (id int PRIMARY KEY, v enum('x','y')); INSERT INTO label VALUES (1, 'x'), (2, 'nothing')", code: "LABEL_UNKNOWN", ids: []int{2}},
	{table: "day_time", sql: "CREATE TABLE day_time (id int PRIMARY KEY, v time); INSERT INTO day_time VALUES (1, '23:59:59'), (2, '-01:00:00'), (3, '100:00:00')", code: "TIME_OUT_OF_RANGE", ids: []int{2, 3}, cast: "time"},
	{table: "big", sql: "CREATE TABLE big (id int PRIMARY KEY, v bigint unsigned); INSERT INTO big VALUES (1, 9223372036854775807), (2, 18446744073709551615)", code: "NUMBER_OUT_OF_RANGE", ids: []int{2}, cast: "bigint"},
	{table: "flag", sql: "CREATE TABLE flag (id int PRIMARY KEY, v tinyint(1)); INSERT INTO flag VALUES (1, 1), (2, 0), (3, 2)", code: "CAST_NOT_EXACT", ids: []int{3}, cast: "boolean"},
	{table: "whole", sql: "CREATE TABLE whole (id int PRIMARY KEY, v decimal(10,2)); INSERT INTO whole VALUES (1, 12.00), (2, 12.50)", code: "NUMBER_TOO_PRECISE", ids: []int{2}, cast: "integer"},
	{table: "digits", sql: "CREATE TABLE digits (id int PRIMARY KEY, v decimal(10,2)); INSERT INTO digits VALUES (1, 9.99), (2, 1000)", code: "NUMBER_OUT_OF_RANGE", ids: []int{2}, cast: `"numeric(5,2)"`},
	{table: "micros", sql: "CREATE TABLE micros (id int PRIMARY KEY, v datetime(6)); INSERT INTO micros VALUES (1, '2020-01-01 00:00:00.001'), (2, '2020-01-01 00:00:00.000001')", code: "FRACTION_TOO_FINE", ids: []int{2}, cast: "timestamp(3)"},
	{table: "longer", sql: "CREATE TABLE longer (id int PRIMARY KEY, v varchar(20)); INSERT INTO longer VALUES (1, 'ééééé'), (2, 'eeeeee')", code: "VALUE_TOO_LONG", ids: []int{2}, cast: "varchar(5)"},
	{table: "blanks", sql: "CREATE TABLE blanks (id int PRIMARY KEY, v varchar(20)); INSERT INTO blanks VALUES (1, 'a'), (2, 'a ')", code: "PADDING_NOT_KEPT", ids: []int{2}, cast: "char(5)"},
	{table: "bits", sql: "CREATE TABLE bits (id int PRIMARY KEY, v blob); INSERT INTO bits VALUES (1, 'text'), (2, x'ff')", code: "INVALID_TEXT", ids: []int{2}, cast: "text"},
	{table: "doc", sql: `CREATE TABLE doc (id int PRIMARY KEY, v text); INSERT INTO doc VALUES (1, '{"a": 1}'), (2, '{"a": 1, "a": 2}'), (3, '{'), (4, '"\\u0000"')`, code: "JSON_NOT_KEPT", ids: []int{2, 3, 4}, cast: "jsonb"},
	{table: "missing", sql: "CREATE TABLE missing (id int PRIMARY KEY, v int); INSERT INTO missing VALUES (1, 1), (2, NULL)", code: "NULL_NOT_ALLOWED", ids: []int{2},
		policy: "where", target: "CREATE TABLE missing (id int PRIMARY KEY, v int NOT NULL)"},
}

// plantedPostgres are lossy values of PostgreSQL for MySQL.
var plantedPostgres = []planted{
	{table: "nan", sql: "CREATE TABLE nan (id int PRIMARY KEY, v float8); INSERT INTO nan VALUES (1, 1.5), (2, 'NaN'), (3, '-Infinity')", code: "NUMBER_NOT_FINITE", ids: []int{2, 3}},
	{table: "far", sql: "CREATE TABLE far (id int PRIMARY KEY, v date); INSERT INTO far VALUES (1, '0001-01-01'), (2, '0044-03-15 BC'), (3, 'infinity'), (4, '10000-01-01')", code: "DATE_OUT_OF_RANGE", ids: []int{2, 3, 4}},
	{table: "instant", sql: "CREATE TABLE instant (id int PRIMARY KEY, v timestamptz); INSERT INTO instant VALUES (1, '2020-01-01 00:00:00+00'), (2, '-infinity')", code: "DATE_OUT_OF_RANGE", ids: []int{2}},
	{table: "ends", sql: "CREATE TABLE ends (id int PRIMARY KEY, v timestamptz); INSERT INTO ends VALUES (1, '2038-01-19 03:14:07+00'), (2, '2200-01-01 00:00:00+00')", code: "DATE_OUT_OF_RANGE", ids: []int{2}, cast: "timestamp"},
	{table: "width", sql: "CREATE TABLE width (id int PRIMARY KEY, v numeric); INSERT INTO width VALUES (1, 1e34), (2, 1e35)", code: "NUMBER_OUT_OF_RANGE", ids: []int{2}},
	{table: "scale", sql: "CREATE TABLE scale (id int PRIMARY KEY, v numeric); INSERT INTO scale VALUES (1, 1e-30), (2, 1e-31)", code: "NUMBER_TOO_PRECISE", ids: []int{2}},
	{table: "small", sql: "CREATE TABLE small (id int PRIMARY KEY, v int); INSERT INTO small VALUES (1, 255), (2, -1), (3, 256)", code: "NUMBER_OUT_OF_RANGE", ids: []int{2, 3}, cast: "tinyint unsigned"},
	{table: "longer", sql: "CREATE TABLE longer (id int PRIMARY KEY, v text); INSERT INTO longer VALUES (1, 'ééééé'), (2, 'eeeeee')", code: "VALUE_TOO_LONG", ids: []int{2}, cast: "varchar(5)"},
	{table: "blanks", sql: "CREATE TABLE blanks (id int PRIMARY KEY, v text); INSERT INTO blanks VALUES (1, 'a'), (2, 'a ')", code: "PADDING_NOT_KEPT", ids: []int{2}, cast: "char(5)"},
	{table: "emoji", sql: "CREATE TABLE emoji (id int PRIMARY KEY, v text); INSERT INTO emoji VALUES (1, '日本'), (2, '😀')", code: "CHARACTER_NOT_IN_SET", ids: []int{2},
		target: "CREATE TABLE emoji (id int PRIMARY KEY, v varchar(20) CHARACTER SET utf8mb3)"},
	{table: "choice", sql: "CREATE TABLE choice (id int PRIMARY KEY, v text); INSERT INTO choice VALUES (1, 'x'), (2, 'X')", code: "LABEL_UNKNOWN", ids: []int{2}, cast: "\"enum('x','y')\""},
}

// plantedJSON are for MySQL's JSON, which keeps values; MariaDB's keeps the text.
var plantedJSON = []planted{
	{table: "doc", sql: `CREATE TABLE doc (id int PRIMARY KEY, v json); INSERT INTO doc VALUES (1, '{"a": 1}'), (2, '{"a": 1, "a": 2}'), (3, '{"a": 12345678901234567890.123}'), (4, '{"a": "\u0000"}')`, code: "JSON_NOT_KEPT", ids: []int{2, 3}, cast: "json"},
}

// plantedSQLite are lossy values of SQLite, whose columns hold anything, for PostgreSQL.
var plantedSQLite = []planted{
	{table: "words", sql: "CREATE TABLE words (id INTEGER PRIMARY KEY, v INTEGER); INSERT INTO words VALUES (1, 1), (2, 'two'), (3, 2.5), (4, x'00')", code: "STORAGE_CLASS", ids: []int{2, 3, 4}},
	{table: "unix", sql: "CREATE TABLE unix (id INTEGER PRIMARY KEY, v DATETIME); INSERT INTO unix VALUES (1, '2020-01-01 00:00:00'), (2, 1577836800)", code: "STORAGE_CLASS", ids: []int{2}},
	{table: "day", sql: "CREATE TABLE day (id INTEGER PRIMARY KEY, v DATE); INSERT INTO day VALUES (1, '2020-02-29'), (2, '2021-02-29'), (3, 'soon')", code: "IMPOSSIBLE_DATE", ids: []int{2, 3}},
	{table: "flag", sql: "CREATE TABLE flag (id INTEGER PRIMARY KEY, v BOOLEAN); INSERT INTO flag VALUES (1, 1), (2, 2)", code: "STORAGE_CLASS", ids: []int{2}},
	{table: "nul", sql: "CREATE TABLE nul (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO nul VALUES (1, 'a'), (2, 'a' || char(0) || 'b')", code: "NUL_CHARACTER", ids: []int{2}},
	{table: "bytes", sql: "CREATE TABLE bytes (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO bytes VALUES (1, 'a'), (2, CAST(x'ff' AS TEXT))", code: "INVALID_TEXT", ids: []int{2}},
	{table: "doc", sql: "CREATE TABLE doc (id INTEGER PRIMARY KEY, v JSON); INSERT INTO doc VALUES (1, '{}'), (2, '{')", code: "JSON_NOT_KEPT", ids: []int{2}},
	{table: "longer", sql: "CREATE TABLE longer (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO longer VALUES (1, 'abc'), (2, 'abcd')", code: "VALUE_TOO_LONG", ids: []int{2}, cast: "varchar(3)"},
	{table: "missing", sql: "CREATE TABLE missing (id INTEGER PRIMARY KEY, v INT); INSERT INTO missing VALUES (1, 1), (2, NULL)", code: "NULL_NOT_ALLOWED", ids: []int{2},
		policy: "where", target: "CREATE TABLE missing (id int PRIMARY KEY, v bigint NOT NULL)"},
}

// found is a finding as drover check prints it.
type found struct {
	Severity, Code, Table, Column, Fix string
	Rows                               int64
	Keys                               []string
}

// checked is the document of drover check.
type checked struct {
	Findings []found
	Scanned  []struct {
		Table   string
		Rows    int64
		Columns []struct {
			Column         string
			Lossy, Touched int64
			Lossless       bool
		}
	}
}

// Without a policy a deep check names every lossy value by key and column, and a
// migration refuses before it creates anything; with one it counts them. A migration
// that nobody checked blocks each table at the same rows.
func TestAssess_PlantedValues(t *testing.T) {
	for _, pair := range []struct {
		from, to side
		before   string
		planted  []planted
	}{
		{mysql, postgres15, "SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO';", plantedMySQL},
		{mariadb, postgres18, "SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO';", plantedMySQL},
		{postgres15, mysql, "", slices.Concat(plantedPostgres, plantedJSON)},
		{postgres15, mariadb, "", plantedPostgres},
		{sqlite, postgres15, "", plantedSQLite},
	} {
		t.Run(pair.from.name+"To"+pair.to.name, func(t *testing.T) {
			t.Parallel()
			source, target := pair.from.make(t), pair.to.make(t)
			for _, p := range pair.planted {
				fixture.Exec(t, source, pair.before+p.sql)
				if p.target != "" {
					fixture.Exec(t, target, p.target)
				}
			}
			d := drover(t)
			plain := spec(t, &d, source, target, rules(pair.planted, false))

			r := d.Run(t, "check", "-f", plain, "--deep", "-o", "json")
			require.Equal(t, 8, r.Code, r.Stderr)
			var got checked
			require.NoError(t, json.Unmarshal([]byte(r.Stdout), &got))
			for _, p := range pair.planted {
				wantFinding(t, got, p)
			}
			require.Equal(t, len(pair.planted), len(errorsOf(got)), "each of them and nothing else")

			r = runSpec(t, d, plain, "--deep")
			require.Equal(t, 8, r.Code, r.Stderr)
			require.Equal(t, "FAILED", r.Summary.State)
			for _, p := range pair.planted {
				_, err := fixture.Try(t.Context(), target, "SELECT count(*) FROM "+p.table)
				assert.Equal(t, p.target == "", err != nil, "%s was created", p.table)
			}

			settled := spec(t, &d, source, target, rules(pair.planted, true))
			r = d.Run(t, "check", "-f", settled, "--deep", "-o", "json")
			require.Equal(t, 0, r.Code, "%s%s", r.Stdout, r.Stderr)
			got = checked{}
			require.NoError(t, json.Unmarshal([]byte(r.Stdout), &got))
			touched := map[string]int64{}
			for _, s := range got.Scanned {
				touched[s.Table[strings.LastIndexByte(s.Table, '.')+1:]] = s.Columns[1].Touched
			}
			r = runSpec(t, d, settled, "--deep", "--fresh")
			proven(t, r)
			for _, p := range pair.planted {
				wantTouched(t, r.Summary.Table(t, p.table).Touched, touched[p.table], p)
			}

			unchecked := pair.to.make(t)
			for _, p := range pair.planted {
				if p.target != "" {
					fixture.Exec(t, unchecked, p.target)
				}
			}
			d = drover(t)
			r = runSpec(t, d, spec(t, &d, source, unchecked, rules(pair.planted, false)))
			require.Equal(t, "INCOMPLETE", r.Summary.State, r.Stderr)
			for _, p := range pair.planted {
				table := r.Summary.Table(t, p.table)
				assert.Equal(t, "BLOCKED", table.State, p.table)
				assert.Contains(t, table.Reason, "column v", p.table)
				assert.Contains(t, table.Reason, fmt.Sprintf("id=%d", p.ids[0]), p.table)
			}
		})
	}
}

func errorsOf(c checked) (out []found) {
	for _, f := range c.Findings {
		if f.Severity == "ERROR" {
			out = append(out, f)
		}
	}
	return out
}

func wantFinding(t *testing.T, c checked, p planted) {
	t.Helper()
	var keys []string
	for _, id := range p.ids {
		keys = append(keys, fmt.Sprintf("id=%d", id))
	}
	for _, f := range errorsOf(c) {
		if strings.HasSuffix(f.Table, "."+p.table) {
			assert.Equal(t, found{"ERROR", p.code, f.Table, "v", f.Fix, int64(len(p.ids)), keys}, f)
			assert.NotEmpty(t, f.Fix, p.table)
			return
		}
	}
	t.Errorf("no finding for %s: %+v", p.table, errorsOf(c))
}

func wantTouched(t *testing.T, got []struct {
	Column, Policy string
	Values         int64
}, foretold int64, p planted) {
	t.Helper()
	if p.policy == "where" {
		return
	}
	if assert.Len(t, got, 1, p.table) {
		assert.Equal(t, "v", got[0].Column)
		assert.EqualValues(t, len(p.ids), got[0].Values, p.table)
		assert.EqualValues(t, len(p.ids), foretold, "%s: what the check foretold", p.table)
	}
}

// A primary key of SQLite may hold NULL; of the target's it may not.
func TestAssess_NullInPrimaryKey(t *testing.T) {
	t.Parallel()
	source, target := newSQLite(t), testdb.Postgres(t)
	fixture.Exec(t, source, "CREATE TABLE k (id VARCHAR(3) PRIMARY KEY, v INT); INSERT INTO k VALUES ('a', 1), (NULL, 2)")
	d := drover(t)
	r := d.Run(t, "check", "-f", spec(t, &d, source, target, ""), "--deep", "-o", "json")
	require.Equal(t, 8, r.Code, r.Stderr)
	var got checked
	require.NoError(t, json.Unmarshal([]byte(r.Stdout), &got))
	all := errorsOf(got)
	require.Len(t, all, 1)
	require.Equal(t, found{"ERROR", "NULL_NOT_ALLOWED", "main.k", "id", all[0].Fix, 1, []string{"rowid=2"}}, all[0])
}

// All rows were read and nothing was found; a value that comes in between that and the
// extraction blocks its table by key and column, and no other.
func TestAssess_ValueSlipsIn(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.MySQL(t)
	fixture.Exec(t, source, `CREATE TABLE reading (id int PRIMARY KEY, v double precision); INSERT INTO reading SELECT n, n / 7.0 FROM generate_series(1, 1000) n;
		CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1);`)
	d := drover(t)
	script := filepath.Join(d.Dir, "insert.sh")
	require.NoError(t, os.WriteFile(script, fmt.Appendf(nil, "psql -X -q '%s' -c \"INSERT INTO reading VALUES (1001, 'NaN')\"\n", source), 0o600))
	d.Env = append(d.Env, "DROVER_FAULTPOINTS=loader.after-fence=once:"+filepath.Join(d.Dir, "inserted")+",exec:sh "+script)
	r := d.Copy(t, source, target, "--deep", "--range-rows", "100", "--jobs", "1")
	require.Equal(t, 4, r.Code, r.Stderr)
	require.Contains(t, r.Summary.Table(t, "reading").Reason, "id=1001")
	require.Contains(t, r.Summary.Table(t, "reading").Reason, "v")
	require.Equal(t, "BLOCKED", r.Summary.Table(t, "reading").State)
	require.Equal(t, "COMPLETE", r.Summary.Table(t, "other").State)
}
