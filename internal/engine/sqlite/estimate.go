package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// countedBytes is the size up to which a file's rows are simply counted.
const countedBytes = 64 << 20

// estimate guesses a table's rows and bytes: by counting in a small file, from
// ANALYZE's statistics, or from the span of rowids and the size of some rows.
func estimate(ctx context.Context, q queryer, info *tableInfo) (rows, bytes int64, err error) {
	var fileBytes int64
	if err := q.QueryRowContext(ctx, "SELECT c.page_count * s.page_size FROM pragma_page_count AS c, pragma_page_size AS s").Scan(&fileBytes); err != nil {
		return 0, 0, err
	}
	width, err := sampleWidth(ctx, q, info)
	if err != nil {
		return 0, 0, err
	}
	if fileBytes <= countedBytes {
		err = q.QueryRowContext(ctx, "SELECT count(*) FROM "+mainTable(info.name)).Scan(&rows)
	} else if rows, err = analyzedRows(ctx, q, info); err == nil && rows < 0 {
		rows, err = spannedRows(ctx, q, info)
		rows = min(rows, fileBytes/width)
	}
	if rows < 0 {
		return -1, -1, err
	}
	return rows, rows * width, err
}

// sampleWidth is the mean size of some rows at both ends, at least 1. Of very wide
// rows it looks at the first columns: SQLite bounds the depth of an expression.
func sampleWidth(ctx context.Context, q queryer, info *tableInfo) (int64, error) {
	const most = 200
	columns := info.columns[:min(most, len(info.columns))]
	terms := make([]string, len(columns))
	for i, c := range columns {
		terms[i] = "coalesce(octet_length(" + ident(c.name) + "), 0) + 1"
	}
	// Sizes are taken where the rows are: outside of the sample SQLite would copy values.
	sizes := "SELECT " + strings.Join(terms, " + ") + " AS size FROM " + mainTable(info.name)
	samples := []string{sizes + " LIMIT 100"}
	if rowid := info.rowid(); rowid != "" {
		samples = append(samples, sizes+" ORDER BY "+rowid+" DESC LIMIT 100")
	}
	var total, n int64
	for _, sample := range samples {
		var sum sql.NullInt64
		var count int64
		if err := q.QueryRowContext(ctx, "SELECT sum(size), count(*) FROM ("+sample+")").Scan(&sum, &count); err != nil {
			return 0, err
		}
		total, n = total+sum.Int64, n+count
	}
	return max(1, total*int64(len(info.columns))/int64(len(columns))/max(1, n)), nil
}

// analyzedRows is what ANALYZE found; -1 where it never ran.
func analyzedRows(ctx context.Context, q queryer, info *tableInfo) (int64, error) {
	var there int
	if err := q.QueryRowContext(ctx, "SELECT count(*) FROM main.sqlite_schema WHERE name = 'sqlite_stat1'").Scan(&there); err != nil || there == 0 {
		return -1, err
	}
	var stat string
	err := q.QueryRowContext(ctx, "SELECT stat FROM main.sqlite_stat1 WHERE tbl = ? LIMIT 1", info.name).Scan(&stat)
	if errors.Is(err, sql.ErrNoRows) {
		return -1, nil
	}
	first, _, _ := strings.Cut(stat, " ")
	if n, bad := strconv.ParseInt(first, 10, 64); bad == nil && err == nil {
		return n, nil
	}
	return -1, err
}

// spannedRows is the most rows that the rowids leave room for.
func spannedRows(ctx context.Context, q queryer, info *tableInfo) (int64, error) {
	rowid := info.rowid()
	if rowid == "" {
		return -1, nil
	}
	var least, greatest sql.NullInt64
	err := q.QueryRowContext(ctx, fmt.Sprintf("SELECT (SELECT min(%[1]s) FROM %[2]s), (SELECT max(%[1]s) FROM %[2]s)", rowid, mainTable(info.name))).Scan(&least, &greatest)
	if err != nil || !least.Valid {
		return 0, err
	}
	if span := greatest.Int64 - least.Int64; span >= 0 && span < 1<<62 {
		return span + 1, nil
	}
	return 1 << 62, nil
}
