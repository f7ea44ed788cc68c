package validator

import (
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
)

// hashed takes rows whole or in pieces and gives each one once, with its hash. A row
// that came in pieces is given with the last of them and without its data, which
// nobody has.
func (p *progress) hashed(visit func(r engine.Row, row batch.Hash) error) engine.RowFunc {
	var hasher batch.RowHasher
	pieces := false
	return func(r engine.Row) error {
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
