package mysql

import (
	"context"
	"fmt"
	"regexp"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// reject has refused rows kept, and writes the ledger's row again with them in it: it
// is this transaction's already.
func (w *rangeWriter) reject(ctx context.Context, b engine.Batch, refused []engine.Reject) (engine.Ledger, error) {
	next, err := w.ledger.Next(b, refused)
	if err != nil {
		return next, err
	}
	if err := b.Sieve.Keep(w.ledger.Rejected, refused); err != nil {
		return next, err
	}
	set, err := assignments(next)
	if err != nil {
		return next, err
	}
	return next, w.exec(ctx, "UPDATE "+w.db.ledger(ledgerRange)+" SET "+set+" WHERE "+rangeID(w.request))
}

// Insert writes rows by INSERT; all of them must arrive.
func (w *rangeWriter) Insert(ctx context.Context, body []byte, rows int64) error {
	n, err := w.insertRows(ctx, body)
	if err == nil && n != rows {
		err = fault.New(fault.Corrupt, "mysql.Write", "there are %d rows where %d should be", n, rows)
	}
	if f, refused := w.Refusal(err); refused && rows == 1 && f.Key == "" {
		return w.named(f)
	}
	return err
}

// Save marks a place in the transaction.
func (w *rangeWriter) Save(ctx context.Context) error { return w.exec(ctx, "SAVEPOINT part") }

// Restore goes back to it.
func (w *rangeWriter) Restore(ctx context.Context) error {
	return w.exec(ctx, "ROLLBACK TO SAVEPOINT part")
}

// Refusal tells whether an error is about a row: a value or a constraint, a trigger
// that signals, a row that would be too long.
func (w *rangeWriter) Refusal(err error) (*fault.Error, bool) {
	if err == nil {
		return nil, false
	}
	f := *fault.Find(classify("mysql.Write", err))
	switch errorCode(err) {
	case codeSignal, codeRowTooLong:
		f.Kind = fault.Value
	}
	if f.Kind != fault.Value {
		return nil, false
	}
	return &f, true
}

// columnInMessage is where the server says which column it is about, in its several ways.
var columnInMessage = regexp.MustCompile("(?i)column (?:'([^']+)'|(?:`[^`]+`\\.)*`([^`]+)`)")

// named makes an error of the server one about the row in hand.
func (w *rangeWriter) named(f *fault.Error) error {
	out := *f
	out.Key = w.rows.key()
	if m := columnInMessage.FindStringSubmatch(out.Err.Error()); m != nil && out.Column == "" {
		out.Column = m[1] + m[2]
	}
	out.Err = fmt.Errorf("target refuses the row: %w", out.Err)
	return &out
}
