package postgres

import (
	"context"
	"maps"
	"slices"
)

// node names anything in the catalog: the catalog's own OID and the object's in it.
type node struct{ Class, OID uint32 }

// graph is what the catalog knows of which object needs which. Bodies of routines that
// are text are not in it.
type graph struct {
	needs map[node][]node
	// tables are the user's tables; partitions stand for the table that they are part of.
	tables map[node]node
	// class is pg_class.
	class uint32
}

type edgeRow struct{ Class, OID, RefClass, RefOID uint32 }

// edgeQuery reads dependencies. A sequence does not need the column that owns it, which
// needs the sequence; a view needs what its rule needs, and a type what its parts need.
const edgeQuery = `SELECT d.classid, d.objid, d.refclassid, d.refobjid FROM pg_depend d
	WHERE d.objid >= 16384 AND d.refobjid >= 16384 AND d.deptype IN ('n', 'a', 'i', 'e')
		AND NOT (d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class c WHERE c.oid = d.objid AND c.relkind = 'S'))
UNION ALL SELECT 'pg_class'::regclass, r.ev_class, 'pg_rewrite'::regclass, r.oid FROM pg_rewrite r WHERE r.rulename = '_RETURN' AND r.oid >= 16384
UNION ALL SELECT 'pg_type'::regclass, k.contypid, 'pg_constraint'::regclass, k.oid FROM pg_constraint k WHERE k.contypid >= 16384
UNION ALL SELECT 'pg_type'::regclass, t.oid, 'pg_class'::regclass, t.typrelid FROM pg_type t WHERE t.typtype = 'c' AND t.oid >= 16384
UNION ALL SELECT 'pg_opclass'::regclass, c.oid, 'pg_amproc'::regclass, p.oid FROM pg_opclass c JOIN pg_amproc p ON p.amprocfamily = c.opcfamily AND p.amproclefttype = c.opcintype WHERE c.oid >= 16384
UNION ALL SELECT 'pg_opclass'::regclass, c.oid, 'pg_operator'::regclass, p.amopopr FROM pg_opclass c JOIN pg_amop p ON p.amopfamily = c.opcfamily AND p.amoplefttype = c.opcintype WHERE c.oid >= 16384`

type tableNodeRow struct{ Class, OID, Root uint32 }

const tableNodeQuery = `SELECT 'pg_class'::regclass::oid, c.oid, CASE WHEN c.relispartition THEN COALESCE(pg_partition_root(c.oid)::oid, c.oid) ELSE c.oid END
	FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384`

func readGraph(ctx context.Context, q querier) (*graph, error) {
	edges, err := collect[edgeRow](ctx, q, edgeQuery)
	if err != nil {
		return nil, err
	}
	tables, err := collect[tableNodeRow](ctx, q, tableNodeQuery)
	if err != nil {
		return nil, err
	}
	g := &graph{needs: map[node][]node{}, tables: map[node]node{}}
	for _, e := range edges {
		from := node{e.Class, e.OID}
		g.needs[from] = append(g.needs[from], node{e.RefClass, e.RefOID})
	}
	for _, t := range tables {
		g.class = t.Class
		g.tables[node{t.Class, t.OID}] = node{t.Class, t.Root}
	}
	return g, nil
}

// reach visits everything that begin needs, itself first, but not what tables need.
func (g *graph) reach(begin node, visit func(node)) {
	seen := map[node]bool{begin: true}
	for queue := []node{begin}; len(queue) > 0; queue = queue[1:] {
		n := queue[0]
		visit(n)
		if _, table := g.tables[n]; table {
			continue
		}
		for _, next := range g.needs[n] {
			if !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
}

// tablesOf are the tables that an object needs, by OID.
func (g *graph) tablesOf(n node) []uint32 {
	found := map[uint32]bool{}
	g.reach(n, func(n node) {
		if root, ok := g.tables[n]; ok {
			found[root.OID] = true
		}
	})
	return slices.Sorted(maps.Keys(found))
}

// late tells whether a part of a table, as a default or an index, needs something that
// can be made only when tables are there. Nil, for a target's tables, knows of none.
func (g *graph) late(part node, table uint32) bool {
	if g == nil || part.OID == 0 {
		return false
	}
	return slices.ContainsFunc(g.needs[part], func(n node) bool {
		return n != node{g.class, table} && len(g.tablesOf(n)) > 0 && !g.belongs(n, table)
	})
}

// belongs tells whether a node is a table, or part of one, and so no object.
func (g *graph) belongs(n node, table uint32) bool {
	root, ok := g.tables[n]
	return ok && root.OID == table
}

// neededBy is everything that tables and their parts need.
func (g *graph) neededBy(parts []partRow) map[node]bool {
	needed := map[node]bool{}
	for _, p := range parts {
		for _, n := range g.needs[p.node()] {
			if _, table := g.tables[n]; !table {
				g.reach(n, func(n node) { needed[n] = true })
			}
		}
	}
	return needed
}

// sorted puts objects behind those that they need, and otherwise in the order of OIDs,
// in which they were made.
func (g *graph) sorted(objects map[node]*objectRow) []*objectRow {
	var out []*objectRow
	done := map[node]bool{}
	var visit func(n node)
	visit = func(n node) {
		if done[n] {
			return
		}
		done[n] = true
		if _, table := g.tables[n]; !table {
			for _, next := range g.needs[n] {
				visit(next)
			}
		}
		if o := objects[n]; o != nil {
			out = append(out, o)
		}
	}
	nodes := slices.SortedFunc(maps.Keys(objects), func(a, b node) int { return int(int64(a.OID) - int64(b.OID)) })
	for _, n := range nodes {
		visit(n)
	}
	return out
}
