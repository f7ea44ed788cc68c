package e2e

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/test/cli"
	"github.com/drover-db/drover/test/fixture"
)

// stock is a table with a number for a key, label one with text, event one without a key.
func stock(t *testing.T, url string) {
	t.Helper()
	fixture.Exec(t, url, `CREATE TABLE stock (id integer PRIMARY KEY, name varchar(40) NOT NULL, amount decimal(10,2), note varchar(40));
CREATE TABLE label (code varchar(20) NOT NULL PRIMARY KEY, n integer NOT NULL);
CREATE TABLE event (what varchar(20));
CREATE INDEX stock_name ON stock (name);`)
	var rows, labels []string
	for i := 1; i <= 300; i++ {
		rows = append(rows, fmt.Sprintf("(%d, 'name %d', %d.25, 'note ''%d''')", i, i, i, i))
	}
	for i := range 40 {
		labels = append(labels, fmt.Sprintf("('c%02d', %d)", i, i))
	}
	fixture.Exec(t, url, "INSERT INTO stock VALUES "+strings.Join(rows, ", ")+"; INSERT INTO label VALUES "+strings.Join(labels, ", ")+
		"; INSERT INTO event VALUES ('a'), ('a'), ('b')")
}

// damage changes rows of the target: a byte, a row that is gone, one too many, a case, a
// number, a value that became NULL, the case of a key.
const damage = `UPDATE stock SET name = 'nbme 7' WHERE id = 7;
DELETE FROM stock WHERE id = 60;
INSERT INTO stock VALUES (9001, 'extra', 1, NULL);
UPDATE stock SET name = 'NAME 120' WHERE id = 120;
UPDATE stock SET amount = 170.26 WHERE id = 170;
UPDATE stock SET note = NULL WHERE id = 230;
UPDATE label SET code = 'C05' WHERE code = 'c05';`

var spoilt = []string{
	"label extra code=C05 []", "label missing code=c05 []",
	"stock different id=120 [name]", "stock different id=170 [amount]", "stock different id=230 [note]", "stock different id=7 [name]",
	"stock extra id=9001 []", "stock missing id=60 []",
}

// verifier runs drover on the state that a run left.
type verifier struct {
	t *testing.T
	d cli.Drover
}

func (v *verifier) run(code int, args ...string) cli.Result {
	v.t.Helper()
	r := v.d.Run(v.t, append(args, "--state", ".drover/e2e", "--progress", "none")...)
	require.Equal(v.t, code, r.Code, "drover %s: %s%s", strings.Join(args, " "), r.Stdout, r.Stderr)
	return r
}

// differences lists what the newest verification found.
func (v *verifier) differences(code int) (out []string) {
	v.t.Helper()
	var found struct {
		Differences []struct {
			Table, Type, Key, Object string
			Columns                  []string
		}
	}
	require.NoError(v.t, json.Unmarshal([]byte(v.run(code, "diff", "e2e", "-o", "json").Stdout), &found))
	for _, d := range found.Differences {
		_, table, _ := strings.Cut(d.Table, ".")
		out = append(out, fmt.Sprintf("%s %s %s%s %v", table, strings.ToLower(strings.TrimPrefix(d.Type, "TYPE_")), d.Key, d.Object, d.Columns))
	}
	sort.Strings(out)
	return out
}

// repairs lists what the last repair did.
func (v *verifier) repairs(r cli.Result) (out []string) {
	v.t.Helper()
	var found struct {
		Rows []struct{ Table, Key, Action, Outcome, Reason string }
	}
	require.NoError(v.t, json.Unmarshal([]byte(r.Stdout), &found), r.Stdout)
	for _, d := range found.Rows {
		out = append(out, strings.ToLower(fmt.Sprintf("%s %s %s%s", d.Key, strings.TrimPrefix(d.Action, "ACTION_"), strings.TrimPrefix(d.Outcome, "OUTCOME_"), d.Reason)))
	}
	sort.Strings(out)
	return out
}

// moved runs a migration of stock to its end.
func moved(t *testing.T, from, to side) (v *verifier, target string) {
	t.Helper()
	source, target := from.make(t), to.make(t)
	stock(t, source)
	d := drover(t)
	r := runSpec(t, d, spec(t, &d, source, target, "ranges: {targetRows: 50}"))
	require.Equal(t, 0, r.Code, r.Stderr)
	return &verifier{t: t, d: d}, target
}

func TestVerify_FindsNamesAndRepairs(t *testing.T) {
	for _, p := range []struct{ from, to side }{
		{mysql, postgres15}, {postgres15, postgres18}, {postgres15, mysql}, {sqlite, mysql}, {mysql, mariadb}, {mariadb, sqlite},
	} {
		t.Run(p.from.name+"To"+p.to.name, func(t *testing.T) {
			v, target := moved(t, p.from, p.to)
			for _, mode := range []string{"count", "hash", "sample", "rows", "schema"} {
				v.run(0, "verify", "e2e", "--mode", mode)
			}
			require.Empty(t, v.differences(0))
			fixture.Exec(t, target, damage)
			before := fixture.Exec(t, target, "SELECT id, name, amount, note FROM stock ORDER BY id")

			v.run(3, "verify", "e2e", "--mode", "count", "--table", "*.stock")
			v.run(3, "verify", "e2e", "--mode", "hash")
			v.run(3, "verify", "e2e", "--mode", "sample", "--sample-rows", "40000", "--seed", "3")
			found := v.differences(3)
			for _, d := range found {
				assert.NotContains(t, d, "extra", "a sample of the source cannot find what only the target has")
			}
			assert.Contains(t, found, "stock missing id=60 []")
			assert.Contains(t, found, "stock different id=170 [amount]")
			v.run(3, "verify", "e2e")
			require.Equal(t, spoilt, v.differences(3))

			planned := v.repairs(v.run(3, "repair", "e2e", "--dry-run", "-o", "json"))
			require.Contains(t, planned, "id=60 insert planned")
			require.Contains(t, planned, "id=9001 delete planned")
			require.Contains(t, planned, "code=c05 delete planned")
			require.Equal(t, before, fixture.Exec(t, target, "SELECT id, name, amount, note FROM stock ORDER BY id"), "a dry run changes nothing")
			require.Equal(t, spoilt, v.differences(3))

			fixture.Exec(t, target, "UPDATE stock SET note = 'somebody was here' WHERE id IN (7, 8)")
			done := v.repairs(v.run(3, "repair", "e2e", "-o", "json"))
			require.Equal(t, []string{"code=c05 delete done", "code=c05 insert done", "id=120 update done", "id=170 update done", "id=230 update done",
				"id=60 insert done", "id=7 update changed", "id=9001 delete done"}, done)
			require.Equal(t, []string{"stock different id=7 [name note]", "stock different id=8 [note]"}, v.differences(3))

			v.run(3, "verify", "e2e")
			v.run(0, "repair", "e2e")
			v.run(0, "verify", "e2e")
			require.Empty(t, v.differences(0))
			assert.Contains(t, v.d.Run(t, "repair", "e2e", "--state", ".drover/e2e").Stderr, "no row to repair")
		})
	}
}

// Rows of a table without a key are counted, and only that.
func TestVerify_TableWithoutAKey(t *testing.T) {
	v, target := moved(t, mysql, postgres15)
	fixture.Exec(t, target, "INSERT INTO event VALUES ('c')")
	v.run(3, "verify", "e2e")
	require.Equal(t, []string{"event extra  []"}, v.differences(3))
	r := v.d.Run(t, "repair", "e2e", "--state", ".drover/e2e")
	require.Equal(t, 2, r.Code, r.Stderr)
	assert.Contains(t, r.Stderr, "no row to repair")
}

func TestVerify_Schema(t *testing.T) {
	for _, p := range []struct{ from, to side }{{mysql, postgres15}, {postgres15, mysql}, {postgres15, postgres15}, {sqlite, postgres18}} {
		t.Run(p.from.name+"To"+p.to.name, func(t *testing.T) {
			v, target := moved(t, p.from, p.to)
			v.run(0, "verify", "e2e", "--mode", "schema")
			fixture.Exec(t, target, "ALTER TABLE stock ADD COLUMN more integer; ALTER TABLE stock DROP COLUMN note; CREATE INDEX label_n ON label (n); DROP TABLE event")
			v.run(3, "verify", "e2e", "--mode", "schema")
			require.Equal(t, []string{"event missing table []", "label extra index on (n) []", "stock extra column more []", "stock missing column note []"}, v.differences(3))
		})
	}
}

func TestVerify_BadInput(t *testing.T) {
	v, _ := moved(t, sqlite, sqlite)
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"verify", "e2e", "--mode", "all"}, "--mode all is none"},
		{[]string{"verify", "e2e", "--seed", "3"}, "are for --mode sample"},
		{[]string{"verify", "e2e", "--table", "nobody.*"}, "matches"},
		{[]string{"verify", "other"}, "holds no"},
		{[]string{"diff", "e2e"}, "was not verified yet"},
		{[]string{"repair", "e2e"}, "was not verified yet"},
	} {
		r := v.d.Run(t, append(c.args, "--state", ".drover/e2e")...)
		assert.Equal(t, 2, r.Code, c.args)
		assert.Contains(t, r.Stderr, c.says)
	}
}
