package mysql

import (
	"context"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// Count counts the source's rows.
func (d *database) Count(ctx context.Context, p *planv1.TablePlan) (engine.Count, error) {
	n, err := d.count(ctx, p)
	return n, fault.At(classify("mysql.Count", err), fault.Source, engine.Label(p, engine.SourceSide))
}

func (d *database) count(ctx context.Context, p *planv1.TablePlan) (n engine.Count, err error) {
	where, err := whereSQL(p.GetSource())
	if err != nil {
		return n, err
	}
	moved := "count(*)"
	if where != "" {
		moved = "count(CASE WHEN " + where + " THEN 1 END)"
	}
	var all int64
	schema, name := engine.TableName(p, engine.SourceSide)
	err = d.db.QueryRowContext(ctx, "SELECT "+moved+", count(*) FROM "+qualified(schema, name)).Scan(&n.Rows, &all)
	n.Filtered = all - n.Rows
	return n, err
}
