package sqlite

import (
	"context"
	"database/sql"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// ApplyObjects makes views and triggers, each in a transaction of its own. One that
// is there, by type and name, was made by an earlier call.
func (d *database) ApplyObjects(ctx context.Context, m engine.Migration, objects []*planv1.Statement) error {
	const op = "sqlite.ApplyObjects"
	err := engine.MakeInPasses(objects, func(s *planv1.Statement) error {
		return classify(op, d.writeDurably(ctx, func(tx *sql.Tx) error {
			if err := checkMigration(ctx, tx, m); err != nil {
				return err
			}
			kind, name, _ := strings.Cut(s.GetObject(), " ")
			var there int
			err := tx.QueryRowContext(ctx, "SELECT count(*) FROM main.sqlite_schema WHERE type = ? AND name = ?", kind, name).Scan(&there)
			if err != nil || there > 0 {
				return err
			}
			_, err = tx.ExecContext(ctx, s.GetSql())
			return err
		}))
	})
	return fault.At(err, fault.Target, d.path)
}
