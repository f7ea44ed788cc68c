package sqlite

import (
	"context"
	"database/sql"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

// describeObjects reads views and triggers, in the order in which they were made, and
// lists what drover leaves behind.
func describeObjects(ctx context.Context, q queryer, s engine.Selection) (objects []*planv1.Object, left []*planv1.Unmoved, err error) {
	err = each(ctx, q, `SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE type IN ('view', 'trigger') ORDER BY type = 'trigger', rowid`, nil, func(rows *sql.Rows) error {
		o := &planv1.Object{Schema: mainSchema, Definition: make([]string, 1)}
		var table string
		if err := rows.Scan(&o.Type, &o.Name, &table, &o.Definition[0]); err != nil {
			return err
		}
		if s.Matches(mainSchema, table) && !internalName(o.GetName()) {
			objects = append(objects, o)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	var names []string
	err = each(ctx, q, `SELECT l.type, l.name, coalesce(s.sql, '') FROM pragma_table_list AS l LEFT JOIN main.sqlite_schema AS s ON s.type = 'table' AND s.name = l.name
		WHERE l.schema = 'main' ORDER BY 1, 2`, nil, func(rows *sql.Rows) error {
		var kind, name, definition string
		if err := rows.Scan(&kind, &name, &definition); err != nil {
			return err
		}
		names = append(names, name)
		if u := leftTable(kind, name, definition); u != nil && s.Matches(mainSchema, name) && !internalName(name) {
			left = append(left, u)
		}
		return nil
	})
	for _, o := range objects {
		for _, name := range names {
			if name != o.GetName() && len(named(o.GetDefinition()[0], name)) > 0 {
				o.Tables = append(o.Tables, &planv1.TableName{Schema: mainSchema, Name: name})
			}
		}
	}
	return objects, left, err
}

// leftTable lists a table that is none of the file's own; nil for any other.
func leftTable(kind, name, definition string) *planv1.Unmoved {
	switch kind {
	case "virtual":
		return &planv1.Unmoved{Object: "virtual table", Name: name, Definition: definition,
			Reason: "it is computed by a module of SQLite: make and fill it again on the target"}
	case "shadow":
		return &planv1.Unmoved{Object: "shadow table", Name: name, Definition: definition, Reason: "it belongs to a virtual table"}
	}
	return nil
}
