package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/test/fixture"
)

// wideText is a table's type for long texts, and an expression of one of 5 MiB.
func wideText(s side) (kind, value string) {
	switch {
	case s.isMySQL():
		return "longtext", "repeat('wide ', 1048576)"
	case s.dialect == fixture.SQLite:
		return "text", "replace(printf('%.*c', 1048576, 'x'), 'x', 'wide ')"
	default:
		return "text", "repeat('wide ', 1048576)"
	}
}

// Rows that memory must not hold are rejected like others: into files of their own, from
// which they are replayed.
func TestRejects_LargeRows(t *testing.T) {
	for _, p := range []struct{ from, to side }{{postgres18, postgres15}, {postgres15, mysql}, {mysql, sqlite}, {sqlite, mariadb}} {
		t.Run(p.from.name+"To"+p.to.name, func(t *testing.T) {
			source, target := p.from.make(t), p.to.make(t)
			kind, wide := wideText(p.from)
			fixture.Exec(t, source, "CREATE TABLE item (id integer PRIMARY KEY, n integer, body "+kind+
				"); INSERT INTO item VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 3, "+wide+"), (4, 3, "+wide+"), (5, 5, 'c'), (6, 1, "+wide+"), (7, 7, 'd')")
			kind, _ = wideText(p.to)
			fixture.Exec(t, target, "CREATE TABLE item (id integer PRIMARY KEY, n integer, body "+kind+"); CREATE UNIQUE INDEX item_n ON item (n)")
			d, dir := drover(t), t.TempDir()
			r := runSpec(t, d, spec(t, &d, source, target, rejectSpec(dir, 5)))
			require.Equal(t, 4, r.Code, "%s\n%s", r.Stderr, r.Summary.Reason)
			require.EqualValues(t, 3, r.Summary.Table(t, "item").RowsRejected)
			require.Equal(t, "4", fixture.Exec(t, target, "SELECT count(*) FROM item"))
			large, err := filepath.Glob(filepath.Join(dir, "*", "*.item.rows", "*.row"))
			require.NoError(t, err)
			require.Len(t, large, 2, "rows 4 and 6")
			all := entries(t, dir)
			require.Len(t, all, 3)
			for _, e := range all {
				assert.Contains(t, []string{"id=2", "id=4", "id=6"}, e.Key)
				assert.Equal(t, e.Key == "id=2", len(e.Row) > 0)
				assert.NotEmpty(t, e.Reason)
			}

			v := &verifier{t, d}
			v.run(4, "retry", "e2e", "--rejects")
			lift(t, p.to, target)
			v.run(0, "retry", "e2e", "--rejects")
			equal(t, source, target)
			for _, name := range large {
				assert.NoFileExists(t, name)
			}
		})
	}
}

// Rejected rows of tables that are published by now are written to them. What else is
// there by then is left alone.
func TestRejects_ReplayedOncePublished(t *testing.T) {
	for _, p := range []struct{ from, to side }{{sqlite, postgres15}, {postgres15, mysql}, {mysql, mariadb}} {
		t.Run(p.from.name+"To"+p.to.name, func(t *testing.T) {
			source, target := p.from.make(t), p.to.make(t)
			fixture.Exec(t, source, "CREATE TABLE item (id integer PRIMARY KEY, name varchar(40)); CREATE TABLE fine (id integer PRIMARY KEY);"+
				"INSERT INTO item VALUES (1, 'short'), (2, 'much too long'), (3, 'ok'), (4, 'this one as well'); INSERT INTO fine VALUES (1)")
			d, dir := drover(t), t.TempDir()
			rules := "tables:\n  - match: '*item'\n    columns: {name: {type: varchar(6)}}\n  - match: '*'"
			r := runSpec(t, d, spec(t, &d, source, target, fmt.Sprintf("publish: atomic\nrejects: {max: 5, to: %q}\n%s", dir, rules)))
			require.Equal(t, 4, r.Code, "%s\n%s", r.Stderr, r.Summary.Reason)
			require.Equal(t, "COMPLETE", r.Summary.State)
			require.EqualValues(t, 2, r.Summary.Table(t, "item").RowsRejected)
			require.Equal(t, "2", fixture.Exec(t, target, "SELECT count(*) FROM item"))

			v := &verifier{t, d}
			v.run(4, "retry", "e2e", "--rejects")
			// The table is live.
			fixture.Exec(t, target, "INSERT INTO item VALUES (9, 'mine'); UPDATE item SET name = 'new' WHERE id = 3")
			widen := "ALTER TABLE item ALTER name TYPE varchar(40)"
			if p.to.isMySQL() {
				widen = "ALTER TABLE item MODIFY name varchar(40)"
			}
			fixture.Exec(t, target, widen)
			v.run(0, "retry", "e2e", "--rejects")
			require.Equal(t, "5", fixture.Exec(t, target, "SELECT count(*) FROM item"))
			require.Equal(t, "2", fixture.Exec(t, target, "SELECT count(*) FROM item WHERE id = 9 AND name = 'mine' OR id = 3 AND name = 'new'"))
			require.Equal(t, "2", fixture.Exec(t, target, "SELECT count(*) FROM item WHERE id = 2 AND name = 'much too long' OR id = 4 AND name = 'this one as well'"))
			v.run(3, "verify", "e2e")
			require.Equal(t, []string{"item different id=3 [name]", "item extra id=9 []"}, v.differences(3))
		})
	}
}

// A verification passes over rejected rows and says so, in every mode. A repair does not
// bring them in, and leaves out what the target still refuses.
func TestRejects_VerifiedAndRepaired(t *testing.T) {
	for _, p := range []struct{ from, to side }{{mysql, postgres15}, {postgres15, mariadb}, {postgres18, sqlite}} {
		t.Run(p.from.name+"To"+p.to.name, func(t *testing.T) {
			source, target := p.from.make(t), p.to.make(t)
			fillPairs(t, source, target)
			d, dir := drover(t), t.TempDir()
			rejected(t, runSpec(t, d, spec(t, &d, source, target, rejectSpec(dir, pairRejects))), target)
			v := &verifier{t, d}
			for _, mode := range []string{"count", "hash", "sample", "rows"} {
				got := v.run(0, "verify", "e2e", "--mode", mode)
				assert.Contains(t, got.Stdout, fmt.Sprintf("equal, but for %d rejected rows", pairRejects), mode)
			}
			fixture.Exec(t, target, "UPDATE item SET name = 'spoilt' WHERE id = 300")
			// The first of the rejected rows is put right, the second is not.
			fixture.Exec(t, source, fmt.Sprintf("UPDATE item SET n = %d WHERE id = %d; UPDATE item SET name = 'still in the way' WHERE id = %d",
				pairEach-1, pairEach-1, 2*pairEach-1))
			v.run(3, "verify", "e2e")
			want := []string{"item different id=300 [name]", "item missing id=199 []", "item missing id=399 []"}
			require.Equal(t, want, v.differences(3))
			got := v.run(3, "repair", "e2e")
			assert.Contains(t, got.Stdout, "1 inserted, 1 updated, 0 deleted, 1 refused by the target")
			for _, line := range strings.Split(got.Stdout, "\n") {
				assert.Equal(t, strings.Contains(line, "id=399"), strings.Contains(line, "refused: "), line)
			}
			require.Equal(t, []string{"item missing id=399 []"}, v.differences(3))
			v.run(3, "verify", "e2e", "--mode", "count")
		})
	}
}

// Rows whose file is lost are read from the source once more, as long as it has them.
func TestRejects_FolderLost(t *testing.T) {
	for _, p := range []struct{ from, to side }{{mysql, postgres15}, {postgres15, postgres18}} {
		t.Run(p.from.name+"To"+p.to.name, func(t *testing.T) {
			source, target := p.from.make(t), p.to.make(t)
			fillPairs(t, source, target)
			d, dir := drover(t), t.TempDir()
			rejected(t, runSpec(t, d, spec(t, &d, source, target, rejectSpec(dir, pairRejects))), target)
			require.NoError(t, os.RemoveAll(dir))
			fixture.Exec(t, source, fmt.Sprintf("UPDATE item SET name = 'other' WHERE id = %d", pairEach-1))
			lift(t, p.to, target)
			v := &verifier{t, d}
			got := v.run(4, "retry", "e2e", "--rejects")
			assert.Contains(t, got.Stdout+got.Stderr, "1 of the rows were neither in the folder of rejects.to nor in the source")
			require.Equal(t, fmt.Sprint(pairRows-1), fixture.Exec(t, target, "SELECT count(*) FROM item"))
			fixture.Exec(t, source, fmt.Sprintf("UPDATE item SET name = 'it''s %d' WHERE id = %d", pairEach-1, pairEach-1))
			v.run(0, "retry", "e2e", "--rejects")
			equal(t, source, target)
		})
	}
}
