package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
)

var _ engine.Publisher = (*database)(nil)

// objectSchema begins a statement's object where it makes a schema.
const objectSchema = "schema "

// Publish moves the staged tables, with their indexes, sequences and triggers, to
// their final schemas in one transaction: until it commits no other session sees one
// of them, and then all. Nobody else uses the staged tables, so no lock waits.
func (db *database) Publish(ctx context.Context, m engine.Migration, tables []*planv1.TablePlan) error {
	const op = "postgres.Publish"
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		state, err := lockMigration(ctx, tx, m)
		switch {
		case err != nil || state.published:
			return err
		case !state.copying:
			return fault.New(fault.Fenced, op, "migration has ended in the target, or a later coordinator leads it")
		}
		for _, p := range tables {
			if err := checkPublishable(ctx, tx, p); err != nil {
				return err
			}
		}
		if err := moveStaged(ctx, tx, tables); err != nil {
			return err
		}
		if err := faultpoint.Hit(ctx, faultpoint.TargetPublishLocked, m.Name); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE drover.migration SET published = true WHERE uid = $1", m.UID)
		return err
	})
	return fault.At(classify(op, err), fault.Target, "")
}

// migrationState is what a migration's row in the ledger says.
type migrationState struct {
	copying, published, there bool
	stage                     string
	// made are the objects that Prepare made.
	made []string
}

// lockMigration holds the migration's row against writers until the transaction ends.
func lockMigration(ctx context.Context, tx pgx.Tx, m engine.Migration) (migrationState, error) {
	var out migrationState
	if err := tx.QueryRow(ctx, "SELECT to_regclass('drover.migration') IS NOT NULL").Scan(&out.there); err != nil || !out.there {
		return out, err
	}
	err := tx.QueryRow(ctx, "SELECT stage = $2 AND term <= $3, published, stage, made FROM drover.migration WHERE uid = $1 FOR UPDATE",
		m.UID, engine.StageCopy, int64(m.Term)).Scan(&out.copying, &out.published, &out.stage, &out.made)
	if errors.Is(err, pgx.ErrNoRows) {
		return migrationState{}, nil
	}
	return out, err
}

func checkPublishable(ctx context.Context, tx pgx.Tx, p *planv1.TablePlan) error {
	const op = "postgres.Publish"
	final := finalPlace(p)
	if p.GetPublishName() == "" {
		return fault.New(fault.Unsupported, op, "table %s was not staged", p.GetTargetName())
	}
	var staged, taken bool
	if err := tx.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL, to_regclass($2) IS NOT NULL", targetTable(p), qualified(final[0], final[1])).
		Scan(&staged, &taken); err != nil {
		return err
	}
	switch {
	case !staged:
		return &fault.Error{Kind: fault.Changed, Op: op, Subject: engine.Label(p, engine.TargetSide), Err: errors.New("the staged table is gone: roll the migration back and run it again")}
	case taken:
		return &fault.Error{Kind: fault.Exists, Op: op, Subject: final[0] + "." + final[1],
			Err: errors.New("table appeared on the target after the migration was planned: drop or rename it and publish again, or roll the migration back")}
	}
	return nil
}

// moveStaged moves tables and trigger functions; indexes, constraints and the
// sequences that columns own follow their tables. What is left in a staging schema
// is of tables that were left out.
func moveStaged(ctx context.Context, tx pgx.Tx, tables []*planv1.TablePlan) error {
	staged, final := stagingSchemas(tables)
	var statements []string
	for _, schema := range final {
		statements = append(statements, "CREATE SCHEMA IF NOT EXISTS "+ident(schema))
	}
	for _, p := range tables {
		if p.GetPublishName() != p.GetTargetName() {
			statements = append(statements, "ALTER TABLE "+targetTable(p)+" RENAME TO "+ident(p.GetPublishName()))
		}
		statements = append(statements, "ALTER TABLE "+qualified(p.GetTargetSchema(), p.GetPublishName())+" SET SCHEMA "+ident(p.GetPublishSchema()))
		parts, err := movePartitions(ctx, tx, p, staged, final)
		if err != nil {
			return err
		}
		statements = append(statements, parts...)
	}
	for i, schema := range staged {
		functions, err := stagedFunctions(ctx, tx, schema)
		if err != nil {
			return err
		}
		for _, f := range functions {
			statements = append(statements, "ALTER FUNCTION "+f+" SET SCHEMA "+ident(final[i]))
		}
		statements = append(statements, "DROP SCHEMA "+ident(schema)+" CASCADE")
	}
	for _, sql := range statements {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// movePartitions moves the partitions of a table, each to where the place that it is
// staged in stands for.
func movePartitions(ctx context.Context, tx pgx.Tx, p *planv1.TablePlan, staged, final []string) ([]string, error) {
	type partitionRow struct{ Schema, Name string }
	rows, err := collect[partitionRow](ctx, tx, `SELECT n.nspname::text, c.relname::text FROM pg_partition_tree($1::text::regclass) t
		JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE t.level > 0 ORDER BY t.level, 2`, targetTable(p))
	var out []string
	for _, r := range rows {
		if at := slices.Index(staged, r.Schema); at >= 0 {
			out = append(out, "ALTER TABLE "+qualified(r.Schema, r.Name)+" SET SCHEMA "+ident(final[at]))
		}
	}
	return out, err
}

func stagedFunctions(ctx context.Context, tx pgx.Tx, schema string) ([]string, error) {
	rows, err := tx.Query(ctx, "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1 ORDER BY 1", schema)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Discard drops the staging schemas with all that is in them, then the types and
// schemas that Prepare made, as far as nobody uses them.
func (db *database) Discard(ctx context.Context, m engine.Migration, tables []*planv1.TablePlan, statements []*planv1.Statement) error {
	const op = "postgres.Discard"
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockLedger); err != nil {
			return err
		}
		state, err := lockMigration(ctx, tx, m)
		switch {
		case err != nil || !state.there || state.stage == engine.StageCancelled:
			return err
		case state.published:
			return fault.New(fault.Unsupported, op, "the tables of migration %s are published: drop them by hand if they are not wanted", m.Name)
		case !state.copying:
			return fault.New(fault.Fenced, op, "migration has ended in the target, or a later coordinator leads it")
		case slices.ContainsFunc(tables, func(p *planv1.TablePlan) bool { return p.GetPublishName() == "" }):
			return fault.New(fault.Unsupported, op, "the migration's tables were not staged: what stands in the target stays there")
		}
		staged, _ := stagingSchemas(tables)
		for _, schema := range staged {
			if _, err := tx.Exec(ctx, "DROP SCHEMA IF EXISTS "+ident(schema)+" CASCADE"); err != nil {
				return err
			}
		}
		if err := dropMade(ctx, tx, state.made, statements); err != nil {
			return err
		}
		if err := faultpoint.Hit(ctx, faultpoint.TargetDiscardLocked, m.Name); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE drover.migration SET stage = $2 WHERE uid = $1", m.UID, engine.StageCancelled)
		if err != nil {
			return err
		}
		if err := forgetPlan(ctx, tx, m.UID); err != nil {
			return err
		}
		return dropLedger(ctx, tx)
	})
	return fault.At(classify(op, err), fault.Target, "")
}

// dropLedger removes the ledger when every migration in it was discarded. A worker
// that has slept through it finds no ledger and may write nothing. The lock keeps
// Prepare of another migration away until that is decided.
func dropLedger(ctx context.Context, tx pgx.Tx) error {
	var used bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM drover.migration WHERE stage <> $1)", engine.StageCancelled).Scan(&used); err != nil || used {
		return err
	}
	if _, err := tx.Exec(ctx, `DROP TABLE drover.range, drover."table", drover.migration; DROP TABLE IF EXISTS drover.plan`); err != nil {
		return err
	}
	// Somebody else's objects keep the schema.
	err := pgx.BeginFunc(ctx, tx, func(sub pgx.Tx) error {
		_, err := sub.Exec(ctx, "DROP SCHEMA drover RESTRICT")
		return err
	})
	if sqlState(err) == codeDependentObjects {
		return nil
	}
	return err
}

// dropMade drops what statements made, last first. An object that something else
// uses by now stays.
func dropMade(ctx context.Context, tx pgx.Tx, made []string, statements []*planv1.Statement) error {
	for _, s := range slices.Backward(statements) {
		if !slices.Contains(made, s.GetObject()) {
			continue
		}
		// Objects are named as DROP takes them.
		sql := "DROP " + s.GetObject()
		if name, ok := strings.CutPrefix(s.GetObject(), objectSchema); ok {
			sql = "DROP SCHEMA IF EXISTS " + ident(name)
		} else if name, ok := strings.CutPrefix(s.GetObject(), objectTable); ok {
			sql = "DROP TABLE IF EXISTS " + name
		} else if name, ok := strings.CutPrefix(s.GetObject(), objectType); ok {
			sql = "DROP TYPE IF EXISTS " + name
			if strings.HasPrefix(s.GetSql(), "CREATE DOMAIN") {
				sql = "DROP DOMAIN IF EXISTS " + name
			}
			alone, err := onlyRoutinesNeed(ctx, tx, name)
			if err != nil {
				return err
			}
			if alone && strings.Contains(s.GetSql(), ";\nCREATE OR REPLACE FUNCTION") {
				sql += " CASCADE"
			}
		}
		err := pgx.BeginFunc(ctx, tx, func(sub pgx.Tx) error {
			_, err := sub.Exec(ctx, sql)
			return err
		})
		if err != nil && sqlState(err) != codeDependentObjects {
			return err
		}
	}
	return nil
}

// onlyRoutinesNeed tells whether nothing but routines needs a type: those that read and
// write its values go with it.
func onlyRoutinesNeed(ctx context.Context, tx pgx.Tx, name string) (alone bool, err error) {
	err = tx.QueryRow(ctx, `SELECT NOT EXISTS (SELECT FROM pg_type t JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray)
		WHERE t.oid = to_regtype($1) AND d.deptype = 'n' AND d.classid <> 'pg_proc'::regclass)`, name).Scan(&alone)
	return alone, err
}
