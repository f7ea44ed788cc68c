package postgres

import (
	"context"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// CountRows counts the rows of a request.
func (db *database) CountRows(ctx context.Context, r engine.ReadRequest) (n int64, err error) {
	where, err := selected(r)
	if err == nil {
		err = db.pool.QueryRow(ctx, "SELECT count(*) FROM "+relation(r.Plan, r.Side)+" AS r"+where).Scan(&n)
	}
	return n, fault.At(classify("postgres.CountRows", err), sideName(r.Side), engine.Label(r.Plan, r.Side))
}

func sideName(s engine.Side) string {
	if s == engine.TargetSide {
		return fault.Target
	}
	return fault.Source
}
