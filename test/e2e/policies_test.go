package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/cli"
	"github.com/drover-db/drover/test/fixture"
)

// touchedOf gives the counts of a table by column and policy.
func touchedOf(t *testing.T, r cli.Result, table string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	for _, c := range r.Summary.Table(t, table).Touched {
		out[c.Column+" "+c.Policy] = c.Values
	}
	return out
}

// Text without what the target's text cannot hold, by a pattern over all columns.
func TestPolicies_StripByPattern(t *testing.T) {
	for _, c := range []struct {
		from, to side
		source   string
		want     string
		touched  map[string]int64
	}{
		{sqlite, postgres15, `CREATE TABLE note (id integer PRIMARY KEY, n integer, body text, title text);
INSERT INTO note VALUES (1, 5, 'a' || char(0) || 'b', 'fine'), (2, 6, CAST(x'61ff62c3' AS text), NULL), (3, 7, 'Zoë 🙂', CAST(x'00' AS text));`,
			"1|5|ab|fine\n2|6|ab|-\n3|7|Zoë 🙂|", map[string]int64{"body strip": 2, "title strip": 1}},
		{mysql, postgres15, `CREATE TABLE note (id int PRIMARY KEY, n int, body varchar(40), title text);
INSERT INTO note VALUES (1, 5, CONCAT('a', CHAR(0), 'b'), 'fine'), (2, 6, CONCAT(CHAR(0), CHAR(0)), NULL), (3, 7, 'Zoë 🙂', 'x');`,
			"1|5|ab|fine\n2|6||-\n3|7|Zoë 🙂|x", map[string]int64{"body strip": 2}},
		{sqlite, mysql, `CREATE TABLE note (id integer PRIMARY KEY, n integer, body text, title text);
INSERT INTO note VALUES (1, 5, CAST(x'61ff62' AS text), 'fine');`,
			"1\t5\tab\tfine", map[string]int64{"body strip": 1}},
	} {
		t.Run(c.from.name+"To"+c.to.name, func(t *testing.T) {
			source, target := c.from.make(t), c.to.make(t)
			fixture.Exec(t, source, c.source)
			d := drover(t)
			r := runSpec(t, d, spec(t, &d, source, target, `schema: {policies: [{match: "*.note.*", invalid: strip}]}`))
			require.Equal(t, 0, r.Code, "%s\n%s", r.Stderr, r.Summary.Table(t, "note").Reason)
			got := fixture.Exec(t, target, `SELECT id, n, body, coalesce(title, '-') FROM note ORDER BY id`)
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.touched, touchedOf(t, r, "note"))
		})
	}
}

// Casts as users of pgloader write them: by default, extra and whether it may be NULL.
func TestPolicies_CastsWithConditions(t *testing.T) {
	for _, from := range []side{mysql, mariadb} {
		t.Run(from.name, func(t *testing.T) {
			source, target := from.make(t), testdb.Postgres(t)
			fixture.Exec(t, source, `SET SESSION sql_mode = '';
CREATE TABLE visit (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, began datetime NOT NULL DEFAULT '0000-00-00 00:00:00', ended datetime NOT NULL DEFAULT '2020-01-01 00:00:00',
  small decimal(5,0) NOT NULL, large decimal(20,0) NOT NULL, ratio decimal(5,2) NOT NULL, flag tinyint(1) NOT NULL DEFAULT 0);
INSERT INTO visit (began, small, large, ratio, flag) VALUES ('2024-01-01 10:00:00', 1, 2, 3.5, 1), ('0000-00-00 00:00:00', 4, 5, 6, 0);`)
			d := drover(t)
			r := runSpec(t, d, spec(t, &d, source, target, `
schema:
  casts:
    - {from: datetime*, when: {default: "0000-00-00 00:00:00", nullable: false}, to: timestamptz, drop: [default, not-null], invalid: set-null}
    - {from: "int* unsigned", when: {auto_increment: true, key: true}, to: bigint}
    - {from: decimal*, when: {precision: {max: 9}, scale: {max: 0}}, to: integer}
    - {from: tinyint(1), drop: [default]}
    - {from: decimal*, when: {precision: {min: 100}}, to: text}
`))
			require.Equal(t, 0, r.Code, "%s\n%s", r.Stderr, r.Summary.Table(t, "visit").Reason)
			got := fixture.Exec(t, target, `SELECT column_name, data_type, is_nullable, column_default IS NOT NULL FROM information_schema.columns WHERE table_name = 'visit' ORDER BY ordinal_position`)
			assert.Equal(t, "id|bigint|NO|f\nbegan|timestamp with time zone|YES|f\nended|timestamp without time zone|NO|t\nsmall|integer|NO|f\nlarge|numeric|NO|f\nratio|numeric|NO|f\nflag|smallint|NO|f", got)
			assert.Equal(t, map[string]int64{"began set-null": 1}, touchedOf(t, r, "visit"))
			assert.Contains(t, findings(r), "takes no column", "the cast of large decimals takes none")
		})
	}
}

// What cannot be is said in a line each, and nothing is made.
func TestPolicies_WhatCannotBe(t *testing.T) {
	source := testdb.MySQL(t)
	fixture.Exec(t, source, `CREATE TABLE a (id int PRIMARY KEY, name varchar(10) NOT NULL, born date, n int, note text); CREATE TABLE b (id int PRIMARY KEY)`)
	one := func(columns string) string { return "tables: [{match: '*.a', columns: {" + columns + "}}]" }
	for name, c := range map[string]struct {
		spec string
		says []string
	}{
		"UnknownColumns": {one(`x: {invalid: strip}, y: {drop: true}`), []string{"names column x", "names column y"}},
		"NullInNotNull":  {one(`name: {invalid: set-null}`), []string{"a.name: character varying(10): the policy set-null needs a column that may be NULL"}},
		"NullInKey":      {one(`id: {invalid: set-null}`), []string{"a.id: integer: the policy set-null"}},
		"NoSentinel":     {one(`born: {invalid: sentinel, sentinel: never}`), []string{`sentinel "never" is no date`}},
		"StripNumber":    {one(`n: {invalid: strip}`), []string{"a.n: integer: the policy strip is for text"}},
		"NoWay":          {one(`born: {type: uuid}`), []string{"values of date cannot become uuid"}},
		"OneName":        {one(`born: {into: note}`), []string{"columns born and note would both become note"}},
		"OneNameOfThree": {one(`born: {into: n}, n: {into: note}, note: {into: n}`), []string{"columns born and note would both become n"}},
		"OneTable":       {"tables: [{match: '*', into: same}]", []string{"would both become public.same"}},
		"PatternForOne":  {"schema: {policies: [{match: 'a.name', invalid: set-null}]}", []string{"a.name: character varying(10): the policy set-null needs"}},
		"DropOfKey":      {"schema: {casts: [{match: 'a.id', drop: [not-null]}]}", []string{"a.id: the column is part of the key"}},
	} {
		t.Run(name, func(t *testing.T) {
			target := testdb.Postgres(t)
			d := drover(t)
			r := runSpec(t, d, spec(t, &d, source, target, c.spec))
			require.Equal(t, 8, r.Code, r.Stderr)
			lines := strings.Split(strings.TrimSpace(r.Stderr), "\n")
			require.Len(t, lines, len(c.says), r.Stderr)
			for i, says := range c.says {
				assert.Contains(t, lines[i], says)
			}
			assert.Equal(t, "0", fixture.Exec(t, target, "SELECT count(*) FROM pg_class WHERE relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg_%' OR nspname = 'information_schema')"))
		})
	}
}

// Columns may take each other's names.
func TestPolicies_NamesMaySwap(t *testing.T) {
	for _, p := range []struct{ from, to side }{{mysql, postgres15}, {postgres15, mysql}, {postgres15, postgres18}, {mysql, sqlite}, {sqlite, mariadb}} {
		t.Run(p.from.name+"To"+p.to.name, func(t *testing.T) {
			source, target := p.from.make(t), p.to.make(t)
			fixture.Exec(t, source, `CREATE TABLE a (id integer PRIMARY KEY, x varchar(10), y varchar(10)); CREATE INDEX a_x ON a (x); INSERT INTO a VALUES (1, 'left', 'right')`)
			d := drover(t)
			r := runSpec(t, d, spec(t, &d, source, target, "tables: [{match: '*.a', columns: {x: {into: y}, y: {into: x}}}]"))
			require.Equal(t, 0, r.Code, r.Stderr)
			assert.Equal(t, "right left", strings.NewReplacer("|", " ", "\t", " ").Replace(fixture.Exec(t, target, "SELECT x, y FROM a")))
		})
	}
}
