package mysql

import (
	"context"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// Options of a table beyond drover's model. What a table does not say is left out.
const (
	optionEngine        = "ENGINE="
	optionRowFormat     = "ROW_FORMAT="
	optionCollate       = "COLLATE="
	optionAutoIncrement = "AUTO_INCREMENT="
	optionPartitioned   = "PARTITIONED"
	// optionVersioned marks a table that keeps its past rows (MariaDB).
	optionVersioned = "SYSTEM VERSIONED"
	// optionInvisible is followed by the name of a column that * leaves out.
	optionInvisible = "INVISIBLE "
	// optionIgnored is followed by the name of an index that the optimizer does not use.
	optionIgnored = "IGNORED INDEX "
	// optionSRID is followed by a column's spatial reference system and its name.
	optionSRID = "SRID "
)

const innoDB = "InnoDB"

// Describe reads the catalog in a handful of queries, however many tables there
// are, and looks into each table: that it may be read, and how large small ones are.
func (d *database) Describe(ctx context.Context, s engine.Selection) (*planv1.Database, error) {
	const op = "mysql.Describe"
	out := &planv1.Database{Engine: d.dialect.name, Version: d.version, Identity: d.identity}
	cat, err := d.readCatalog(ctx, tableFilter{schema: d.schema}, s)
	if err != nil {
		return nil, classify(op, err)
	}
	keys, err := readForeignKeys(ctx, d.db, tableFilter{schema: d.schema})
	if err != nil {
		return nil, classify(op, err)
	}
	if err := d.db.QueryRowContext(ctx, "SELECT @@lower_case_table_names = 2").Scan(&cat.folded); err != nil {
		return nil, classify(op, err)
	}
	cat.addForeignKeys(keys)
	for _, t := range cat.tables {
		err := d.inspect(ctx, t)
		if err == nil {
			t.Definition, err = d.readDefinition(ctx, t.GetSchema(), t.GetName())
			addParsers(t)
		}
		if err != nil {
			return nil, fault.At(classify(op, err), fault.Source, t.GetSchema()+"."+t.GetName())
		}
	}
	out.Tables = cat.tables
	out.Objects, out.Unmoved, err = d.describeObjects(ctx, s, cat.tables)
	if err != nil {
		return nil, classify(op, err)
	}
	out.Unmoved = append(cat.unmoved, out.GetUnmoved()...)
	return out, d.noteHistory(ctx, out)
}

// catalog is what was read about tables.
type catalog struct {
	dialect *dialect
	tables  []*planv1.Table
	byName  map[string]*planv1.Table
	unmoved []*planv1.Unmoved
	// folded: names of tables are kept as they were given and compared without case
	// (lower_case_table_names=2), and foreign keys name them in lower case.
	folded bool
}

// table finds a table by the name that the catalog has for it elsewhere; nil for none.
func (cat *catalog) table(name string) *planv1.Table {
	t := cat.byName[name]
	for _, other := range cat.tables {
		if t == nil && cat.folded && strings.EqualFold(other.GetName(), name) {
			t = other
		}
	}
	return t
}

// readCatalog reads the tables of a filter that the selection keeps.
func (d *database) readCatalog(ctx context.Context, f tableFilter, s engine.Selection) (*catalog, error) {
	cat := &catalog{dialect: d.dialect, byName: map[string]*planv1.Table{}}
	rows, err := readTables(ctx, d.db, f)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if s.Matches(f.schema, r.name.String) && !strings.HasPrefix(r.name.String, ledgerPrefix) {
			cat.addTable(f.schema, r)
		}
	}
	if len(cat.tables) == 0 {
		return cat, nil
	}
	if err := cat.readShape(ctx, d.db, f); err != nil {
		return nil, err
	}
	for _, t := range cat.tables {
		t.Key = chooseKey(t)
		t.Fingerprint = fingerprint(t)
	}
	return cat, nil
}

func (cat *catalog) addTable(schema string, r tableRow) {
	versioned := r.kind.String == "SYSTEM VERSIONED"
	if r.kind.String != "BASE TABLE" && !versioned {
		return
	}
	t := &planv1.Table{Schema: schema, Name: r.name.String, Comment: r.comment.String, EstimatedRows: -1, EstimatedBytes: -1}
	if r.rows.Valid {
		t.EstimatedRows, t.EstimatedBytes = r.rows.Int64, r.bytes.Int64
	}
	t.Options = append(t.Options, optionEngine+r.engine.String, optionCollate+r.collation.String)
	options := strings.ToLower(r.options.String)
	if strings.Contains(options, "row_format=") {
		t.Options = append(t.Options, optionRowFormat+strings.ToUpper(r.rowFormat.String))
	}
	if strings.Contains(options, "partitioned") {
		t.Options = append(t.Options, optionPartitioned)
	}
	if r.autoIncrement.Valid && r.autoIncrement.Int64 > 0 {
		t.Options = append(t.Options, optionAutoIncrement+itoa(r.autoIncrement.Int64))
	}
	if versioned {
		t.Options = append(t.Options, optionVersioned)
	}
	cat.tables, cat.byName[t.GetName()] = append(cat.tables, t), t
}

func (cat *catalog) leave(object, name, reason string) {
	cat.unmoved = append(cat.unmoved, &planv1.Unmoved{Object: object, Name: name, Reason: reason})
}

// readShape reads what a plan relies on: columns, checks and indexes.
func (cat *catalog) readShape(ctx context.Context, q queryer, f tableFilter) error {
	columns, err := cat.dialect.readColumns(ctx, q, f)
	if err != nil {
		return err
	}
	checks, err := cat.dialect.readChecks(ctx, q, f)
	if err != nil {
		return err
	}
	indexes, err := cat.dialect.readIndexes(ctx, q, f)
	if err != nil {
		return err
	}
	json := jsonChecks(checks)
	for _, r := range columns {
		if t := cat.byName[r.table]; t != nil {
			if err := cat.addColumn(t, r, json[[2]string{r.table, r.name}]); err != nil {
				return err
			}
		}
	}
	cat.addChecks(checks)
	cat.addIndexes(indexes)
	return nil
}

// option gives what stands behind an option's name.
func option(t *planv1.Table, prefix string) (string, bool) {
	i := slices.IndexFunc(t.GetOptions(), func(o string) bool { return strings.HasPrefix(o, prefix) })
	if i < 0 {
		return "", false
	}
	return t.GetOptions()[i][len(prefix):], true
}

// describeOne reads one table, without its foreign keys; NotFound where it is not
// there.
func (d *database) describeOne(ctx context.Context, schema, name string) (*planv1.Table, error) {
	cat, err := d.readCatalog(ctx, tableFilter{schema: schema, name: name}, engine.Selection{})
	if err != nil {
		return nil, err
	}
	if len(cat.tables) == 0 {
		return nil, fault.New(fault.NotFound, "mysql.Describe", "there is no table %s.%s that this user can see", schema, name)
	}
	return cat.tables[0], nil
}
