package validator

import (
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// cell is what is kept of a value: enough to compare, nothing to leak.
type cell struct {
	null bool
	hash batch.Hash
}

// hashed takes rows whole or in pieces and gives each one once, with its hash. A row
// that came in pieces is given with the last of them and without its data, which
// nobody has.
func (p *progress) hashed(visit func(r engine.Row, row batch.Hash) error) engine.RowFunc {
	return p.taken(nil, visit)
}

// taken is hashed with the cells of rows as they come, where somebody wants them.
func (p *progress) taken(cells *cellReader, visit func(r engine.Row, row batch.Hash) error) engine.RowFunc {
	var hasher batch.RowHasher
	pieces := false
	return func(r engine.Row) error {
		if cells != nil {
			if err := cells.add(r); err != nil {
				return err
			}
		}
		sum, whole := hasher.Add(r.Data, r.More)
		if !whole {
			pieces = true
			p.piece(len(r.Data))
			return nil
		}
		p.count(len(r.Data))
		if pieces {
			pieces, r.Data = false, nil
		}
		return visit(r, sum)
	}
}

// cellReader cuts rows that come in pieces into cells: values are hashed as they pass.
type cellReader struct {
	plan     *planv1.TablePlan
	splitter *batch.Splitter
	hasher   batch.RowHasher
	// row is the whole row in hand where it came whole, cells those of one that did not.
	row    []byte
	cells  []cell
	pieces bool
}

func newCellReader(p *planv1.TablePlan) *cellReader {
	return &cellReader{plan: p, splitter: batch.NewSplitter(p.GetEncoding(), len(p.GetColumns()))}
}

func (c *cellReader) add(r engine.Row) error {
	if !r.More && !c.pieces {
		c.row, c.cells = r.Data, nil
		return nil
	}
	if !c.pieces {
		c.pieces, c.row, c.cells = true, nil, make([]cell, len(c.plan.GetColumns()))
	}
	err := c.splitter.Add(r.Data, func(p batch.Part) error {
		if sum, whole := c.hasher.Add(p.Data, !p.Last); whole {
			c.cells[p.Column] = cell{null: p.Len < 0, hash: sum}
		}
		return nil
	})
	if err == nil && !r.More {
		c.pieces, err = false, c.splitter.End()
	}
	return fault.Wrap(fault.Internal, "validator.Read", err)
}

// get gives the cells of the row in hand, which is whole.
func (c *cellReader) get() ([]cell, error) {
	if c.cells != nil {
		return c.cells, nil
	}
	fields := make([][]byte, len(c.plan.GetColumns()))
	if _, _, err := batch.Fields(c.plan.GetEncoding(), c.row, fields); err != nil {
		return nil, fault.New(fault.Internal, "validator.Read", "cut a row: %w", err)
	}
	cells := make([]cell, len(fields))
	for i, f := range fields {
		cells[i] = cell{null: f == nil, hash: batch.HashRow(f)}
	}
	return cells, nil
}
