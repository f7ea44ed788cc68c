package compare

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

const engineSQLite = "sqlite"

const sqliteCatalog = `
SELECT l.name AS "table", x.name AS "column"
FROM pragma_table_list AS l JOIN pragma_table_xinfo(l.name, l.schema) AS x
WHERE l.schema = 'main' AND l.type = 'table' AND substr(l.name, 1, 7) <> 'sqlite_'
  AND substr(l.name, 1, 8) <> '_drover_' AND x.hidden <> 1
ORDER BY l.name, x.cid`

// sqliteValue prints a value's storage class and its exact content: a letter, then
// digits or hex. A REAL comes as its 8 bytes; the text functions would round it.
const sqliteValue = `CASE typeof(%[1]s) WHEN 'null' THEN 'n' WHEN 'integer' THEN 'i' || %[1]s
 WHEN 'real' THEN 'f' || hex(ieee754_to_blob(%[1]s)) WHEN 'text' THEN 't' || hex(CAST(%[1]s AS BLOB))
 ELSE 'b' || hex(%[1]s) END`

func sqlite3(ctx context.Context, path string, arguments ...string) *exec.Cmd {
	arguments = append([]string{"-batch", "-bail", "-noheader", "-init", os.DevNull}, arguments...)
	cmd := exec.CommandContext(ctx, "sqlite3", arguments...)
	cmd.Args = append(cmd.Args[:len(cmd.Args)-1], path, cmd.Args[len(cmd.Args)-1])
	return cmd
}

func openSQLite(ctx context.Context, path string) (*database, error) {
	// The client would make a missing file.
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	out, err := output(sqlite3(ctx, path, "-json", sqliteCatalog))
	if err != nil {
		return nil, err
	}
	var rows []struct{ Table, Column string }
	if len(bytes.TrimSpace(out)) > 0 {
		if err := json.Unmarshal(out, &rows); err != nil {
			return nil, fmt.Errorf("read catalog: %w", err)
		}
	}
	var tables []table
	for _, r := range rows {
		if len(tables) == 0 || tables[len(tables)-1].name != r.Table {
			tables = append(tables, table{name: r.Table})
		}
		t := &tables[len(tables)-1]
		t.columns = append(t.columns, column{name: r.Column, engine: engineSQLite})
	}
	return &database{
		tables: byKey(tables, ""),
		command: func(ctx context.Context, t table, columns []string) *exec.Cmd {
			values := make([]string, len(columns))
			for i, c := range columns {
				values[i] = fmt.Sprintf(sqliteValue, quoteIdentifier(c))
			}
			return sqlite3(ctx, path, "-list", "-separator", "|",
				"SELECT "+strings.Join(values, ", ")+" FROM main."+quoteIdentifier(t.name))
		},
		split:    func(line []byte, into []value) error { return splitTagged(line, '|', into) },
		verbatim: engineSQLite,
	}, nil
}
