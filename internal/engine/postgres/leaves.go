package postgres

import (
	"context"
	"fmt"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// A partitioned table without a key is read by its leaves, one after another in the
// order of their OIDs, and each of those by ctid: its hidden key is (tableoid, ctid).

// hiddenLeaf is the first part of a hidden key of leaves.
const hiddenLeaf = "tableoid"

// leaf is a part of a table that has blocks of its own.
type leaf struct {
	OID          uint32
	Schema, Name string
	Pages        int64
}

const leafQuery = `SELECT c.oid, n.nspname::text, c.relname::text, pg_relation_size(c.oid) / current_setting('block_size')::int8
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.oid IN (SELECT relid FROM pg_partition_tree(format('%I.%I', $1::text, $2::text)::regclass) WHERE isleaf)
ORDER BY c.oid`

// byLeaves tells whether a table is read by its leaves.
func byLeaves(t *planv1.Table) bool {
	key := t.GetKey()
	return key.GetSource() == planv1.KeySource_KEY_SOURCE_HIDDEN && len(key.GetColumns()) == 2
}

// leavesOf gives the leaves of a source table in the order they are read in.
func leavesOf(ctx context.Context, q querier, p *planv1.TablePlan) ([]leaf, error) {
	schema, name := engine.TableName(p, engine.SourceSide)
	return collect[leaf](ctx, q, leafQuery, schema, name)
}

// hiddenKeyOf is the key of a table that has no other; none where its rows have no
// position that holds while one snapshot does.
func hiddenKeyOf(r tableRow) *planv1.Key {
	key := &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_HIDDEN, NeedsSnapshot: true}
	switch {
	case r.Kind == "r":
		key.Columns, key.Kinds = []string{hiddenKey}, []planv1.Kind{canon.Text}
	case r.PlainLeaves:
		key.Columns, key.Kinds = []string{hiddenLeaf, hiddenKey}, []planv1.Kind{canon.Int, canon.Text}
	default:
		return &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_NONE}
	}
	return key
}

// leafBound is a bound of a hidden key: a leaf, 0 where the table has none, and a
// row's position in it.
type leafBound struct {
	oid uint32
	tid string
}

func leafBoundOf(b *planv1.Bound) (leafBound, error) {
	v := b.GetValues()
	switch {
	case len(v) == 1:
		return leafBound{tid: string(v[0])}, nil
	case len(v) == 2 && canon.Check(canon.Int, v[0]) == nil:
		return leafBound{oid: uint32(canon.GetInt(v[0])), tid: string(v[1])}, nil
	}
	return leafBound{}, fault.New(fault.Invalid, "postgres.leaves", "a bound of %d values is no row position", len(v))
}

// query reads a range of a table by its leaves. The server appends what they give in
// the order they are written in; the reader checks that.
func (p *projection) leafQuery(r engine.ReadRequest, leaves []leaf) (string, error) {
	only, err := condition(r.Plan.GetSource())
	if err != nil {
		return "", err
	}
	var parts []string
	for _, l := range leaves {
		where, some, err := l.conditions(r.Range, r.After)
		if err != nil {
			return "", err
		}
		if !some {
			continue
		}
		if only != "" {
			where = append(where, "("+only+")")
		}
		parts = append(parts, "SELECT "+strings.Join(p.exprs, ", ")+" FROM ONLY "+qualified(l.Schema, l.Name)+" AS r"+whereAll(where))
	}
	if len(parts) == 0 {
		parts = []string{"SELECT " + strings.Join(p.exprs, ", ") + " FROM " + relation(p.plan, p.side) + " AS r WHERE false"}
	}
	return "COPY (" + strings.Join(parts, " UNION ALL ") + ") TO STDOUT (FORMAT binary)", nil
}

// conditions select what a leaf has of a range; some is false where that is nothing.
func (l leaf) conditions(r *planv1.Range, after *planv1.Bound) (out []string, some bool, err error) {
	for _, part := range limitsOf(r, after) {
		b, err := leafBoundOf(part.bound)
		if err != nil {
			return nil, false, err
		}
		switch before := l.OID < b.oid; {
		case l.OID == b.oid:
			out = append(out, hiddenKey+" "+part.op+" "+literal(b.tid)+"::tid")
		case before != (part.op == "<"):
			return nil, false, nil
		}
	}
	return out, true, nil
}

// blockCuts cuts the blocks of a part, leaf after leaf, into equal numbers. A ctid is
// its text form.
func (s *splitter) blockCuts(ctx context.Context, part *planv1.Range) ([]*planv1.Bound, error) {
	leaves := []leaf{{Pages: s.pages}}
	if byLeaves(s.plan.GetSource()) {
		var err error
		if leaves, err = leavesOf(ctx, s.conn.Conn(), s.plan); err != nil {
			return nil, err
		}
	}
	first, end := int64(0), int64(0)
	for _, l := range leaves {
		end += l.Pages
	}
	for _, at := range []struct {
		bound *planv1.Bound
		block *int64
	}{{part.GetLower(), &first}, {s.options.After, &first}, {part.GetUpper(), &end}} {
		if at.bound == nil {
			continue
		}
		var err error
		if *at.block, err = blockAt(leaves, at.bound); err != nil {
			return nil, err
		}
	}
	pages := max(0, end-first)
	n := min(pages, s.count(&planv1.Range{EstimatedRows: s.rows * pages / s.pages, EstimatedBytes: s.bytes * pages / s.pages}))
	var cuts []*planv1.Bound
	for i := int64(1); i < n; i++ {
		cuts = append(cuts, boundAt(leaves, first+i*pages/n))
	}
	return cuts, nil
}

// blockAt is the number of a bound's block, counted through all leaves.
func blockAt(leaves []leaf, b *planv1.Bound) (int64, error) {
	at, err := leafBoundOf(b)
	if err != nil {
		return 0, err
	}
	var block, line int64
	if _, err := fmt.Sscanf(at.tid, "(%d,%d)", &block, &line); err != nil {
		return 0, fault.New(fault.Invalid, "postgres.Split", "%q is no row position", at.tid)
	}
	for _, l := range leaves {
		if l.OID < at.oid {
			block += l.Pages
		}
	}
	return block, nil
}

// boundAt is the beginning of a block that was counted through all leaves.
func boundAt(leaves []leaf, block int64) *planv1.Bound {
	i := 0
	for i < len(leaves)-1 && block >= leaves[i].Pages {
		block -= leaves[i].Pages
		i++
	}
	tid := []byte("(" + itoa(block) + ",0)")
	if leaves[i].OID == 0 {
		return keyrange.Of(tid)
	}
	return keyrange.Of(canon.AppendInt(nil, int64(leaves[i].OID)), tid)
}
