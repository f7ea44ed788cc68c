package postgres

import (
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// maxEntry is what a tree's entry may have on a page of 8 KiB, its head included.
const maxEntry = 2704

// An index compresses what is longer than a sixteenth of a page. pglz makes 25 bytes of
// 2,184 at best, LZ4 one of 255.
const (
	bestPGLZ = 88
	bestLZ4  = 255
)

// smallValue is more than what a type without a length takes in an entry.
const smallValue = 24

// entryLimits are the trees of a table whose entries may be too small for its rows. A
// table that is made as it is in PostgreSQL has none: its rows fit there.
func (d *designer) entryLimits(p *planv1.TablePlan, there *describedTable) []*planv1.EntryLimit {
	var out []*planv1.EntryLimit
	switch {
	case there != nil:
		for _, x := range d.indexes[there.OID] {
			if x.GetMethod() == "btree" && !(d.sameEngine() && hasTree(p.GetSource(), x.Index)) {
				out = d.limit(out, p, x.GetName(), append(x.GetColumns(), named(x.included)...), bestLZ4)
			}
		}
	case !d.sameEngine():
		for _, x := range p.GetSource().GetIndexes() {
			if slices.Contains([]string{"", "btree", "hash"}, x.GetMethod()) && x.GetPredicate() == "" {
				out = d.limit(out, p, x.GetName(), d.indexedColumns(p, x), d.compression)
			}
		}
	}
	return out
}

// hasTree tells whether the source has a tree of the columns of a target's index, whose
// entries its rows fit.
func hasTree(t *planv1.Table, x *planv1.Index) bool {
	return slices.ContainsFunc(t.GetIndexes(), func(o *planv1.Index) bool {
		return o.GetMethod() == "btree" && o.GetPredicate() == "" && slices.EqualFunc(o.GetColumns(), x.GetColumns(), func(a, b *planv1.IndexColumn) bool {
			return a.GetName() == b.GetName() && a.GetExpression() == b.GetExpression()
		})
	})
}

// named makes index columns of names.
func named(names []string) (out []*planv1.IndexColumn) {
	for _, n := range names {
		out = append(out, &planv1.IndexColumn{Name: n})
	}
	return out
}

// indexedColumns are what an index of a new table takes of the target's columns: prefixes
// where indexedColumn keeps them.
func (d *designer) indexedColumns(p *planv1.TablePlan, x *planv1.Index) (out []*planv1.IndexColumn) {
	for _, part := range x.GetColumns() {
		to := &planv1.IndexColumn{Name: targetColumn(p, part.GetName()), Prefix: part.GetPrefix()}
		if to.GetName() == "" {
			return nil // it is not moved
		}
		if takesWhole(p, x, part) {
			to.Prefix = 0
		}
		out = append(out, to)
	}
	return out
}

// limit adds an index whose entries may be too small. Of expressions nobody knows how
// long they are.
func (d *designer) limit(to []*planv1.EntryLimit, p *planv1.TablePlan, name string, columns []*planv1.IndexColumn, best int64) []*planv1.EntryLimit {
	var out []*planv1.IndexColumn
	var most int64
	for _, part := range columns {
		if c := planColumn(p, part.GetName()); c != nil {
			most += largest(p, c, part)
			out = append(out, &planv1.IndexColumn{Name: part.GetName(), Prefix: part.GetPrefix()})
		}
	}
	if most <= maxEntry-smallValue {
		return to
	}
	return append(to, &planv1.EntryLimit{Index: name, Columns: out, Bytes: maxEntry, CompressedBytes: maxEntry * best})
}

// largest is about the most bytes that an entry takes of a column.
func largest(p *planv1.TablePlan, c *planv1.ColumnPlan, part *planv1.IndexColumn) int64 {
	const perCharacter, unlimited = 4, 1 << 30
	source := engine.SourceColumn(p, c.GetSource())
	length := source.GetLength()
	switch c.GetKind() {
	case canon.Text, canon.JSON, canon.JSONValue:
		length *= perCharacter
	case canon.Bytes, canon.Bits:
	case canon.Decimal:
		length = int64(source.GetPrecision())
	default:
		return smallValue
	}
	if length == 0 {
		length = unlimited
	}
	if part.GetPrefix() > 0 {
		length = min(length, int64(part.GetPrefix())*perCharacter)
	}
	return length + smallValue
}
