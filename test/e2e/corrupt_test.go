package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drover-db/drover/test/fixture"
)

const letters = `
CREATE TABLE letter (id integer PRIMARY KEY, word varchar(80) NOT NULL, data %s);
CREATE TABLE other (id integer PRIMARY KEY, word varchar(80));
`

// fillLetters makes 3000 rows; row 1500 is the one to spoil.
func fillLetters(t *testing.T, target string, d fixture.Dialect) {
	t.Helper()
	typ, blob := "blob", "x'%08x00ff'"
	if d == fixture.Postgres {
		typ, blob = "bytea", `'\x%08x00ff'`
	}
	rows := make([]string, 3000)
	for i := range rows {
		rows[i] = fmt.Sprintf("(%d, 'Word %d ', "+blob+")", i+1, i+1, i+1)
	}
	fixture.Exec(t, target, fmt.Sprintf(letters, typ)+"INSERT INTO letter VALUES "+strings.Join(rows, ",\n")+
		";\nINSERT INTO other SELECT id, word FROM letter WHERE id < 100;")
}

// spoil is a fault that runs SQL on the target by its own client, between the load
// of table letter and its validation.
func spoil(t *testing.T, target, sql string, always bool) string {
	t.Helper()
	dir := t.TempDir()
	script := filepath.Join(dir, "spoil.sql")
	if strings.HasPrefix(target, "sqlite:") {
		sql = ".timeout 20000\n" + sql
	}
	if err := os.WriteFile(script, []byte(sql+"\n;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	once := "once:" + filepath.Join(dir, "done") + ","
	if always {
		once = ""
	}
	return "DROVER_FAULTPOINTS=validator.before-read=match:letter," + once + "exec:" + clientCommand(t, target, script)
}

// clientCommand is a shell command that gives a script to a database's own client.
func clientCommand(t *testing.T, target, script string) string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case u.Scheme == "sqlite":
		return "sqlite3 -bail " + u.Path + " < " + script
	case fixture.IsMySQL(target):
		password, _ := u.User.Password()
		login := script + ".cnf"
		text := fmt.Sprintf("[client]\nprotocol=tcp\nhost=%s\nport=%s\nuser=%s\npassword=%s\n", u.Hostname(), u.Port(), u.User.Username(), password)
		if err := os.WriteFile(login, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "mariadb --defaults-file=" + login + " " + strings.TrimPrefix(u.Path, "/") + " < " + script
	default:
		return "psql -X -q -v ON_ERROR_STOP=1 -f " + script + " '" + target + "'"
	}
}

// corruptions are the smallest damages that a database can take. With ranges of a
// thousand rows, the first range that is validated need not hold row 1500: the
// damage is done before any is.
var corruptions = []struct {
	name, sql string
	// kind and columns are what validation must call it.
	kind    string
	columns []string
}{
	{"FlippedByte", `UPDATE letter SET data = $flip WHERE id = 1500`, "different", []string{"data"}},
	{"DroppedRow", `DELETE FROM letter WHERE id = 1500`, "missing", nil},
	{"AddedRow", `INSERT INTO letter SELECT -id, word, data FROM letter WHERE id = 1500`, "extra", nil},
	{"LetterCase", `UPDATE letter SET word = lower(word) WHERE id = 1500`, "different", []string{"word"}},
	{"TrailingSpace", `UPDATE letter SET word = rtrim(word) WHERE id = 1500`, "different", []string{"word"}},
}

// corrupted are the pairs that every corruption is tried on: each engine as source
// and as target.
func corrupted(from, to side) bool {
	if from.isMySQL() {
		return to.name == postgres15.name || to.name == from.name
	}
	return from.name != postgres18.name && to.name != postgres18.name
}

func TestCorrupt_IsFoundNamedAndPutRight(t *testing.T) {
	for _, p := range pairs {
		if !corrupted(p.from, p.to) {
			continue
		}
		for _, c := range corruptions {
			t.Run(p.from.name+"To"+p.to.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				source, target := p.from.make(t), p.to.make(t)
				fillLetters(t, source, p.from.dialect)
				flip := `set_byte(data, 3, get_byte(data, 3) # 1)`
				if p.to.dialect != fixture.Postgres {
					flip = `x'00ff'`
				}
				fault := spoil(t, target, strings.ReplaceAll(c.sql, "$flip", flip), false)
				r := drover(t, fault).Copy(t, source, target, "--range-rows", "10000")
				proven(t, r)
				equal(t, source, target)
				table := r.Summary.Table(t, "letter")
				if table.Mismatches == 0 || table.Attempts <= table.Ranges {
					t.Fatalf("nothing was found: %+v", table)
				}
				d := table.Differences
				if len(d) != 1 || d[0].Type != c.kind || !strings.Contains(d[0].Key, "1500") || !slices.Equal(d[0].Columns, c.columns) {
					t.Errorf("differences are %+v, want one %s at key 1500 in %v", d, c.kind, c.columns)
				}
			})
		}
	}
}

// Only the range with the damage is done again. One job at a time: no range is
// validated while the damage is done.
func TestCorrupt_CostsOneRange(t *testing.T) {
	source, target := postgres15.make(t), postgres15.make(t)
	fillLetters(t, source, fixture.Postgres)
	fixture.Exec(t, source, "ANALYZE")
	fault := spoil(t, target, `DELETE FROM letter WHERE id = 1500`, false)
	r := drover(t, fault).Copy(t, source, target, "--range-rows", "500", "--jobs", "1")
	proven(t, r)
	equal(t, source, target)
	if table := r.Summary.Table(t, "letter"); table.Ranges < 5 || table.Attempts != table.Ranges+1 {
		t.Errorf("%d attempts for %d ranges, want one more", table.Attempts, table.Ranges)
	}
}

// A table without a key is confirmed as a whole.
func TestCorrupt_IsFoundWithoutAKey(t *testing.T) {
	source, target := postgres15.make(t), postgres15.make(t)
	fixture.Exec(t, source, `CREATE TABLE letter (word text, n int);
		INSERT INTO letter SELECT 'same', n % 10 FROM generate_series(1, 5000) n; ANALYZE`)
	fault := spoil(t, target, `DELETE FROM letter WHERE ctid = (SELECT min(ctid) FROM letter)`, false)
	r := drover(t, fault).Copy(t, source, target)
	proven(t, r)
	equal(t, source, target)
	if r.Summary.Table(t, "letter").Mismatches == 0 {
		t.Error("a lost double of a row was not found")
	}
}

// What never comes right is blocked after --max-attempts; the rest goes on.
func TestCorrupt_BlocksItsTableAlone(t *testing.T) {
	source, target := postgres15.make(t), postgres15.make(t)
	fillLetters(t, source, fixture.Postgres)
	fault := spoil(t, target, `DELETE FROM letter WHERE id = 1500`, true)
	r := drover(t, fault).Copy(t, source, target, "--max-attempts", "2")
	if r.Code != 3 || r.Summary.State != "INCOMPLETE" {
		t.Fatalf("exit code %d, state %s: %s", r.Code, r.Summary.State, r.Stderr)
	}
	if other := r.Summary.Table(t, "other"); other.State != "COMPLETE" {
		t.Errorf("table other is %+v", other)
	}
	letter := r.Summary.Table(t, "letter")
	if letter.State != "BLOCKED" || len(letter.Differences) == 0 || !strings.Contains(letter.Differences[0].Key, "1500") {
		t.Errorf("table letter is %+v", letter)
	}
}
