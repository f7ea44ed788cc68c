package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
)

// Apply runs a table's statements of one step.
func (d *database) Apply(ctx context.Context, m engine.Migration, t *planv1.TablePlan, step planv1.Step) error {
	err := d.checkMigration(ctx, d.db, m, "mysql.Apply")
	if err == nil {
		err = d.enterTable(ctx, d.db, m, t)
	}
	if err == nil && step == planv1.Step_STEP_CREATE {
		err = d.create(ctx, m, t)
	} else if err == nil {
		err = d.build(ctx, m, t, step)
	}
	if err == nil && step == planv1.Step_STEP_SEQUENCES {
		err = d.whilePreparing(ctx, m, t, func(tx *sql.Tx, _ int) error { return d.noteFinished(ctx, tx, m, t) })
	}
	return fault.At(classify("mysql.Apply", err), fault.Target, engine.Label(t, engine.TargetSide))
}

// create makes the table or takes the one that is there as the plan says, once: the
// ledger remembers. Each DDL statement commits on its own, so the ledger says first
// that the table is being made, and then that it is.
func (d *database) create(ctx context.Context, m engine.Migration, t *planv1.TablePlan) error {
	there, err := d.tableThere(ctx, t.GetTargetSchema(), t.GetTargetName())
	if err != nil {
		return err
	}
	done := false
	err = d.whilePreparing(ctx, m, t, func(tx *sql.Tx, state int) error {
		if done = state == preparedDone; done || state == preparedBegun {
			return nil
		}
		if err := d.expected(t, there); err != nil {
			return err
		}
		return d.setPrepared(ctx, tx, m, t, preparedBegun)
	})
	switch {
	case err != nil || done:
		return err
	case t.GetTargetExists():
		err = d.takeTable(ctx, m, t)
	case there:
		// By a call that did not come back; a table with rows is somebody else's.
		err = d.refuseRows(ctx, t, "table appeared on the target after the migration was planned: drop it, or plan the migration again")
	default:
		err = d.runCreate(ctx, t)
	}
	if err != nil {
		return err
	}
	if err := faultpoint.Hit(ctx, faultpoint.TargetStepLocked, engine.Label(t, engine.TargetSide)); err != nil {
		return err
	}
	return d.whilePreparing(ctx, m, t, func(tx *sql.Tx, _ int) error { return d.setPrepared(ctx, tx, m, t, preparedDone) })
}

// expected compares what is there with what the plan saw.
func (d *database) expected(t *planv1.TablePlan, there bool) error {
	switch {
	case there && !t.GetTargetExists():
		return fault.New(fault.Exists, "mysql.Apply", "table appeared on the target after the migration was planned: drop it, or plan the migration again")
	case !there && t.GetTargetExists():
		return fault.New(fault.Changed, "mysql.Apply", "table is gone from the target: plan the migration again")
	}
	return nil
}

func (d *database) tableThere(ctx context.Context, schema, name string) (there bool, err error) {
	err = d.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?)", schema, name).Scan(&there)
	return there, err
}

// whilePreparing runs f with the state of the table's row, which it holds.
func (d *database) whilePreparing(ctx context.Context, m engine.Migration, t *planv1.TablePlan, f func(tx *sql.Tx, state int) error) error {
	return d.transact(ctx, func(tx *sql.Tx) error {
		if err := d.checkMigration(ctx, tx, m, "mysql.Apply"); err != nil {
			return err
		}
		var state int
		if err := tx.QueryRowContext(ctx, "SELECT prepared FROM "+d.ledger(ledgerTable)+" WHERE "+tableID(m, t)+" FOR UPDATE").Scan(&state); err != nil {
			return err
		}
		return f(tx, state)
	})
}

func (d *database) setPrepared(ctx context.Context, tx *sql.Tx, m engine.Migration, t *planv1.TablePlan, state int) error {
	_, err := tx.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET prepared = %d WHERE %s", d.ledger(ledgerTable), state, tableID(m, t)))
	return err
}

// noteFinished notes that the last step is done.
func (d *database) noteFinished(ctx context.Context, tx *sql.Tx, m engine.Migration, t *planv1.TablePlan) error {
	_, err := tx.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET finished = 1 WHERE %s", d.ledger(ledgerTable), tableID(m, t)))
	return err
}

func (d *database) runCreate(ctx context.Context, t *planv1.TablePlan) error {
	for _, s := range t.GetStatements() {
		if s.GetStep() != planv1.Step_STEP_CREATE {
			continue
		}
		if _, err := d.db.ExecContext(ctx, s.GetSql()); err != nil && errorCode(err) != codeTableExists {
			return atObject(err, s)
		}
	}
	return nil
}

// takeTable makes a table that was there before ready for rows.
func (d *database) takeTable(ctx context.Context, m engine.Migration, t *planv1.TablePlan) error {
	switch t.GetExisting() {
	case planv1.Existing_EXISTING_APPEND:
		return nil
	case planv1.Existing_EXISTING_TRUNCATE:
		for more := true; more; {
			// Whoever comes late finds the table prepared, and its rows not theirs.
			err := d.whilePreparing(ctx, m, t, func(tx *sql.Tx, state int) error {
				if more = state == preparedBegun; !more {
					return nil
				}
				n, err := deleteSome(ctx, tx, t)
				more = n == deletedAtOnce
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	default:
		return d.refuseRows(ctx, t, "table on the target has rows: use --existing=truncate to remove them or --existing=append to keep them")
	}
}

func (d *database) refuseRows(ctx context.Context, t *planv1.TablePlan, message string) error {
	var filled bool
	if err := d.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+targetTable(t)+")").Scan(&filled); err != nil || !filled {
		return err
	}
	return fault.New(fault.Exists, "mysql.Apply", "%s", message)
}

// build runs the statements of a later step, each for itself: an index that is built
// stays when the next one fails.
func (d *database) build(ctx context.Context, m engine.Migration, t *planv1.TablePlan, step planv1.Step) error {
	for _, s := range t.GetStatements() {
		if s.GetStep() != step {
			continue
		}
		if err := d.checkMigration(ctx, d.db, m, "mysql.Apply"); err != nil {
			return err
		}
		if strings.HasPrefix(s.GetObject(), objectForeignKey) {
			if err := d.addForeignKey(ctx, t, s); err != nil {
				return err
			}
			continue
		}
		made, err := d.isMade(ctx, t, s)
		if err == nil && !made {
			_, err = d.db.ExecContext(ctx, s.GetSql())
		}
		if err != nil {
			// Another call may have been faster.
			if made, _ := d.isMade(ctx, t, s); !made {
				return atObject(err, s)
			}
		}
	}
	return nil
}

// isMade tells whether an index or a foreign key is there already.
func (d *database) isMade(ctx context.Context, t *planv1.TablePlan, s *planv1.Statement) (made bool, err error) {
	for prefix, query := range map[string]string{
		objectIndex:      "SELECT EXISTS (SELECT 1 FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND INDEX_NAME = ?)",
		objectForeignKey: "SELECT EXISTS (SELECT 1 FROM information_schema.TABLE_CONSTRAINTS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND CONSTRAINT_NAME = ?)",
	} {
		if name, ok := strings.CutPrefix(s.GetObject(), prefix); ok {
			err := d.db.QueryRowContext(ctx, query, t.GetTargetSchema(), t.GetTargetName(), name).Scan(&made)
			return made, err
		}
	}
	return false, nil
}

// atObject names what a statement was to make.
func atObject(err error, s *planv1.Statement) error {
	out := *fault.Find(classify("mysql.Apply", err))
	if out.Kind != fault.Fenced {
		out.Err = fmt.Errorf("make %s: %w", s.GetObject(), out.Err)
	}
	return &out
}
