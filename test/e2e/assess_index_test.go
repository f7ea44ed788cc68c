package e2e

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// An entry of PostgreSQL's has 2,704 bytes: a value of 2,692 fits always, a longer one if
// it compresses, and one that no compression makes small enough never. A rule for the
// index settles it.
func TestAssess_IndexEntries(t *testing.T) {
	t.Parallel()
	source := newSQLite(t)
	fixture.Exec(t, source, `CREATE TABLE long (id INTEGER PRIMARY KEY, v TEXT, w TEXT); CREATE INDEX by_v ON long (v); CREATE INDEX by_both ON long (w, id);
		INSERT INTO long VALUES (1, 'short', 'x'), (2, hex(randomblob(1346)), 'x'), (3, hex(randomblob(1347)), 'x'), (4, replace(hex(zeroblob(150000)), '0', 'a'), 'x'), (5, replace(hex(zeroblob(100000)), '0', 'a'), 'x'), (6, NULL, NULL)`)
	for _, c := range []struct {
		rule  string
		found []string
		state string
	}{
		{"", []string{"ERROR INDEX_ENTRY_TOO_LONG v 1 [id=4]", "WARNING INDEX_ENTRY_LONG v 2 [id=3 id=5]"}, "INCOMPLETE"},
		{"tables:\n  - {match: main.long, indexes: {by_v: {prefix: 191}}}\n", nil, "COMPLETE"},
		{"tables:\n  - {match: main.long, indexes: {by_v: {drop: true}}}\n", nil, "COMPLETE"},
	} {
		target := testdb.Postgres(t)
		d := drover(t)
		file := spec(t, &d, source, target, c.rule)
		r := d.Run(t, "check", "-f", file, "--deep", "-o", "json")
		var got checked
		require.NoError(t, json.Unmarshal([]byte(r.Stdout), &got), r.Stderr)
		var found []string
		for _, f := range got.Findings {
			if f.Rows > 0 {
				found = append(found, fmt.Sprintf("%s %s %s %d %v", f.Severity, f.Code, f.Column, f.Rows, f.Keys))
				assert.Contains(t, f.Fix, "by_v: {prefix: 191}")
			}
		}
		assert.ElementsMatch(t, c.found, found)
		if c.found != nil {
			require.Equal(t, 8, runSpec(t, d, file, "--deep").Code)
			d = drover(t)
			file = spec(t, &d, source, target, c.rule)
		}
		r = runSpec(t, d, file)
		require.Equal(t, c.state, r.Summary.State, r.Stderr)
		if c.found != nil {
			assert.Contains(t, r.Summary.Table(t, "long").Reason, "by_v")
		}
	}
}

// An index that MySQL or MariaDB would not make is an error of the plan, before anything
// is there.
func TestCheck_IndexTooLong(t *testing.T) {
	for _, s := range []side{mysql, mariadb} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			source, target := s.make(t), s.make(t)
			fixture.Exec(t, source, `CREATE TABLE wide (id int PRIMARY KEY, v varchar(20), n int, KEY by_v (v, n)) CHARACTER SET utf8mb4;
				CREATE TABLE fits (id int PRIMARY KEY, v varchar(20), n int, KEY by_v (v, n)) CHARACTER SET utf8mb4;
				INSERT INTO wide VALUES (1, 'x', 1); INSERT INTO fits VALUES (1, 'x', 1)`)
			casts := "schema: {casts: [{match: wide.v, to: varchar(768)}, {match: fits.v, to: varchar(767)}]}\n"
			d := drover(t)
			r := d.Run(t, "check", "-f", spec(t, &d, source, target, casts), "-o", "json")
			require.Equal(t, 8, r.Code, r.Stderr)
			var got checked
			require.NoError(t, json.Unmarshal([]byte(r.Stdout), &got))
			all := errorsOf(got)
			require.Len(t, all, 1)
			require.Equal(t, "INDEX_TOO_LONG", all[0].Code)
			require.Equal(t, "v", all[0].Column)
			require.Contains(t, all[0].Fix, "by_v: {prefix: 95}")
			require.Empty(t, fixture.Exec(t, target, "SHOW TABLES"))

			d = drover(t)
			r = runSpec(t, d, spec(t, &d, source, target, casts+"tables:\n  - {match: '*.wide', indexes: {by_v: {prefix: 95}}}\n  - {match: '*'}\n"))
			proven(t, r)
			require.Equal(t, "fits\tNULL\nwide\t95", fixture.Exec(t, target, "SELECT table_name, sub_part FROM information_schema.statistics WHERE table_schema = database() AND index_name = 'by_v' AND column_name = 'v' ORDER BY 1"))
		})
	}
}
