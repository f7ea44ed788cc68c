package mysql

import (
	"context"
	"database/sql"
	"errors"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// countedRows is the number up to which rows are simply counted: the statistics of a
// table that was just filled know nothing of it.
const countedRows = 20_000

var errNoSelect = errors.New("this user may not read it: grant SELECT, or leave the table out")

// inspect sees that a table may be read, and corrects its estimate.
func (d *database) inspect(ctx context.Context, t *planv1.Table) error {
	table := qualified(t.GetSchema(), t.GetName())
	rows, err := d.db.QueryContext(ctx, "SELECT * FROM "+table+" LIMIT 0")
	if err != nil {
		return err
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	if t.GetEstimatedRows() > countedRows {
		return nil
	}
	var n int64
	err = d.db.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM "+table+" LIMIT "+itoa(countedRows+1)+") AS t").Scan(&n)
	if err != nil {
		return err
	}
	return d.resize(ctx, t, table, n)
}

// resize sets a table's estimate to rows that were counted, and its bytes by the mean
// width of some.
func (d *database) resize(ctx context.Context, t *planv1.Table, table string, rows int64) error {
	t.EstimatedRows = rows
	terms := ""
	for _, c := range t.GetColumns() {
		terms += " + coalesce(length(" + ident(c.GetName()) + "), 0)"
	}
	var width sql.NullFloat64
	err := d.db.QueryRowContext(ctx, "SELECT avg(0"+terms+") FROM (SELECT "+idents(columnNames(t))+" FROM "+table+" LIMIT 100) AS t").Scan(&width)
	t.EstimatedBytes = max(t.GetEstimatedBytes(), rows*int64(width.Float64+8))
	return err
}

func columnNames(t *planv1.Table) []string {
	var out []string
	for _, c := range t.GetColumns() {
		out = append(out, c.GetName())
	}
	return out
}
