package postgres

import (
	"bytes"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/testdb"
)

// pgDump gives the pg_dump of PostgreSQL 15 or 18. The one of 18 is in the tree that
// scripts/testdb runs the server from.
func pgDump(t *testing.T, version int, args ...string) *exec.Cmd {
	t.Helper()
	if version < firstNamedNotNull {
		path := "/usr/lib/postgresql/15/bin/pg_dump"
		require.FileExists(t, path, "pg_dump of PostgreSQL 15: scripts/testdb up installs postgresql-client-15")
		return exec.CommandContext(t.Context(), path, args...)
	}
	cache := os.Getenv("DROVER_TESTDB_CACHE")
	if cache == "" {
		cache = "/var/cache/drover-testdb"
	}
	tree, path := filepath.Join(cache, "sid"), "/usr/lib/postgresql/18/bin/pg_dump"
	require.FileExists(t, filepath.Join(tree, path), "pg_dump of PostgreSQL 18: scripts/testdb up makes the tree that it is in")
	return exec.CommandContext(t.Context(), "chroot", append([]string{tree, path}, args...)...)
}

// noise is what differs between dumps of the same schema.
var noise = regexp.MustCompile(`(?m)^(--.*|SET [^d].*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)?\n`)

// dumpSchema dumps the schema of a database, without drover's own.
func dumpSchema(t *testing.T, version int, database string) string {
	t.Helper()
	cmd := pgDump(t, version, "--schema-only", "--exclude-schema=drover", "--dbname="+database)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "pg_dump of %s: %s", databaseName(t, database), stderr.String())
	return noise.ReplaceAllString(string(out), "")
}

func databaseName(t *testing.T, raw string) string {
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u.Path
}

// private is what only one server or client takes: restrictions on psql's commands, and
// a parameter of columns that some builds of 15 keep for themselves.
var private = regexp.MustCompile(`(?m)^\\(un)?restrict .*\n|^ALTER (?:"(?:[^"]|"")*"|[^";])* SET \(pg_attver=\d+\);\n|pg_attver=\d+, `)

// restored is the schema as pg_dump and psql carry it to another server: what a
// migration's target is to be equal to.
func restored(t *testing.T, version int, source string, newDatabase func(testing.TB) string) string {
	to := newDatabase(t)
	cmd := pgDump(t, version, "--schema-only", "--dbname="+source)
	out, err := cmd.Output()
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), to)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	sql := private.ReplaceAllString(string(out), "")
	_, err = conn.PgConn().Exec(t.Context(), sql).ReadAll()
	require.NoError(t, err)
	return dumpSchema(t, version, to)
}

// Between databases of PostgreSQL nothing is lost that a dump of the schema carries.
func TestWhole_SchemaIsTheSame(t *testing.T) {
	const old, later = 150000, 180000
	for name, c := range map[string]struct {
		source, target func(testing.TB) string
		version        int
		files          []string
	}{
		"15To15":     {testdb.Postgres, testdb.Postgres, old, []string{"whole.sql"}},
		"15To18":     {testdb.Postgres, testdb.Postgres18, later, []string{"whole.sql"}},
		"18To18":     {testdb.Postgres18, testdb.Postgres18, later, []string{"whole.sql", "whole18.sql"}},
		"Rare15To15": {testdb.Postgres, testdb.Postgres, old, []string{"whole_rare.sql"}},
		"Rare15To18": {testdb.Postgres, testdb.Postgres18, later, []string{"whole_rare.sql"}},
		"Rare18To18": {testdb.Postgres18, testdb.Postgres18, later, []string{"whole_rare.sql"}},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := c.source(t), c.target(t)
			for _, file := range c.files {
				raw, err := os.ReadFile(filepath.Join("testdata", file))
				require.NoError(t, err)
				script(t, from, string(raw))
			}
			design := wholeDesign(t, openDB(t, from), openDB(t, to), engine.DesignRequest{})
			copyAll(t, openDB(t, from), openDB(t, to), design)
			require.Equal(t, restored(t, c.version, from, c.target), dumpSchema(t, c.version, to))
		})
	}
}

// wholeDesign plans a database that nothing stands against.
func wholeDesign(t *testing.T, source, target *database, r engine.DesignRequest) *planv1.Design {
	found, err := source.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	require.Empty(t, found.GetUnmoved())
	r.Source, r.Name = found, byName
	design, err := target.Design(t.Context(), r)
	require.NoError(t, err)
	for _, p := range design.GetTables() {
		for _, f := range p.GetFindings() {
			require.Less(t, f.GetSeverity(), warning, "%v", f)
		}
	}
	for _, f := range design.GetFindings() {
		require.Less(t, f.GetSeverity(), warning, "%v", f)
	}
	require.Empty(t, design.GetUnmoved())
	return design
}
