package postgres

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/internal/keyrange"
)

// takeovers bounds how often a fence waits for the loader of before.
const takeovers = 5

// fenceTimeout bounds one wait: a loader that lives commits a batch in far less.
const fenceTimeout = "3s"

// OpenRange fences a range: after its transaction nobody with an older epoch can
// write. A zombie that sits in a transaction on the row is ended.
func (db *database) OpenRange(ctx context.Context, r engine.RangeRequest) (engine.RangeWriter, error) {
	w := &rangeWriter{db: db, request: r}
	err := w.connect(ctx)
	for try := 0; err == nil && try < takeovers; try++ {
		err = w.fence(ctx)
		if sqlState(err) != codeLockTimeout {
			break
		}
		if try < takeovers-1 {
			err = w.endZombie(ctx)
		}
	}
	if err == nil {
		err = w.describe(ctx)
	}
	if err != nil {
		_ = w.Close()
		return nil, fault.At(classify("postgres.OpenRange", err), fault.Target, engine.Label(r.Plan, engine.TargetSide))
	}
	return w, nil
}

// fence takes the range over in one transaction.
func (w *rangeWriter) fence(ctx context.Context) error {
	return pgx.BeginFunc(ctx, w.conn, func(tx pgx.Tx) error {
		pg := tx.Conn().PgConn()
		row, err := w.take(ctx, pg)
		if err != nil {
			return err
		}
		if w.request.Reset {
			if err := w.reset(ctx, tx, row); err != nil {
				return err
			}
			row.ledger = engine.Ledger{}
		}
		w.fenced, w.ledger = row.ledger, row.ledger
		return faultpoint.Hit(ctx, faultpoint.TargetFenceLocked, w.label())
	})
}

// take moves the epoch of the range's row, which it makes where there is none.
func (w *rangeWriter) take(ctx context.Context, pg *pgconn.PgConn) (ledgerRow, error) {
	r := w.request
	results, err := pg.Exec(ctx, fmt.Sprintf(`SET LOCAL lock_timeout = '%[7]s';
SELECT stage = '%[6]s' AND term <= %[5]d FROM drover.migration WHERE uid = %[1]s FOR SHARE;
INSERT INTO drover."table" (migration, table_number) VALUES (%[1]s, %[2]d) ON CONFLICT DO NOTHING;
SELECT epoch <= %[4]d FROM drover."table" WHERE migration = %[1]s AND table_number = %[2]d FOR SHARE;
INSERT INTO drover.range (migration, table_number, range_number) VALUES (%[1]s, %[2]d, %[3]d) ON CONFLICT DO NOTHING;
UPDATE drover.range SET epoch = %[4]d, attempt = %[8]d, backend = pg_backend_pid(), state = '%[9]s',
	next_sequence = CASE WHEN attempt = %[8]d THEN next_sequence ELSE 0 END
	WHERE migration = %[1]s AND table_number = %[2]d AND range_number = %[3]d AND epoch < %[4]d
	RETURNING %[10]s`,
		literal(r.Migration.UID), r.Plan.GetNumber(), r.Range.GetNumber(), int64(r.Epoch), int64(r.Migration.Term), engine.StageCopy,
		fenceTimeout, int64(r.Attempt), stateLoading, rangeColumns)).ReadAll()
	if err != nil {
		return ledgerRow{}, err
	}
	if !isTrue(results[1]) {
		return ledgerRow{}, fault.New(fault.Fenced, "postgres.OpenRange", "migration has ended in the target, or a later coordinator leads it")
	}
	if !isTrue(results[3]) || len(results[5].Rows) == 0 {
		return ledgerRow{}, fault.New(fault.Fenced, "postgres.OpenRange", "range %d belongs to a later loader", r.Range.GetNumber())
	}
	return ledgerOf(results[5])
}

func isTrue(r *pgconn.Result) bool { return len(r.Rows) == 1 && string(r.Rows[0][0]) == "t" }

// reset deletes the range's rows and forgets its sums.
func (w *rangeWriter) reset(ctx context.Context, tx pgx.Tx, row ledgerRow) error {
	r := w.request
	if !keyrange.Whole(r.Range) && keyrange.Ordered(r.Range) && !keyKindsKept(r.Plan) {
		return fault.New(fault.Unsupported, "postgres.reset", "the key has another type on the target, where its ranges mean other rows: the table can only be done again as a whole")
	}
	where, err := predicate(r.Plan, engine.TargetSide, r.Range, nil)
	if err != nil {
		return err
	}
	table := relation(r.Plan, engine.TargetSide)
	if err := guardAppended(ctx, tx, r.Plan, table+where, row.ledger.Digest.Rows); err != nil {
		return err
	}
	switch {
	case !keyrange.Ordered(r.Range) && row.ledger.Digest.Rows == 0:
		// Such a range begins with a reset always, and no index leads to its rows.
	case keyrange.Whole(r.Range):
		err = emptyTable(ctx, tx, table)
	default:
		_, err = tx.Exec(ctx, "DELETE FROM "+table+where)
	}
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE drover.range SET next_sequence = 0, rows = 0, sum = '', last_key = NULL, touched = NULL, rejected = NULL WHERE "+rangeID(r))
	return err
}

// guardAppended refuses to delete rows that were in an appended table before:
// only where all rows found are the ledger's is it sure that they are drover's.
func guardAppended(ctx context.Context, tx pgx.Tx, p *planv1.TablePlan, from string, loaded int64) error {
	if p.GetExisting() != planv1.Existing_EXISTING_APPEND || !p.GetTargetExists() {
		return nil
	}
	var n int64
	if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+from).Scan(&n); err != nil {
		return err
	}
	if n != loaded {
		return fault.New(fault.Unsupported, "postgres.reset", "%d rows are there, drover loaded %d: doing it again would delete rows that were there before; "+
			"remove drover's rows by hand or use --existing=truncate", n, loaded)
	}
	return nil
}

// emptyTable removes all rows. TRUNCATE is refused where foreign keys point at
// the table, even from empty tables; DELETE checks the rows.
func emptyTable(ctx context.Context, tx pgx.Tx, table string) error {
	err := pgx.BeginFunc(ctx, tx, func(sub pgx.Tx) error {
		_, err := sub.Exec(ctx, "TRUNCATE "+table)
		return err
	})
	if sqlState(err) != codeUnsupported {
		return err
	}
	_, err = tx.Exec(ctx, "DELETE FROM "+table)
	return err
}

// endZombie ends the backend that holds a range's row, if it is one of drover's.
// The fence's own connection does it: the pool may have no other.
func (w *rangeWriter) endZombie(ctx context.Context) error {
	_, err := w.conn.Exec(ctx, `SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN drover.range l ON l.backend = a.pid
		WHERE a.datname = current_database() AND (a.application_name LIKE 'drover%' OR a.application_name = current_setting('application_name')) AND a.pid <> pg_backend_pid()
		AND a.xact_start IS NOT NULL AND l.`+rangeID(w.request))
	return err
}

// Empty removes a table's rows and fences every loader of before, those that
// never came to open their range included.
func (db *database) Empty(ctx context.Context, m engine.Migration, t *planv1.TablePlan, epoch uint64) error {
	const op = "postgres.Empty"
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if err := enterTable(ctx, tx, m, t); err != nil {
			return err
		}
		id := fmt.Sprintf("migration = %s AND table_number = %d", literal(m.UID), t.GetNumber())
		tag, err := tx.Exec(ctx, fmt.Sprintf(`UPDATE drover."table" SET epoch = %[1]d, finished = false WHERE %[2]s AND epoch <= %[1]d
			AND NOT EXISTS (SELECT FROM drover.range WHERE %[2]s AND epoch > %[1]d)`, int64(epoch), id))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return fault.New(fault.Fenced, op, "a later loader has begun to fill the table")
		}
		var loaded int64
		if err := tx.QueryRow(ctx, "SELECT COALESCE(sum(rows), 0)::int8 FROM drover.range WHERE "+id).Scan(&loaded); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf(`UPDATE drover.range SET epoch = %d, next_sequence = 0, rows = 0, sum = '', last_key = NULL, touched = NULL, rejected = NULL, state = '%s' WHERE %s`,
			int64(epoch), stateEmpty, id)); err != nil {
			return err
		}
		table := relation(t, engine.TargetSide)
		if err := guardAppended(ctx, tx, t, table, loaded); err != nil {
			return err
		}
		if err := emptyTable(ctx, tx, table); err != nil {
			return err
		}
		return faultpoint.Hit(ctx, faultpoint.TargetEmptyLocked, engine.Label(t, engine.TargetSide))
	})
	return fault.At(classify(op, err), fault.Target, engine.Label(t, engine.TargetSide))
}

// enterTable checks that the migration still copies, holding it so until the end
// of the transaction, and makes the table's row in the ledger.
func enterTable(ctx context.Context, tx pgx.Tx, m engine.Migration, t *planv1.TablePlan) error {
	if err := holdMigration(ctx, tx, m); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO drover."table" (migration, table_number) VALUES ($1, $2) ON CONFLICT DO NOTHING`, m.UID, int64(t.GetNumber()))
	return err
}

func unhex(text []byte) ([]byte, error) {
	out := make([]byte, hex.DecodedLen(len(text)))
	if _, err := hex.Decode(out, text); err != nil {
		return nil, fault.New(fault.Corrupt, "postgres.ledger", "read ledger: %w", err)
	}
	return out, nil
}
