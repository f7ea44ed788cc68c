package sqlite

import (
	"context"
	"database/sql"
	"io"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// sift writes a batch's rows but for those that the file refuses.
func (w *rangeWriter) sift(ctx context.Context, tx *sql.Tx, b engine.Batch, l engine.Ledger) ([]engine.Reject, error) {
	s := &sifting{tx: tx, inserter: w.inserter}
	if b.Large != nil {
		return engine.SiftLarge(ctx, w.request.Plan, b, b.Sieve.Room(l), s)
	}
	return engine.Sift(ctx, w.request.Plan, b, b.Sieve.Room(l), s)
}

// sifting is a batch being sifted.
type sifting struct {
	tx       *sql.Tx
	inserter *inserter
}

// Save marks a place in the transaction.
func (s *sifting) Save(ctx context.Context) error {
	_, err := s.tx.ExecContext(context.WithoutCancel(ctx), "SAVEPOINT part")
	return err
}

// Insert adds rows; all of them must arrive.
func (s *sifting) Insert(ctx context.Context, body []byte, rows int64) error {
	err := s.inserter.insert(ctx, s.tx, engine.Batch{Encoding: planv1.Encoding_ENCODING_CANONICAL, Body: body})
	if f, refused := s.Refusal(err); refused && rows == 1 && f.Key == "" {
		fields := make([][]byte, len(s.inserter.plan.GetColumns()))
		if _, _, cutErr := batch.Fields(planv1.Encoding_ENCODING_CANONICAL, body, fields); cutErr == nil {
			f.Key = s.inserter.keyOf(fields)
		}
		return f
	}
	return s.release(ctx, err)
}

// InsertLarge adds a row from the disk.
func (s *sifting) InsertLarge(ctx context.Context, row *io.SectionReader) error {
	places := make([]batch.Place, len(s.inserter.plan.GetColumns()))
	if _, err := batch.Places(planv1.Encoding_ENCODING_CANONICAL, row, 0, places); err != nil {
		return fault.Wrap(fault.Corrupt, "sqlite.Write", err)
	}
	fields := make([][]byte, len(places))
	err := s.inserter.insertPlaces(ctx, s.tx, nil, row, places, fields)
	if f, refused := s.Refusal(err); refused && f.Key == "" {
		f.Key = s.inserter.keyOf(fields)
		return f
	}
	return s.release(ctx, err)
}

// release leaves the place that was marked, behind rows that have arrived.
func (s *sifting) release(ctx context.Context, err error) error {
	if err == nil {
		_, err = s.tx.ExecContext(context.WithoutCancel(ctx), "RELEASE part")
	}
	return err
}

// Restore goes back to the place that was marked, and leaves it.
func (s *sifting) Restore(ctx context.Context) error {
	_, err := s.tx.ExecContext(context.WithoutCancel(ctx), "ROLLBACK TO part; RELEASE part")
	return err
}

// Refusal tells whether an error is about a row.
func (s *sifting) Refusal(err error) (*fault.Error, bool) {
	if err == nil {
		return nil, false
	}
	f := *fault.Find(classify("sqlite.Write", err))
	return &f, f.Kind == fault.Value
}
