package mysql

import (
	"context"
	"database/sql"
	"strings"
)

// queryer is a pool, a connection or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// each runs a query and gives its rows to f.
func each(ctx context.Context, q queryer, query string, args []any, f func(*sql.Rows) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return classify("mysql.catalog", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return classify("mysql.catalog", err)
		}
	}
	return classify("mysql.catalog", rows.Err())
}

// tableFilter names the tables of a schema to read: all of them, or one.
type tableFilter struct{ schema, name string }

// where is a condition over a view of information_schema. Its constants are written
// out: with arguments each query would be three.
func (f tableFilter) where(alias, schemaColumn string) string {
	condition := alias + "." + schemaColumn + " = " + literal(f.schema)
	if f.name != "" {
		condition += " AND " + alias + ".TABLE_NAME = " + literal(f.name)
	}
	return condition
}

type tableRow struct {
	name, kind, engine, rowFormat, options, collation, comment sql.NullString
	rows, bytes, autoIncrement                                 sql.NullInt64
}

func readTables(ctx context.Context, q queryer, f tableFilter) ([]tableRow, error) {
	where := f.where("t", "TABLE_SCHEMA")
	var out []tableRow
	err := each(ctx, q, `SELECT t.TABLE_NAME, t.TABLE_TYPE, t.ENGINE, t.ROW_FORMAT, t.CREATE_OPTIONS, t.TABLE_COLLATION, t.TABLE_COMMENT,
		t.TABLE_ROWS, t.DATA_LENGTH, t.AUTO_INCREMENT FROM information_schema.TABLES AS t WHERE `+where+` ORDER BY t.TABLE_NAME`, nil, func(rows *sql.Rows) error {
		var r tableRow
		err := rows.Scan(&r.name, &r.kind, &r.engine, &r.rowFormat, &r.options, &r.collation, &r.comment, &r.rows, &r.bytes, &r.autoIncrement)
		out = append(out, r)
		return err
	})
	return out, err
}

type columnRow struct {
	table, name, dataType, columnType, extra, comment string
	privileges                                        string
	nullable                                          bool
	defaultText, charset, collation, generated        sql.NullString
	length, precision, scale, fraction, srid          sql.NullInt64
}

func (c columnRow) has(extra string) bool {
	return strings.Contains(strings.ToUpper(c.extra), extra)
}

func (d *dialect) readColumns(ctx context.Context, q queryer, f tableFilter) ([]columnRow, error) {
	where := f.where("c", "TABLE_SCHEMA")
	var out []columnRow
	err := each(ctx, q, `SELECT c.TABLE_NAME, c.COLUMN_NAME, c.DATA_TYPE, c.COLUMN_TYPE, c.EXTRA, c.COLUMN_COMMENT, c.IS_NULLABLE = 'YES', c.COLUMN_DEFAULT,
		c.CHARACTER_SET_NAME, c.COLLATION_NAME, c.GENERATION_EXPRESSION, c.CHARACTER_MAXIMUM_LENGTH, c.NUMERIC_PRECISION, c.NUMERIC_SCALE, c.DATETIME_PRECISION,
		c.PRIVILEGES, `+d.srid+` FROM information_schema.COLUMNS AS c WHERE `+where+` ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION`, nil, func(rows *sql.Rows) error {
		var r columnRow
		var length sql.Null[uint64]
		err := rows.Scan(&r.table, &r.name, &r.dataType, &r.columnType, &r.extra, &r.comment, &r.nullable, &r.defaultText, &r.charset, &r.collation, &r.generated,
			&length, &r.precision, &r.scale, &r.fraction, &r.privileges, &r.srid)
		r.length = sql.NullInt64{Int64: int64(length.V), Valid: length.Valid}
		out = append(out, r)
		return err
	})
	return out, err
}

type indexRow struct {
	table, index, method, comment string
	unique, hidden                bool
	column, expression, collation sql.NullString
	prefix                        sql.NullInt64
}

func (d *dialect) readIndexes(ctx context.Context, q queryer, f tableFilter) ([]indexRow, error) {
	where := f.where("s", "TABLE_SCHEMA")
	var out []indexRow
	err := each(ctx, q, `SELECT s.TABLE_NAME, s.INDEX_NAME, s.INDEX_TYPE, s.NON_UNIQUE = 0, s.COLUMN_NAME, `+d.indexExpression+`, s.COLLATION, s.SUB_PART, s.INDEX_COMMENT, `+d.indexHidden+`
		FROM information_schema.STATISTICS AS s WHERE `+where+` ORDER BY s.TABLE_NAME, s.INDEX_NAME <> 'PRIMARY', s.INDEX_NAME, s.SEQ_IN_INDEX`, nil, func(rows *sql.Rows) error {
		var r indexRow
		err := rows.Scan(&r.table, &r.index, &r.method, &r.unique, &r.column, &r.expression, &r.collation, &r.prefix, &r.comment, &r.hidden)
		out = append(out, r)
		return err
	})
	return out, err
}

type foreignKeyRow struct {
	table, name, column, schema, referenced, to, onUpdate, onDelete string
}

func readForeignKeys(ctx context.Context, q queryer, f tableFilter) ([]foreignKeyRow, error) {
	where := f.where("k", "TABLE_SCHEMA")
	var out []foreignKeyRow
	err := each(ctx, q, `SELECT k.TABLE_NAME, k.CONSTRAINT_NAME, k.COLUMN_NAME, k.REFERENCED_TABLE_SCHEMA, k.REFERENCED_TABLE_NAME, k.REFERENCED_COLUMN_NAME,
		r.UPDATE_RULE, r.DELETE_RULE FROM information_schema.KEY_COLUMN_USAGE AS k JOIN information_schema.REFERENTIAL_CONSTRAINTS AS r
		ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME
		WHERE k.REFERENCED_TABLE_NAME IS NOT NULL AND `+where+` ORDER BY k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION`, nil, func(rows *sql.Rows) error {
		var r foreignKeyRow
		err := rows.Scan(&r.table, &r.name, &r.column, &r.schema, &r.referenced, &r.to, &r.onUpdate, &r.onDelete)
		out = append(out, r)
		return err
	})
	return out, err
}

type checkRow struct{ table, name, expression string }

func (d *dialect) readChecks(ctx context.Context, q queryer, f tableFilter) ([]checkRow, error) {
	where := f.where("c", "CONSTRAINT_SCHEMA")
	var out []checkRow
	err := each(ctx, q, d.checks+" WHERE "+where+" ORDER BY c.TABLE_NAME, c.CONSTRAINT_NAME", nil, func(rows *sql.Rows) error {
		var r checkRow
		err := rows.Scan(&r.table, &r.name, &r.expression)
		r.expression = d.expression(r.expression)
		out = append(out, r)
		return err
	})
	return out, err
}
