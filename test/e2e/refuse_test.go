package e2e

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drover-db/drover/internal/freeport"
	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/cli"
	"github.com/drover-db/drover/test/fixture"
)

// contents is everything that a database holds, drover's ledger included; two
// equal ones mean that nothing was touched.
func contents(t *testing.T, target string) string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		return "no database"
	}
	if u.Scheme == "sqlite" {
		raw, err := os.ReadFile(u.Path)
		if err != nil {
			return "no file"
		}
		return string(raw)
	}
	if fixture.IsMySQL(target) {
		return mysqlContents(t, target)
	}
	out, err := fixture.Try(t.Context(), target, `
		SELECT n.nspname, c.relname, c.relkind, (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM %I.%I', n.nspname, c.relname), false, true, '')))[1]
		FROM pg_class c RIGHT JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND (c.relkind IS NULL OR c.relkind IN ('r', 'p', 'v')) ORDER BY 1, 2`)
	if err != nil {
		return "no database"
	}
	return out
}

// mysqlContents is contents on MySQL and MariaDB, with the databases beside it that
// have its name in theirs.
func mysqlContents(t *testing.T, target string) string {
	t.Helper()
	out, err := fixture.Try(t.Context(), target, `SELECT CONCAT('SELECT ''', table_schema, '.', table_name, ''', count(*) FROM "', table_schema, '"."', table_name, '";')
		FROM information_schema.tables WHERE table_schema LIKE CONCAT('%', DATABASE(), '%') ORDER BY table_schema, table_name`)
	if err == nil {
		out, err = fixture.Try(t.Context(), target, out+"\nSELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE CONCAT('%', DATABASE(), '%') ORDER BY 1")
	}
	if err != nil {
		return "no database"
	}
	return out
}

// with changes the parts of a database's URL.
func with(t *testing.T, raw string, change func(u *url.URL)) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	change(u)
	return u.String()
}

func shop(t *testing.T, target string) string {
	t.Helper()
	fixture.Exec(t, target, `CREATE TABLE item (id integer PRIMARY KEY, name varchar(40)); INSERT INTO item VALUES (1, 'one'), (2, 'two')`)
	return target
}

// refusal is bad input: one clear line that says what, where and what to do, and a
// documented exit code.
type refusal struct {
	name string
	// ends gives the source and the target.
	ends func(t *testing.T) (source, target string)
	args []string
	code int
	// says are words that the line must have.
	says []string
}

const wrongPassword = "not-the-password"

func deadPort(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

var refusals = []refusal{
	{name: "MalformedSourceURL", ends: func(t *testing.T) (string, string) { return "postgres:/nowhere", newSQLite(t) },
		code: 2, says: []string{"postgres://user@host:5432/database"}},
	{name: "UnknownScheme", ends: func(t *testing.T) (string, string) { return "oracle://db/x", newSQLite(t) },
		code: 2, says: []string{"oracle", "postgres", "sqlite"}},
	{name: "WrongSourcePassword", code: 5, says: []string{"password"}, ends: func(t *testing.T) (string, string) {
		return with(t, testdb.Postgres(t), func(u *url.URL) { u.User = url.UserPassword("drover", wrongPassword) }), newSQLite(t)
	}},
	{name: "WrongTargetPassword", code: 6, says: []string{"password"}, ends: func(t *testing.T) (string, string) {
		return shop(t, newSQLite(t)), with(t, testdb.Postgres(t), func(u *url.URL) { u.User = url.UserPassword("drover", wrongPassword) })
	}},
	{name: "DeadSourceHost", code: 5, says: []string{"connect", "127.0.0.1"}, ends: func(t *testing.T) (string, string) {
		return with(t, testdb.Postgres(t), func(u *url.URL) { u.Host = deadPort(t) }), newSQLite(t)
	}},
	{name: "DeadTargetHost", code: 6, says: []string{"connect", "127.0.0.1"}, ends: func(t *testing.T) (string, string) {
		return shop(t, newSQLite(t)), with(t, testdb.Postgres(t), func(u *url.URL) { u.Host = deadPort(t) })
	}},
	{name: "MissingSourceDatabase", code: 5, says: []string{"no_such_database", "does not exist"}, ends: func(t *testing.T) (string, string) {
		return with(t, testdb.Postgres(t), func(u *url.URL) { u.Path = "/no_such_database" }), newSQLite(t)
	}},
	{name: "MissingTargetDatabase", code: 6, says: []string{"no_such_database", "does not exist"}, ends: func(t *testing.T) (string, string) {
		return shop(t, newSQLite(t)), with(t, testdb.Postgres(t), func(u *url.URL) { u.Path = "/no_such_database" })
	}},
	{name: "MissingSourceFile", code: 5, says: []string{"/no/such/file.db"}, ends: func(t *testing.T) (string, string) {
		return "sqlite:///no/such/file.db", newSQLite(t)
	}},
	{name: "MissingTable", code: 8, says: []string{"public.nope"}, args: []string{"--tables", "public.nope"}, ends: func(t *testing.T) (string, string) {
		return shop(t, testdb.Postgres(t)), newSQLite(t)
	}},
	{name: "EmptyDatabase", code: 8, says: []string{"no table"}, ends: func(t *testing.T) (string, string) {
		return testdb.Postgres(t), newSQLite(t)
	}},
	{name: "TargetHasRows", code: 8, says: []string{"item", "--existing"}, ends: func(t *testing.T) (string, string) {
		return shop(t, newSQLite(t)), shop(t, testdb.Postgres(t))
	}},
	{name: "SQLiteTargetHasRows", code: 8, says: []string{"item", "--existing"}, ends: func(t *testing.T) (string, string) {
		return shop(t, testdb.Postgres(t)), shop(t, newSQLite(t))
	}},
	{name: "UnknownCastType", code: 8, says: []string{"place", "at", "colour", "TEXT"}, args: []string{"--cast", "point=colour"}, ends: func(t *testing.T) (string, string) {
		source := testdb.Postgres(t)
		fixture.Exec(t, source, `CREATE TABLE place (id int PRIMARY KEY, at point)`)
		return source, newSQLite(t)
	}},
	{name: "SameDatabase", code: 2, says: []string{"same database"}, ends: func(t *testing.T) (string, string) {
		db := shop(t, testdb.Postgres(t))
		return db, db
	}},
}

func TestRefuse_OneLineOneCodeNothingTouched(t *testing.T) { checkRefusals(t, refusals) }

func checkRefusals(t *testing.T, refusals []refusal) {
	t.Helper()
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			source, target := c.ends(t)
			before := [2]string{contents(t, source), contents(t, target)}
			r := drover(t).Copy(t, source, target, c.args...)
			refused(t, r, c.code, c.says...)
			if before != [2]string{contents(t, source), contents(t, target)} {
				t.Errorf("a database was changed; the target holds now:\n%s", contents(t, target))
			}
		})
	}
}

// refused checks the exit code and the one line on standard error.
func refused(t *testing.T, r cli.Result, code int, says ...string) {
	t.Helper()
	line := strings.TrimSpace(r.Stderr)
	if r.Code != code || line == "" || strings.Contains(line, "\n") {
		t.Errorf("exit code %d, want %d and one line, not:\n%s", r.Code, code, line)
	}
	for _, word := range says {
		if !strings.Contains(line, word) {
			t.Errorf("%q does not say %q", line, word)
		}
	}
	if strings.Contains(r.Stderr+r.Stdout, wrongPassword) {
		t.Errorf("the password is shown: %s%s", r.Stderr, r.Stdout)
	}
}

func TestRefuse_SpecSaysWhere(t *testing.T) {
	const good = "apiVersion: drover.dev/v1\nkind: Migration\nname: shop\nsource:\n  url: sqlite:/a.db\ntarget:\n  url: sqlite:/b.db\n"
	for name, c := range map[string]struct{ text, place, says string }{
		"UnknownField": {good + "colour: red\n", "spec.yaml:8:1", "colour"},
		"WrongValue":   {good + "existing: maybe\n", "spec.yaml:8:11", "append"},
		"WrongType":    {good + "ranges:\n  targetRows: many\n", "spec.yaml:9:15", "many"},
		"NotYAML":      {good + "tables: [\n", "spec.yaml:", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := drover(t)
			if err := os.WriteFile(filepath.Join(d.Dir, "spec.yaml"), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			refused(t, d.Run(t, "run", "-f", "spec.yaml"), 2, c.place, c.says)
		})
	}
}

// A value that the target cannot hold blocks its table by name of key and column;
// the other tables are complete.
func TestRefuse_NULInText(t *testing.T) {
	source, target := newSQLite(t), testdb.Postgres(t)
	shop(t, source)
	fixture.Exec(t, source, `CREATE TABLE note (id INTEGER PRIMARY KEY, line TEXT);
		INSERT INTO note VALUES (1, 'good'), (42, 'bad' || char(0) || 'text'), (43, 'good')`)
	r := drover(t).Copy(t, source, target)
	if r.Code != 4 || r.Summary.State != "INCOMPLETE" {
		t.Fatalf("exit code %d, state %s: %s", r.Code, r.Summary.State, r.Stderr)
	}
	if item := r.Summary.Table(t, "item"); item.State != "COMPLETE" {
		t.Errorf("table item is %+v", item)
	}
	note := r.Summary.Table(t, "note")
	if note.State != "BLOCKED" || !strings.Contains(note.Reason, "NUL") {
		t.Errorf("table note is %+v", note)
	}
	for _, word := range []string{"42", "line"} {
		if !strings.Contains(note.Reason+r.Stdout, word) {
			t.Errorf("%q does not name %s", note.Reason, word)
		}
	}
}

func TestRefuse_SecondRunOnFinishedState(t *testing.T) {
	source, target := shop(t, newSQLite(t)), testdb.Postgres(t)
	d := drover(t)
	proven(t, d.Copy(t, source, target))
	before := contents(t, target)
	refused(t, d.Copy(t, source, target), 2, "already complete", "--fresh")
	if contents(t, target) != before {
		t.Error("the second run changed the target")
	}
}

// A stream store without room is refused in one line that names the folder.
func TestRefuse_FullDisk(t *testing.T) {
	source, target := testdb.Postgres(t), newSQLite(t)
	fixture.Mixed(t, source, 2000)
	d := drover(t)
	state := filepath.Join(d.Dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	// A small file system that only this process sees.
	shell := cli.Drover{Binary: "unshare", Dir: d.Dir}
	r := shell.Run(t, "--mount", "--map-root-user", "sh", "-c",
		`mount -t tmpfs -o size=8m none "$1" && shift && exec "$@"`, "sh", state,
		d.Binary, "copy", source, target, "--state", state, "--progress", "none")
	refused(t, r, 1, state, "free")
}

func TestRefuse_PortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := drover(t).Run(t, "serve", "all", "--listen", l.Addr().String(), "--log-level", "error")
	refused(t, r, 2, l.Addr().String(), "in use")
}
