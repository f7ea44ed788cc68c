package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// objectRow is an object of the source with what makes it.
type objectRow struct {
	Class, OID uint32
	// Definition may hold NULLs for what the object does not have.
	Definition []*string
	// Type, Schema and Name are as pg_identify_object has them; Name without the schema.
	Type, Schema, Name string
}

func (o *objectRow) node() node { return node{o.Class, o.OID} }

// identified adds names to a query of objects, and leaves out what an extension
// or a range type brings.
func identified(query string) string {
	return `SELECT o.class, o.oid, o.definition, i.type, COALESCE(i.schema, ''),
	CASE WHEN i.schema IS NOT NULL AND starts_with(i.identity, quote_ident(i.schema) || '.') THEN substr(i.identity, length(quote_ident(i.schema)) + 2) ELSE i.identity END
FROM (` + query + `) o (class, oid, definition) CROSS JOIN LATERAL pg_identify_object(o.class, o.oid, 0) i
WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = o.class AND e.objid = o.oid
	AND (e.deptype = 'e' OR (e.deptype = 'i' AND o.class IN ('pg_proc'::regclass, 'pg_cast'::regclass))))`
}

// objectReader reads the objects that go with tables.
type objectReader struct {
	graph   *graph
	objects map[node]*objectRow
	// names are those of selected tables, by OID; partitions count as their table.
	names map[uint32]*planv1.TableName
	// everything moves, not only what the selected tables need or carry.
	everything bool
	needed     map[node]bool
	// models are those that move.
	models map[node]*planv1.Object
}

// readObjects gives what moves beside the tables of a catalog, in an order in which it
// can be made.
func (cat *catalog) readObjects(ctx context.Context, tx pgx.Tx, everything bool) ([]*planv1.Object, error) {
	r := &objectReader{graph: cat.graph, objects: map[node]*objectRow{}, names: map[uint32]*planv1.TableName{}, everything: everything, models: map[node]*planv1.Object{}}
	for _, q := range objectQueries {
		rows, err := collect[objectRow](ctx, tx, identified(q))
		if err != nil {
			return nil, err
		}
		for _, o := range rows {
			r.objects[o.node()] = &o
		}
	}
	if err := addSequenceValues(ctx, tx, r.objects); err != nil {
		return nil, err
	}
	var oids []uint32
	for _, t := range cat.tables {
		r.names[t.OID] = &planv1.TableName{Schema: t.Schema, Name: t.Name}
	}
	for n, root := range cat.graph.tables {
		if r.names[root.OID] != nil {
			oids = append(oids, n.OID)
		}
	}
	parts, err := collect[node](ctx, tx, tablePartsQuery, oids)
	if err != nil {
		return nil, err
	}
	r.needed = r.graph.neededBy(parts)
	out := r.model()
	if err := addPolicyRoles(ctx, tx, r.models); err != nil {
		return nil, err
	}
	details, err := r.readDetails(ctx, tx)
	return append(out, details...), err
}

// tablePartsQuery gives tables and what is of them: defaults, constraints, indexes.
const tablePartsQuery = `SELECT 'pg_class'::regclass::oid, unnest($1::oid[])
UNION ALL SELECT 'pg_attrdef'::regclass, d.oid FROM pg_attrdef d WHERE d.adrelid = ANY ($1::oid[])
UNION ALL SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k WHERE k.conrelid = ANY ($1::oid[])
UNION ALL SELECT 'pg_class'::regclass, i.indexrelid FROM pg_index i WHERE i.indrelid = ANY ($1::oid[])`

// model writes the objects that move: those that tables need first.
func (r *objectReader) model() []*planv1.Object {
	var before, after []*planv1.Object
	for _, o := range r.graph.sorted(r.objects) {
		tables := r.graph.tablesOf(o.node())
		needed := r.needed[o.node()] && len(tables) == 0
		if !r.wanted(needed, tables) {
			continue
		}
		out := &planv1.Object{Type: o.Type, Schema: o.Schema, Name: o.Name, Definition: statements(o.Definition), BeforeTables: needed, Tables: r.tableNames(tables)}
		r.models[o.node()] = out
		if needed {
			before = append(before, out)
		} else {
			after = append(after, out)
		}
	}
	return append(before, after...)
}

// wanted tells whether an object goes with the tables that are selected.
func (r *objectReader) wanted(needed bool, tables []uint32) bool {
	if r.everything || needed {
		return true
	}
	return len(tables) > 0 && !slices.ContainsFunc(tables, func(oid uint32) bool { return r.names[oid] == nil })
}

// tableNames are tables for the plan; one that is not selected has no name there, and
// the design finds that it has no plan.
func (r *objectReader) tableNames(oids []uint32) []*planv1.TableName {
	var out []*planv1.TableName
	for _, oid := range oids {
		if name := r.names[oid]; name != nil {
			out = append(out, name)
		} else {
			out = append(out, &planv1.TableName{})
		}
	}
	return out
}

func statements(definition []*string) []string {
	var out []string
	for _, s := range definition {
		if s != nil {
			out = append(out, *s)
		}
	}
	return out
}

type sequenceRow struct {
	Schema, Name string
	OID          uint32
}

type sequenceValue struct {
	OID    uint32
	Last   int64
	Called bool
}

// readSequenceValues reads how far sequences have come; the catalog does not say.
func readSequenceValues(ctx context.Context, q querier, sequences []sequenceRow) (map[uint32]sequenceValue, error) {
	out := map[uint32]sequenceValue{}
	const atOnce = 500
	for chunk := range slices.Chunk(sequences, atOnce) {
		var parts []string
		for _, s := range chunk {
			parts = append(parts, fmt.Sprintf("SELECT %d::oid, last_value, is_called FROM %s", s.OID, qualified(s.Schema, s.Name)))
		}
		rows, err := collect[sequenceValue](ctx, q, strings.Join(parts, " UNION ALL "))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.OID] = r
		}
	}
	return out, nil
}

// addSequenceValues lets sequences that are objects go on where they are.
func addSequenceValues(ctx context.Context, q querier, objects map[node]*objectRow) error {
	sequences, err := collect[sequenceRow](ctx, q, "SELECT n.nspname::text, c.relname::text, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND c.oid >= 16384")
	if err != nil {
		return err
	}
	byOID := map[uint32]*objectRow{}
	for _, o := range objects {
		if o.Type == "sequence" {
			byOID[o.OID] = o
		}
	}
	sequences = slices.DeleteFunc(sequences, func(s sequenceRow) bool { return byOID[s.OID] == nil })
	values, err := readSequenceValues(ctx, q, sequences)
	if err != nil {
		return err
	}
	for _, s := range sequences {
		v := values[s.OID]
		sql := fmt.Sprintf("SELECT setval(%s::regclass, %d, %t)", literal(qualified(s.Schema, s.Name)), v.Last, v.Called)
		byOID[s.OID].Definition = append(byOID[s.OID].Definition, &sql)
	}
	return nil
}

// addPolicyRoles notes the roles that policies name.
func addPolicyRoles(ctx context.Context, q querier, models map[node]*planv1.Object) error {
	type policyRow struct {
		Class, OID uint32
		Roles      []string
	}
	rows, err := collect[policyRow](ctx, q, "SELECT 'pg_policy'::regclass::oid, p.oid, ARRAY(SELECT pg_get_userbyid(r)::text FROM unnest(p.polroles) r WHERE r <> 0) FROM pg_policy p")
	for _, r := range rows {
		if o := models[node{r.Class, r.OID}]; o != nil {
			o.Roles = r.Roles
		}
	}
	return err
}
