package postgres

import (
	"context"
	"slices"
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
		graph, err := readGraph(ctx, tx)
		if err != nil {
			return err
		}
		cat, err := readCatalog(ctx, tx, nil, s, graph)
		if err != nil {
			return err
		}
		for _, t := range cat.tables {
			out.Tables = append(out.Tables, t.table)
		}
		db.noteSource(out)
		out.UserTypes = cat.userTypes()
		if out.Objects, err = cat.readObjects(ctx, tx, len(s.Include) == 0); err != nil {
			return err
		}
		unmoved, err := readUnmoved(ctx, tx)
		out.Unmoved = append(unmoved, cat.unmoved...)
		return err
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
	unmoved []*planv1.Unmoved
	// later are parts of tables that need what can be made only when tables are there.
	later []laterPart
	// graph is nil for tables of a target.
	graph *graph
}

// describedTable is a table with what the plan's model has no place for.
type describedTable struct {
	tableRow
	table   *planv1.Table
	columns []columnRow
}

// readCatalog reads the tables of a filter that the selection keeps.
func readCatalog(ctx context.Context, q querier, f *tableFilter, s engine.Selection, g *graph) (*catalog, error) {
	rows, err := f.read(ctx, q)
	if err != nil {
		return nil, err
	}
	cat := &catalog{types: map[uint32]typeRow{}, graph: g}
	byOID := map[uint32]*describedTable{}
	oids := []uint32{}
	var partitions []*describedTable
	for _, r := range selectedTables(rows, f, s) {
		t := &describedTable{tableRow: r, table: newTable(r)}
		if f == nil && r.Partition {
			partitions = append(partitions, t)
		} else {
			cat.tables = append(cat.tables, t)
		}
		byOID[r.OID] = t
		oids = append(oids, r.OID)
	}
	for _, read := range []func(context.Context, querier, []uint32, map[uint32]*describedTable) error{cat.readColumns, cat.readSequences, cat.readIndexes, cat.readConstraints} {
		if err := read(ctx, q, oids, byOID); err != nil {
			return nil, err
		}
	}
	addPartitions(partitions, byOID)
	for _, t := range cat.tables {
		t.table.Fingerprint = t.fingerprint()
	}
	return cat, nil
}

// selectedTables keeps the tables that a selection takes, with their partitions.
func selectedTables(rows []tableRow, f *tableFilter, s engine.Selection) []tableRow {
	if f != nil {
		return rows
	}
	taken := map[uint32]bool{}
	for _, r := range rows {
		taken[r.OID] = !r.Partition && s.Matches(r.Schema, r.Name)
	}
	return slices.DeleteFunc(rows, func(r tableRow) bool { return !taken[r.Root] })
}

// addPartitions puts partitions, each behind the one that it is part of, into their
// tables.
func addPartitions(partitions []*describedTable, byOID map[uint32]*describedTable) {
	of := map[[2]string][]*describedTable{}
	for _, p := range partitions {
		at := [2]string{text(p.ParentSchema), text(p.ParentName)}
		of[at] = append(of[at], p)
	}
	var add func(root *describedTable, parent tableRow)
	add = func(root *describedTable, parent tableRow) {
		for _, p := range of[[2]string{parent.Schema, parent.Name}] {
			root.table.Partitions = append(root.table.Partitions, &planv1.Partition{Table: p.table, Bound: text(p.Bound),
				Parent: &planv1.TableName{Schema: parent.Schema, Name: parent.Name}})
			add(root, p.tableRow)
		}
	}
	for _, t := range byOID {
		if !t.Partition && t.Kind == "p" {
			add(t, t.tableRow)
		}
	}
}

func newTable(r tableRow) *planv1.Table {
	t := &planv1.Table{Schema: r.Schema, Name: r.Name, EstimatedRows: int64(r.Rows), EstimatedBytes: r.Bytes, Comment: text(r.Comment)}
	if r.Persistence == "u" {
		t.Options = append(t.Options, optionUnlogged)
	}
	t.PartitionKey, t.Parameters, t.Tablespace, t.AccessMethod = text(r.PartitionKey), r.Parameters, text(r.Tablespace), text(r.AccessMethod)
	if r.ForeignLeaf != nil {
		t.Options = append(t.Options, optionForeignLeaf+" "+*r.ForeignLeaf)
	}
	if r.Kind == "p" {
		t.Options = append(t.Options, optionPartitioned+" "+text(r.PartitionKey))
	}
	for i := range r.InheritedNames {
		if !r.Partition {
			t.Inherits = append(t.Inherits, &planv1.TableName{Schema: r.InheritedSchemas[i], Name: r.InheritedNames[i]})
		}
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
	optionForeignLeaf = "FOREIGN PARTITION"
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

// readSequences reads what numbers columns, and how far it has come.
func (cat *catalog) readSequences(ctx context.Context, q querier, oids []uint32, byOID map[uint32]*describedTable) error {
	rows, err := collect[sequenceOfRow](ctx, q, sequenceOfQuery, oids)
	if err != nil || cat.graph == nil {
		return err
	}
	var sequences []sequenceRow
	for _, r := range rows {
		sequences = append(sequences, sequenceRow{r.Schema, r.Name, r.OID})
	}
	values, err := readSequenceValues(ctx, q, sequences)
	if err != nil {
		return err
	}
	for _, r := range rows {
		t, v := byOID[r.Table], values[r.OID]
		i := slices.IndexFunc(t.columns, func(c columnRow) bool { return c.Number == r.Number })
		t.table.Columns[i].Sequence = &planv1.Sequence{Schema: r.Schema, Name: r.Name, Options: r.Options, LastValue: v.Last, Called: v.Called,
			Increment: r.Increment, ByDefaultValue: r.Default}
	}
	return nil
}

// userTypes are the types that columns use and a user has made. Those of an extension
// are defined by it.
func (cat *catalog) userTypes() []*planv1.UserType {
	var out []*planv1.UserType
	for _, t := range cat.ordered {
		if t.OID >= firstUserOID && t.Extension {
			out = append(out, &planv1.UserType{Schema: t.Schema, Name: t.Name, Definition: extensionDefinition})
		} else if (t.Definition != nil || t.Type == "m") && t.OID >= firstUserOID {
			out = append(out, &planv1.UserType{Schema: t.Schema, Name: t.Name, Definition: text(t.Definition)})
		}
	}
	return out
}

// extensionDefinition begins what makes the types of an extension.
const extensionDefinition = "CREATE EXTENSION"

// describeOne reads one table; NotFound where it is not there.
func describeOne(ctx context.Context, q querier, schema, name string) (*describedTable, error) {
	cat, err := readCatalog(ctx, q, oneTable(schema, name), engine.Selection{}, nil)
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
