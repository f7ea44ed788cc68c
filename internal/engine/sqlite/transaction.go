package sqlite

import (
	"context"
	"database/sql"
	"os"
	"sync"

	"github.com/drover-db/drover/internal/fault"
)

// turns holds one token a file: whoever has it is the one writer of this
// process. SQLite's own lock, which keeps other processes out, is polled; a
// process's goroutines would starve each other on it.
var turns sync.Map

// turn waits for the process's right to write to the file.
func (d *database) turn(ctx context.Context) (done func(), err error) {
	token, _ := turns.LoadOrStore(d.path, make(chan struct{}, 1))
	lock := token.(chan struct{})
	select {
	case lock <- struct{}{}:
		return func() { <-lock }, nil
	case <-ctx.Done():
		return nil, fault.Wrap(fault.KindOf(ctx.Err()), "sqlite.Write", ctx.Err())
	}
}

// write runs f in a write transaction. The file must have been made by Prepare.
func (d *database) write(ctx context.Context, f func(*sql.Tx) error) error {
	return d.writeOn(ctx, func(_ *sql.Conn, tx *sql.Tx) error { return f(tx) })
}

// writeOn is write for an f that needs the transaction's connection, too.
func (d *database) writeOn(ctx context.Context, f func(*sql.Conn, *sql.Tx) error) error {
	if err := d.follow(); err != nil {
		return err
	}
	return d.onWriter(ctx, func(c *sql.Conn) error { return transact(ctx, c, func(tx *sql.Tx) error { return f(c, tx) }) })
}

// writeDurably is write, but when it returns the commit, and all commits before
// it, are on disk: the log is synced as a whole.
func (d *database) writeDurably(ctx context.Context, f func(*sql.Tx) error) error {
	if err := d.follow(); err != nil {
		return err
	}
	return d.onWriter(ctx, func(c *sql.Conn) error {
		if _, err := c.ExecContext(ctx, "PRAGMA synchronous = FULL"); err != nil {
			return err
		}
		err := transact(ctx, c, f)
		// The connection is used again: leaving it careful would only cost time.
		_, _ = c.ExecContext(context.WithoutCancel(ctx), "PRAGMA synchronous = NORMAL")
		return err
	})
}

// onWriter runs f on the connection that writes, when it is this caller's turn.
func (d *database) onWriter(ctx context.Context, f func(*sql.Conn) error) error {
	done, err := d.turn(ctx)
	if err != nil {
		return err
	}
	defer done()
	pool, err := d.writing()
	if err != nil {
		return err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := f(conn); err != nil {
		return err
	}
	return d.stillThere()
}

// follow drops connections to a file that has been removed since: another one may
// stand under its name, and what goes to the old one is lost.
func (d *database) follow() error {
	info, err := os.Stat(d.path)
	if err != nil {
		return fault.New(fault.NotFound, "sqlite.Write", "%s has not been made yet", d.path)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file != nil && !os.SameFile(d.file, info) {
		if err := d.closePools(); err != nil {
			return err
		}
	}
	d.file = info
	return nil
}

// stillThere tells whether what was written is in the file that has the name.
func (d *database) stillThere() error {
	info, err := os.Stat(d.path)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil && d.file == nil {
		d.file = info
	}
	if err != nil || !os.SameFile(d.file, info) {
		return fault.New(fault.Changed, "sqlite.Write", "%s was removed while drover wrote to it: plan the migration again", d.path)
	}
	return nil
}

// transact begins with BEGIN IMMEDIATE: what f reads stays true until it commits.
// The end of ctx does not cut a transaction off in the middle of a statement, but
// f may look for it.
func transact(ctx context.Context, c *sql.Conn, f func(*sql.Tx) error) error {
	tx, err := c.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // the first error is the one to tell
		return err
	}
	return tx.Commit()
}
