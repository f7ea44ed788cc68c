package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// Describe reads the catalog in one snapshot and a handful of queries, however
// many tables there are.
func (db *database) Describe(ctx context.Context, s engine.Selection) (*planv1.Database, error) {
	const op = "postgres.Describe"
	out := &planv1.Database{Engine: Name, Version: db.version, Identity: db.identity}
	err := db.inSnapshot(ctx, func(tx pgx.Tx) error {
		cat, err := readCatalog(ctx, tx, nil, s)
		if err != nil {
			return err
		}
		for _, t := range cat.tables {
			out.Tables = append(out.Tables, t.table)
		}
		out.UserTypes = cat.userTypes()
		rows, err := collect[unmovedRow](ctx, tx, unmovedQuery)
		if err != nil {
			return err
		}
		for _, r := range append(rows, cat.unmoved...) {
			out.Unmoved = append(out.Unmoved, &planv1.Unmoved{Object: r.Object, Name: r.Name, Reason: r.Reason})
		}
		return nil
	})
	if err != nil {
		return nil, classify(op, err)
	}
	return out, nil
}

// inSnapshot runs f in a read-only transaction with one view of the catalog.
func (db *database) inSnapshot(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, db.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, f)
}

// catalog is what was read about tables.
type catalog struct {
	tables  []*describedTable
	types   map[uint32]typeRow
	ordered []typeRow
	unmoved []unmovedRow
}

// describedTable is a table with what the plan's model has no place for.
type describedTable struct {
	tableRow
	table   *planv1.Table
	columns []columnRow
}

// readCatalog reads the tables of a filter that the selection keeps.
func readCatalog(ctx context.Context, q querier, f *tableFilter, s engine.Selection) (*catalog, error) {
	rows, err := f.read(ctx, q)
	if err != nil {
		return nil, err
	}
	cat := &catalog{types: map[uint32]typeRow{}}
	byOID := map[uint32]*describedTable{}
	oids := []uint32{}
	for _, r := range rows {
		if f == nil && !s.Matches(r.Schema, r.Name) {
			continue
		}
		t := &describedTable{tableRow: r, table: newTable(r)}
		cat.tables = append(cat.tables, t)
		byOID[r.OID] = t
		oids = append(oids, r.OID)
	}
	for _, read := range []func(context.Context, querier, []uint32, map[uint32]*describedTable) error{cat.readColumns, cat.readIndexes, cat.readConstraints} {
		if err := read(ctx, q, oids, byOID); err != nil {
			return nil, err
		}
	}
	for _, t := range cat.tables {
		t.table.Fingerprint = fingerprint(t.table)
	}
	return cat, nil
}

func newTable(r tableRow) *planv1.Table {
	t := &planv1.Table{Schema: r.Schema, Name: r.Name, EstimatedRows: int64(r.Rows), EstimatedBytes: r.Bytes, Comment: text(r.Comment)}
	if r.Persistence == "u" {
		t.Options = append(t.Options, optionUnlogged)
	}
	if r.Kind == "p" {
		t.Options = append(t.Options, optionPartitioned+" "+text(r.PartitionKey))
	}
	if r.Inherits && r.Kind == "r" {
		t.Options = append(t.Options, optionInheritance)
	}
	return t
}

// Options of a table.
const (
	optionUnlogged    = "UNLOGGED"
	optionPartitioned = "PARTITIONED BY"
	optionInheritance = "INHERITANCE"
)

func isPartitioned(t *planv1.Table) bool {
	for _, o := range t.GetOptions() {
		if strings.HasPrefix(o, optionPartitioned) {
			return true
		}
	}
	return false
}

// readColumns reads columns and the types they use.
func (cat *catalog) readColumns(ctx context.Context, q querier, oids []uint32, byOID map[uint32]*describedTable) error {
	rows, err := collect[columnRow](ctx, q, columnQuery, oids)
	if err != nil {
		return err
	}
	types := []uint32{}
	for _, r := range rows {
		types = append(types, r.TypeOID)
	}
	if cat.ordered, err = collect[typeRow](ctx, q, typeQuery, types); err != nil {
		return err
	}
	for _, t := range cat.ordered {
		cat.types[t.OID] = t
	}
	for _, r := range rows {
		t := byOID[r.Table]
		t.columns = append(t.columns, r)
		t.table.Columns = append(t.table.Columns, cat.column(t, r))
	}
	return nil
}

func (cat *catalog) leave(object, name, reason string) {
	cat.unmoved = append(cat.unmoved, unmovedRow{object, name, reason})
}

// userTypes are the enums and domains that columns use, in an order in which
// they can be made; extensions bring their own.
func (cat *catalog) userTypes() []*planv1.UserType {
	var out []*planv1.UserType
	for _, t := range cat.ordered {
		if t.Definition != nil && t.OID >= firstUserOID && !t.Extension {
			out = append(out, &planv1.UserType{Schema: t.Schema, Name: t.Name, Definition: *t.Definition})
		}
	}
	return out
}

// describeOne reads one table; NotFound where it is not there.
func describeOne(ctx context.Context, q querier, schema, name string) (*describedTable, error) {
	cat, err := readCatalog(ctx, q, oneTable(schema, name), engine.Selection{})
	if err != nil {
		return nil, err
	}
	if len(cat.tables) == 0 {
		return nil, &fault.Error{Kind: fault.NotFound, Op: "postgres.Describe", Subject: schema + "." + name, Err: errNoTable}
	}
	return cat.tables[0], nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
