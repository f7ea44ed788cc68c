package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/cli"
	"github.com/drover-db/drover/test/fixture"
)

const (
	pairRows = 2000
	// pairEach row has the number of the one before it.
	pairEach    = 200
	pairRejects = pairRows / pairEach
)

// fillPairs makes a source with numbers that are not unique, and a target whose table
// wants them to be.
func fillPairs(t *testing.T, source, target string) {
	t.Helper()
	const item = "CREATE TABLE item (id integer PRIMARY KEY, name varchar(40), n integer);\n"
	var b strings.Builder
	b.WriteString(item + "CREATE TABLE fine (id integer PRIMARY KEY);\nINSERT INTO fine VALUES (1), (2);\n")
	for i := range pairRows {
		n := i
		if i%pairEach == pairEach-1 {
			n--
		}
		if i%100 == 0 {
			b.WriteString("INSERT INTO item VALUES ")
		}
		fmt.Fprintf(&b, "(%d, 'it''s %d', %d)%s", i, i, n, map[bool]string{true: ";\n", false: ","}[i%100 == 99])
	}
	fixture.Exec(t, source, b.String())
	fixture.Exec(t, target, item+"CREATE UNIQUE INDEX item_n ON item (n);")
}

// lift takes away what the target had against the rows.
func lift(t *testing.T, to side, target string) {
	t.Helper()
	statement := "DROP INDEX item_n"
	if to.dialect == fixture.MySQL || to.dialect == fixture.MariaDB {
		statement += " ON item"
	}
	fixture.Exec(t, target, statement)
}

// rejectSpec lets so many rows of a table go to a folder.
func rejectSpec(dir string, most int) string {
	return fmt.Sprintf("existing: append\nrejects: {max: %d, to: %q}\nranges: {targetRows: 500}", most, dir)
}

// entry is a line of a file of rejected rows.
type entry struct {
	ID, Key, Reason, Done string
	Row                   []byte
}

// entries reads the file of table item.
func entries(t *testing.T, dir string) (out []entry) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.item.jsonl"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	f, err := os.Open(files[0])
	require.NoError(t, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e entry
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e), lines.Text())
		out = append(out, e)
	}
	return out
}

// onceEach checks that a file has each rejected row once.
func onceEach(t *testing.T, dir string) {
	t.Helper()
	ids, keys := map[string]bool{}, map[string]bool{}
	for _, e := range entries(t, dir) {
		assert.False(t, ids[e.ID], "row %s is there twice", e.ID)
		ids[e.ID], keys[e.Key] = true, true
		assert.NotEmpty(t, e.Reason)
		assert.NotEmpty(t, e.Row)
	}
	assert.Len(t, keys, pairRejects)
}

// rejected checks that a run has moved what the target took and counted the rest.
func rejected(t *testing.T, r cli.Result, target string) {
	t.Helper()
	require.Equal(t, 4, r.Code, "%s\n%s", r.Stderr, r.Summary.Reason)
	require.Equal(t, "COMPLETE", r.Summary.State)
	item := r.Summary.Table(t, "item")
	assert.EqualValues(t, pairRejects, item.RowsRejected)
	assert.EqualValues(t, pairRows-pairRejects, item.Rows)
	assert.Equal(t, item.SourceDigest, item.TargetDigest)
	assert.NotEmpty(t, item.SourceDigest)
	assert.Contains(t, item.FirstReject, "id=")
	assert.Contains(t, r.Summary.Verdict, fmt.Sprintf("%d rows REJECTED", pairRejects))
	assert.Equal(t, fmt.Sprint(pairRows-pairRejects), fixture.Exec(t, target, "SELECT count(*) FROM item"))
}

// Rows that the target refuses are kept and counted, and come in when the target has
// nothing against them any more.
func TestRejects_KeptAndReplayed(t *testing.T) {
	for _, p := range []struct{ from, to side }{
		{sqlite, postgres15}, {postgres15, mysql}, {postgres18, postgres15}, {mysql, sqlite}, {mysql, mariadb},
	} {
		t.Run(p.from.name+"To"+p.to.name, func(t *testing.T) {
			source, target := p.from.make(t), p.to.make(t)
			fillPairs(t, source, target)
			d, dir := drover(t), t.TempDir()
			rejected(t, runSpec(t, d, spec(t, &d, source, target, rejectSpec(dir, pairRejects))), target)
			onceEach(t, dir)

			retry := func() cli.Result {
				return d.Run(t, "retry", "e2e", "--rejects", "--state", filepath.Join(d.Dir, ".drover", "e2e"))
			}
			r := retry()
			require.Equal(t, 4, r.Code, "%s\nthey are refused again", r.Stderr)
			lift(t, p.to, target)
			r = retry()
			require.Equal(t, 0, r.Code, r.Stderr)
			assert.Contains(t, r.Stderr, fmt.Sprintf("writes %d rejected rows", pairRejects))
			equal(t, source, target)
			done := 0
			for _, e := range entries(t, dir) {
				if e.Done != "" {
					done++
				}
			}
			assert.Equal(t, pairRejects, done)
		})
	}
}

func TestRejects_OneTooManyBlocksTheTable(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.MySQL(t)
	fillPairs(t, source, target)
	d := drover(t)
	r := runSpec(t, d, spec(t, &d, source, target, rejectSpec(t.TempDir(), pairRejects-1)))
	require.Equal(t, 4, r.Code, r.Stderr)
	require.Equal(t, "INCOMPLETE", r.Summary.State)
	item := r.Summary.Table(t, "item")
	assert.Equal(t, "BLOCKED", item.State)
	assert.Contains(t, item.Reason, "id=")
	assert.Contains(t, item.Reason, "Duplicate entry")
	assert.Equal(t, "COMPLETE", r.Summary.Table(t, "fine").State)
}

// A loader that dies between the file and the commit leaves rows in the file that
// nobody has counted; whoever goes on counts each once.
func TestRejects_KilledInTheMiddle(t *testing.T) {
	for _, to := range []side{postgres15, mariadb, sqlite} {
		t.Run(to.name, func(t *testing.T) {
			source, target := testdb.MySQL(t), to.make(t)
			fillPairs(t, source, target)
			d, dir := drover(t), t.TempDir()
			file := spec(t, &d, source, target, rejectSpec(dir, pairRejects))
			killed := d
			killed.Env = append(killed.Env, "DROVER_FAULTPOINTS=loader.after-keep=hit:3,kill")
			require.Equal(t, -1, runSpec(t, killed, file).Code)
			require.NotEmpty(t, entries(t, dir))
			rejected(t, runSpec(t, d, file), target)
			onceEach(t, dir)
			lift(t, to, target)
			r := d.Run(t, "retry", "e2e", "--rejects", "--state", filepath.Join(d.Dir, ".drover", "e2e"))
			require.Equal(t, 0, r.Code, r.Stderr)
			equal(t, source, target)
		})
	}
}
