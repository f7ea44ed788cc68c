package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

var _ engine.Keeper = (*database)(nil)

// Keep writes pieces of the plan.
func (d *database) Keep(ctx context.Context, m engine.Migration, version uint64, pieces []engine.PlanPiece) error {
	const op = "sqlite.Keep"
	err := d.write(ctx, func(tx *sql.Tx) error {
		if err := checkMigration(ctx, tx, m); err != nil {
			return err
		}
		var late bool
		if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM main._drover_plan WHERE migration = ? AND version > ?)", m.UID, int64(version)).Scan(&late); err != nil {
			return err
		}
		if late {
			return fault.New(fault.Fenced, op, "a later version of the plan is kept")
		}
		for _, p := range pieces {
			if p.Number == 0 {
				if _, err := tx.ExecContext(ctx, "DELETE FROM main._drover_plan WHERE migration = ? AND table_number = ?", m.UID, int64(p.Table)); err != nil {
					return err
				}
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO main._drover_plan (migration, table_number, piece, version, body) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT (migration, table_number, piece) DO UPDATE SET version = excluded.version, body = excluded.body`,
				m.UID, int64(p.Table), int64(p.Number), int64(version), p.Body)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return fault.At(classify(op, err), fault.Target, d.path)
}

// FindMigration looks for a migration that stopped in the middle.
func (d *database) FindMigration(ctx context.Context, name string) (found *engine.FoundMigration, err error) {
	const op = "sqlite.FindMigration"
	err = d.read(ctx, func(tx *sql.Tx) error {
		there, err := keepsPlans(ctx, tx)
		if err != nil || !there {
			return err
		}
		var out engine.FoundMigration
		err = tx.QueryRowContext(ctx, `SELECT m.uid, m.source_identity, m.published FROM main._drover_migration AS m WHERE m.name = ? AND m.stage = ?
			AND EXISTS (SELECT 1 FROM main._drover_plan AS p WHERE p.migration = m.uid AND p.table_number = 0 AND p.piece = 0) ORDER BY m.uid DESC LIMIT 1`,
			name, engine.StageCopy).Scan(&out.UID, &out.SourceIdentity, &out.Published)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		found = &out
		return err
	})
	if err != nil {
		return nil, fault.At(classify(op, err), fault.Target, d.path)
	}
	return found, nil
}

// keepsPlans tells whether the ledger is of a version that keeps plans.
func keepsPlans(ctx context.Context, q queryer) (there bool, err error) {
	err = q.QueryRowContext(ctx, "SELECT count(*) FROM main.sqlite_schema WHERE name = '_drover_plan'").Scan(&there)
	return there, err
}

// KeptPlan reads pieces of a plan.
func (d *database) KeptPlan(ctx context.Context, uid string, after *engine.LedgerPlace, limit int) ([]engine.PlanPiece, error) {
	const op = "sqlite.KeptPlan"
	var out []engine.PlanPiece
	table, number := behind(after)
	err := d.read(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, `SELECT table_number, piece, body FROM main._drover_plan WHERE migration = ? AND (table_number, piece) > (?, ?)
			ORDER BY table_number, piece LIMIT ?`, []any{uid, table, number, limit}, func(rows *sql.Rows) error {
			var p engine.PlanPiece
			err := rows.Scan(&p.Table, &p.Number, &p.Body)
			out = append(out, p)
			return err
		})
	})
	return out, fault.At(classify(op, err), fault.Target, d.path)
}

// behind gives the place behind which rows are wanted.
func behind(after *engine.LedgerPlace) (table, number int64) {
	if after == nil {
		return -1, math.MaxInt64
	}
	return int64(after.Table), int64(after.Number)
}

// TakeOver gives the ledger's rows another uid. Whoever writes has the file to himself,
// so that no batch is in flight.
func (d *database) TakeOver(ctx context.Context, from string, m engine.Migration) ([]uint32, error) {
	const op = "sqlite.TakeOver"
	err := d.writeDurably(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE main._drover_migration SET uid = ?, term = ?, name = ? WHERE uid = ? AND stage = ?",
			m.UID, int64(m.Term), m.Name, from, engine.StageCopy)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 { // done before, by a call whose answer was lost
			err := checkMigration(ctx, tx, m)
			if fault.Is(err, fault.NotFound) {
				err = fault.New(fault.Fenced, op, "the file has no migration %s", from)
			}
			return err
		}
		for _, statement := range []string{
			"UPDATE main._drover_table SET migration = ?, epoch = 0 WHERE migration = ?",
			"UPDATE main._drover_range SET migration = ?, attempt = 0, epoch = 0 WHERE migration = ?",
			"UPDATE main._drover_plan SET migration = ?, version = 0 WHERE migration = ?",
		} {
			if _, err := tx.ExecContext(ctx, statement, m.UID, from); err != nil {
				return err
			}
		}
		return nil
	})
	// A table is emptied in one transaction: none is half empty.
	return nil, fault.At(classify(op, err), fault.Target, d.path)
}

// LedgerRanges reads ranges' rows.
func (d *database) LedgerRanges(ctx context.Context, uid string, after *engine.LedgerPlace, limit int) ([]engine.LedgerRange, error) {
	const op = "sqlite.LedgerRanges"
	var out []engine.LedgerRange
	table, number := behind(after)
	err := d.read(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, `SELECT table_number, range_number, attempt, state = ?, next_sequence, rows, sum, last_key, touched, rejected FROM main._drover_range
			WHERE migration = ? AND (table_number, range_number) > (?, ?) ORDER BY table_number, range_number LIMIT ?`,
			[]any{stateLoaded, uid, table, number, limit}, func(rows *sql.Rows) error {
				var r engine.LedgerRange
				var next, n int64
				var sum, key, touched, rejected []byte
				if err := rows.Scan(&r.Table, &r.Number, &r.Attempt, &r.Loaded, &next, &n, &sum, &key, &touched, &rejected); err != nil {
					return err
				}
				read, err := engine.ReadLedger(uint64(next), n, sum, key, touched, rejected)
				r.Ledger = read
				out = append(out, r)
				return err
			})
	})
	return out, fault.At(classify(op, err), fault.Target, d.path)
}

// LedgerTables reads tables' rows.
func (d *database) LedgerTables(ctx context.Context, uid string) (out []engine.LedgerTable, err error) {
	err = d.read(ctx, func(tx *sql.Tx) error {
		return each(ctx, tx, "SELECT table_number, prepared, finished FROM main._drover_table WHERE migration = ? ORDER BY table_number", []any{uid}, func(rows *sql.Rows) error {
			var t engine.LedgerTable
			err := rows.Scan(&t.Number, &t.Made, &t.Finished)
			out = append(out, t)
			return err
		})
	})
	return out, fault.At(classify("sqlite.LedgerTables", err), fault.Target, d.path)
}

// forgetPlan removes what is kept of the plan of a migration that has ended.
func forgetPlan(ctx context.Context, tx *sql.Tx, uid string) error {
	there, err := keepsPlans(ctx, tx)
	if err != nil || !there {
		return err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM main._drover_plan WHERE migration = ?", uid)
	return err
}
