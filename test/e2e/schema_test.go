package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/test/fixture"
)

// What schema convert writes runs in the target's own client, and schema diff then has
// nothing to say; what is changed afterwards it names.
func TestSchema_ConvertAndDiff(t *testing.T) {
	for _, p := range []struct{ from, to side }{
		{mysql, postgres15}, {postgres15, mysql}, {mysql, mariadb}, {postgres15, postgres18}, {sqlite, postgres15}, {postgres15, sqlite},
	} {
		t.Run(p.from.name+"To"+p.to.name, func(t *testing.T) {
			source, target := p.from.make(t), p.to.make(t)
			table := fillSchema(t, p.from, source)
			d := drover(t)
			r := d.Run(t, "schema", "convert", source, target)
			require.Equal(t, 0, r.Code, r.Stderr)
			fixture.Exec(t, target, r.Stdout)
			r = d.Run(t, "schema", "diff", source, target)
			require.Equal(t, 0, r.Code, r.Stdout+r.Stderr)
			assert.Equal(t, "nothing differs\n", r.Stdout)

			fixture.Exec(t, target, "ALTER TABLE "+quoted(p.to, table)+" ADD COLUMN more integer; CREATE TABLE beside (id integer PRIMARY KEY)")
			r = d.Run(t, "schema", "diff", source, target)
			require.Equal(t, 3, r.Code, r.Stderr)
			assert.Regexp(t, table+` +extra +column more`, r.Stdout)
			assert.Regexp(t, `beside +extra +table`, r.Stdout)
		})
	}
}

func quoted(s side, name string) string {
	if s.isMySQL() {
		return "`" + name + "`"
	}
	return `"` + name + `"`
}

// fillSchema makes a schema of many tables, and names one of them.
func fillSchema(t *testing.T, s side, url string) string {
	t.Helper()
	if s.isMySQL() {
		fixture.Sakila(t, url)
		return "actor"
	}
	fixture.Chinook(t, url, s.dialect)
	if s.dialect == fixture.SQLite {
		return "Album"
	}
	return "album"
}

// Objects that have no place in the target are comments with their DDL.
func TestSchema_ByHand(t *testing.T) {
	source, target := mysql.make(t), postgres15.make(t)
	fixture.Exec(t, source, "CREATE TABLE a (id int PRIMARY KEY); CREATE VIEW seen AS SELECT id FROM a")
	r := drover(t).Run(t, "schema", "convert", source, target)
	require.Equal(t, 0, r.Code, r.Stderr)
	assert.Contains(t, r.Stdout, "-- == to be done by hand")
	assert.Regexp(t, "(?m)^-- +CREATE .*VIEW `seen` AS select", r.Stdout)
	fixture.Exec(t, target, r.Stdout)
}
