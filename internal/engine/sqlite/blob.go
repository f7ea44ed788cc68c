package sqlite

import (
	"database/sql"
	"errors"
	"io"
	"reflect"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/fault"
)

// blobs reads and writes values piece by piece, which the driver cannot: it holds each
// value twice.
// It calls SQLite on the driver's own connection, so that it sees what the connection's
// transaction sees.
// https://www.sqlite.org/c3ref/blob_open.html
type blobs struct {
	db  uintptr
	tls *libc.TLS
}

// openBlobs finds SQLite's connection inside of the driver's; nil where the driver has
// none of that name, and values have to be held.
func openBlobs(c *sql.Conn) (*blobs, error) {
	var db uint64
	err := c.Raw(func(driver any) error {
		if v := reflect.Indirect(reflect.ValueOf(driver)); v.Kind() == reflect.Struct {
			if field := v.FieldByName("db"); field.Kind() == reflect.Uintptr {
				db = field.Uint()
			}
		}
		return nil
	})
	if err != nil || db == 0 {
		return nil, err
	}
	return &blobs{db: uintptr(db), tls: libc.NewTLS()}, nil
}

func (b *blobs) close() { b.tls.Close() }

// limit bounds the values that statements read, which fail with SQLITE_TOOBIG at a larger
// one.
func (b *blobs) limit(bytes int) {
	sqlite3.Xsqlite3_limit(b.tls, b.db, sqlite3.SQLITE_LIMIT_LENGTH, int32(bytes))
}

// blob is a text or blob in a table, open for reading or writing.
type blob struct {
	of     *blobs
	handle uintptr
	size   int
	at     int
}

// open opens the value of a row's column to be read.
func (b *blobs) open(table, column string, rowid int64) (*blob, error) {
	return b.openFor(0, table, column, rowid)
}

// openFor opens a value to be read (0) or written (1).
func (b *blobs) openFor(flags int32, table, column string, rowid int64) (*blob, error) {
	var names [3]uintptr
	for i, name := range []string{mainSchema, table, column} {
		p, err := libc.CString(name)
		if err != nil {
			return nil, fault.Wrap(fault.Exhausted, "sqlite.Read", err)
		}
		defer libc.Xfree(b.tls, p)
		names[i] = p
	}
	out := &blob{of: b}
	code := sqlite3.Xsqlite3_blob_open(b.tls, b.db, names[0], names[1], names[2], rowid, flags, uintptr(unsafe.Pointer(&out.handle)))
	if code != sqlite3.SQLITE_OK {
		return nil, b.failed("open", column, code)
	}
	out.size = int(sqlite3.Xsqlite3_blob_bytes(b.tls, out.handle))
	return out, nil
}

func (b *blobs) failed(what, column string, code int32) error {
	return fault.New(codeKinds[int(code&0xff)], "sqlite.blob", "%s a large value of column %s: %s", what, column, libc.GoString(sqlite3.Xsqlite3_errmsg(b.tls, b.db)))
}

// Read reads on.
func (v *blob) Read(p []byte) (int, error) {
	n := min(len(p), v.size-v.at)
	if n == 0 {
		return 0, io.EOF
	}
	code := sqlite3.Xsqlite3_blob_read(v.of.tls, v.handle, uintptr(unsafe.Pointer(&p[0])), int32(n), int32(v.at))
	if code != sqlite3.SQLITE_OK {
		return 0, v.of.failed("read", "", code)
	}
	v.at += n
	return n, nil
}

func (v *blob) close() { sqlite3.Xsqlite3_blob_close(v.of.tls, v.handle) }

// write fills the zeros of a row's column.
func (b *blobs) write(table, column string, rowid int64, from *io.SectionReader) error {
	v, err := b.openFor(1, table, column, rowid)
	if err != nil {
		return err
	}
	defer v.close()
	buf := make([]byte, batch.PieceBytes)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if code := sqlite3.Xsqlite3_blob_write(b.tls, v.handle, uintptr(unsafe.Pointer(&buf[0])), int32(n), int32(v.at)); code != sqlite3.SQLITE_OK {
				return b.failed("write", column, code)
			}
			v.at += n
		}
		switch {
		case errors.Is(err, io.EOF) && v.at == v.size:
			return nil
		case errors.Is(err, io.EOF):
			return fault.New(fault.Corrupt, "sqlite.Write", "a value of column %s has %d bytes, %d came", column, v.size, v.at)
		case err != nil:
			return fault.Wrap(fault.Internal, "sqlite.Write", err)
		}
	}
}
