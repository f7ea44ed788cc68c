package validator

import (
	"context"
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/keyrange"
)

// named is a difference being named.
type named struct {
	kind           planv1.Difference_Type
	key            string
	bound          *planv1.Bound
	targetRow      []byte
	source, target []cell
	// order in which it was met: the source's rows first.
	order int
}

// name is the third pass: it reads the suspects' rows for their keys and columns.
func (d *drill) name(ctx context.Context, suspects []suspect) ([]*planv1.RowDifference, error) {
	if !engine.HasKey(d.plan) {
		out := make([]*planv1.RowDifference, 0, len(suspects))
		for _, s := range suspects {
			out = append(out, &planv1.RowDifference{Difference: &planv1.Difference{Type: s.kind}})
		}
		return out, nil
	}
	found := make(map[batch.Hash]*named, len(suspects))
	for _, s := range suspects {
		found[s.id] = &named{kind: s.kind, order: -1}
	}
	if len(found) == 0 {
		return nil, nil
	}
	met := 0
	cells := newCellReader(d.plan)
	err := d.both(ctx, cells, func(s engine.Side, id, row batch.Hash, r engine.Row) error {
		n := found[id]
		if n == nil {
			return nil
		}
		if n.order < 0 {
			n.order = met
			met++
		}
		return d.describe(n, s, row, r, cells)
	})
	if err != nil {
		return nil, err
	}
	return d.differences(found), nil
}

// describe keeps a row's key and cells.
func (d *drill) describe(n *named, s engine.Side, row batch.Hash, r engine.Row, read *cellReader) error {
	key, err := r.Key()
	if err != nil {
		return err
	}
	source := d.plan.GetSource().GetKey()
	n.key, n.bound = keyrange.Named(source.GetColumns(), source.GetKinds(), key), keyrange.Clone(key)
	cells, err := read.get()
	if err != nil {
		return err
	}
	if s == engine.SourceSide {
		n.source = cells
		return nil
	}
	n.target, n.targetRow = cells, bytesOf(row)
	return nil
}

// bytesOf is a row's hash as messages carry it.
func bytesOf(row batch.Hash) []byte {
	sum := row.Bytes()
	return sum[:]
}

// differences writes the named rows in the order they were met.
func (d *drill) differences(found map[batch.Hash]*named) []*planv1.RowDifference {
	var rows []*named
	for _, n := range found {
		if n.order >= 0 { // else it has changed since
			rows = append(rows, n)
		}
	}
	slices.SortFunc(rows, func(a, b *named) int { return a.order - b.order })
	out := make([]*planv1.RowDifference, 0, len(rows))
	for _, n := range rows {
		out = append(out, &planv1.RowDifference{Key: n.bound, TargetRow: n.targetRow,
			Difference: &planv1.Difference{Type: n.kind, Key: n.key, Columns: d.columns(n)}})
	}
	return out
}

// columns names the columns in which a row differs.
func (d *drill) columns(n *named) []string {
	if n.kind != planv1.Difference_TYPE_DIFFERENT || n.source == nil || n.target == nil {
		return nil
	}
	return differentColumns(d.plan, n.source, n.target)
}

// differentColumns names the columns in which two rows differ.
func differentColumns(p *planv1.TablePlan, source, target []cell) (out []string) {
	for i, c := range p.GetColumns() {
		if source[i] != target[i] {
			out = append(out, c.GetTarget())
		}
	}
	return out
}
