package mysql

import (
	"context"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// CountRows counts the rows of a request.
func (d *database) CountRows(ctx context.Context, r engine.ReadRequest) (n int64, err error) {
	side := fault.Source
	if r.Side == engine.TargetSide {
		side = fault.Target
	}
	terms, err := keyTermsOf(r.Plan, r.Side)
	var rows string
	if err == nil {
		rows, err = fromRows(r, terms)
	}
	if err == nil {
		err = d.db.QueryRowContext(ctx, "SELECT COUNT(*)"+rows).Scan(&n)
	}
	return n, fault.At(classify("mysql.CountRows", err), side, engine.Label(r.Plan, r.Side))
}
