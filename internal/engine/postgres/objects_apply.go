package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

var _ engine.Objects = (*database)(nil)

// ApplyObjects makes each object in a transaction of its own, which notes it in the
// ledger: what is noted is not made again.
func (db *database) ApplyObjects(ctx context.Context, m engine.Migration, objects []*planv1.Statement) error {
	const op = "postgres.ApplyObjects"
	err := engine.MakeInPasses(objects, func(s *planv1.Statement) error {
		return classify(op, pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error { return applyObject(ctx, tx, m, s) }))
	})
	return fault.At(err, fault.Target, "")
}

func applyObject(ctx context.Context, tx pgx.Tx, m engine.Migration, s *planv1.Statement) error {
	state, err := lockMigration(ctx, tx, m)
	switch {
	case err != nil || slices.Contains(state.made, s.GetObject()):
		return err
	case !state.copying:
		return fault.New(fault.Fenced, "postgres.ApplyObjects", "migration has ended in the target, or a later coordinator leads it")
	}
	if err := runScript(ctx, tx, s.GetSql()); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE drover.migration SET made = made || $2::text WHERE uid = $1", m.UID, s.GetObject())
	return err
}

// runScript runs one or more statements of the catalog's own writing. A routine's body
// may name what is made after it, as in a dump.
func runScript(ctx context.Context, tx pgx.Tx, sql string) error {
	if _, err := tx.Exec(ctx, "SET LOCAL check_function_bodies = off"); err != nil {
		return err
	}
	_, err := tx.Conn().PgConn().Exec(ctx, sql).ReadAll()
	return err
}
