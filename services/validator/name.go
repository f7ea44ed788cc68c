package validator

import (
	"context"
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// cell is what is kept of a value: enough to compare, nothing to leak.
type cell struct {
	null bool
	hash batch.Hash
}

// named is a difference being named.
type named struct {
	kind           planv1.Difference_Type
	key            string
	source, target []cell
	// order in which it was met: the source's rows first.
	order int
}

// name is the third pass: it reads the suspects' rows for their keys and columns.
func (d *drill) name(ctx context.Context, suspects []suspect) ([]*planv1.Difference, error) {
	if !engine.HasKey(d.plan) {
		out := make([]*planv1.Difference, 0, len(suspects))
		for _, s := range suspects {
			out = append(out, &planv1.Difference{Type: s.kind})
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
	err := d.both(ctx, func(s engine.Side, id, _ batch.Hash, r engine.Row) error {
		n := found[id]
		if n == nil {
			return nil
		}
		if n.order < 0 {
			n.order = met
			met++
		}
		return d.describe(n, s, r)
	})
	if err != nil {
		return nil, err
	}
	return d.differences(found), nil
}

// describe keeps a row's key and cells.
func (d *drill) describe(n *named, s engine.Side, r engine.Row) error {
	key, err := r.Key()
	if err != nil {
		return err
	}
	source := d.plan.GetSource().GetKey()
	n.key = keyrange.Named(source.GetColumns(), source.GetKinds(), key)
	fields := make([][]byte, len(d.plan.GetColumns()))
	if _, _, err := batch.Fields(d.plan.GetEncoding(), r.Data, fields); err != nil {
		return fault.New(fault.Internal, "validator.Validate", "cut row %s: %w", n.key, err)
	}
	cells := make([]cell, len(fields))
	for i, f := range fields {
		cells[i] = cell{null: f == nil, hash: batch.HashRow(f)}
	}
	if s == engine.SourceSide {
		n.source = cells
	} else {
		n.target = cells
	}
	return nil
}

// differences writes the named rows in the order they were met.
func (d *drill) differences(found map[batch.Hash]*named) []*planv1.Difference {
	var rows []*named
	for _, n := range found {
		if n.order >= 0 { // else it has changed since
			rows = append(rows, n)
		}
	}
	slices.SortFunc(rows, func(a, b *named) int { return a.order - b.order })
	out := make([]*planv1.Difference, 0, len(rows))
	for _, n := range rows {
		out = append(out, &planv1.Difference{Type: n.kind, Key: n.key, Columns: d.columns(n)})
	}
	return out
}

// columns names the columns in which a row differs.
func (d *drill) columns(n *named) []string {
	if n.kind != planv1.Difference_TYPE_DIFFERENT || n.source == nil || n.target == nil {
		return nil
	}
	var out []string
	for i, c := range d.plan.GetColumns() {
		if n.source[i] != n.target[i] {
			out = append(out, c.GetTarget())
		}
	}
	return out
}
