package mysql

import (
	"context"
	"database/sql"
	"fmt"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
)

// deletedAtOnce is how many rows one transaction of emptying deletes: what it can
// undo in a moment.
const deletedAtOnce = 20_000

// Empty removes a table's rows and fences every loader of before, those that never
// came to open their range included. TRUNCATE would commit on its own, whoever has
// come since; so rows are deleted in short transactions, each of which sees that the
// table is still this call's, and no range opens before the last one is done.
func (d *database) Empty(ctx context.Context, m engine.Migration, t *planv1.TablePlan, epoch uint64) error {
	const op = "mysql.Empty"
	err := d.enterTable(ctx, d.db, m, t)
	if err == nil {
		err = d.transact(ctx, func(tx *sql.Tx) error { return d.beginEmpty(ctx, tx, m, t, epoch) })
	}
	for more := true; err == nil && more; {
		err = d.transact(ctx, func(tx *sql.Tx) (err error) {
			more, err = d.emptySome(ctx, tx, m, t, epoch)
			return err
		})
	}
	return fault.At(classify(op, err), fault.Target, engine.Label(t, engine.TargetSide))
}

// beginEmpty fences the table and forgets what its ranges had.
func (d *database) beginEmpty(ctx context.Context, tx *sql.Tx, m engine.Migration, t *planv1.TablePlan, epoch uint64) error {
	if err := d.checkMigration(ctx, tx, m, "mysql.Empty"); err != nil {
		return err
	}
	var latest, highest uint64
	var emptying bool
	var loaded int64
	if err := tx.QueryRowContext(ctx, "SELECT epoch, emptying FROM "+d.ledger(ledgerTable)+" WHERE "+tableID(m, t)+" FOR UPDATE").Scan(&latest, &emptying); err != nil {
		return err
	}
	// Waits for batches in flight.
	err := each(ctx, tx, "SELECT epoch, row_count FROM "+d.ledger(ledgerRange)+" WHERE "+tableID(m, t)+" FOR UPDATE", nil, func(rows *sql.Rows) error {
		var epoch uint64
		var n int64
		err := rows.Scan(&epoch, &n)
		highest, loaded = max(highest, epoch), loaded+n
		return err
	})
	if err != nil {
		return err
	}
	if max(latest, highest) > epoch {
		return fault.New(fault.Fenced, "mysql.Empty", "a later loader has begun to fill the table")
	}
	if !emptying {
		if err := guardAppended(ctx, tx, t, targetTable(t), loaded); err != nil {
			return err
		}
	}
	set, err := assignments(engine.Ledger{})
	if err != nil {
		return err
	}
	for _, statement := range []string{
		fmt.Sprintf("UPDATE %s SET epoch = %d, emptying = 1, finished = 0 WHERE %s", d.ledger(ledgerTable), epoch, tableID(m, t)),
		fmt.Sprintf("UPDATE %s SET %s, epoch = %d, state = '%s' WHERE %s", d.ledger(ledgerRange), set, epoch, stateEmpty, tableID(m, t)),
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// emptySome deletes some rows; more is false when none are left.
func (d *database) emptySome(ctx context.Context, tx *sql.Tx, m engine.Migration, t *planv1.TablePlan, epoch uint64) (more bool, err error) {
	if err := d.checkMigration(ctx, tx, m, "mysql.Empty"); err != nil {
		return false, err
	}
	var owner uint64
	if err := tx.QueryRowContext(ctx, "SELECT epoch FROM "+d.ledger(ledgerTable)+" WHERE "+tableID(m, t)+" FOR UPDATE").Scan(&owner); err != nil {
		return false, err
	}
	if owner != epoch {
		return false, fault.New(fault.Fenced, "mysql.Empty", "a later loader has begun to empty the table")
	}
	n, err := deleteSome(ctx, tx, t)
	if err != nil || n == deletedAtOnce {
		return true, err
	}
	if _, err = tx.ExecContext(ctx, "UPDATE "+d.ledger(ledgerTable)+" SET emptying = 0 WHERE "+tableID(m, t)); err != nil {
		return false, err
	}
	return false, faultpoint.Hit(ctx, faultpoint.TargetEmptyLocked, engine.Label(t, engine.TargetSide))
}

func deleteSome(ctx context.Context, tx *sql.Tx, t *planv1.TablePlan) (int64, error) {
	result, err := tx.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s LIMIT %d", targetTable(t), deletedAtOnce))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
