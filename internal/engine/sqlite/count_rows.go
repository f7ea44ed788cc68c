package sqlite

import (
	"context"
	"database/sql"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// CountRows counts the rows of a request. Those of a source whose condition SQL
// cannot judge are looked at.
func (d *database) CountRows(ctx context.Context, r engine.ReadRequest) (n int64, err error) {
	const op = "sqlite.CountRows"
	if d.target && !d.exists() {
		return 0, fault.New(fault.NotFound, op, "%s has not been made yet", d.path)
	}
	err = d.read(ctx, func(tx *sql.Tx) error {
		reader, err := newRowReader(ctx, tx, r)
		if err != nil {
			return err
		}
		if len(reader.where.columns) > 0 {
			_, err = reader.run(ctx, tx, func(engine.Row) error { n++; return nil })
			return err
		}
		text, args, err := reader.query()
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, "SELECT count(*) FROM ("+text+")", args...).Scan(&n)
	})
	return n, fault.At(classify(op, err), "", engine.Label(r.Plan, r.Side))
}
