package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drover-db/drover/internal/fault"
)

// queryer is a connection or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// tableInfo is a table as SQLite's catalog has it.
type tableInfo struct {
	name string
	// sql is the CREATE TABLE as the file keeps it.
	sql          string
	withoutRowid bool
	strict       bool
	columns      []columnInfo
	indexes      []indexInfo
	foreignKeys  []foreignKeyInfo
	declaration
}

type columnInfo struct {
	name     string
	declared string
	notNull  bool
	// defaultSQL is the default's expression; invalid for none.
	defaultSQL sql.NullString
	// primary is the column's place in the primary key, from 1; 0 for none.
	primary int
	// hidden is 2 for a virtual and 3 for a stored generated column.
	hidden int
}

func (c columnInfo) generated() bool { return c.hidden == 2 || c.hidden == 3 }

type indexInfo struct {
	name    string
	unique  bool
	partial bool
	// origin is "c" for CREATE INDEX, "u" for UNIQUE, "pk" for PRIMARY KEY.
	origin  string
	sql     string
	columns []indexColumn
}

type indexColumn struct {
	// name is empty for an expression.
	name       string
	descending bool
	collation  string
}

type foreignKeyInfo struct {
	table              string
	from, to           []string
	onUpdate, onDelete string
	reference
}

// readTable reads what the catalog says of a table; fault.NotFound where there is none.
func readTable(ctx context.Context, q queryer, name string) (*tableInfo, error) {
	t := &tableInfo{}
	err := q.QueryRowContext(ctx, `SELECT l.name, l.wr, l.strict, s.sql FROM pragma_table_list AS l JOIN main.sqlite_schema AS s ON s.name = l.name AND s.type = 'table'
		WHERE l.schema = 'main' AND l.type = 'table' AND l.name = ? COLLATE NOCASE`, name).Scan(&t.name, &t.withoutRowid, &t.strict, &t.sql)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "sqlite.readTable", "there is no table %s", name)
	}
	if err != nil {
		return nil, err
	}
	t.declaration = parseDeclaration(t.sql)
	for _, read := range []func(context.Context, queryer) error{t.readColumns, t.readIndexes, t.readForeignKeys} {
		if err := read(ctx, q); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *tableInfo) readColumns(ctx context.Context, q queryer) error {
	return each(ctx, q, `SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?, 'main') ORDER BY cid`, []any{t.name}, func(rows *sql.Rows) error {
		var c columnInfo
		if err := rows.Scan(&c.name, &c.declared, &c.notNull, &c.defaultSQL, &c.primary, &c.hidden); err != nil {
			return err
		}
		t.columns = append(t.columns, c)
		return nil
	})
}

func (t *tableInfo) readIndexes(ctx context.Context, q queryer) error {
	err := each(ctx, q, `SELECT l.name, l."unique", l.partial, l.origin, coalesce(s.sql, '') FROM pragma_index_list(?, 'main') AS l
		LEFT JOIN main.sqlite_schema AS s ON s.type = 'index' AND s.name = l.name ORDER BY l.seq DESC`, []any{t.name}, func(rows *sql.Rows) error {
		var i indexInfo
		if err := rows.Scan(&i.name, &i.unique, &i.partial, &i.origin, &i.sql); err != nil {
			return err
		}
		t.indexes = append(t.indexes, i)
		return nil
	})
	if err != nil {
		return err
	}
	for n := range t.indexes {
		i := &t.indexes[n]
		err := each(ctx, q, `SELECT coalesce(name, ''), "desc", coll FROM pragma_index_xinfo(?, 'main') WHERE key ORDER BY seqno`, []any{i.name}, func(rows *sql.Rows) error {
			var c indexColumn
			if err := rows.Scan(&c.name, &c.descending, &c.collation); err != nil {
				return err
			}
			i.columns = append(i.columns, c)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tableInfo) readForeignKeys(ctx context.Context, q queryer) error {
	last := -1
	err := each(ctx, q, `SELECT id, "table", "from", coalesce("to", ''), on_update, on_delete FROM pragma_foreign_key_list(?, 'main') ORDER BY id DESC, seq`, []any{t.name}, func(rows *sql.Rows) error {
		var id int
		var f foreignKeyInfo
		var from, to string
		if err := rows.Scan(&id, &f.table, &from, &to, &f.onUpdate, &f.onDelete); err != nil {
			return err
		}
		if id != last {
			t.foreignKeys = append(t.foreignKeys, f)
			last = id
		}
		key := &t.foreignKeys[len(t.foreignKeys)-1]
		key.from = append(key.from, from)
		if to != "" {
			key.to = append(key.to, to)
		}
		return nil
	})
	// Both are in the order of their declarations.
	if len(t.references) == len(t.foreignKeys) {
		for i := range t.foreignKeys {
			t.foreignKeys[i].reference = t.references[i]
		}
	}
	return err
}

// each runs a query to its end.
func each(ctx context.Context, q queryer, query string, args []any, row func(*sql.Rows) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// column finds a column as SQLite does, without regard to case.
func (t *tableInfo) column(name string) *columnInfo {
	i := slices.IndexFunc(t.columns, func(c columnInfo) bool { return fold(c.name) == fold(name) })
	if i < 0 {
		return nil
	}
	return &t.columns[i]
}

// primaryKey gives the primary key's columns in their order.
func (t *tableInfo) primaryKey() []columnInfo {
	var out []columnInfo
	for _, c := range t.columns {
		if c.primary > 0 {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b columnInfo) int { return a.primary - b.primary })
	return out
}

// primaryIndex is the index of the primary key; nil where the key is the rowid.
func (t *tableInfo) primaryIndex() *indexInfo {
	i := slices.IndexFunc(t.indexes, func(i indexInfo) bool { return i.origin == "pk" })
	if i < 0 {
		return nil
	}
	return &t.indexes[i]
}

// rowidColumn is the column that is another name of the rowid: INTEGER PRIMARY KEY.
func (t *tableInfo) rowidColumn() *columnInfo {
	key := t.primaryKey()
	if len(key) == 1 && !t.withoutRowid && t.primaryIndex() == nil && strings.EqualFold(key[0].declared, "INTEGER") {
		return t.column(key[0].name)
	}
	return nil
}

// rowid is a name of the rowid that no column has taken; empty where there is none.
func (t *tableInfo) rowid() string {
	if t.withoutRowid {
		return ""
	}
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if t.column(name) == nil {
			return name
		}
	}
	return ""
}

// fingerprint is a hash of what a plan rests on.
func (t *tableInfo) fingerprint() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %t %t\n", t.name, t.withoutRowid, t.strict)
	for _, c := range t.columns {
		name := fold(c.name)
		fmt.Fprintf(h, "%q %q %t %d %d %q %q\n", c.name, c.declared, c.notNull, c.primary, c.hidden, t.collations[name], t.generated[name])
	}
	for _, i := range t.indexes {
		if i.unique {
			fmt.Fprintf(h, "%q %t %v\n", i.origin, i.partial, i.columns)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
