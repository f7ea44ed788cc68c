package mysql

import (
	"context"
	"fmt"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
)

const codeHistoryNotMoved = "HISTORY_NOT_MOVED"

// noteHistory counts the past rows of MariaDB's system-versioned tables: they are in no
// target, whatever it is.
func (d *database) noteHistory(ctx context.Context, out *planv1.Database) error {
	for _, t := range out.GetTables() {
		if !hasOption(t, optionVersioned) {
			continue
		}
		name := qualified(t.GetSchema(), t.GetName())
		var past int64
		// Rows that others change meanwhile may count twice, or not: it is a figure for people.
		err := d.db.QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM "+name+" FOR SYSTEM_TIME ALL) - (SELECT COUNT(*) FROM "+name+")").Scan(&past)
		if err != nil {
			return fault.At(classify("mysql.Describe", err), fault.Source, t.GetSchema()+"."+t.GetName())
		}
		if past <= 0 {
			continue
		}
		out.Findings = append(out.Findings, &planv1.Finding{Severity: warning, Code: codeHistoryNotMoved, Table: t.GetSchema() + "." + t.GetName(), Rows: past,
			Message: fmt.Sprintf("the table keeps %d past rows, which are not moved: its present rows are, and the target's history begins empty; to keep them, make an ordinary table of them "+
				"in the source first, with CREATE TABLE … AS SELECT … FROM %s FOR SYSTEM_TIME ALL, which moves as any other", past, name)})
	}
	return nil
}
