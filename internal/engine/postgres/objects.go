package postgres

import (
	"context"
	"maps"
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
	// Version is set of an extension.
	Version *string
}

func (o *objectRow) node() node { return node{o.Class, o.OID} }

// identified adds names to a query of objects, and leaves out what an extension or a
// range type brings, and what is on a table or view of an extension. The names that the server gives are quoted where they must be.
func identified(query string) string {
	return `SELECT o.class, o.oid, o.definition, i.type, COALESCE((parse_ident(i.schema))[1], ''),
	CASE WHEN i.schema IS NOT NULL AND starts_with(i.identity, i.schema || '.') THEN substr(i.identity, length(i.schema) + 2) ELSE i.identity END,
	(SELECT v.extversion FROM pg_extension v WHERE o.class = 'pg_extension'::regclass AND v.oid = o.oid)
FROM (` + query + `) o (class, oid, definition) CROSS JOIN LATERAL pg_identify_object(o.class, o.oid, 0) i
WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = o.class AND e.objid = o.oid
	AND (e.deptype = 'e' OR (e.deptype = 'i' AND o.class IN ('pg_proc'::regclass, 'pg_cast'::regclass))
		OR (e.deptype = 'a' AND e.refclassid = 'pg_class'::regclass AND o.class IN ('pg_rewrite'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass)
			AND EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = e.refobjid AND x.deptype = 'e'))))`
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
	parts, err := collect[partRow](ctx, tx, tablePartsQuery, oids)
	if err != nil {
		return nil, err
	}
	r.needed = r.graph.neededBy(parts)
	if everything {
		r.needServerCode()
	}
	out := append(r.model(), r.laterObjects(cat.later)...)
	if err := addRoles(ctx, tx, r.models); err != nil {
		return nil, err
	}
	details, err := r.readDetails(ctx, tx)
	r.noteNeeds(cat, parts)
	return lastOfAll(append(out, details...)), err
}

// needServerCode lets routines of C come before tables: a host without their library is
// known before any row moves.
func (r *objectReader) needServerCode() {
	for n, o := range r.objects {
		if slices.ContainsFunc(statements(o.Definition), func(s string) bool { return strings.Contains(s, "\n LANGUAGE c\n") }) {
			r.graph.reach(n, func(n node) { r.needed[n] = true })
		}
	}
}

// lastOfAll puts behind everything else what would change how it is made: what is granted
// on objects of the future, and triggers of events.
func lastOfAll(objects []*planv1.Object) []*planv1.Object {
	rank := func(o *planv1.Object) int {
		switch {
		case o.GetType() == "default acl":
			return 1
		case o.GetType() == "event trigger", strings.HasPrefix(o.GetName(), ofSomething+"event trigger "):
			return 2
		default:
			return 0
		}
	}
	slices.SortStableFunc(objects, func(a, b *planv1.Object) int { return rank(a) - rank(b) })
	return objects
}

// laterPart is a part of a table, as an index, that needs what can be made only when
// tables are there: it is an object then.
type laterPart struct {
	part   node
	table  uint32
	object *planv1.Object
}

// makeLater takes a part of a table for an object.
func (cat *catalog) makeLater(t *describedTable, part node, kind, name, sql string) {
	cat.later = append(cat.later, laterPart{part, t.OID, &planv1.Object{Type: kind, Name: bareIdent(name) + " on " + bareIdent(t.Schema) + "." + bareIdent(t.Name), Definition: []string{sql}}})
}

// laterObjects are the parts of tables that are made after them.
func (r *objectReader) laterObjects(parts []laterPart) []*planv1.Object {
	var out []*planv1.Object
	for _, p := range parts {
		tables := r.graph.tablesOf(p.part)
		if own := r.graph.tables[node{r.graph.class, p.table}].OID; !slices.Contains(tables, own) {
			tables = append(tables, own)
		}
		p.object.Tables = r.tableNames(tables)
		r.models[p.part] = p.object
		out = append(out, p.object)
	}
	return out
}

// partRow is a table, or what is of it: a default, a constraint, an index.
type partRow struct{ Class, OID, Table uint32 }

func (p partRow) node() node { return node{p.Class, p.OID} }

const tablePartsQuery = `SELECT 'pg_class'::regclass::oid, t, t FROM unnest($1::oid[]) t
UNION ALL SELECT 'pg_attrdef'::regclass, d.oid, d.adrelid FROM pg_attrdef d WHERE d.adrelid = ANY ($1::oid[])
UNION ALL SELECT 'pg_constraint'::regclass, k.oid, k.conrelid FROM pg_constraint k WHERE k.conrelid = ANY ($1::oid[])
UNION ALL SELECT 'pg_class'::regclass, i.indexrelid, i.indrelid FROM pg_index i WHERE i.indrelid = ANY ($1::oid[])`

// model writes the objects that move: those that tables need first.
func (r *objectReader) model() []*planv1.Object {
	var before, after []*planv1.Object
	for _, o := range r.graph.sorted(r.objects) {
		tables := r.graph.tablesOf(o.node())
		needed := r.needed[o.node()] && len(tables) == 0
		if !r.wanted(needed, tables) {
			continue
		}
		out := &planv1.Object{Type: o.Type, Schema: o.Schema, Name: o.Name, Definition: statements(o.Definition), BeforeTables: needed, Tables: r.tableNames(tables), Version: text(o.Version)}
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

// noteNeeds writes down which objects tables and objects need.
func (r *objectReader) noteNeeds(cat *catalog, parts []partRow) {
	for n, o := range r.models {
		o.Needs = append(o.Needs, r.needsOf(n)...)
	}
	of := map[uint32][]node{}
	for _, p := range parts {
		if r.models[p.node()] == nil {
			root := r.graph.tables[node{r.graph.class, p.Table}].OID
			of[root] = append(of[root], p.node())
		}
	}
	for _, t := range cat.tables {
		t.table.Needs = r.needsOf(of[t.OID]...)
	}
}

// needsOf names the objects that something needs first, schemas apart.
func (r *objectReader) needsOf(from ...node) []string {
	found := map[string]bool{}
	seen := map[node]bool{}
	for _, n := range from {
		seen[n] = true
	}
	for queue := slices.Clone(from); len(queue) > 0; queue = queue[1:] {
		for _, n := range r.graph.needs[queue[0]] {
			if _, table := r.graph.tables[n]; table || seen[n] {
				continue
			}
			seen[n] = true
			if o := r.models[n]; o == nil {
				queue = append(queue, n)
			} else if o.GetType() != "schema" {
				found[label(o)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
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

// addRoles notes the roles that objects name, and those that whoever makes them acts as.
func addRoles(ctx context.Context, q querier, models map[node]*planv1.Object) error {
	type roleRow struct {
		Class, OID  uint32
		Roles, Acts []string
	}
	rows, err := collect[roleRow](ctx, q, `SELECT 'pg_policy'::regclass::oid, p.oid, ARRAY(SELECT pg_get_userbyid(r)::text FROM unnest(p.polroles) r WHERE r <> 0), ARRAY[]::text[] FROM pg_policy p
		UNION ALL SELECT 'pg_user_mapping'::regclass, m.umid, ARRAY[m.usename::text], ARRAY[]::text[] FROM pg_user_mappings m WHERE m.umuser <> 0
		UNION ALL SELECT 'pg_default_acl'::regclass, a.oid, ARRAY(SELECT pg_get_userbyid(r)::text FROM (SELECT a.defaclrole UNION SELECT grantee FROM aclexplode(a.defaclacl) WHERE grantee <> 0) r (r)),
			ARRAY[pg_get_userbyid(a.defaclrole)::text] FROM pg_default_acl a`)
	for _, r := range rows {
		if o := models[node{r.Class, r.OID}]; o != nil {
			o.Roles, o.ActsAs = r.Roles, r.Acts
		}
	}
	return err
}
