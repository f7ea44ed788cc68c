package mysql

import (
	"cmp"
	"context"
	"database/sql"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/drover-db/drover/internal/dial"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

const (
	defaultMaxConns    = 16
	defaultApplication = "drover"
	// idleTime closes what a finished job leaves open.
	idleTime = 30 * time.Second
	// maxPacket is the largest packet of the protocol: what a server takes, it says.
	maxPacket = 1 << 30
)

// database is an open database of a server. It may be used by many goroutines.
type database struct {
	// db is for control queries and for writing. Its sessions are those of session.go;
	// an UPDATE counts the rows it found, changed or not.
	db      *sql.DB
	dialect *dialect
	// schema is the URL's database.
	schema            string
	version, identity string
	endpoint          *endpoint
	readers           *readerPool
	fingerprints      fingerprints
}

// open connects, finds out which product the server is, and opens the pools.
func open(ctx context.Context, c engine.Config) (*database, error) {
	e, err := parseURL(c)
	if err != nil {
		return nil, err
	}
	e.application = cmp.Or(e.application, defaultApplication)
	d := &database{schema: e.database, endpoint: e}
	if err := d.connect(ctx, cmp.Or(c.MaxConns, defaultMaxConns), c.CloseIdle); err != nil {
		_ = d.Close() // the first error is the one to tell
		return nil, fault.At(classify("mysql.Open", err), "", e.address)
	}
	return d, nil
}

// connect asks the server what it is over a connection of its own: the session
// settings of the others depend on it.
func (d *database) connect(ctx context.Context, maxConns int, closeIdle bool) error {
	first, err := openPool(d.endpoint, sessionSettings)
	if err != nil {
		return err
	}
	var version, schema string
	err = first.QueryRowContext(ctx, "SELECT version(), database()").Scan(&version, &schema)
	var cipher string
	if err == nil {
		err = first.QueryRowContext(ctx, "SHOW SESSION STATUS LIKE 'Ssl_cipher'").Scan(new(string), &cipher)
	}
	if closed := first.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if cipher == "" {
		d.endpoint.tls.config = nil // the server has none, and the URL does not insist
	}
	if d.dialect, d.version, err = dialectOf(version); err != nil {
		return err
	}
	// As the server spells it, where it does not tell letters' cases apart.
	d.schema = schema
	if d.db, err = openPool(d.endpoint, d.dialect.sessionSettings()); err != nil {
		return err
	}
	d.db.SetMaxOpenConns(maxConns)
	if closeIdle {
		d.db.SetMaxIdleConns(0)
	} else {
		d.db.SetMaxIdleConns(maxConns)
	}
	d.db.SetConnMaxIdleTime(idleTime)
	d.readers = newReaderPool(d.endpoint, d.dialect, maxConns)
	d.readers.closeIdle = closeIdle
	var server string
	if err := d.db.QueryRowContext(ctx, "SELECT "+d.dialect.identity).Scan(&server); err != nil {
		return err
	}
	d.identity = d.dialect.name + ":" + server + "/" + d.schema
	return nil
}

// openPool makes a pool of connections with these session settings.
func openPool(e *endpoint, settings map[string]string) (*sql.DB, error) {
	cfg := driver.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName = e.user, e.password, e.network, e.address, e.database
	cfg.DialFunc = dial.Timeout(e.connectTimeout)
	cfg.TLS, cfg.AllowFallbackToPlaintext = e.tls.config, e.tls.fallback
	cfg.ConnectionAttributes = "program_name:" + plain(e.application)
	cfg.Params = settings
	cfg.MaxAllowedPacket = maxPacket
	cfg.ClientFoundRows = true
	cfg.Logger = &driver.NopLogger{} // its lines are in the errors too
	if err := cfg.Apply(driver.Charset(charset, collation)); err != nil {
		return nil, err
	}
	connector, err := driver.NewConnector(cfg)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "mysql.Open", err)
	}
	return sql.OpenDB(connector), nil
}

// Close closes all connections.
func (d *database) Close() error {
	if d.db == nil {
		return nil
	}
	if d.readers != nil {
		d.readers.close()
	}
	return fault.Wrap(fault.Internal, "mysql.Close", d.db.Close())
}

// transact runs f in a transaction: what f reads stays as it was until it commits.
func (d *database) transact(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := d.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return classify("mysql.transact", err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // the first error is the one to tell
		return err
	}
	return classify("mysql.transact", tx.Commit())
}
