// Package sqlite moves rows out of and into SQLite files through modernc.org/sqlite.
//
// A source is opened read-only. A target is one file with one writer: batches of
// all goroutines of a process take turns, other processes wait for the file's
// lock. The file of a target is made when it is first written to.
//
// SQLite checks no types, so every value is checked against the kind of its
// column when it is read; what does not fit exactly is refused by name of key and
// column, never converted.
//
// Read read.go and write.go first; catalog.go has what SQLite knows of a table.
package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	// The driver registers itself as "sqlite".
	_ "modernc.org/sqlite"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// Name is the engine's name in plans.
const Name = "sqlite"

// mainSchema is the one schema that drover looks at.
const mainSchema = "main"

var (
	_ engine.Engine      = (*Engine)(nil)
	_ engine.Database    = (*database)(nil)
	_ engine.RangeWriter = (*rangeWriter)(nil)
)

// Engine opens SQLite files.
type Engine struct{}

// New makes the engine.
func New() *Engine { return &Engine{} }

// Name is "sqlite".
func (*Engine) Name() string { return Name }

// Schemes is "sqlite": sqlite:///absolute/path or sqlite:relative/path.
func (*Engine) Schemes() []string { return []string{Name} }

// database is one file. Its pools are opened when first used: a target's file
// need not be there before Prepare.
type database struct {
	path     string
	target   bool
	maxConns int

	mu      sync.Mutex
	readers *sql.DB
	writer  *sql.DB
	// file is the target's file that the writer is connected to; nil until it is known.
	file os.FileInfo
}

// Open checks that the file is a database. The file of a target may be missing.
func (*Engine) Open(ctx context.Context, c engine.Config) (engine.Database, error) {
	const op = "sqlite.Open"
	path, err := parseURL(c.URL)
	if err != nil {
		return nil, err
	}
	d := &database{path: path, target: c.Create, maxConns: cmp.Or(c.MaxConns, 16)}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.Create:
		return d, d.checkFolder()
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.NotFound, op, "open %s: there is no such file", path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fault.New(fault.Denied, op, "open %s: permission denied", path)
	case err != nil:
		return nil, fault.Wrap(fault.Invalid, op, err)
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.Invalid, op, "open %s: it is not a file", path)
	}
	if err := d.probe(ctx); err != nil {
		return nil, errors.Join(fault.At(classify(op, err), "", path), d.Close())
	}
	return d, nil
}

func (d *database) checkFolder() error {
	folder := filepath.Dir(d.path)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return fault.New(fault.NotFound, "sqlite.Open", "make %s: there is no folder %s", d.path, folder)
	}
	return nil
}

// probe reads the schema, which fails for a file that is no database.
func (d *database) probe(ctx context.Context) error {
	pool, err := d.reading()
	if err != nil {
		return err
	}
	var n int64
	return pool.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&n)
}

// exists tells whether the file is there: a target's may not be yet.
func (d *database) exists() bool {
	_, err := os.Stat(d.path)
	return err == nil
}

// reading gives the pool for reads. Its connections change nothing in a source:
// they open the file read-only. Those of a target may take part in the care of
// its write-ahead log, which is what lets the last one to close remove it.
func (d *database) reading() (*sql.DB, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.readers != nil {
		return d.readers, nil
	}
	mode := "ro"
	if d.target {
		mode = "rw"
		if !d.exists() {
			return nil, fault.New(fault.NotFound, "sqlite.Read", "%s has not been made yet", d.path)
		}
	}
	pool, err := sql.Open("sqlite", dsn(d.path, url.Values{"mode": {mode}, "_query_only": {"1"}}))
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(d.maxConns)
	// An idle reader would keep the writer from leaving WAL mode at the end.
	pool.SetMaxIdleConns(0)
	d.readers = pool
	return pool, nil
}

// writing gives the pool of the one connection that writes, making the file.
func (d *database) writing() (*sql.DB, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.writer != nil {
		return d.writer, nil
	}
	if !d.target {
		return nil, fault.New(fault.Internal, "sqlite.Write", "%s is open for reading", d.path)
	}
	pool, err := sql.Open("sqlite", dsn(d.path, url.Values{"mode": {"rwc"}, "_txlock": {"immediate"}, "_foreign_keys": {"0"},
		"_synchronous": {"NORMAL"}, "_pragma": {"cache_size(-32768)"}}))
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	d.writer = pool
	return pool, nil
}

// dsn names a file and its settings for the driver. The schema of a file is
// somebody else's: its expressions may call no function with side effects.
func dsn(path string, settings url.Values) string {
	settings.Set("_busy_timeout", "10000")
	settings.Set("_dqs", "0")
	settings.Set("_error_rc", "1")
	settings.Add("_pragma", "trusted_schema(0)")
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: settings.Encode()}).String()
}

// Close closes the file. The last connection to a target moves its write-ahead
// log into it.
func (d *database) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closePools()
}

// closePools closes the connections; what needs one opens them again. The caller
// holds mu.
func (d *database) closePools() error {
	var errs []error
	for _, pool := range []*sql.DB{d.readers, d.writer} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	d.readers, d.writer, d.file = nil, nil, nil
	return fault.Wrap(fault.Internal, "sqlite.Close", errors.Join(errs...))
}

// identity tells this file from others. A target has one before it exists.
func (d *database) identity() string {
	if real, err := filepath.EvalSymlinks(d.path); err == nil {
		return "sqlite:" + real
	}
	if folder, err := filepath.EvalSymlinks(filepath.Dir(d.path)); err == nil {
		return "sqlite:" + filepath.Join(folder, filepath.Base(d.path))
	}
	return "sqlite:" + d.path
}
