package engine

import (
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/loss"
)

// ErrTooWide refuses a value that is held because it is converted, and that nobody
// should hold.
var ErrTooWide = loss.New(loss.TooLarge, "value of more than %d MiB is too large to be converted: shorten it, or give its column a type that takes it as it is", batch.MaxRow>>20)

// InPieces gives a row that an adapter holds to row, in pieces if it has more bytes
// than ReadRequest.Pieces, or its value, says.
func InPieces(r Row, most int, row RowFunc) error {
	if most <= 0 || len(r.Data) <= most {
		return row(r)
	}
	data := r.Data
	for step := min(len(data)/2+1, batch.PieceBytes); len(data) > step; data = data[step:] {
		if err := row(Row{Data: data[:step], More: true}); err != nil {
			return err
		}
	}
	r.Data = data
	return row(r)
}
