package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/test/fixture"
)

// collision is a table of the source, with rows that a unique key of the target takes for
// one.
type collision struct {
	table, sql string
	// target makes the table there first; rule is what the spec says of column v.
	target, rule string
	// column of the finding, the rows that collide, and the ids named; no column for none.
	column string
	rows   int64
	ids    []int
}

func (c collision) want(schema string) found {
	var keys []string
	for _, id := range c.ids {
		keys = append(keys, fmt.Sprintf("id=%d", id))
	}
	return found{Severity: "ERROR", Code: "KEYS_COLLIDE", Table: schema + "." + c.table, Column: c.column, Rows: c.rows, Keys: keys}
}

const namesByCase = "(1, 'Zoe'), (2, 'zoe'), (3, 'zoë'), (4, 'Bob'), (5, NULL), (6, NULL)"

// collisionsMySQL are for MySQL and MariaDB: by case, by accents, by blanks at the end;
// by an index that the source has not, an expression, a prefix, a generated column.
var collisionsMySQL = []collision{
	{table: "ci", sql: "CREATE TABLE ci (id int PRIMARY KEY, v text UNIQUE); INSERT INTO ci VALUES " + namesByCase,
		target: "CREATE TABLE ci (id int PRIMARY KEY, v varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci UNIQUE)", column: "v", rows: 3, ids: []int{1, 3}},
	{table: "pad", sql: "CREATE TABLE pad (id int PRIMARY KEY, a int, v text, UNIQUE (a, v)); INSERT INTO pad VALUES (1, 1, 'x'), (2, 1, 'x '), (3, 2, 'x'), (4, 1, 'X')",
		target: "CREATE TABLE pad (id int PRIMARY KEY, a int, v varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, UNIQUE (a, v))", column: "v", rows: 2, ids: []int{1, 2}},
	{table: "exact", sql: "CREATE TABLE exact (id int PRIMARY KEY, v text UNIQUE); INSERT INTO exact VALUES (1, 'x'), (2, 'X'), (3, 'x '), (4, 'ẍ')", rule: "type: varchar(20)"},
	{table: "stricter", sql: "CREATE TABLE stricter (id int PRIMARY KEY, v int); INSERT INTO stricter VALUES (1, 7), (2, 8), (3, 7), (4, NULL), (5, NULL)",
		target: "CREATE TABLE stricter (id int PRIMARY KEY, v int UNIQUE)", column: "v", rows: 2, ids: []int{1, 3}},
	{table: "first", sql: "CREATE TABLE first (id int PRIMARY KEY, v text UNIQUE); INSERT INTO first VALUES (1, 'abc'), (2, 'abd'), (3, 'acd')",
		target: "CREATE TABLE first (id int PRIMARY KEY, v varchar(20) CHARACTER SET ascii COLLATE ascii_bin, UNIQUE (v(2)))", column: "v", rows: 2, ids: []int{1, 2}},
	{table: "made", sql: "CREATE TABLE made (id int PRIMARY KEY, v int, w int GENERATED ALWAYS AS (v % 10) STORED); INSERT INTO made VALUES (1, 11), (2, 12), (3, 21)",
		target: "CREATE TABLE made (id int PRIMARY KEY, v int, w int GENERATED ALWAYS AS (v % 10) STORED UNIQUE)", rows: 2, ids: []int{1, 3}},
	{table: "sentinel", sql: "CREATE TABLE sentinel (id int PRIMARY KEY, v float8 UNIQUE); INSERT INTO sentinel VALUES (1, 'NaN'), (2, 'Infinity'), (3, 1)",
		rule: "invalid: sentinel, sentinel: '1'", column: "v", rows: 3, ids: []int{1, 3}},
}

// collisionsPostgres are for PostgreSQL: citext by a cast and in a table that is there,
// collations that are not deterministic, NULLS NOT DISTINCT, expressions and conditions,
// texts of one value.
var collisionsPostgres = []collision{
	{table: "cast_ci", sql: "CREATE TABLE cast_ci (id int PRIMARY KEY, v varchar(20) UNIQUE); INSERT INTO cast_ci VALUES (1, 'Bob'), (2, 'bob'), (3, 'BOB'), (4, 'Zoe')", rule: "type: citext", column: "v", rows: 3, ids: []int{1, 3}},
	{table: "ci", sql: "CREATE TABLE ci (id int PRIMARY KEY, v varchar(20) UNIQUE); INSERT INTO ci VALUES " + namesByCase,
		target: "CREATE TABLE ci (id int PRIMARY KEY, v citext UNIQUE)", column: "v", rows: 2, ids: []int{1, 2}},
	{table: "loose", sql: "CREATE TABLE loose (id int PRIMARY KEY, v varchar(20) UNIQUE); INSERT INTO loose VALUES " + namesByCase,
		target: "CREATE TABLE loose (id int PRIMARY KEY, v text COLLATE loosely UNIQUE)", column: "v", rows: 3, ids: []int{1, 3}},
	{table: "by_index", sql: "CREATE TABLE by_index (id int PRIMARY KEY, v varchar(20)); INSERT INTO by_index VALUES " + namesByCase,
		target: "CREATE TABLE by_index (id int PRIMARY KEY, v text); CREATE UNIQUE INDEX ON by_index (v COLLATE loosely)", column: "v", rows: 3, ids: []int{1, 3}},
	{table: "lowered", sql: "CREATE TABLE lowered (id int PRIMARY KEY, v varchar(20) UNIQUE); INSERT INTO lowered VALUES " + namesByCase,
		target: "CREATE TABLE lowered (id int PRIMARY KEY, v text); CREATE UNIQUE INDEX ON lowered (lower(v))", rows: 2, ids: []int{1, 2}},
	{table: "part", sql: "CREATE TABLE part (id int PRIMARY KEY, v int); INSERT INTO part VALUES (1, 0), (2, 0), (3, 5), (4, 5)",
		target: "CREATE TABLE part (id int PRIMARY KEY, v int); CREATE UNIQUE INDEX ON part (v) WHERE v > 0", column: "v", rows: 2, ids: []int{3, 4}},
	{table: "nulls", sql: "CREATE TABLE nulls (id int PRIMARY KEY, v int UNIQUE); INSERT INTO nulls VALUES (1, 1), (2, NULL), (3, NULL)",
		target: "CREATE TABLE nulls (id int PRIMARY KEY, v int UNIQUE NULLS NOT DISTINCT)", column: "v", rows: 2, ids: []int{2, 3}},
	{table: "as_uuid", sql: "CREATE TABLE as_uuid (id int PRIMARY KEY, v varchar(36) UNIQUE); INSERT INTO as_uuid VALUES (1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), (2, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'), (3, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12')",
		rule: "type: uuid", column: "v", rows: 2, ids: []int{1, 2}},
	{table: "exact", sql: "CREATE TABLE exact (id int PRIMARY KEY, v varchar(20) UNIQUE); INSERT INTO exact VALUES (1, 'x'), (2, 'X')"},
}

// targetPostgres makes what the tables of collisionsPostgres need. The collation is by
// letters alone, without case and accents.
const targetPostgres = "CREATE EXTENSION citext; CREATE COLLATION loosely (provider = icu, locale = 'und-u-ks-level1', deterministic = false)"

// collisionsSQLite are for SQLite.
var collisionsSQLite = []collision{
	{table: "ci", sql: "CREATE TABLE ci (id int PRIMARY KEY, v text UNIQUE); INSERT INTO ci VALUES " + namesByCase,
		target: "CREATE TABLE ci (id INTEGER PRIMARY KEY, v TEXT COLLATE NOCASE UNIQUE)", column: "v", rows: 2, ids: []int{1, 2}},
	{table: "by_index", sql: "CREATE TABLE by_index (id int PRIMARY KEY, v text UNIQUE); INSERT INTO by_index VALUES (1, 'a'), (2, 'a '), (3, 'A')",
		target: "CREATE TABLE by_index (id INTEGER PRIMARY KEY, v TEXT); CREATE UNIQUE INDEX trimmed ON by_index (v COLLATE RTRIM)", column: "v", rows: 2, ids: []int{1, 2}},
	{table: "lowered", sql: "CREATE TABLE lowered (id int PRIMARY KEY, v text UNIQUE); INSERT INTO lowered VALUES " + namesByCase,
		target: "CREATE TABLE lowered (id INTEGER PRIMARY KEY, v TEXT); CREATE UNIQUE INDEX low ON lowered (lower(v))", rows: 2, ids: []int{1, 2}},
	{table: "part", sql: "CREATE TABLE part (id int PRIMARY KEY, v int); INSERT INTO part VALUES (1, 0), (2, 0), (3, 5), (4, 5)",
		target: "CREATE TABLE part (id INTEGER PRIMARY KEY, v INTEGER); CREATE UNIQUE INDEX positive ON part (v) WHERE v > 0", column: "v", rows: 2, ids: []int{3, 4}},
	{table: "stricter", sql: "CREATE TABLE stricter (id int PRIMARY KEY, v int); INSERT INTO stricter VALUES (1, 7), (2, 8), (3, 7), (4, NULL), (5, NULL)",
		target: "CREATE TABLE stricter (id INTEGER PRIMARY KEY, v INTEGER, UNIQUE (v))", column: "v", rows: 2, ids: []int{1, 3}},
	{table: "exact", sql: "CREATE TABLE exact (id int PRIMARY KEY, v text UNIQUE); INSERT INTO exact VALUES (1, 'x'), (2, 'X')",
		target: "CREATE TABLE exact (id INTEGER PRIMARY KEY, v TEXT UNIQUE)"},
}

// A deep check names the rows that a unique key of the target takes for one. It makes
// nothing there, and a migration with --deep refuses.
func TestAssess_KeysCollide(t *testing.T) {
	for _, pair := range []struct {
		from, to  side
		schema    string
		before    string
		collision []collision
	}{
		{postgres15, mysql, "public", "", collisionsMySQL},
		{postgres15, mariadb, "public", "", collisionsMySQL},
		{mysql, postgres15, "", targetPostgres, collisionsPostgres},
		{mariadb, postgres18, "", targetPostgres, collisionsPostgres},
		{postgres15, sqlite, "public", "", collisionsSQLite},
	} {
		t.Run(pair.from.name+"To"+pair.to.name, func(t *testing.T) {
			t.Parallel()
			source, target := pair.from.make(t), pair.to.make(t)
			if pair.before != "" {
				fixture.Exec(t, target, pair.before)
			}
			rules := "existing: append\ntables:\n"
			for _, c := range pair.collision {
				fixture.Exec(t, source, varchars.ReplaceAllString(c.sql, "$0"+caseful[pair.from.name]))
				if c.target != "" {
					fixture.Exec(t, target, c.target)
				}
				if c.rule != "" {
					rules += fmt.Sprintf("  - {match: '*.%s', columns: {v: {%s}}}\n", c.table, c.rule)
				}
			}
			d := drover(t)
			file := spec(t, &d, source, target, rules+"  - {match: '*'}\n")
			r := d.Run(t, "check", "-f", file, "--deep", "-o", "json")
			require.Equal(t, 8, r.Code, r.Stderr)
			var got checked
			require.NoError(t, json.Unmarshal([]byte(r.Stdout), &got))
			all := errorsOf(got)
			for _, c := range pair.collision {
				wantCollision(t, all, c)
			}
			assert.NotContains(t, fixture.Exec(t, target, tablesOf[pair.to.name]), "_drover", "nothing was left there")
			r = runSpec(t, d, file, "--deep")
			require.Equal(t, 8, r.Code, r.Stderr)
		})
	}
}

var varchars = regexp.MustCompile(`varchar\(\d+\)`)

// caseful are collations that tell cases, accents and blanks apart, for sources whose usual
// ones do not.
var caseful = map[string]string{mysql.name: " CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin", mariadb.name: " CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"}

// tablesOf lists the tables of an engine's database.
var tablesOf = map[string]string{mysql.name: "SHOW TABLES", mariadb.name: "SHOW TABLES", postgres15.name: "SELECT relname FROM pg_class", postgres18.name: "SELECT relname FROM pg_class",
	sqlite.name: "SELECT name FROM sqlite_schema"}

func wantCollision(t *testing.T, all []found, c collision) {
	t.Helper()
	for _, f := range all {
		if !strings.HasSuffix(f.Table, "."+c.table) {
			continue
		}
		if assert.NotZero(t, c.rows, "%s: %+v", c.table, f) {
			want := c.want(f.Table[:strings.IndexByte(f.Table, '.')])
			want.Fix = f.Fix
			assert.Equal(t, want, f)
			assert.Equal(t, c.target != "" || c.rule != "", f.Fix != "", "%s: a spec settles it: %q", c.table, f.Fix)
		}
		return
	}
	assert.Zero(t, c.rows, "%s: nothing was found", c.table)
}
