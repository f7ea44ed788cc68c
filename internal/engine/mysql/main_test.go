package mysql

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
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

// openAs opens a database as another user.
func openAs(t testing.TB, d *database, user, password string) *database {
	t.Helper()
	u, err := url.Parse(rawURL(d))
	require.NoError(t, err)
	u.User = url.UserPassword(user, password)
	return openDB(t, u.String())
}

// dropUser drops the user that has the database's name.
func dropUser(t testing.TB, d *database) {
	t.Helper()
	_, err := d.db.ExecContext(context.Background(), "DROP USER IF EXISTS "+d.schema)
	require.NoError(t, err)
}

// planOf plans a table as it is: each column by its own kind.
func planOf(t testing.TB, table *planv1.Table) *planv1.TablePlan {
	t.Helper()
	p := &planv1.TablePlan{Number: 1, Source: table, TargetSchema: table.GetSchema(), TargetName: table.GetName(), Encoding: planv1.Encoding_ENCODING_CANONICAL,
		ValidateByRange: true}
	for _, c := range table.GetColumns() {
		scale := int32(-1)
		if c.GetKind() == canon.Decimal {
			scale = c.GetScale()
		}
		column, err := engine.PlanColumn(c, c.GetNativeType(), c.GetKind(), scale)
		require.NoError(t, err)
		p.Columns = append(p.Columns, column)
	}
	return p
}

// readRows reads a range: the canonical rows as fields, and their keys.
func readRows(t testing.TB, d *database, r engine.ReadRequest) (rows [][][]byte, keys []*planv1.Bound) {
	t.Helper()
	require.NoError(t, d.Read(t.Context(), r, func(row engine.Row) error {
		fields := make([][]byte, len(r.Plan.GetColumns()))
		_, rest, err := batch.Fields(planv1.Encoding_ENCODING_CANONICAL, bytes.Clone(row.Data), fields)
		require.NoError(t, err)
		require.Empty(t, rest)
		key, err := row.Key()
		require.NoError(t, err)
		rows, keys = append(rows, fields), append(keys, key)
		return nil
	}))
	return rows, keys
}

// openFlavour opens a new database of one product.
func openFlavour(t testing.TB, name string) *database {
	t.Helper()
	for _, f := range flavours {
		if f.name == name {
			return openDB(t, f.new(t))
		}
	}
	t.Fatalf("no product %s", name)
	return nil
}

// scanPlan reads the way and the remarks of a query's plan.
func scanPlan(used, extra *string) func(*sql.Rows) error {
	return func(rows *sql.Rows) error {
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		values := map[string]*sql.NullString{}
		var into []any
		for _, c := range columns {
			values[c] = &sql.NullString{}
			into = append(into, values[c])
		}
		err = rows.Scan(into...)
		*used, *extra = values["type"].String+" "+values["key"].String, values["Extra"].String
		return err
	}
}
