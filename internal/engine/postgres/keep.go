package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

var _ engine.Keeper = (*database)(nil)

// Keep writes pieces of the plan.
func (db *database) Keep(ctx context.Context, m engine.Migration, version uint64, pieces []engine.PlanPiece) error {
	const op = "postgres.Keep"
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		// Whoever is late waits for who came before, and sees what he has written.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('drover.plan.' || $1, 0))", m.UID); err != nil {
			return err
		}
		if err := holdMigration(ctx, tx, m); err != nil {
			return err
		}
		var late bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM drover.plan WHERE migration = $1 AND version > $2)", m.UID, int64(version)).Scan(&late); err != nil {
			return err
		}
		if late {
			return fault.New(fault.Fenced, op, "a later version of the plan is kept")
		}
		for _, p := range pieces {
			if p.Number == 0 {
				if _, err := tx.Exec(ctx, "DELETE FROM drover.plan WHERE migration = $1 AND table_number = $2", m.UID, int64(p.Table)); err != nil {
					return err
				}
			}
			_, err := tx.Exec(ctx, `INSERT INTO drover.plan (migration, table_number, piece, version, body) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (migration, table_number, piece) DO UPDATE SET version = excluded.version, body = excluded.body`,
				m.UID, int64(p.Table), int64(p.Number), int64(version), p.Body)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return fault.At(classify(op, err), fault.Target, "")
}

// FindMigration looks for a migration that stopped in the middle.
func (db *database) FindMigration(ctx context.Context, name string) (*engine.FoundMigration, error) {
	const op = "postgres.FindMigration"
	var there bool
	err := db.pool.QueryRow(ctx, "SELECT to_regclass('drover.plan') IS NOT NULL").Scan(&there)
	if err != nil || !there {
		return nil, fault.At(classify(op, err), fault.Target, "")
	}
	var out engine.FoundMigration
	err = db.pool.QueryRow(ctx, `SELECT m.uid, m.source_identity, m.published FROM drover.migration m WHERE m.name = $1 AND m.stage = $2
		AND EXISTS (SELECT FROM drover.plan p WHERE p.migration = m.uid AND p.table_number = 0 AND p.piece = 0) ORDER BY m.uid DESC LIMIT 1`,
		name, engine.StageCopy).Scan(&out.UID, &out.SourceIdentity, &out.Published)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.At(classify(op, err), fault.Target, "")
	}
	return &out, nil
}

// KeptPlan reads pieces of a plan.
func (db *database) KeptPlan(ctx context.Context, uid string, after *engine.LedgerPlace, limit int) ([]engine.PlanPiece, error) {
	const op = "postgres.KeptPlan"
	rows, err := db.pool.Query(ctx, "SELECT table_number, piece, body FROM drover.plan WHERE migration = $1"+behind(after, "piece")+
		" ORDER BY table_number, piece LIMIT $2", uid, limit)
	if err != nil {
		return nil, fault.At(classify(op, err), fault.Target, "")
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p engine.PlanPiece, err error) {
		return p, row.Scan(&p.Table, &p.Number, &p.Body)
	})
	return out, fault.At(classify(op, err), fault.Target, "")
}

// behind is the condition of rows behind a place; number is the column of its number.
func behind(after *engine.LedgerPlace, number string) string {
	if after == nil {
		return ""
	}
	return fmt.Sprintf(" AND (table_number, %s) > (%d, %d)", number, after.Table, after.Number)
}

// takeOverTimeout bounds the wait for a batch in flight.
const takeOverTimeout = "20s"

// TakeOver gives the ledger's rows another uid. Whoever writes a batch holds the
// migration's row in share: the first UPDATE waits for it, and those that come behind it
// find no such migration.
func (db *database) TakeOver(ctx context.Context, from string, m engine.Migration) ([]uint32, error) {
	const op = "postgres.TakeOver"
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '"+takeOverTimeout+"'"); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, "UPDATE drover.migration SET uid = $2, term = $3, name = $4 WHERE uid = $1 AND stage = $5",
			from, m.UID, int64(m.Term), m.Name, engine.StageCopy)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return holdMigration(ctx, tx, m) // done before, by a call whose answer was lost
		}
		for _, sql := range []string{
			`INSERT INTO drover."table" (migration, table_number, prepared) SELECT $2, table_number, prepared FROM drover."table" WHERE migration = $1`,
			"UPDATE drover.range SET migration = $2, attempt = 0, epoch = 0, backend = 0 WHERE migration = $1",
			`DELETE FROM drover."table" WHERE migration = $1 AND $2 <> ''`,
			"UPDATE drover.plan SET migration = $2, version = 0 WHERE migration = $1",
		} {
			if _, err := tx.Exec(ctx, sql, from, m.UID); err != nil {
				return err
			}
		}
		return nil
	})
	// A table is emptied in one transaction: none is half empty.
	return nil, fault.At(classify(op, err), fault.Target, "")
}

// holdMigration sees that a migration still copies under this term or an earlier one,
// and holds it so until the end of the transaction.
func holdMigration(ctx context.Context, tx pgx.Tx, m engine.Migration) error {
	var copying bool
	err := tx.QueryRow(ctx, "SELECT stage = $2 AND term <= $3 FROM drover.migration WHERE uid = $1 FOR SHARE", m.UID, engine.StageCopy, int64(m.Term)).Scan(&copying)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !copying {
		return fault.New(fault.Fenced, "postgres.ledger", "migration %s has ended in the target, or a later coordinator leads it", m.Name)
	}
	return err
}

// LedgerRanges reads ranges' rows.
func (db *database) LedgerRanges(ctx context.Context, uid string, after *engine.LedgerPlace, limit int) ([]engine.LedgerRange, error) {
	const op = "postgres.LedgerRanges"
	rows, err := db.pool.Query(ctx, "SELECT table_number, range_number, attempt, state = $3, next_sequence, rows, sum, last_key, touched, rejected FROM drover.range WHERE migration = $1"+
		behind(after, "range_number")+" ORDER BY table_number, range_number LIMIT $2", uid, limit, stateLoaded)
	if err != nil {
		return nil, fault.At(classify(op, err), fault.Target, "")
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (engine.LedgerRange, error) {
		var r engine.LedgerRange
		var next, n int64
		var sum, key, touched, rejected []byte
		if err := row.Scan(&r.Table, &r.Number, &r.Attempt, &r.Loaded, &next, &n, &sum, &key, &touched, &rejected); err != nil {
			return r, err
		}
		read, err := engine.ReadLedger(uint64(next), n, sum, key, touched, rejected)
		r.Ledger = read
		return r, err
	})
	return out, fault.At(classify(op, err), fault.Target, "")
}

// LedgerTables reads tables' rows.
func (db *database) LedgerTables(ctx context.Context, uid string) ([]engine.LedgerTable, error) {
	const op = "postgres.LedgerTables"
	rows, err := db.pool.Query(ctx, `SELECT table_number, prepared, finished FROM drover."table" WHERE migration = $1 ORDER BY table_number`, uid)
	if err != nil {
		return nil, fault.At(classify(op, err), fault.Target, "")
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t engine.LedgerTable, err error) {
		return t, row.Scan(&t.Number, &t.Made, &t.Finished)
	})
	return out, fault.At(classify(op, err), fault.Target, "")
}

// forgetPlan removes what is kept of the plan of a migration that has ended.
func forgetPlan(ctx context.Context, tx pgx.Tx, uid string) error {
	var there bool
	if err := tx.QueryRow(ctx, "SELECT to_regclass('drover.plan') IS NOT NULL").Scan(&there); err != nil || !there {
		return err // the ledger is of an earlier version
	}
	_, err := tx.Exec(ctx, "DELETE FROM drover.plan WHERE migration = $1", uid)
	return err
}
