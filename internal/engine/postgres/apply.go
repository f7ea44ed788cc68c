package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
)

// Apply runs a table's statements of one step.
func (db *database) Apply(ctx context.Context, m engine.Migration, t *planv1.TablePlan, step planv1.Step) error {
	var err error
	if step == planv1.Step_STEP_CREATE {
		err = db.create(ctx, m, t)
	} else {
		err = db.build(ctx, m, t, step)
	}
	if err == nil && step == planv1.Step_STEP_SEQUENCES {
		err = db.noteFinished(ctx, m, t)
	}
	return fault.At(classify("postgres.Apply", err), fault.Target, engine.Label(t, engine.TargetSide))
}

// create makes the table or takes the one that is there as the plan says, once:
// the ledger remembers in the same transaction.
func (db *database) create(ctx context.Context, m engine.Migration, t *planv1.TablePlan) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if err := enterTable(ctx, tx, m, t); err != nil {
			return err
		}
		var prepared bool
		err := tx.QueryRow(ctx, `SELECT prepared FROM drover."table" WHERE migration = $1 AND table_number = $2 FOR UPDATE`, m.UID, int64(t.GetNumber())).Scan(&prepared)
		if err != nil || prepared {
			return err
		}
		if err := takeTable(ctx, tx, m, t); err != nil {
			return err
		}
		if _, err = tx.Exec(ctx, `UPDATE drover."table" SET prepared = true WHERE migration = $1 AND table_number = $2`, m.UID, int64(t.GetNumber())); err != nil {
			return err
		}
		return faultpoint.Hit(ctx, faultpoint.TargetStepLocked, engine.Label(t, engine.TargetSide))
	})
}

// takeTable makes a new table, or makes an existing one ready.
func takeTable(ctx context.Context, tx pgx.Tx, m engine.Migration, t *planv1.TablePlan) error {
	const op = "postgres.Apply"
	table := targetTable(t)
	var there bool
	if err := tx.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", table).Scan(&there); err != nil {
		return err
	}
	if there && standsAlone(t) {
		// Tables that inherit from each other are made when the target is prepared.
		made, err := isNoted(ctx, tx, m, objectTable+table)
		if err != nil {
			return err
		}
		there = !made
	}
	switch {
	case there && !t.GetTargetExists():
		return fault.New(fault.Exists, op, "table appeared on the target after the migration was planned: drop it, or plan the migration again")
	case !there && t.GetTargetExists():
		return fault.New(fault.Changed, op, "table is gone from the target: plan the migration again")
	case !there:
		return runAll(ctx, tx, t, planv1.Step_STEP_CREATE)
	case t.GetExisting() == planv1.Existing_EXISTING_TRUNCATE:
		return emptyTable(ctx, tx, table)
	case t.GetExisting() == planv1.Existing_EXISTING_APPEND:
		return nil
	}
	var filled bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+table+")").Scan(&filled); err != nil {
		return err
	}
	if filled {
		return fault.New(fault.Exists, op, "table on the target has rows: use --existing=truncate to remove them or --existing=append to keep them")
	}
	return nil
}

// isNoted tells whether the ledger has it that the migration made an object before its
// tables.
func isNoted(ctx context.Context, tx pgx.Tx, m engine.Migration, object string) (noted bool, err error) {
	err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM drover.migration WHERE uid = $1 AND $2 = ANY (made))", m.UID, object).Scan(&noted)
	return noted, err
}

func runAll(ctx context.Context, tx pgx.Tx, t *planv1.TablePlan, step planv1.Step) error {
	for _, s := range t.GetStatements() {
		if s.GetStep() != step {
			continue
		}
		if _, err := tx.Exec(ctx, s.GetSql()); err != nil {
			return atObject(err, s)
		}
	}
	return nil
}

// build runs the statements of a later step, each for itself: an index that is
// built stays when the next one fails.
func (db *database) build(ctx context.Context, m engine.Migration, t *planv1.TablePlan, step planv1.Step) error {
	for _, s := range t.GetStatements() {
		if s.GetStep() != step {
			continue
		}
		err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
			if err := enterTable(ctx, tx, m, t); err != nil {
				return err
			}
			made, err := isMade(ctx, tx, t, s)
			if err != nil || made {
				return err
			}
			_, err = tx.Exec(ctx, s.GetSql())
			return err
		})
		if err != nil {
			return atObject(err, s)
		}
	}
	return nil
}

// noteFinished notes that the last step is done.
func (db *database) noteFinished(ctx context.Context, m engine.Migration, t *planv1.TablePlan) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if err := enterTable(ctx, tx, m, t); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE drover."table" SET finished = true WHERE migration = $1 AND table_number = $2`, m.UID, int64(t.GetNumber()))
		return err
	})
}

// isMade tells whether a constraint or a function is there already. Tables that
// share a function are built at once: the first makes it.
func isMade(ctx context.Context, tx pgx.Tx, t *planv1.TablePlan, s *planv1.Statement) (bool, error) {
	var made bool
	if name, ok := strings.CutPrefix(s.GetObject(), objectConstraint); ok {
		table := targetTable(t)
		if at := strings.LastIndex(name, onTable+`"`); at >= 0 {
			name, table = name[:at], name[at+len(onTable):]
		}
		err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass($1) AND conname = $2)", table, name).Scan(&made)
		return made, err
	}
	if name, ok := strings.CutPrefix(s.GetObject(), objectFunction); ok {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('drover.function ' || $1, 0))", name); err != nil {
			return false, err
		}
		err := tx.QueryRow(ctx, "SELECT to_regprocedure($1) IS NOT NULL", name).Scan(&made)
		return made, err
	}
	return false, nil
}

// atObject names what a statement was to make.
func atObject(err error, s *planv1.Statement) error {
	out := *fault.Find(classify("postgres.Apply", err))
	if out.Op != "" && out.Kind != fault.Fenced {
		out.Err = &pgError{text: "make " + s.GetObject() + ": " + out.Err.Error(), err: out.Err}
	}
	return &out
}
