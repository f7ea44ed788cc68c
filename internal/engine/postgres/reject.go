package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// sift copies a batch's rows but for those that the target refuses. Constraints that
// would be looked at in the end are looked at now, for no row can be left out then.
func (w *rangeWriter) sift(ctx context.Context, b engine.Batch) ([]engine.Reject, error) {
	if err := w.run(ctx, "SET CONSTRAINTS ALL IMMEDIATE; SAVEPOINT part"); err != nil {
		return nil, err
	}
	if b.Large != nil {
		return engine.SiftLarge(ctx, w.request.Plan, b, b.Sieve.Room(w.ledger), w)
	}
	return engine.Sift(ctx, w.request.Plan, b, b.Sieve.Room(w.ledger), w)
}

// reject has refused rows kept, and writes the ledger's row again with them in it: it
// is this transaction's already.
func (w *rangeWriter) reject(ctx context.Context, pg *pgconn.PgConn, b engine.Batch, refused []engine.Reject) (engine.Ledger, error) {
	next, err := w.ledger.Next(b, refused)
	if err != nil {
		return next, err
	}
	if err := b.Sieve.Keep(w.ledger.Rejected, refused); err != nil {
		return next, err
	}
	_, err = pg.Exec(ctx, fmt.Sprintf("UPDATE drover.range SET rows = %d, sum = %s, rejected = %s WHERE %s",
		next.Digest.Rows, bytea(next.Digest.Sum()), bytea(next.Rejected.Marshal()), rangeID(w.request))).ReadAll()
	return next, err
}

func (w *rangeWriter) run(ctx context.Context, sql string) error {
	_, err := w.conn.Conn().PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// Insert copies rows.
func (w *rangeWriter) Insert(ctx context.Context, body []byte, rows int64) error {
	_, err := w.loadAll(ctx, engine.Batch{Body: body, Digest: batch.Digest{Rows: rows}})
	if err != nil && rows == 1 {
		return w.named(err, body)
	}
	return err
}

// InsertLarge copies a row from the disk.
func (w *rangeWriter) InsertLarge(ctx context.Context, row *io.SectionReader) error {
	_, err := w.loadLarge(ctx, engine.Batch{Large: row, Digest: batch.Digest{Rows: 1}})
	if err == nil {
		return nil
	}
	e := &largeEncoder{tupleEncoder: w.rows, body: row, places: make([]batch.Place, len(w.rows.fields))}
	if _, cutErr := batch.Places(w.request.Plan.GetEncoding(), row, 0, e.places); cutErr != nil || e.hold() != nil {
		return err
	}
	return w.keyed(err)
}

// Save marks a place in the transaction.
func (w *rangeWriter) Save(ctx context.Context) error {
	return w.run(ctx, "RELEASE SAVEPOINT part; SAVEPOINT part")
}

// Restore goes back to it.
func (w *rangeWriter) Restore(ctx context.Context) error {
	return w.run(ctx, "ROLLBACK TO SAVEPOINT part")
}

// Refusal tells whether an error is about a row: a value or a constraint, a trigger
// that raises, an index entry that would be too long.
func (w *rangeWriter) Refusal(err error) (*fault.Error, bool) {
	if err == nil {
		return nil, false
	}
	f := *fault.Find(classify("postgres.Write", err))
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		switch pe.Code {
		case codeUniqueViolation, codeRaise, codeLimit:
			f.Kind = fault.Value
		}
	}
	if f.Kind != fault.Value {
		return nil, false
	}
	return &f, true
}

// named adds the key to an error about a body of one row.
func (w *rangeWriter) named(err error, body []byte) error {
	if _, _, cutErr := batch.Fields(w.request.Plan.GetEncoding(), body, w.rows.fields); cutErr != nil {
		return err
	}
	return w.keyed(err)
}

// keyed adds the key of the row in hand to an error about it, where the server did not
// say which row it is about.
func (w *rangeWriter) keyed(err error) error {
	f := *fault.Find(err)
	if f.Key != "" {
		return err
	}
	f.Key = w.rows.keyOf()
	return &f
}
