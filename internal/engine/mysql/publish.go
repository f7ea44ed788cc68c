package mysql

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
)

var _ engine.Publisher = (*database)(nil)

// stagingDatabase is where tables of a database are loaded before they are published:
// beside it, under a name of drover's own.
func (d *designer) stagingDatabase(schema string) string {
	return d.fold(clip(ledgerPrefix+strings.TrimPrefix(d.req.Stage, "drover_")+"_"+schema, 0))
}

// isStaged tells whether a table is loaded into a staging database.
func isStaged(p *planv1.TablePlan) bool {
	return p.GetPublishName() != "" && strings.HasPrefix(p.GetTargetSchema(), ledgerPrefix)
}

// Publish moves all staged tables by one RENAME TABLE, which others see as a whole or
// not at all, a crash of the server included.
func (d *database) Publish(ctx context.Context, m engine.Migration, tables []*planv1.TablePlan) error {
	const op = "mysql.Publish"
	err := d.alone(ctx, m, func(tx *sql.Tx, row ledgerMigrationRow) error {
		switch {
		case row.published:
			return nil
		case !row.there || row.term > m.Term || row.stage != engine.StageCopy:
			return errEnded(op)
		}
		if err := d.publish(ctx, tables); err != nil {
			return err
		}
		if err := faultpoint.Hit(ctx, faultpoint.TargetPublishLocked, m.Name); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE "+d.ledger(ledgerMigration)+" SET published = 1 WHERE uid = "+literal(m.UID))
		return err
	})
	if err == nil {
		err = d.dropPublished(ctx, m, tables)
	}
	return fault.At(classify(op, err), fault.Target, "")
}

// dropPublished drops the staging databases, with what is left in them: tables that
// were skipped, of which there may be no others.
func (d *database) dropPublished(ctx context.Context, m engine.Migration, tables []*planv1.TablePlan) error {
	names := stages(tables)
	err := each(ctx, d.db, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA", nil, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		if isStageOf(m, name) {
			names[name] = true
		}
		return err
	})
	if err != nil {
		return fault.At(classify("mysql.Publish", err), fault.Target, "")
	}
	for name := range names {
		if err := d.unchecked(ctx, "DROP DATABASE IF EXISTS "+ident(name)); err != nil {
			return fault.At(classify("mysql.Publish", err), fault.Target, objectDatabase+name)
		}
	}
	return nil
}

// shortestStage is how much of a migration's uid tells it from any other.
const shortestStage = 10

// isStageOf tells whether a database is a staging place of a migration: the end of its
// uid is in the name.
func isStageOf(m engine.Migration, name string) bool {
	rest, ok := strings.CutPrefix(name, ledgerPrefix)
	stage, _, _ := strings.Cut(rest, "_")
	return ok && len(stage) >= shortestStage && strings.HasSuffix(strings.ToLower(m.UID), strings.ToLower(stage))
}

// publish renames the tables, unless a call that did not come back has.
func (d *database) publish(ctx context.Context, tables []*planv1.TablePlan) error {
	if err := allStaged("mysql.Publish", tables); err != nil {
		return err
	}
	renamed, err := d.isRenamed(ctx, tables)
	if err != nil || renamed || len(tables) == 0 {
		return err
	}
	if err := d.refersToNoStage(ctx, tables); err != nil {
		return err
	}
	var moves []string
	for _, p := range tables {
		moves = append(moves, targetTable(p)+" TO "+qualified(p.GetPublishSchema(), p.GetPublishName()))
	}
	_, err = d.db.ExecContext(ctx, "RENAME TABLE "+strings.Join(moves, ", "))
	return err
}

// allStaged refuses tables that were loaded under their final names.
func allStaged(op string, tables []*planv1.TablePlan) error {
	for _, p := range tables {
		if !isStaged(p) {
			return fault.New(fault.Unsupported, op, "table %s was not staged", engine.Label(p, engine.TargetSide))
		}
	}
	return nil
}

// isRenamed tells whether the tables are under their final names already: since they
// move all at once, none or all of them are.
func (d *database) isRenamed(ctx context.Context, tables []*planv1.TablePlan) (bool, error) {
	const op = "mysql.Publish"
	staged := 0
	var taken *planv1.TablePlan
	for _, p := range tables {
		here, err := d.tableThere(ctx, p.GetTargetSchema(), p.GetTargetName())
		if err != nil {
			return false, err
		}
		there, err := d.tableThere(ctx, p.GetPublishSchema(), p.GetPublishName())
		if err != nil {
			return false, err
		}
		if here {
			staged++
		}
		if there {
			taken = p
		}
		if !here && !there {
			return false, fault.New(fault.Changed, op, "the staged table of %s.%s is gone: plan the migration again", p.GetPublishSchema(), p.GetPublishName())
		}
	}
	if staged > 0 && taken != nil {
		return false, fault.New(fault.Exists, op, "%s.%s was not there when the migration was planned: remove or rename it, then publish again",
			taken.GetPublishSchema(), taken.GetPublishName())
	}
	return staged == 0, nil
}

// refersToNoStage refuses tables whose parent is not published with them.
func (d *database) refersToNoStage(ctx context.Context, tables []*planv1.TablePlan) error {
	moved := map[[2]string]bool{}
	for _, p := range tables {
		moved[[2]string{p.GetTargetSchema(), p.GetTargetName()}] = true
	}
	for schema := range stages(tables) {
		keys, err := readForeignKeys(ctx, d.db, tableFilter{schema: schema})
		if err != nil {
			return err
		}
		for _, f := range keys {
			if moved[[2]string{schema, f.table}] && strings.HasPrefix(f.schema, ledgerPrefix) && !moved[[2]string{f.schema, f.referenced}] {
				return fault.New(fault.Unsupported, "mysql.Publish", "%s refers to %s, which is not published with it: leave both out, or neither", f.table, f.referenced)
			}
		}
	}
	return nil
}

// stages are the staging databases of tables.
func stages(tables []*planv1.TablePlan) map[string]bool {
	out := map[string]bool{}
	for _, p := range tables {
		if isStaged(p) {
			out[p.GetTargetSchema()] = true
		}
	}
	return out
}

// Discard drops the staging databases, and others that the migration made and nobody
// has put anything into.
func (d *database) Discard(ctx context.Context, m engine.Migration, tables []*planv1.TablePlan, statements []*planv1.Statement) error {
	const op = "mysql.Discard"
	there, err := d.tableThere(ctx, d.schema, ledgerMigration)
	if err != nil || !there {
		return fault.At(classify(op, err), fault.Target, "")
	}
	err = d.alone(ctx, m, func(tx *sql.Tx, row ledgerMigrationRow) error {
		switch {
		case !row.there:
			return nil
		case row.published:
			return errPublished(m)
		case row.term > m.Term || row.stage != engine.StageCopy && row.stage != engine.StageCancelled:
			return errEnded(op)
		}
		if err := d.discard(ctx, m, tables); err != nil {
			return err
		}
		if err := d.dropStages(ctx, tables, statements); err != nil {
			return err
		}
		if err := faultpoint.Hit(ctx, faultpoint.TargetDiscardLocked, m.Name); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE "+d.ledger(ledgerMigration)+" SET stage = "+literal(engine.StageCancelled)+" WHERE uid = "+literal(m.UID))
		return err
	})
	if err == nil {
		err = d.forgetPlan(ctx, m.UID)
	}
	if err == nil {
		err = d.holdingLedger(ctx, d.dropLedger)
	}
	return fault.At(classify(op, err), fault.Target, "")
}

// dropLedger removes the ledger when every migration in it was discarded. A worker
// that has slept through it finds no ledger and may write nothing.
func (d *database) dropLedger(ctx context.Context) error {
	there, err := d.tableThere(ctx, d.schema, ledgerMigration)
	if err != nil || !there {
		return err
	}
	var used bool
	if err := d.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+d.ledger(ledgerMigration)+" WHERE stage <> "+literal(engine.StageCancelled)+")").Scan(&used); err != nil || used {
		return err
	}
	// The migrations go last: they say that the others may go.
	for _, name := range []string{ledgerPlan, ledgerRange, ledgerTable, ledgerMigration} {
		if _, err := d.db.ExecContext(ctx, "DROP TABLE IF EXISTS "+d.ledger(name)); err != nil {
			return err
		}
	}
	return nil
}

func errPublished(m engine.Migration) error {
	return fault.New(fault.Unsupported, "mysql.Discard", "the tables of migration %s are published: remove them by hand", m.Name)
}

// discard drops the staged tables. Those that were made and are no longer staged are
// published, whether the call that did it came back or not.
func (d *database) discard(ctx context.Context, m engine.Migration, tables []*planv1.TablePlan) error {
	if err := allStaged("mysql.Discard", tables); err != nil {
		return err
	}
	for _, p := range tables {
		published, err := d.wasPublished(ctx, m, p)
		if err != nil {
			return err
		}
		if published {
			return errPublished(m)
		}
	}
	for _, p := range tables {
		// Without checks, since they refer to each other.
		if err := d.unchecked(ctx, "DROP TABLE IF EXISTS "+targetTable(p)); err != nil && errorCode(err) != codeUnknownDatabase {
			return err
		}
	}
	return nil
}

func (d *database) wasPublished(ctx context.Context, m engine.Migration, p *planv1.TablePlan) (bool, error) {
	var state int
	err := d.db.QueryRowContext(ctx, "SELECT prepared FROM "+d.ledger(ledgerTable)+" WHERE "+tableID(m, p)).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) || err == nil && state != preparedDone {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	staged, err := d.tableThere(ctx, p.GetTargetSchema(), p.GetTargetName())
	if err != nil || staged {
		return false, err
	}
	// Discarded before, with a table of somebody else's under the final name since, it
	// is as much in doubt as published.
	var stage string
	if err := d.db.QueryRowContext(ctx, "SELECT stage FROM "+d.ledger(ledgerMigration)+" WHERE uid = "+literal(m.UID)).Scan(&stage); err != nil || stage == engine.StageCancelled {
		return false, err
	}
	return d.tableThere(ctx, p.GetPublishSchema(), p.GetPublishName())
}

// dropStages drops the sequences that statements made, and staging databases and those
// that statements made, if they are empty.
func (d *database) dropStages(ctx context.Context, tables []*planv1.TablePlan, statements []*planv1.Statement) error {
	names := stages(tables)
	for _, s := range statements {
		if name, ok := strings.CutPrefix(s.GetObject(), objectDatabase); ok {
			names[name] = true
		}
		if name, ok := strings.CutPrefix(s.GetObject(), objectOwnSequence); ok {
			if _, err := d.db.ExecContext(ctx, "DROP SEQUENCE IF EXISTS "+name); err != nil {
				return fault.At(classify("mysql.Discard", err), fault.Target, s.GetObject())
			}
		}
	}
	for name := range names {
		var used bool
		err := d.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?)
			OR EXISTS (SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ?) OR EXISTS (SELECT 1 FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?)`,
			name, name, name).Scan(&used)
		if err == nil && !used && name != d.schema {
			_, err = d.db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+ident(name))
		}
		if err != nil {
			return fault.At(classify("mysql.Discard", err), fault.Target, objectDatabase+name)
		}
	}
	return nil
}

// ledgerMigrationRow is what the ledger says of a migration.
type ledgerMigrationRow struct {
	there, published bool
	term             uint64
	stage            string
}

// alone runs f while nobody else begins, ends or writes a batch of the migration. The
// lock is on a connection of its own, for DDL ends the transaction of the connection
// that it runs on.
func (d *database) alone(ctx context.Context, m engine.Migration, f func(*sql.Tx, ledgerMigrationRow) error) error {
	pool, err := openPool(d.endpoint, d.dialect.sessionSettings())
	if err != nil {
		return err
	}
	lock := &database{db: pool}
	err = lock.transact(ctx, func(tx *sql.Tx) error {
		var row ledgerMigrationRow
		err := tx.QueryRowContext(ctx, "SELECT term, stage, published FROM "+d.ledger(ledgerMigration)+" WHERE uid = "+literal(m.UID)+" FOR UPDATE").
			Scan(&row.term, &row.stage, &row.published)
		if row.there = err == nil; err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return f(tx, row)
	})
	return errors.Join(err, pool.Close())
}
