package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

var _ engine.Keeper = (*database)(nil)

// Keep writes pieces of the plan.
func (d *database) Keep(ctx context.Context, m engine.Migration, version uint64, pieces []engine.PlanPiece) error {
	const op = "mysql.Keep"
	err := d.transact(ctx, func(tx *sql.Tx) error {
		if err := d.checkMigration(ctx, tx, m, op); err != nil {
			return err
		}
		// The lock keeps another call waiting, which then sees what this one has written.
		var latest uint64
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM "+d.ledger(ledgerPlan)+" WHERE migration = ? FOR UPDATE", m.UID).Scan(&latest); err != nil {
			return err
		}
		if latest > version {
			return fault.New(fault.Fenced, op, "a later version of the plan is kept")
		}
		for _, p := range pieces {
			if p.Number == 0 {
				if _, err := tx.ExecContext(ctx, "DELETE FROM "+d.ledger(ledgerPlan)+" WHERE migration = ? AND table_number = ?", m.UID, p.Table); err != nil {
					return err
				}
			}
			_, err := tx.ExecContext(ctx, "INSERT INTO "+d.ledger(ledgerPlan)+" (migration, table_number, piece, version, body) VALUES (?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE version = VALUES(version), body = VALUES(body)",
				m.UID, p.Table, p.Number, version, p.Body)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return fault.At(classify(op, err), fault.Target, "")
}

// FindMigration looks for a migration that stopped in the middle.
func (d *database) FindMigration(ctx context.Context, name string) (*engine.FoundMigration, error) {
	const op = "mysql.FindMigration"
	there, err := d.tableThere(ctx, d.schema, ledgerPlan)
	if err != nil || !there {
		return nil, fault.At(classify(op, err), fault.Target, "")
	}
	var out engine.FoundMigration
	err = d.db.QueryRowContext(ctx, "SELECT m.uid, m.source_identity, m.published FROM "+d.ledger(ledgerMigration)+" m WHERE m.name = ? AND m.stage = ? AND EXISTS (SELECT 1 FROM "+
		d.ledger(ledgerPlan)+" p WHERE p.migration = m.uid AND p.table_number = 0 AND p.piece = 0) ORDER BY m.uid DESC LIMIT 1", name, engine.StageCopy).
		Scan(&out.UID, &out.SourceIdentity, &out.Published)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.At(classify(op, err), fault.Target, "")
	}
	return &out, nil
}

// KeptPlan reads pieces of a plan.
func (d *database) KeptPlan(ctx context.Context, uid string, after *engine.LedgerPlace, limit int) ([]engine.PlanPiece, error) {
	const op = "mysql.KeptPlan"
	var out []engine.PlanPiece
	err := each(ctx, d.db, "SELECT table_number, piece, body FROM "+d.ledger(ledgerPlan)+" WHERE migration = ?"+behind(after, "piece")+
		" ORDER BY table_number, piece LIMIT ?", []any{uid, limit}, func(rows *sql.Rows) error {
		var p engine.PlanPiece
		err := rows.Scan(&p.Table, &p.Number, &p.Body)
		out = append(out, p)
		return err
	})
	return out, fault.At(classify(op, err), fault.Target, "")
}

// behind is the condition of rows behind a place; number is the column of its number.
// Written out, it uses the key.
func behind(after *engine.LedgerPlace, number string) string {
	if after == nil {
		return ""
	}
	return fmt.Sprintf(" AND table_number >= %[1]d AND (table_number > %[1]d OR %[2]s > %[3]d)", after.Table, number, after.Number)
}

// TakeOver gives the ledger's rows another uid. Whoever writes a batch holds the
// migration's row in share: the first UPDATE waits for it, and those that come behind it
// find no such migration.
func (d *database) TakeOver(ctx context.Context, from string, m engine.Migration) (emptying []uint32, err error) {
	const op = "mysql.TakeOver"
	err = d.transact(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE "+d.ledger(ledgerMigration)+" SET uid = ?, term = ?, name = ? WHERE uid = ? AND stage = ?",
			m.UID, m.Term, m.Name, from, engine.StageCopy)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 { // done before, by a call whose answer was lost
			err = d.checkMigration(ctx, tx, m, op)
		} else {
			err = d.takeRows(ctx, tx, from, m)
		}
		if err != nil {
			return err
		}
		return each(ctx, tx, "SELECT table_number FROM "+d.ledger(ledgerTable)+" WHERE migration = ? AND emptying", []any{m.UID}, func(rows *sql.Rows) error {
			var number uint32
			err := rows.Scan(&number)
			emptying = append(emptying, number)
			return err
		})
	})
	return emptying, fault.At(classify(op, err), fault.Target, "")
}

func (d *database) takeRows(ctx context.Context, tx *sql.Tx, from string, m engine.Migration) error {
	for table, also := range map[string]string{ledgerTable: ", epoch = 0", ledgerRange: ", attempt = 0, epoch = 0, backend = 0", ledgerPlan: ", version = 0"} {
		if _, err := tx.ExecContext(ctx, "UPDATE "+d.ledger(table)+" SET migration = ?"+also+" WHERE migration = ?", m.UID, from); err != nil {
			return err
		}
	}
	return nil
}

// LedgerRanges reads ranges' rows.
func (d *database) LedgerRanges(ctx context.Context, uid string, after *engine.LedgerPlace, limit int) ([]engine.LedgerRange, error) {
	const op = "mysql.LedgerRanges"
	var out []engine.LedgerRange
	err := each(ctx, d.db, "SELECT table_number, range_number, attempt, state = ?, next_sequence, row_count, row_sum, last_key, touched, rejected FROM "+d.ledger(ledgerRange)+
		" WHERE migration = ?"+behind(after, "range_number")+" ORDER BY table_number, range_number LIMIT ?", []any{stateLoaded, uid, limit}, func(rows *sql.Rows) error {
		var r engine.LedgerRange
		var next uint64
		var n int64
		var sum, key, touched, rejected []byte
		if err := rows.Scan(&r.Table, &r.Number, &r.Attempt, &r.Loaded, &next, &n, &sum, &key, &touched, &rejected); err != nil {
			return err
		}
		read, err := engine.ReadLedger(next, n, sum, key, touched, rejected)
		r.Ledger = read
		out = append(out, r)
		return err
	})
	return out, fault.At(classify(op, err), fault.Target, "")
}

// LedgerTables reads tables' rows.
func (d *database) LedgerTables(ctx context.Context, uid string) (out []engine.LedgerTable, err error) {
	err = each(ctx, d.db, fmt.Sprintf("SELECT table_number, prepared = %d, finished FROM %s WHERE migration = ? ORDER BY table_number", preparedDone, d.ledger(ledgerTable)),
		[]any{uid}, func(rows *sql.Rows) error {
			var t engine.LedgerTable
			err := rows.Scan(&t.Number, &t.Made, &t.Finished)
			out = append(out, t)
			return err
		})
	return out, fault.At(classify("mysql.LedgerTables", err), fault.Target, "")
}

// forgetPlan removes what is kept of the plan of a migration that has ended.
func (d *database) forgetPlan(ctx context.Context, uid string) error {
	there, err := d.tableThere(ctx, d.schema, ledgerPlan)
	if err != nil || !there {
		return err // the ledger is of an earlier version
	}
	_, err = d.db.ExecContext(ctx, "DELETE FROM "+d.ledger(ledgerPlan)+" WHERE migration = ?", uid)
	return err
}
