package mysql

import (
	"database/sql"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/secret"
	"github.com/drover-db/drover/internal/testdb"
)

var update = flag.Bool("update", false, "rewrite golden files")

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// flavours are the two products, each with a way to an empty database.
var flavours = []struct {
	name string
	new  func(testing.TB) string
}{{NameMySQL, testdb.MySQL}, {NameMariaDB, testdb.MariaDB}}

// eachFlavour runs a test on both servers, each time in a database of its own.
func eachFlavour(t *testing.T, f func(t *testing.T, d *database)) {
	for _, flavour := range flavours {
		t.Run(flavour.name, func(t *testing.T) { f(t, openDB(t, flavour.new(t))) })
	}
}

// configOf splits a test server's URL into a configuration: drover takes no password
// in a URL.
func configOf(t testing.TB, raw string) engine.Config {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	password, _ := u.User.Password()
	u.User = url.User(u.User.Username())
	return engine.Config{URL: u.String(), Password: secret.New(password), Application: "drover/test"}
}

// openDB opens a database by URL until the test ends.
func openDB(t testing.TB, raw string) *database {
	t.Helper()
	d, err := open(t.Context(), configOf(t, raw))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// script runs statements in drover's kind of session, but for the sql_mode: what a
// server without rules takes must be possible.
func script(t testing.TB, d *database, statements ...string) {
	t.Helper()
	conn, err := d.db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	_, err = conn.ExecContext(t.Context(), "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'")
	require.NoError(t, err)
	for _, s := range statements {
		_, err := conn.ExecContext(t.Context(), s)
		require.NoError(t, err, "%.300s", s)
	}
	_, err = conn.ExecContext(t.Context(), "SET sql_mode = "+literal(sqlMode))
	require.NoError(t, err)
}

// scan runs a query for one row.
func scan(t testing.TB, db *sql.DB, query string, into ...any) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(into...), query)
}
