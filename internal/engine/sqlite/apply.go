package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/internal/keyrange"
)

// Apply runs a table's statements of one step in one transaction.
func (d *database) Apply(ctx context.Context, m engine.Migration, p *planv1.TablePlan, step planv1.Step) error {
	const op = "sqlite.Apply"
	err := d.write(ctx, func(tx *sql.Tx) error {
		if err := enterTable(ctx, tx, m, p); err != nil {
			return err
		}
		switch step {
		case planv1.Step_STEP_CREATE:
			return createOnce(ctx, tx, m, p)
		case planv1.Step_STEP_FOREIGN_KEYS:
			return checkForeignKeys(ctx, tx, p)
		case planv1.Step_STEP_SEQUENCES:
			if err := runStatements(ctx, tx, p, step); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, "UPDATE main._drover_table SET finished = 1 WHERE migration = ? AND table_number = ?", m.UID, int64(p.GetNumber()))
			return err
		default:
			return runStatements(ctx, tx, p, step)
		}
	})
	return fault.At(classify(op, err), fault.Target, engine.Label(p, engine.TargetSide))
}

// enterTable checks the migration and makes the table's row in the ledger.
func enterTable(ctx context.Context, tx *sql.Tx, m engine.Migration, p *planv1.TablePlan) error {
	if err := checkMigration(ctx, tx, m); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO main._drover_table (migration, table_number) VALUES (?, ?) ON CONFLICT DO NOTHING", m.UID, int64(p.GetNumber()))
	return err
}

func runStatements(ctx context.Context, tx *sql.Tx, p *planv1.TablePlan, step planv1.Step) error {
	for _, s := range p.GetStatements() {
		if s.GetStep() != step {
			continue
		}
		if _, err := tx.ExecContext(ctx, s.GetSql()); err != nil {
			return fault.At(classify("sqlite.Apply", err), fault.Target, s.GetObject())
		}
		if err := isIndexOf(ctx, tx, s.GetObject(), p.GetTargetName()); err != nil {
			return err
		}
	}
	return nil
}

// isIndexOf refuses an index whose name another table's index has taken: making it
// if it is not there did nothing.
func isIndexOf(ctx context.Context, tx *sql.Tx, object, table string) error {
	name, ok := strings.CutPrefix(object, objectIndex)
	if !ok {
		return nil
	}
	var of string
	err := tx.QueryRowContext(ctx, "SELECT tbl_name FROM main.sqlite_schema WHERE type = 'index' AND name = ? COLLATE NOCASE", name).Scan(&of)
	if err == nil && fold(of) != fold(table) {
		return fault.New(fault.Exists, "sqlite.Apply", "%s belongs to %s, which was not so when the migration was planned: plan it again", object, of)
	}
	return err
}

// createOnce makes the table, or refuses or empties the one that is there; the
// ledger remembers that it is done.
func createOnce(ctx context.Context, tx *sql.Tx, m engine.Migration, p *planv1.TablePlan) error {
	const op = "sqlite.Apply"
	id := []any{m.UID, int64(p.GetNumber())}
	var prepared, there bool
	if err := tx.QueryRowContext(ctx, "SELECT prepared FROM main._drover_table WHERE migration = ? AND table_number = ?", id...).Scan(&prepared); err != nil || prepared {
		return err
	}
	err := tx.QueryRowContext(ctx, "SELECT count(*) FROM main.sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE", p.GetTargetName()).Scan(&there)
	if err != nil {
		return err
	}
	switch {
	case there && !p.GetTargetExists():
		return fault.New(fault.Exists, op, "the table was not there when the migration was planned: plan it again")
	case !there && p.GetTargetExists():
		return fault.New(fault.Changed, op, "the table is gone: plan the migration again")
	case !there:
		err = runStatements(ctx, tx, p, planv1.Step_STEP_CREATE)
	default:
		err = takeOver(ctx, tx, p)
	}
	if err != nil {
		return err
	}
	if _, err = tx.ExecContext(ctx, "UPDATE main._drover_table SET prepared = 1 WHERE migration = ? AND table_number = ?", id...); err != nil {
		return err
	}
	return faultpoint.Hit(ctx, faultpoint.TargetStepLocked, engine.Label(p, engine.TargetSide))
}

// takeOver does with an existing table's rows what the plan says.
func takeOver(ctx context.Context, tx *sql.Tx, p *planv1.TablePlan) error {
	var rows bool
	if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+mainTable(p.GetTargetName())+")").Scan(&rows); err != nil || !rows {
		return err
	}
	switch p.GetExisting() {
	case planv1.Existing_EXISTING_APPEND:
		return nil
	case planv1.Existing_EXISTING_TRUNCATE:
		_, err := tx.ExecContext(ctx, "DELETE FROM "+mainTable(p.GetTargetName()))
		return err
	default:
		return fault.New(fault.Exists, "sqlite.Apply", "the table has rows: empty it, or choose --existing=append or --existing=truncate")
	}
}

// checkForeignKeys looks for rows without the parent that they name. The keys
// were declared with the table; nothing enforced them while rows came.
func checkForeignKeys(ctx context.Context, tx *sql.Tx, p *planv1.TablePlan) error {
	if p.GetTargetExists() || len(p.GetSource().GetForeignKeys()) == 0 {
		return nil
	}
	const listed = 5
	var orphans []string
	total := 0
	err := each(ctx, tx, `SELECT rowid, parent, fkid FROM pragma_foreign_key_check(?, 'main')`, []any{p.GetTargetName()}, func(rows *sql.Rows) error {
		var rowid sql.NullInt64
		var parent string
		var key int
		if err := rows.Scan(&rowid, &parent, &key); err != nil {
			return err
		}
		if total++; total <= listed {
			orphans = append(orphans, fmt.Sprintf("row %d has no %s", rowid.Int64, parent))
		}
		return nil
	})
	if err != nil || total == 0 {
		return err
	}
	return fault.New(fault.Value, "sqlite.Apply", "%d references name rows that are not there: %s", total, strings.Join(orphans, ", "))
}

// Empty removes a table's rows and fences every loader of before, those that
// never came to open their range included.
func (d *database) Empty(ctx context.Context, m engine.Migration, p *planv1.TablePlan, epoch uint64) error {
	const op = "sqlite.Empty"
	err := d.write(ctx, func(tx *sql.Tx) error {
		if err := enterTable(ctx, tx, m, p); err != nil {
			return err
		}
		var latest, loaded int64
		err := tx.QueryRowContext(ctx, `SELECT max(t.epoch, coalesce(max(r.epoch), 0)), coalesce(sum(r.rows), 0)
			FROM main._drover_table AS t LEFT JOIN main._drover_range AS r ON r.migration = t.migration AND r.table_number = t.table_number
			WHERE t.migration = ? AND t.table_number = ?`, m.UID, int64(p.GetNumber())).Scan(&latest, &loaded)
		if err != nil {
			return err
		}
		if latest > int64(epoch) {
			return fault.New(fault.Fenced, op, "a later loader has begun to fill the table")
		}
		if err := deleteRows(ctx, tx, p, nil, loaded); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE main._drover_table SET epoch = ?, finished = 0 WHERE migration = ? AND table_number = ?", int64(epoch), m.UID, int64(p.GetNumber())); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE main._drover_range SET attempt = 0, epoch = ?, next_sequence = 0, last_key = NULL, rows = 0, sum = ?, state = ?, touched = NULL, rejected = NULL
			WHERE migration = ? AND table_number = ?`, int64(epoch), batch.Digest{}.Sum(), stateEmpty, m.UID, int64(p.GetNumber()))
		if err != nil {
			return err
		}
		return faultpoint.Hit(ctx, faultpoint.TargetEmptyLocked, engine.Label(p, engine.TargetSide))
	})
	return fault.At(classify(op, err), fault.Target, engine.Label(p, engine.TargetSide))
}

// deleteRows removes the rows of a range; nil is the whole table. From a table
// that was appended to it removes only what is surely drover's: where all the rows
// found are those that the ledger counts.
func deleteRows(ctx context.Context, tx *sql.Tx, p *planv1.TablePlan, r *planv1.Range, loaded int64) error {
	const op = "sqlite.deleteRows"
	info, err := readTable(ctx, tx, p.GetTargetName())
	if fault.Is(err, fault.NotFound) {
		return nil // it was never created
	}
	if err != nil {
		return err
	}
	where := &predicate{}
	if !keyrange.Whole(r) {
		if keyrange.Ordered(r) && !p.GetValidateByRange() {
			return fault.New(fault.Unsupported, op, "SQLite cannot tell one range's rows from another's: the whole table must be emptied")
		}
		key := targetKey(p, engine.TargetSide)
		where.terms, where.kinds = orderTerms(info, key), key.GetKinds()
		if err := where.bounds(r, nil); err != nil {
			return err
		}
	}
	from := mainTable(info.name) + where.sql()
	if p.GetExisting() == planv1.Existing_EXISTING_APPEND && p.GetTargetExists() {
		var n int64
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM "+from, where.args...).Scan(&n); err != nil {
			return err
		}
		if n != loaded {
			return fault.New(fault.Unsupported, op, "%d rows are there, drover loaded %d: doing it again would delete rows that were there before; "+
				"remove drover's rows by hand or use --existing=truncate", n, loaded)
		}
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM "+from, where.args...)
	return err
}
