package sqlite

import (
	"context"
	"errors"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/drover-db/drover/internal/fault"
)

// kinds of SQLite's primary result codes. A code that is not here is Internal.
var codeKinds = map[int]fault.Kind{
	sqlite3.SQLITE_BUSY: fault.Conflict, sqlite3.SQLITE_LOCKED: fault.Conflict, sqlite3.SQLITE_SCHEMA: fault.Conflict,
	sqlite3.SQLITE_PROTOCOL: fault.Conflict, sqlite3.SQLITE_FULL: fault.Exhausted, sqlite3.SQLITE_NOMEM: fault.Exhausted,
	sqlite3.SQLITE_READONLY: fault.Denied, sqlite3.SQLITE_PERM: fault.Denied, sqlite3.SQLITE_AUTH: fault.Denied,
	sqlite3.SQLITE_CANTOPEN: fault.Unavailable, sqlite3.SQLITE_IOERR: fault.Unavailable, sqlite3.SQLITE_NOTADB: fault.Invalid,
	sqlite3.SQLITE_CORRUPT: fault.Invalid, sqlite3.SQLITE_CONSTRAINT: fault.Value, sqlite3.SQLITE_MISMATCH: fault.Value,
	sqlite3.SQLITE_TOOBIG: fault.Value, sqlite3.SQLITE_INTERRUPT: fault.Canceled, sqlite3.SQLITE_ABORT: fault.Canceled,
}

// classify gives an error of the driver its kind and says what to do about those
// that a user can do something about. Other errors keep theirs.
func classify(op string, err error) error {
	var f *fault.Error
	if err == nil || errors.As(err, &f) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return fault.Wrap(fault.Canceled, op, err)
	}
	var e *driver.Error
	if !errors.As(err, &e) {
		return fault.Wrap(fault.KindOf(err), op, err)
	}
	code := e.Code() & 0xff
	kind := codeKinds[code]
	switch code {
	case sqlite3.SQLITE_BUSY:
		return fault.New(kind, op, "another process holds the file's lock: %w", err)
	case sqlite3.SQLITE_FULL:
		return fault.New(kind, op, "the disk is full, or the file has reached its page limit: %w", err)
	case sqlite3.SQLITE_NOTADB:
		return fault.New(kind, op, "the file is not a SQLite database: %w", err)
	case sqlite3.SQLITE_CORRUPT:
		return fault.New(kind, op, "the file is damaged (sqlite3 can try .recover): %w", err)
	case sqlite3.SQLITE_READONLY:
		return fault.New(kind, op, "the file or its folder cannot be written to: %w", err)
	case sqlite3.SQLITE_CANTOPEN:
		return fault.New(kind, op, "the file, or the log beside it, cannot be opened (a database in WAL mode needs a folder that can be written to): %w", err)
	}
	return fault.Wrap(kind, op, err)
}

// primaryCode is SQLite's result code without its extension; 0 for other errors.
func primaryCode(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}
