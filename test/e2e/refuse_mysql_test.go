package e2e

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// limited is a URL of the same database for a user who has only the privileges given.
func limited(t *testing.T, target, privileges string) string {
	t.Helper()
	u, err := url.Parse(target)
	require.NoError(t, err)
	user := strings.Replace(u.Path[1:], "drover_test_", "limited_", 1)
	fixture.Exec(t, target, "CREATE USER "+user+" IDENTIFIED BY 'limited'; GRANT "+privileges+" ON "+u.Path[1:]+".* TO "+user)
	t.Cleanup(func() {
		if out, err := exec.Command("mariadb", "--no-defaults", "--host="+u.Hostname(), "--port="+u.Port(), "--user="+u.User.Username(),
			"--password="+passwordOf(t, target), "-e", "DROP USER "+user).CombinedOutput(); err != nil {
			t.Errorf("drop user: %v: %s", err, out)
		}
	})
	return with(t, target, func(u *url.URL) { u.User = url.UserPassword(user, "limited") })
}

// strangeCA is a certificate that has signed nothing.
func strangeCA(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=a stranger",
		"-keyout", filepath.Join(dir, "key.pem"), "-out", filepath.Join(dir, "ca.pem")).CombinedOutput()
	require.NoError(t, err, string(out))
	return filepath.Join(dir, "ca.pem")
}

// verified asks for a server that the CA in a file has signed.
func verified(t *testing.T, target, ca string) string {
	return with(t, target, func(u *url.URL) { u.RawQuery = url.Values{"ssl-mode": {"VERIFY_CA"}, "ssl-ca": {ca}}.Encode() })
}

func made(t *testing.T, target, statements string) string {
	t.Helper()
	fixture.Exec(t, target, statements)
	return target
}

// longName has 32 characters, 64 bytes.
var longName = strings.Repeat("ß", 32)

var mysqlRefusals = []refusal{
	{name: "WrongSourcePassword", code: 5, says: []string{"password"}, ends: func(t *testing.T) (string, string) {
		return with(t, testdb.MySQL(t), func(u *url.URL) { u.User = url.UserPassword("drover", wrongPassword) }), newSQLite(t)
	}},
	{name: "WrongTargetPassword", code: 6, says: []string{"password"}, ends: func(t *testing.T) (string, string) {
		return shop(t, newSQLite(t)), with(t, testdb.MariaDB(t), func(u *url.URL) { u.User = url.UserPassword("drover", wrongPassword) })
	}},
	{name: "DeadSourceHost", code: 5, says: []string{"connect", "127.0.0.1"}, ends: func(t *testing.T) (string, string) {
		return with(t, testdb.MySQL(t), func(u *url.URL) { u.Host = deadPort(t) }), newSQLite(t)
	}},
	{name: "MissingSourceDatabase", code: 5, says: []string{"no_such_database"}, ends: func(t *testing.T) (string, string) {
		return with(t, testdb.MySQL(t), func(u *url.URL) { u.Path = "/no_such_database" }), newSQLite(t)
	}},
	{name: "UnknownURLParameter", code: 2, says: []string{"charset", "ssl-mode"}, ends: func(t *testing.T) (string, string) {
		return testdb.MySQL(t) + "?charset=latin1", newSQLite(t)
	}},
	{name: "WrongSourceCA", code: 5, says: []string{"certificate"}, ends: func(t *testing.T) (string, string) {
		return verified(t, shop(t, testdb.MySQL(t)), strangeCA(t)), newSQLite(t)
	}},
	{name: "WrongTargetCA", code: 6, says: []string{"certificate"}, ends: func(t *testing.T) (string, string) {
		return shop(t, newSQLite(t)), verified(t, testdb.MySQL(t), strangeCA(t))
	}},
	{name: "MissingCAFile", code: 2, says: []string{"/no/such/ca.pem"}, ends: func(t *testing.T) (string, string) {
		return verified(t, shop(t, testdb.MySQL(t)), "/no/such/ca.pem"), newSQLite(t)
	}},
	{name: "MyISAMTarget", code: 8, says: []string{"item", "MyISAM", "InnoDB"}, args: []string{"--existing", "append"}, ends: func(t *testing.T) (string, string) {
		return shop(t, testdb.Postgres(t)), made(t, testdb.MySQL(t), "CREATE TABLE item (id int PRIMARY KEY, name varchar(40)) ENGINE = MyISAM")
	}},
	{name: "UserWithoutSelect", code: 5, says: []string{"SELECT"}, ends: func(t *testing.T) (string, string) {
		return limited(t, shop(t, testdb.MySQL(t)), "INSERT"), newSQLite(t)
	}},
	{name: "UserWithoutCreate", code: 8, says: []string{"CREATE"}, ends: func(t *testing.T) (string, string) {
		return shop(t, testdb.Postgres(t)), limited(t, testdb.MySQL(t), "SELECT, INSERT, UPDATE, DELETE")
	}},
	{name: "MariaDBUserWithoutCreate", code: 8, says: []string{"CREATE"}, ends: func(t *testing.T) (string, string) {
		return shop(t, testdb.Postgres(t)), limited(t, testdb.MariaDB(t), "SELECT, INSERT, UPDATE, DELETE")
	}},
	{name: "TargetHasRows", code: 8, says: []string{"item", "--existing"}, ends: func(t *testing.T) (string, string) {
		return shop(t, newSQLite(t)), shop(t, testdb.MySQL(t))
	}},
	{name: "TableNameTooLong", code: 8, says: []string{longName, "63"}, ends: func(t *testing.T) (string, string) {
		return made(t, testdb.MySQL(t), "CREATE TABLE "+longName+" (id int PRIMARY KEY)"), testdb.Postgres(t)
	}},
	{name: "ColumnNameTooLong", code: 8, says: []string{longName, "63"}, ends: func(t *testing.T) (string, string) {
		return made(t, testdb.MySQL(t), "CREATE TABLE item (id int PRIMARY KEY, "+longName+" int)"), testdb.Postgres(t)
	}},
	{name: "TablesThatDifferInCase", code: 8, says: []string{"Item", "item", "case"}, ends: func(t *testing.T) (string, string) {
		return made(t, testdb.MySQL(t), "CREATE TABLE Item (id int PRIMARY KEY); CREATE TABLE item (id int PRIMARY KEY)"), newSQLite(t)
	}},
	{name: "ColumnsThatDifferInCase", code: 8, says: []string{"Name", "name", "case"}, ends: func(t *testing.T) (string, string) {
		return made(t, testdb.Postgres(t), `CREATE TABLE item (id int PRIMARY KEY, "Name" text, name text)`), testdb.MySQL(t)
	}},
	{name: "FilterOnMissingColumn", code: 8, says: []string{"item", "colour"}, args: []string{"--where", "item=colour = 'red'"}, ends: func(t *testing.T) (string, string) {
		return shop(t, testdb.MySQL(t)), testdb.Postgres(t)
	}},
	{name: "FilterThatIsNone", code: 2, says: []string{"where", "character 5"}, args: []string{"--where", "item=id >"}, ends: func(t *testing.T) (string, string) {
		return shop(t, testdb.MySQL(t)), testdb.Postgres(t)
	}},
	{name: "ImpossibleCast", code: 8, says: []string{"day", "uuid"}, args: []string{"--cast", "date=uuid"}, ends: func(t *testing.T) (string, string) {
		return made(t, testdb.MySQL(t), "CREATE TABLE item (id int PRIMARY KEY, day date)"), testdb.Postgres(t)
	}},
	{name: "UnknownCastType", code: 8, says: []string{"name", "colour"}, args: []string{"--cast", "character varying(40)=colour"}, ends: func(t *testing.T) (string, string) {
		return shop(t, testdb.Postgres(t)), testdb.MySQL(t)
	}},
	{name: "SameDatabase", code: 2, says: []string{"same database"}, ends: func(t *testing.T) (string, string) {
		db := shop(t, testdb.MySQL(t))
		return db, db
	}},
}

func TestRefuse_MySQL(t *testing.T) { checkRefusals(t, mysqlRefusals) }

// A server that lets nobody load files is filled by inserts, and the plan says so.
func TestRefuse_NoLocalInfileIsSlowerOnly(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.OwnMariaDB(t, "--local-infile=OFF")
	fixture.Chinook(t, source, fixture.Postgres)
	r := drover(t).Copy(t, source, target)
	proven(t, r)
	equal(t, source, target)
	assert.Contains(t, findings(r), "local_infile")
}

// The right CA is taken on both sides.
func TestRefuse_NotTheRightCA(t *testing.T) {
	ca := os.Getenv("DROVER_TEST_MYSQL_CA")
	require.NotEmpty(t, ca, "DROVER_TEST_MYSQL_CA is not set: eval \"$(scripts/testdb env)\"")
	source, target := testdb.MySQL(t), testdb.MySQL(t)
	shop(t, source)
	proven(t, drover(t).Copy(t, verified(t, source, ca), verified(t, target, ca)))
	equal(t, source, target)
}

// values that a target cannot hold exactly: their table is blocked, by key and column.
var blockedValues = []struct {
	name     string
	from, to side
	sql      string
	args     []string
	says     []string
}{
	{"ZeroDate", mysql, postgres15, "SET sql_mode = ''; CREATE TABLE bad (id int PRIMARY KEY, day date); INSERT INTO bad VALUES (42, '0000-00-00')", nil, []string{"42", "day"}},
	{"ZeroDateMariaDB", mariadb, postgres15, "SET sql_mode = ''; CREATE TABLE bad (id int PRIMARY KEY, day datetime); INSERT INTO bad VALUES (42, '2024-00-10')", nil, []string{"42", "day"}},
	{"UnsignedIntoSQLite", mysql, sqlite, "CREATE TABLE bad (id int PRIMARY KEY, n bigint unsigned); INSERT INTO bad VALUES (41, 7), (42, 9223372036854775808)",
		[]string{"--cast", "bigint unsigned=INTEGER"}, []string{"42", "n"}},
	{"UnsignedIntoBigint", mysql, postgres15, "CREATE TABLE bad (id int PRIMARY KEY, n bigint unsigned); INSERT INTO bad VALUES (41, 7), (42, 9223372036854775808)",
		[]string{"--cast", "bigint unsigned=bigint"}, []string{"42", "n"}},
	{"InvalidUTF8", sqlite, mysql, "CREATE TABLE bad (id INTEGER PRIMARY KEY, word TEXT); INSERT INTO bad VALUES (42, CAST(x'61ff62' AS TEXT))", nil, []string{"42", "word"}},
	{"NaN", postgres15, mysql, "CREATE TABLE bad (id int PRIMARY KEY, x double precision); INSERT INTO bad VALUES (42, 'NaN')", nil, []string{"42", "x"}},
	{"Infinity", postgres15, mariadb, "CREATE TABLE bad (id int PRIMARY KEY, at timestamp); INSERT INTO bad VALUES (42, 'infinity')", nil, []string{"42", "at"}},
	{"NULByte", mysql, postgres15, "CREATE TABLE bad (id int PRIMARY KEY, word varchar(10)); INSERT INTO bad VALUES (42, x'610062')", nil, []string{"42", "word"}},
}

func TestRefuse_ValuesBlockTheirTableAlone(t *testing.T) {
	for _, c := range blockedValues {
		t.Run(c.name, func(t *testing.T) {
			source, target := c.from.make(t), c.to.make(t)
			shop(t, source)
			fixture.Exec(t, source, c.sql)
			r := drover(t).Copy(t, source, target, c.args...)
			require.Equal(t, 4, r.Code, r.Stderr)
			assert.Equal(t, "COMPLETE", r.Summary.Table(t, "item").State)
			bad := r.Summary.Table(t, "bad")
			assert.Equal(t, "BLOCKED", bad.State)
			for _, word := range c.says {
				assert.Contains(t, bad.Reason+r.Stdout, word)
			}
		})
	}
}
