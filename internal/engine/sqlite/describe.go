package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// ledgerPrefix begins the names of drover's own tables in a target.
const ledgerPrefix = "_drover_"

// Options of a table beyond drover's model.
const (
	optionStrict       = "STRICT"
	optionWithoutRowid = "WITHOUT ROWID"
	// optionAutoincrement is followed by the last value that was given out.
	optionAutoincrement = "AUTOINCREMENT "
	optionOnConflict    = "ON CONFLICT"
)

// Describe reads the catalog of the file.
func (d *database) Describe(ctx context.Context, s engine.Selection) (*planv1.Database, error) {
	out := &planv1.Database{Engine: Name, Version: sqlite3.SQLITE_VERSION, Identity: d.identity()}
	err := d.read(ctx, func(tx *sql.Tx) error {
		names, err := tableNames(ctx, tx, s)
		if err != nil {
			return err
		}
		for _, name := range names {
			t, err := describeTable(ctx, tx, name)
			if err != nil {
				return fault.At(classify("sqlite.Describe", err), "", name)
			}
			out.Tables = append(out.Tables, t)
		}
		out.Objects, out.Unmoved, err = describeObjects(ctx, tx, s)
		return err
	})
	return out, classify("sqlite.Describe", err)
}

// read runs f in one view of the file.
func (d *database) read(ctx context.Context, f func(*sql.Tx) error) error {
	return d.readOn(ctx, func(tx *sql.Tx, _ *sql.Conn) error { return f(tx) })
}

// readOn is read with the connection.
func (d *database) readOn(ctx context.Context, f func(*sql.Tx, *sql.Conn) error) error {
	if d.target {
		if !d.exists() {
			return nil
		}
		if err := d.follow(); err != nil {
			return err
		}
	}
	pool, err := d.reading()
	if err != nil {
		return err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	return f(tx, conn)
}

// tableNames lists the selected tables that are a user's.
func tableNames(ctx context.Context, q queryer, s engine.Selection) ([]string, error) {
	var out []string
	err := each(ctx, q, `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' ORDER BY name`, nil, func(rows *sql.Rows) error {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		if !internalName(name) && s.Matches(mainSchema, name) {
			out = append(out, name)
		}
		return nil
	})
	return out, err
}

func internalName(name string) bool {
	return strings.HasPrefix(fold(name), "sqlite_") || strings.HasPrefix(fold(name), ledgerPrefix)
}

func describeTable(ctx context.Context, q queryer, name string) (*planv1.Table, error) {
	info, err := readTable(ctx, q, name)
	if err != nil {
		return nil, err
	}
	t := &planv1.Table{Schema: mainSchema, Name: info.name, Fingerprint: info.fingerprint(), Definition: info.sql}
	if t.Options, err = options(ctx, q, info); err != nil {
		return nil, err
	}
	for _, c := range info.columns {
		column, err := describeColumn(ctx, q, info, c)
		if err != nil {
			return nil, err
		}
		t.Columns = append(t.Columns, column)
	}
	if t.Key, err = chooseKey(ctx, q, info, t); err != nil {
		return nil, err
	}
	t.Indexes, t.ForeignKeys = describeIndexes(info), describeForeignKeys(ctx, q, info)
	for _, c := range info.checks {
		t.Checks = append(t.Checks, &planv1.Check{Name: c.name, Expression: c.expression})
	}
	t.EstimatedRows, t.EstimatedBytes, err = estimate(ctx, q, info)
	return t, err
}

func options(ctx context.Context, q queryer, info *tableInfo) ([]string, error) {
	var out []string
	if info.autoincrement {
		var last int64
		err := q.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM main.sqlite_sequence WHERE name = ?", info.name).Scan(&last)
		if err != nil {
			return nil, err
		}
		out = append(out, optionAutoincrement+strconv.FormatInt(last, 10))
	}
	if info.onConflict {
		out = append(out, optionOnConflict)
	}
	if info.strict {
		out = append(out, optionStrict)
	}
	if info.withoutRowid {
		out = append(out, optionWithoutRowid)
	}
	return out, nil
}

func describeColumn(ctx context.Context, q queryer, info *tableInfo, c columnInfo) (*planv1.Column, error) {
	kind, told := kindOf(c.declared)
	if !told {
		classes, err := sampleClasses(ctx, q, info.name, c.name)
		if err != nil {
			return nil, err
		}
		if found, ok := classKinds[classes]; ok {
			kind = found
		}
	}
	out := &planv1.Column{Name: c.name, NativeType: c.declared, Kind: kind, Nullable: nullable(info, c),
		Generated: info.generated[fold(c.name)], GeneratedStored: c.hidden == 3}
	if kind == canon.Decimal {
		d := parseDeclared(c.declared)
		out.Precision, out.Scale = d.precision, d.scale
	}
	if coll := info.collations[fold(c.name)]; coll != "" && coll != "BINARY" {
		out.Collation = coll
	}
	out.BinaryOrder = out.Collation == ""
	if alias := info.rowidColumn(); alias != nil && alias.name == c.name {
		out.Identity = planv1.Identity_IDENTITY_BY_DEFAULT
	}
	if c.defaultSQL.Valid {
		out.Default = parseDefault(c.defaultSQL.String, kind, affinityOf(c.declared))
	}
	return out, nil
}

// nullable: the rowid is never NULL, and a table without rowids enforces its key.
// Elsewhere a primary key column may hold NULL unless it says otherwise.
func nullable(info *tableInfo, c columnInfo) bool {
	if alias := info.rowidColumn(); alias != nil && alias.name == c.name {
		return false
	}
	return !c.notNull && (c.primary == 0 || !info.withoutRowid)
}

// sampleClasses lists the storage classes among the first rows of a column whose
// type does not say what it holds.
func sampleClasses(ctx context.Context, q queryer, table, column string) (string, error) {
	var classes sql.NullString
	err := q.QueryRowContext(ctx, fmt.Sprintf(`SELECT group_concat(c, ',') FROM (SELECT DISTINCT c
		FROM (SELECT typeof(%[1]s) AS c FROM %[2]s LIMIT 1000) WHERE c <> 'null' ORDER BY c)`, ident(column), mainTable(table))).Scan(&classes)
	return classes.String, err
}

func describeIndexes(info *tableInfo) []*planv1.Index {
	var out []*planv1.Index
	if alias := info.rowidColumn(); alias != nil {
		out = append(out, &planv1.Index{Name: info.name + "_pkey", Primary: true, Unique: true, Constraint: true, Method: "btree",
			Columns: []*planv1.IndexColumn{{Name: alias.name}}})
	}
	for _, i := range info.indexes {
		declared := parseIndex(i.sql)
		index := &planv1.Index{Name: i.name, Primary: i.origin == "pk", Unique: i.unique, Constraint: i.origin != "c", Definition: i.sql, Method: "btree",
			Predicate: declared.predicate}
		if index.GetConstraint() {
			index.Name = constraintName(info.name, i)
		}
		for n, c := range i.columns {
			column := &planv1.IndexColumn{Name: c.name, Descending: c.descending}
			if c.name == "" && n < len(declared.columns) {
				column.Expression = declared.columns[n]
			}
			if c.collation != cmp.Or(info.collations[fold(c.name)], "BINARY") {
				column.Collation = c.collation
			}
			index.Columns = append(index.Columns, column)
		}
		out = append(out, index)
	}
	return out
}

// constraintName makes a name for an index that SQLite has named for itself.
func constraintName(table string, i indexInfo) string {
	if i.origin == "pk" {
		return table + "_pkey"
	}
	name := table
	for _, c := range i.columns {
		name += "_" + c.name
	}
	return name + "_key"
}

func describeForeignKeys(ctx context.Context, q queryer, info *tableInfo) []*planv1.ForeignKey {
	var out []*planv1.ForeignKey
	for _, f := range info.foreignKeys {
		key := &planv1.ForeignKey{Name: f.name, Columns: f.from, ReferencedSchema: mainSchema, ReferencedTable: f.table, ReferencedColumns: f.to,
			OnUpdate: f.onUpdate, OnDelete: f.onDelete, Deferrable: f.deferrable, InitiallyDeferred: f.deferred}
		// The parent's own spelling, and its primary key where no columns are named.
		if parent, err := readTable(ctx, q, f.table); err == nil {
			key.ReferencedTable = parent.name
			if len(f.to) == 0 {
				for _, c := range parent.primaryKey() {
					key.ReferencedColumns = append(key.ReferencedColumns, c.name)
				}
			}
			for i, name := range key.GetReferencedColumns() {
				if c := parent.column(name); c != nil {
					key.ReferencedColumns[i] = c.name
				}
			}
		}
		for i, name := range key.GetColumns() {
			if c := info.column(name); c != nil {
				key.Columns[i] = c.name
			}
		}
		out = append(out, key)
	}
	return out
}
