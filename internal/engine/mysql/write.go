package mysql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
)

// rangeWriter writes one range over one connection.
//
// The session checks foreign keys and unique indexes as any other does. A new table
// has neither while it is loaded, but for its key; in a table that was there before,
// both say what its owner wants, and without unique_checks InnoDB may let duplicates
// into a unique index.
type rangeWriter struct {
	db      *database
	request engine.RangeRequest
	conn    *sql.Conn
	// inTransaction is set until a transaction has surely ended.
	inTransaction bool
	// opened is the range's row as it was fenced, ledger as this writer has left it.
	opened, ledger engine.Ledger
	rows           *rowEncoder
	// buf is what LOAD DATA reads, kept for the next batch.
	buf []byte
	// bulk says that rows go by LOAD DATA as long as nothing is wrong with them.
	bulk bool
	// maxPacket is the longest statement that the server takes.
	maxPacket int
	// flush says that a commit alone is not on the disk.
	flush bool
}

// Ledger is what the range had in the target when it was fenced.
func (w *rangeWriter) Ledger() engine.Ledger { return w.opened }

// label names the table for people.
func (w *rangeWriter) label() string { return engine.Label(w.request.Plan, engine.TargetSide) }

// Close gives the connection back.
func (w *rangeWriter) Close() error {
	if w.conn == nil {
		return nil
	}
	conn := w.conn
	w.conn = nil
	if w.inTransaction {
		w.inTransaction = false
		// It must not come back from the pool as it is.
		_ = conn.Raw(func(any) error { return sqldriver.ErrBadConn })
	}
	if err := conn.Close(); err != nil && !errors.Is(err, sqldriver.ErrBadConn) && !errors.Is(err, sql.ErrConnDone) {
		return fault.Wrap(fault.Unavailable, "mysql.Close", err)
	}
	return nil
}

// connect takes a connection, if there is none.
func (w *rangeWriter) connect(ctx context.Context) error {
	if w.conn != nil {
		return nil
	}
	conn, err := w.db.db.Conn(ctx)
	if err != nil {
		return classify("mysql.Write", err)
	}
	w.conn = conn
	return nil
}

// reconnect takes another connection and says so in the ledger, where whoever takes
// over looks for it, as long as the range is this writer's.
func (w *rangeWriter) reconnect(ctx context.Context) error {
	_ = w.Close() // it was broken
	if err := w.connect(ctx); err != nil {
		return err
	}
	return w.exec(ctx, fmt.Sprintf("UPDATE %s SET %s WHERE %s AND epoch = %d", w.db.ledger(ledgerRange), ownConnection, rangeID(w.request), w.request.Epoch))
}

func (w *rangeWriter) exec(ctx context.Context, statement string) error {
	_, err := w.conn.ExecContext(ctx, statement)
	return err
}

// begin opens a transaction on the writer's connection.
func (w *rangeWriter) begin(ctx context.Context) error {
	if err := w.exec(ctx, "START TRANSACTION"); err != nil {
		return err
	}
	w.inTransaction = true
	return nil
}

// end commits, or rolls back where cause is an error, which it keeps.
func (w *rangeWriter) end(ctx context.Context, cause error) error {
	statement := "COMMIT"
	if cause != nil {
		statement = "ROLLBACK"
		ctx = context.WithoutCancel(ctx)
	}
	err := w.exec(ctx, statement)
	if err == nil {
		w.inTransaction = false
	}
	if cause != nil {
		return cause
	}
	return err
}

// transact runs f in a transaction on the writer's connection.
func (w *rangeWriter) transact(ctx context.Context, f func(context.Context) error) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	return w.end(ctx, f(ctx))
}

// Write applies a batch and its ledger row in one transaction. When the connection
// breaks nobody knows whether the COMMIT arrived; the same conditional UPDATE tells
// over a new one.
func (w *rangeWriter) Write(ctx context.Context, b engine.Batch) (engine.Outcome, error) {
	outcome, err := w.write(ctx, b)
	if fault.KindOf(classify("", err)) == fault.Unavailable && ctx.Err() == nil {
		if err = w.reconnect(ctx); err == nil {
			outcome, err = w.write(ctx, b)
		}
	}
	if err != nil {
		return outcome, fault.At(classify("mysql.Write", err), fault.Target, engine.Label(w.request.Plan, engine.TargetSide))
	}
	return outcome, nil
}

// write applies a batch the fast way. Where anything about that is off, it is undone
// and done again row by row of the slow way, which names what is wrong, or has
// nothing to say against the rows.
func (w *rangeWriter) write(ctx context.Context, b engine.Batch) (engine.Outcome, error) {
	if b.Encoding != planv1.Encoding_ENCODING_CANONICAL {
		return 0, fault.New(fault.Corrupt, "mysql.Write", "batch %d is in encoding %s, the plan says %s", b.Sequence, b.Encoding, w.request.Plan.GetEncoding())
	}
	if b.Large != nil {
		return w.writeLarge(ctx, b)
	}
	if w.bulk && b.Digest.Rows > 0 {
		outcome, err := w.apply(ctx, b, w.loadData)
		if _, refused := w.Refusal(err); !w.tryInserts(err) && (b.Sieve == nil || !refused) {
			return outcome, err
		}
	}
	return w.apply(ctx, b, w.insertSifted)
}

// loadFunc writes a batch's rows within its transaction, but for those that it gives.
type loadFunc func(context.Context, engine.Batch) (refused []engine.Reject, err error)

// apply is the loader's step: the migration is held in share, the conditional UPDATE
// fences, removes duplicates and orders, and then come the rows.
func (w *rangeWriter) apply(ctx context.Context, b engine.Batch, load loadFunc) (engine.Outcome, error) {
	if err := w.connect(ctx); err != nil {
		return 0, err
	}
	next, err := w.ledger.Next(b, nil)
	if err != nil {
		return 0, err
	}
	outcome := engine.Written
	err = w.transact(ctx, func(ctx context.Context) error {
		mine, err := w.advance(ctx, b.Sequence, next)
		if err != nil {
			return err
		}
		if !mine {
			outcome = engine.Duplicate
			return w.decide(ctx, b.Sequence)
		}
		if err := faultpoint.Hit(ctx, faultpoint.TargetAdvanced, w.label()); err != nil {
			return err
		}
		refused, err := load(ctx, b)
		if err == nil && len(refused) > 0 {
			next, err = w.reject(ctx, b, refused)
		}
		if err != nil {
			return err
		}
		return faultpoint.Hit(ctx, faultpoint.TargetBeforeCommit, w.label())
	})
	if err == nil && outcome == engine.Written {
		err = faultpoint.Hit(ctx, faultpoint.TargetAfterCommit, w.label())
	}
	if err == nil && outcome == engine.Written {
		w.ledger = next
	}
	return outcome, err
}

// advance moves the range's row on; it tells whether the batch is the one that the
// ledger waits for.
func (w *rangeWriter) advance(ctx context.Context, sequence uint64, next engine.Ledger) (bool, error) {
	r := w.request
	if _, err := w.db.checkCopying(ctx, w.conn, r.Migration, "mysql.Write"); err != nil {
		return false, err
	}
	set, err := assignments(next)
	if err != nil {
		return false, err
	}
	return w.update(ctx, set, sequence)
}

// update changes the range's row if it is this writer's and waits for a batch.
func (w *rangeWriter) update(ctx context.Context, set string, sequence uint64) (bool, error) {
	r := w.request
	result, err := w.conn.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET %s WHERE %s AND attempt = %d AND epoch = %d AND next_sequence = %d",
		w.db.ledger(ledgerRange), set, rangeID(r), r.Attempt, r.Epoch, sequence))
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// decide reads the row that the UPDATE did not match: there are four cases. In the
// good one the batch is there already.
func (w *rangeWriter) decide(ctx context.Context, sequence uint64) error {
	const op = "mysql.Write"
	r := w.request
	// Under a lock: what the transaction has seen may be of before the UPDATE waited.
	row, found, err := w.db.readRange(ctx, w.conn, r, " LOCK IN SHARE MODE")
	switch {
	case err != nil:
		return err
	case !found:
		return fault.New(fault.Fenced, op, "range %d is not in the ledger any more", r.Range.GetNumber())
	case row.epoch != r.Epoch:
		return engine.NotOwned(op, r, row.epoch)
	case row.attempt != r.Attempt:
		return fault.New(fault.Fenced, op, "range %d is loaded from another extraction", r.Range.GetNumber())
	case row.ledger.NextSequence > sequence:
		w.ledger = row.ledger
		return nil
	default:
		return fault.New(fault.Gap, op, "batch %d came, the ledger waits for batch %d", sequence, row.ledger.NextSequence)
	}
}

// durableCommits is an expression: whether a commit is on the disk when it returns.
// With a binary log, that is what a crashed server goes by.
const durableCommits = "(@@innodb_flush_log_at_trx_commit = 1 AND (@@log_bin = 0 OR @@sync_binlog = 1))"

// Complete marks the range loaded, and sees that this and everything before it is on
// the disk.
func (w *rangeWriter) Complete(ctx context.Context, batches uint64) (engine.Ledger, error) {
	err := w.complete(ctx, batches)
	if fault.KindOf(classify("", err)) == fault.Unavailable && ctx.Err() == nil {
		if err = w.reconnect(ctx); err == nil {
			err = w.complete(ctx, batches)
		}
	}
	if err != nil {
		return engine.Ledger{}, fault.At(classify("mysql.Complete", err), fault.Target, engine.Label(w.request.Plan, engine.TargetSide))
	}
	return w.ledger, nil
}

func (w *rangeWriter) complete(ctx context.Context, batches uint64) error {
	if err := w.connect(ctx); err != nil {
		return err
	}
	err := w.transact(ctx, func(ctx context.Context) error {
		if _, err := w.db.checkCopying(ctx, w.conn, w.request.Migration, "mysql.Complete"); err != nil {
			return err
		}
		mine, err := w.update(ctx, "state = "+literal(stateLoaded), batches)
		if err != nil {
			return err
		}
		if !mine {
			if err := w.decide(ctx, batches); err != nil {
				return err
			}
			return fault.New(fault.Gap, "mysql.Complete", "ledger holds %d batches, the attempt had %d", w.ledger.NextSequence, batches)
		}
		row, _, err := w.db.readRange(ctx, w.conn, w.request, "")
		if err != nil {
			return err
		}
		w.ledger = row.ledger
		return faultpoint.Hit(ctx, faultpoint.TargetCompleteLocked, w.label())
	})
	if err != nil || !w.flush {
		return err
	}
	return w.flushLog(ctx)
}

// flushLog writes InnoDB's log to the disk.
func (w *rangeWriter) flushLog(ctx context.Context) error {
	err := w.exec(ctx, "FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS")
	if fault.KindOf(classify("", err)) == fault.Denied {
		return fault.New(fault.Denied, "mysql.Complete", "the server does not write each commit to the disk, and this user may not make it: "+
			"set innodb_flush_log_at_trx_commit=1 and sync_binlog=1 there, or grant RELOAD: %w", err)
	}
	return err
}

// describe reads the target's columns and what the server allows, and prepares the
// way of rows.
func (w *rangeWriter) describe(ctx context.Context) error {
	var bulk, durable bool
	if err := w.conn.QueryRowContext(ctx, "SELECT @@local_infile, @@max_allowed_packet, "+durableCommits).Scan(&bulk, &w.maxPacket, &durable); err != nil {
		return err
	}
	w.bulk, w.flush = bulk, !durable
	p := w.request.Plan
	if len(p.GetRecomputed()) > 0 {
		// Columns that the server computes may leave a note for each row. It is not
		// everybody's to have more of them kept; without, refuseWarnings looks closely.
		if err := w.exec(ctx, "SET SESSION max_error_count = 65535"); err != nil && fault.KindOf(classify("", err)) != fault.Denied {
			return err
		}
	}
	columns, err := w.db.dialect.readColumns(ctx, w.conn, tableFilter{schema: p.GetTargetSchema(), name: p.GetTargetName()})
	if err != nil {
		return err
	}
	w.rows, err = newRowEncoder(w.db.dialect, p, columns)
	return err
}
