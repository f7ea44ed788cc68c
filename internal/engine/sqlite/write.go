package sqlite

import (
	"context"
	"database/sql"
	"errors"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/internal/keyrange"
)

// OpenRange fences a range: from its commit on, no loader of an older epoch can
// write to it.
func (d *database) OpenRange(ctx context.Context, r engine.RangeRequest) (engine.RangeWriter, error) {
	const op = "sqlite.OpenRange"
	w := &rangeWriter{database: d, request: r, id: rangeID{r.Migration.UID, r.Plan.GetNumber(), r.Range.GetNumber()}}
	err := d.write(ctx, func(tx *sql.Tx) error {
		if err := enterTable(ctx, tx, r.Migration, r.Plan); err != nil {
			return err
		}
		info, err := readTable(ctx, tx, r.Plan.GetTargetName())
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.Changed, op, "the table is gone: plan the migration again")
		}
		if err != nil {
			return err
		}
		if w.inserter, err = newInserter(r.Plan, info); err != nil {
			return err
		}
		if w.inserter.streamable, err = streamable(ctx, tx, r.Plan, info); err != nil {
			return err
		}
		row, err := w.take(ctx, tx)
		if err != nil {
			return err
		}
		w.opened = row.Ledger
		return faultpoint.Hit(ctx, faultpoint.TargetFenceLocked, w.label())
	})
	if err != nil {
		return nil, fault.At(classify(op, err), fault.Target, engine.Label(r.Plan, engine.TargetSide))
	}
	return w, nil
}

// rangeWriter writes one range's batches. It holds nothing between them.
type rangeWriter struct {
	database *database
	request  engine.RangeRequest
	id       rangeID
	inserter *inserter
	opened   engine.Ledger
}

// take moves the epoch of the range's row, which it makes where there is none.
func (w *rangeWriter) take(ctx context.Context, tx *sql.Tx) (ledgerRow, error) {
	r := w.request
	_, err := tx.ExecContext(ctx, "INSERT INTO main._drover_range (migration, table_number, range_number) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", w.id.args()...)
	if err != nil {
		return ledgerRow{}, err
	}
	row, err := readRange(ctx, tx, w.id)
	if err != nil {
		return ledgerRow{}, err
	}
	var emptied int64
	err = tx.QueryRowContext(ctx, "SELECT epoch FROM main._drover_table WHERE migration = ? AND table_number = ?", w.id.migration, int64(w.id.table)).Scan(&emptied)
	if err != nil {
		return ledgerRow{}, err
	}
	if row.epoch >= r.Epoch || uint64(emptied) > r.Epoch {
		return ledgerRow{}, fault.New(fault.Fenced, "sqlite.OpenRange", "range %d belongs to a later loader", r.Range.GetNumber())
	}
	if r.Reset {
		// Rows without a key begin with a reset always, and no index leads to them.
		if keyrange.Ordered(r.Range) || row.Digest.Rows > 0 {
			if err := deleteRows(ctx, tx, r.Plan, r.Range, row.Digest.Rows); err != nil {
				return ledgerRow{}, err
			}
		}
		row.Ledger = engine.Ledger{}
	}
	if row.attempt != r.Attempt {
		row.NextSequence = 0
	}
	row.attempt, row.epoch = r.Attempt, r.Epoch
	return row, row.save(ctx, tx, w.id, stateLoading)
}

// Ledger is what the range had in the file when it was fenced.
func (w *rangeWriter) Ledger() engine.Ledger { return w.opened }

// owned reads the range's row, if it is still this writer's to change.
func (w *rangeWriter) owned(ctx context.Context, tx *sql.Tx) (ledgerRow, error) {
	const op = "sqlite.Write"
	var stage string
	err := tx.QueryRowContext(ctx, "SELECT stage FROM main._drover_migration WHERE uid = ?", w.id.migration).Scan(&stage)
	if err == nil && stage != engine.StageCopy {
		return ledgerRow{}, fault.New(fault.Fenced, op, "the migration has ended in the target: %s", stage)
	}
	var row ledgerRow
	if err == nil {
		row, err = readRange(ctx, tx, w.id)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return ledgerRow{}, fault.New(fault.Fenced, op, "the ledger of the migration is gone from the file")
	}
	if err == nil && (row.epoch != w.request.Epoch || row.attempt != w.request.Attempt) {
		err = engine.NotOwned(op, w.request, row.epoch)
	}
	return row, err
}

// Write applies a batch: the ledger's row first, which fences, removes
// duplicates and orders, then the rows, in one transaction.
func (w *rangeWriter) Write(ctx context.Context, b engine.Batch) (engine.Outcome, error) {
	const op = "sqlite.Write"
	if b.Encoding != planv1.Encoding_ENCODING_CANONICAL {
		return 0, fault.New(fault.Unsupported, op, "rows come in encoding %s; SQLite takes canonical ones", b.Encoding)
	}
	if b.Large == nil {
		if err := w.inserter.check(b); err != nil {
			return 0, err
		}
	}
	outcome := engine.Written
	err := w.database.writeOn(ctx, func(conn *sql.Conn, tx *sql.Tx) error {
		row, err := w.owned(ctx, tx)
		if err != nil {
			return err
		}
		switch {
		case b.Sequence < row.NextSequence:
			outcome = engine.Duplicate
			return nil
		case b.Sequence > row.NextSequence:
			return fault.New(fault.Gap, op, "batch %d came, batch %d is next", b.Sequence, row.NextSequence)
		}
		before := row.Ledger
		if row.Ledger, err = before.Next(b, nil); err != nil {
			return err
		}
		if err := row.save(ctx, tx, w.id, stateLoading); err != nil {
			return err
		}
		if err := faultpoint.Hit(ctx, faultpoint.TargetAdvanced, w.label()); err != nil {
			return err
		}
		if err := w.insert(ctx, conn, tx, b, before, row); err != nil {
			return err
		}
		return faultpoint.Hit(ctx, faultpoint.TargetBeforeCommit, w.label())
	})
	if err == nil && outcome == engine.Written {
		err = faultpoint.Hit(ctx, faultpoint.TargetAfterCommit, w.label())
	}
	return outcome, fault.At(classify(op, err), fault.Target, engine.Label(w.request.Plan, engine.TargetSide))
}

// insert writes a batch's rows behind the ledger's row, and that again where rows were
// refused.
func (w *rangeWriter) insert(ctx context.Context, conn *sql.Conn, tx *sql.Tx, b engine.Batch, before engine.Ledger, row ledgerRow) error {
	switch {
	case b.Sieve != nil:
	case b.Large != nil:
		to, err := openBlobs(conn)
		if err != nil {
			return err
		}
		if to != nil {
			defer to.close()
		}
		return w.inserter.insertLarge(ctx, tx, to, b)
	default:
		return w.inserter.insert(ctx, tx, b)
	}
	refused, err := w.sift(ctx, tx, b, before)
	if err != nil || len(refused) == 0 {
		return err
	}
	if row.Ledger, err = before.Next(b, refused); err != nil {
		return err
	}
	if err := b.Sieve.Keep(before.Rejected, refused); err != nil {
		return err
	}
	return row.save(ctx, tx, w.id, stateLoading)
}

// label names the table for people.
func (w *rangeWriter) label() string { return engine.Label(w.request.Plan, engine.TargetSide) }

// Complete marks the range loaded, on disk.
func (w *rangeWriter) Complete(ctx context.Context, batches uint64) (engine.Ledger, error) {
	const op = "sqlite.Complete"
	var out engine.Ledger
	err := w.database.writeDurably(ctx, func(tx *sql.Tx) error {
		row, err := w.owned(ctx, tx)
		if err != nil {
			return err
		}
		if row.NextSequence != batches {
			return fault.New(fault.Gap, op, "%d batches are in the target, the extraction had %d", row.NextSequence, batches)
		}
		out = row.Ledger
		if err := row.save(ctx, tx, w.id, stateLoaded); err != nil {
			return err
		}
		return faultpoint.Hit(ctx, faultpoint.TargetCompleteLocked, w.label())
	})
	return out, fault.At(classify(op, err), fault.Target, engine.Label(w.request.Plan, engine.TargetSide))
}

// Close gives nothing back: a writer holds nothing.
func (w *rangeWriter) Close() error { return nil }

// digestOf adds up a body's rows.
func digestOf(body []byte, fields [][]byte) (sum batch.Digest, err error) {
	for rest := body; len(rest) > 0; {
		var row []byte
		if row, rest, err = batch.Fields(planv1.Encoding_ENCODING_CANONICAL, rest, fields); err != nil {
			return sum, err
		}
		sum.Add(row)
	}
	return sum, nil
}
