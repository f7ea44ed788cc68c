package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/test/cli"
	"github.com/drover-db/drover/test/fixture"
)

// Right after a migration the schemas of both sides are what the plan says, however the
// target prints it; of what is changed then, each is reported and nothing else.
func TestSchemaDiff_AfterAMigration(t *testing.T) {
	for _, p := range pairs {
		if p.from.name == postgres18.name || p.to.name == postgres18.name {
			continue
		}
		t.Run(p.from.name+"To"+p.to.name, func(t *testing.T) {
			source, target := p.from.make(t), p.to.make(t)
			fixture.Expressions(t, source, p.from.dialect)
			d := drover(t)
			proven(t, d.Copy(t, source, target))
			require.Empty(t, schemaDiff(t, d, source, target))
			var want []string
			for _, c := range schemaChanges {
				sql := c.on(p.to)
				if sql == "" || !c.moves(p.from, p.to) {
					continue
				}
				if p.from.dialect == fixture.SQLite && p.to.dialect != fixture.SQLite {
					sql = strings.ReplaceAll(sql, "INTEGER", "BIGINT") // as large as the source's are
				}
				fixture.Exec(t, target, sql)
				want = append(want, "DIFFERENT film "+c.object)
			}
			slices.Sort(want)
			require.Equal(t, want, schemaDiff(t, d, source, target))
		})
	}
}

// schemaDiff gives what differs: type, table and object.
func schemaDiff(t *testing.T, d cli.Drover, source, target string) []string {
	t.Helper()
	r := d.Run(t, "schema", "diff", source, target, "-o", "json")
	var list struct {
		Differences []struct{ Table, Type, Object, Expected, Actual string }
	}
	require.NoError(t, json.Unmarshal([]byte(r.Stdout), &list), "%s%s", r.Stdout, r.Stderr)
	var out []string
	for _, x := range list.Differences {
		out = append(out, strings.TrimPrefix(x.Type, "TYPE_")+" "+x.Table[strings.LastIndexByte(x.Table, '.')+1:]+" "+x.Object)
		t.Logf("%s %s: %s | %s", x.Type, x.Object, x.Expected, x.Actual)
	}
	require.Equal(t, map[bool]int{true: 0, false: 3}[len(out) == 0], r.Code, r.Stderr)
	slices.Sort(out)
	return out
}

// schemaChange is a change of one thing in the target, and what is said of it.
type schemaChange struct {
	object                  string
	postgres, mysql, sqlite string
	// moves tells whether the thing is there between two engines.
	moves func(from, to side) bool
}

func (c schemaChange) on(s side) string {
	switch {
	case s.isMySQL():
		return c.mysql
	case s.dialect == fixture.SQLite:
		return c.sqlite
	}
	return c.postgres
}

func always(side, side) bool { return true }

// withoutMySQL: MySQL has no partial indexes, and folds case in its own way.
func withoutMySQL(from, to side) bool { return !from.isMySQL() && !to.isMySQL() }

// hasUUID: SQLite makes none by itself.
func hasUUID(from, _ side) bool { return from.dialect != fixture.SQLite }

// computed: between MySQL and MariaDB values move instead of what computes them.
func computed(from, to side) bool {
	return !from.isMySQL() || !to.isMySQL() || from.dialect == to.dialect
}

// rewritten is a change of a table that SQLite has no statement for.
func rewritten(from, to string) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	return "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, " + quote(from) + ", " + quote(to) + ") WHERE name = 'film'; PRAGMA writable_schema = RESET"
}

var schemaChanges = []schemaChange{
	{"check film_length", "ALTER TABLE film DROP CONSTRAINT film_length, ADD CONSTRAINT film_length CHECK (length BETWEEN 1 AND 601)",
		"ALTER TABLE film DROP CONSTRAINT film_length; ALTER TABLE film ADD CONSTRAINT film_length CHECK (length BETWEEN 1 AND 601)", rewritten(" 600", " 601"), always},
	{"column length", "ALTER TABLE film ALTER length SET DEFAULT 91", "ALTER TABLE film ALTER length SET DEFAULT 91", rewritten("DEFAULT 90", "DEFAULT 91"), always},
	{"column label", "ALTER TABLE film ALTER label SET DEFAULT lower('X')", "ALTER TABLE film ALTER label SET DEFAULT (lower('X'))",
		rewritten("'-4'", "'-5'"), func(from, to side) bool { return hasUUID(from, to) && to.dialect != fixture.SQLite }},
	{"column minutes", "ALTER TABLE film DROP COLUMN minutes; ALTER TABLE film ADD COLUMN minutes INTEGER GENERATED ALWAYS AS (coalesce(length, 0) * 2 + 2) STORED",
		"ALTER TABLE film MODIFY minutes INTEGER GENERATED ALWAYS AS (coalesce(length, 0) * 2 + 2) STORED", rewritten("* 2", "* 3"),
		computed},
	{"index film_recent", "DROP INDEX film_recent; CREATE INDEX film_recent ON film (released, film_id)",
		"DROP INDEX film_recent ON film; CREATE INDEX film_recent ON film (released, film_id)", "DROP INDEX film_recent; CREATE INDEX film_recent ON film (released, film_id)", always},
	{"index film_active", "DROP INDEX film_active; CREATE INDEX film_active ON film (title) WHERE active AND price > 11", "",
		"DROP INDEX film_active; CREATE INDEX film_active ON film (title) WHERE active <> 0 AND length > 10", withoutMySQL},
	{"index film_lower", "DROP INDEX film_lower; CREATE INDEX film_lower ON film (upper(rating), price DESC)", "",
		"DROP INDEX film_lower; CREATE INDEX film_lower ON film (upper(rating), price DESC)", withoutMySQL},
}
