// Package shop makes the database of `drover demo`: a SQLite file of a shop, the
// same to the last byte of every value wherever it is made. shop.sql is its
// contents; nothing here is used by a real migration.
package shop

import (
	"context"
	"database/sql"
	_ "embed"
	"net/url"
	"os"

	// The driver registers itself as "sqlite".
	_ "modernc.org/sqlite"

	"github.com/drover-db/drover/internal/fault"
)

// Rows is how many rows all tables have together.
const Rows = 356_054

//go:embed shop.sql
var script string

// Create makes the shop in a new file.
func Create(ctx context.Context, path string) (err error) {
	const op = "shop.Create"
	if _, err := os.Stat(path); err == nil {
		return fault.New(fault.Exists, op, "%s is there already", path)
	}
	// The file is new and can be made again: no need to sync it.
	pragmas := url.Values{"_pragma": {"journal_mode(OFF)", "synchronous(OFF)", "foreign_keys(OFF)", "cache_size(-65536)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: pragmas.Encode()}).String())
	if err != nil {
		return fault.Wrap(fault.Internal, op, err)
	}
	defer func() {
		if closed := db.Close(); err == nil {
			err = fault.Wrap(fault.Internal, op, closed)
		}
	}()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, script); err != nil {
		return fault.Wrap(fault.Exhausted, op, err)
	}
	return nil
}
