package memory

import (
	"context"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// insert adds a batch's rows, but for those that the table refuses and the batch's
// sieve takes, and moves the ledger's row on.
func (w *rangeWriter) insert(rows []record, b engine.Batch) error {
	if b.Sieve == nil {
		if err := w.table.insert(rows); err != nil {
			return err
		}
		next, err := w.row.Next(b, nil)
		if err == nil {
			w.row.Ledger = next
		}
		return err
	}
	refused, err := engine.Sift(context.Background(), w.request.Plan, b, b.Sieve.Room(w.row.Ledger), &sifting{rangeWriter: w})
	if err != nil {
		return err
	}
	next, err := w.row.Next(b, refused)
	if err == nil && len(refused) > 0 {
		err = b.Sieve.Keep(w.row.Rejected, refused)
	}
	if err == nil {
		w.row.Ledger = next
	}
	return err
}

// sifting is a batch being sifted.
type sifting struct {
	*rangeWriter
	saved []record
}

// Save keeps the table's rows; they are never changed in place.
func (s *sifting) Save(context.Context) error {
	s.saved = s.table.rows
	return nil
}

// Insert adds rows, all or none.
func (s *sifting) Insert(_ context.Context, body []byte, _ int64) error {
	rows, _, err := s.records(s.request.Plan.GetEncoding(), body)
	if err != nil {
		return err
	}
	err = s.table.insert(rows)
	if err != nil && len(rows) == 1 {
		return &fault.Error{Kind: fault.Value, Op: "memory.Write", Key: keyrange.Named(s.table.def.GetKey().GetColumns(), s.table.kinds, s.table.keyOf(rows[0])), Err: err}
	}
	return err
}

// Restore goes back to the rows that were kept.
func (s *sifting) Restore(context.Context) error {
	s.table.rows = s.saved
	return nil
}

// Refusal tells whether the table refused a row.
func (s *sifting) Refusal(err error) (*fault.Error, bool) {
	return fault.Find(err), fault.Is(err, fault.Value)
}
