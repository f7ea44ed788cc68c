package postgres

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drover-db/drover/internal/dial"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

const (
	// Name is the engine's name in plans.
	Name = "postgres"

	defaultMaxConns    = 16
	defaultApplication = "drover"
	connectTimeout     = 15 * time.Second
	closeTimeout       = 3 * time.Second
	// minVersion is the oldest server_version_num drover is tested on.
	minVersion = 150000
)

// sessionSettings hold for every connection. The search path is pinned so that no
// function or operator of a user's schema can stand in for one of the catalog's;
// it also makes the catalog's functions print qualified names. Compiling the long queries
// of the catalog takes many times what running them does.
const sessionSettings = `SET search_path = pg_catalog;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'iso_8601';
SET extra_float_digits = 1;
SET bytea_output = 'hex';
SET row_security = off;
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = '5min';
SET synchronize_seqscans = off;
SET client_min_messages = warning;
SET default_transaction_read_only = off;
SET default_transaction_isolation = 'read committed';
SET quote_all_identifiers = off;
SET array_nulls = on;
SET transform_null_equals = off;
SET xmloption = content;
SET jit = off`

type postgresEngine struct{}

// New gives the engine.
func New() engine.Engine { return postgresEngine{} }

// Name is "postgres".
func (postgresEngine) Name() string { return Name }

// Schemes are those of libpq.
func (postgresEngine) Schemes() []string { return []string{"postgres", "postgresql"} }

// Open connects once, so that a wrong URL, login or database is known at once.
func (postgresEngine) Open(ctx context.Context, c engine.Config) (engine.Database, error) {
	cfg, err := parseURL(c)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = int32(cmp.Or(c.MaxConns, defaultMaxConns))
	cfg.ConnConfig.ConnectTimeout = cmp.Or(cfg.ConnConfig.ConnectTimeout, connectTimeout)
	// Catalog queries are few and a pooler in between may not keep statements.
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	cfg.ConnConfig.RuntimeParams["client_encoding"] = "UTF8"
	cfg.ConnConfig.BuildFrontend = newFrontend
	if cfg.ConnConfig.RuntimeParams["application_name"] == "" {
		cfg.ConnConfig.RuntimeParams["application_name"] = cmp.Or(c.Application, defaultApplication)
	}
	cfg.ConnConfig.DialFunc = dial.Timeout(0) // ConnectTimeout bounds it
	cfg.AfterConnect = setUp
	if c.CloseIdle {
		cfg.AfterRelease = func(*pgx.Conn) bool { return false }
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, openError(cfg, err)
	}
	db := &database{pool: pool}
	if err := db.greet(ctx); err != nil {
		pool.Close()
		return nil, openError(cfg, err)
	}
	return db, nil
}

// database is an open PostgreSQL database.
type database struct {
	pool *pgxpool.Pool
	// version is what the server prints, versionNum its number: 150020.
	version    string
	versionNum int
	identity   string
	// encoding is what the server keeps text in; sqlASCII is set where it does not check.
	encoding string
	sqlASCII bool
}

var _ engine.Database = (*database)(nil)

// Close closes the connections. Each says farewell and waits for the server to hang up;
// one that is as good as gone must not keep a process from ending.
func (db *database) Close() error {
	closed := make(chan struct{})
	go func() {
		db.pool.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(closeTimeout):
	}
	return nil
}

// greet reads what tells the server and the database from others.
func (db *database) greet(ctx context.Context) error {
	const op = "postgres.Open"
	var name, encoding, version string
	var oid uint32
	var mayIdentify bool
	err := db.pool.QueryRow(ctx, `SELECT d.datname::text, d.oid, current_setting('server_encoding'), current_setting('server_version_num')::int4,
		current_setting('server_version'), has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
		FROM pg_catalog.pg_database d WHERE d.datname = current_database()`).
		Scan(&name, &oid, &encoding, &db.versionNum, &version, &mayIdentify)
	if err != nil {
		return err
	}
	if db.versionNum < minVersion {
		return fault.New(fault.Unsupported, op, "server is PostgreSQL %s: drover needs 15 or later", version)
	}
	db.version, _, _ = strings.Cut(version, " ")
	db.encoding, db.sqlASCII = encoding, encoding == encodingNone
	system := "unknown"
	if mayIdentify {
		if err := db.pool.QueryRow(ctx, `SELECT system_identifier::text FROM pg_catalog.pg_control_system()`).Scan(&system); err != nil {
			return err
		}
	}
	db.identity = "postgres:" + system + "/" + itoa(int64(oid)) + "/" + name
	return nil
}

// openError says which server, and what to do.
func openError(cfg *pgxpool.Config, err error) error {
	const op = "postgres.Open"
	where := address(cfg)
	out := fault.Find(classify(op, err))
	var pe *pgconn.PgError
	var dial *net.OpError
	var lookup *net.DNSError
	switch {
	case errors.As(err, &pe):
		out = &fault.Error{Kind: out.Kind, Op: op, Err: serverError(pe, err)}
	case errors.As(err, &lookup):
		out = fault.New(fault.Unavailable, op, "find host %s: %s", cfg.ConnConfig.Host, lookup.Err)
	case errors.As(err, &dial):
		out = fault.New(fault.Unavailable, op, "connect: %s", strings.TrimPrefix(dial.Err.Error(), "connect: "))
	case out.Kind == fault.Unavailable:
		out = fault.New(fault.Unavailable, op, "connect: %s", strings.TrimSpace(afterLast(err.Error(), "`:")))
	}
	return fault.At(out, "", where)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
