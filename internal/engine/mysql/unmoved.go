package mysql

import (
	"context"
	"database/sql"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

const ownCode = "its definition is the server's alone: make it again on the target"

// unmovedQueries list what is in a schema besides tables: kind, name, and the table
// that the selection goes by.
var unmovedQueries = []string{
	`SELECT CASE WHEN TABLE_TYPE LIKE '%VIEW' THEN 'view' ELSE lower(TABLE_TYPE) END, TABLE_NAME, TABLE_NAME FROM information_schema.TABLES
		WHERE TABLE_SCHEMA = ? AND TABLE_TYPE NOT IN ('BASE TABLE', 'SYSTEM VERSIONED', 'TEMPORARY') ORDER BY 1, 2`,
	`SELECT lower(ROUTINE_TYPE), ROUTINE_NAME, '' FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? ORDER BY 1, 2`,
	`SELECT 'trigger', TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? ORDER BY 2`,
	`SELECT 'event', EVENT_NAME, '' FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? ORDER BY 2`,
}

// unmoved lists what drover leaves behind.
func (d *database) unmoved(ctx context.Context, s engine.Selection) ([]*planv1.Unmoved, error) {
	var out []*planv1.Unmoved
	for _, query := range unmovedQueries {
		err := each(ctx, d.db, query, []any{d.schema}, func(rows *sql.Rows) error {
			var object, name, table string
			if err := rows.Scan(&object, &name, &table); err != nil {
				return err
			}
			if table == "" || s.Matches(d.schema, table) {
				out = append(out, &planv1.Unmoved{Object: object, Name: name, Reason: ownCode})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
