package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
)

// stagedName is where a table is loaded before it is published: in the same file,
// under a name that is drover's own. docs/adr/0012-sqlite-stages-in-the-file.md.
func stagedName(stage, table string) string {
	return ledgerPrefix + strings.TrimPrefix(stage, "drover_") + "." + table
}

// Publish renames the staged tables in one transaction.
func (d *database) Publish(ctx context.Context, m engine.Migration, tables []*planv1.TablePlan) error {
	const op = "sqlite.Publish"
	if err := d.follow(); err != nil {
		return fault.At(err, fault.Target, d.path)
	}
	done, err := d.turn(ctx)
	if err != nil {
		return err
	}
	defer done()
	// Renaming follows foreign keys only where they are on, and leaves views and
	// triggers, which know nothing of staged tables, unread only in the legacy way.
	pool, err := sql.Open("sqlite", dsn(d.path, url.Values{"mode": {"rw"}, "_txlock": {"immediate"}, "_foreign_keys": {"1"},
		"_synchronous": {"FULL"}, "_pragma": {"legacy_alter_table(1)"}}))
	if err != nil {
		return fault.At(classify(op, err), fault.Target, d.path)
	}
	conn, err := pool.Conn(ctx)
	if err == nil {
		err = errors.Join(transact(ctx, conn, func(tx *sql.Tx) error { return publish(ctx, tx, m, tables) }), conn.Close())
	}
	if err = errors.Join(err, pool.Close()); err == nil {
		err = d.stillThere()
	}
	return fault.At(classify(op, err), fault.Target, d.path)
}

func publish(ctx context.Context, tx *sql.Tx, m engine.Migration, tables []*planv1.TablePlan) error {
	row, err := readMigration(ctx, tx, m)
	if err != nil || row.published {
		return err
	}
	if err := checkMigration(ctx, tx, m); err != nil {
		return err
	}
	if err := allStaged("sqlite.Publish", tables); err != nil {
		return err
	}
	for _, p := range tables {
		if err := canPublish(ctx, tx, p); err != nil {
			return err
		}
	}
	for _, p := range tables {
		if _, err := tx.ExecContext(ctx, "ALTER TABLE "+mainTable(p.GetTargetName())+" RENAME TO "+ident(p.GetPublishName())); err != nil {
			return fault.At(classify("sqlite.Publish", err), fault.Target, p.GetPublishName())
		}
	}
	for _, p := range tables {
		if err := refersToNoStage(ctx, tx, p.GetPublishName()); err != nil {
			return err
		}
	}
	if err := faultpoint.Hit(ctx, faultpoint.TargetPublishLocked, m.Name); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE main._drover_migration SET published = 1 WHERE uid = ?", m.UID)
	return err
}

// allStaged refuses tables that were loaded under their final names.
func allStaged(op string, tables []*planv1.TablePlan) error {
	for _, p := range tables {
		if p.GetPublishName() == "" || !internalName(p.GetTargetName()) {
			return fault.New(fault.Unsupported, op, "table %s was not staged", p.GetTargetName())
		}
	}
	return nil
}

func canPublish(ctx context.Context, tx *sql.Tx, p *planv1.TablePlan) error {
	const op = "sqlite.Publish"
	const count = "SELECT count(*) FROM main.sqlite_schema WHERE name = ? COLLATE NOCASE AND type "
	var staged, taken bool
	err := tx.QueryRowContext(ctx, count+"= 'table'", p.GetTargetName()).Scan(&staged)
	if err == nil {
		err = tx.QueryRowContext(ctx, count+"IN ('table', 'view', 'index')", p.GetPublishName()).Scan(&taken)
	}
	switch {
	case err != nil:
		return err
	case taken:
		return fault.New(fault.Exists, op, "%s was not there when the migration was planned: remove or rename it, then publish again", p.GetPublishName())
	case !staged:
		return fault.New(fault.Changed, op, "the staged table of %s is gone: plan the migration again", p.GetPublishName())
	}
	return nil
}

// refersToNoStage refuses a table whose parent is not published with it.
func refersToNoStage(ctx context.Context, tx *sql.Tx, table string) error {
	info, err := readTable(ctx, tx, table)
	if err != nil {
		return err
	}
	for _, f := range info.foreignKeys {
		if internalName(f.table) {
			_, parent, _ := strings.Cut(f.table, ".")
			return fault.New(fault.Unsupported, "sqlite.Publish", "%s refers to %s, which is not published with it: leave both out, or neither", table, parent)
		}
	}
	return nil
}

// ledgerMigration is what the ledger says of a migration beyond its term.
type ledgerMigration struct {
	there, published, madeFile bool
	stage                      string
}

func readMigration(ctx context.Context, tx *sql.Tx, m engine.Migration) (row ledgerMigration, err error) {
	var ledger bool
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM main.sqlite_schema WHERE name = '_drover_migration'").Scan(&ledger); err != nil || !ledger {
		return row, err
	}
	// A migration of an earlier version, which staged nothing, may have made the ledger.
	if err := makeLedger(ctx, tx); err != nil {
		return row, err
	}
	err = tx.QueryRowContext(ctx, "SELECT stage, published, made_file FROM main._drover_migration WHERE uid = ?", m.UID).Scan(&row.stage, &row.published, &row.madeFile)
	if errors.Is(err, sql.ErrNoRows) {
		return row, nil
	}
	row.there = err == nil
	return row, err
}

// Discard removes the staged tables and, where drover made the file and nobody else
// has put anything into it, the file.
func (d *database) Discard(ctx context.Context, m engine.Migration, tables []*planv1.TablePlan, _ []*planv1.Statement) error {
	const op = "sqlite.Discard"
	if !d.exists() {
		return nil
	}
	mode, empty := "wal", false
	err := d.writeDurably(ctx, func(tx *sql.Tx) error {
		row, err := readMigration(ctx, tx, m)
		if err != nil || !row.there {
			return err
		}
		if row.stage != engine.StageCancelled {
			if mode, err = discard(ctx, tx, m, row, tables); err != nil {
				return err
			}
		}
		if empty, err = holdsNothing(ctx, tx); err != nil {
			return err
		}
		if empty = empty && row.madeFile; empty {
			return nil // the ledger goes with the file
		}
		return dropLedger(ctx, tx)
	})
	switch {
	case err != nil:
		return fault.At(classify(op, err), fault.Target, d.path)
	case empty && d.leaveWAL(ctx, "delete"):
		return fault.At(classify(op, d.remove(ctx)), fault.Target, d.path)
	case mode != "wal":
		d.leaveWAL(ctx, mode)
	}
	return nil
}

func discard(ctx context.Context, tx *sql.Tx, m engine.Migration, row ledgerMigration, tables []*planv1.TablePlan) (mode string, err error) {
	const op = "sqlite.Discard"
	if row.published {
		return "", fault.New(fault.Unsupported, op, "the tables of migration %s are published: remove them by hand", m.Name)
	}
	if err := checkMigration(ctx, tx, m); err != nil {
		return "", err
	}
	if err := allStaged(op, tables); err != nil {
		return "", err
	}
	for _, p := range tables {
		if _, err := tx.ExecContext(ctx, "DROP TABLE IF EXISTS "+mainTable(p.GetTargetName())); err != nil {
			return "", fault.At(classify(op, err), fault.Target, p.GetTargetName())
		}
	}
	if err := faultpoint.Hit(ctx, faultpoint.TargetDiscardLocked, m.Name); err != nil {
		return "", err
	}
	return endMigration(ctx, tx, m, engine.StageCancelled)
}

// dropLedger removes the ledger when every migration in it was discarded. A worker
// that has slept through it finds no ledger and may write nothing.
func dropLedger(ctx context.Context, tx *sql.Tx) error {
	var used bool
	err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM main._drover_migration WHERE stage <> ?)", engine.StageCancelled).Scan(&used)
	for _, name := range []string{"_drover_plan", "_drover_range", "_drover_table", "_drover_migration"} {
		if err == nil && !used {
			_, err = tx.ExecContext(ctx, "DROP TABLE IF EXISTS "+mainTable(name))
		}
	}
	return err
}

// holdsNothing tells whether the file has nothing but the ledger of migrations that
// were cancelled.
func holdsNothing(ctx context.Context, q queryer) (empty bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT NOT EXISTS (SELECT 1 FROM main._drover_migration WHERE stage <> ?)
		AND NOT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE name NOT IN ('_drover_migration', '_drover_table', '_drover_range', '_drover_plan') AND name NOT LIKE 'sqlite\_%' ESCAPE '\')`,
		engine.StageCancelled).Scan(&empty)
	return empty, err
}

// remove removes the file under the exclusive lock. It is not in WAL mode, so nobody
// else is connected who would come to take another file's log for its own.
func (d *database) remove(ctx context.Context) error {
	done, err := d.turn(ctx)
	if err != nil {
		return err
	}
	defer done()
	pool, err := d.writing()
	if err != nil {
		return err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "BEGIN EXCLUSIVE")
	if err == nil {
		var empty bool
		if empty, err = holdsNothing(ctx, conn); err == nil && empty {
			err = os.Remove(d.path)
		}
		_, rollback := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		err = errors.Join(err, rollback)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return errors.Join(err, conn.Close(), d.closePools())
}
