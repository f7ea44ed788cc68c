package sqlite

import (
	"unicode/utf8"
	"unsafe"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// heldField is the size from which a value of a large row is given on without a copy.
const heldField = 64 << 10

// isLarge tells whether the row in hand comes in pieces: the driver holds its values,
// but no row is made of them.
func (r *rowReader) isLarge() bool {
	if r.request.Pieces <= 0 {
		return false
	}
	size := 0
	for i := range r.columns {
		size += len(r.text(i))
	}
	return size > r.request.Pieces
}

// text is a cell's bytes where it is text or a blob.
func (r *rowReader) text(i int) string {
	switch v := r.cells[i].value.(type) {
	case string:
		return v
	case []byte:
		return unsafe.String(unsafe.SliceData(v), len(v)) // only as long as the row is in hand
	}
	return ""
}

// pieces gives the row in hand on in pieces; stopped is f's own error.
func (r *rowReader) pieces(f engine.RowFunc) (stopped, err error) {
	r.data = r.data[:0]
	for i, c := range r.columns {
		text := r.text(i)
		class, passes := r.passes(i)
		if len(text) <= heldField || !passes && len(text) <= batch.MaxRow {
			if err := r.encodeCell(i); err != nil {
				return nil, err
			}
			continue
		}
		if err := r.refuseLarge(c, text, passes); err != nil {
			if r.request.Lossy == nil {
				return nil, r.refuse(engine.ColumnName(c, r.request.Side), err)
			}
			r.request.Lossy(i, err)
			r.data = batch.AppendNull(r.data)
			continue
		}
		r.data = append(batch.AppendHead(r.data, len(class)+len(text)), class...)
		for len(text) > 0 {
			n := min(len(text), batch.PieceBytes)
			r.data, text = append(r.data, text[:n]...), text[n:]
			if err := f(engine.Row{Data: r.data, More: true}); err != nil {
				return err, nil
			}
			r.data = r.data[:0]
		}
	}
	if r.request.Side == engine.SourceSide {
		r.data = engine.AppendConstants(r.data, r.request.Plan)
	}
	return f(engine.Row{Data: r.data, Key: r.rowKey}), nil
}

// refuseLarge says what is wrong with a large value.
func (r *rowReader) refuseLarge(c *planv1.ColumnPlan, text string, passes bool) error {
	if !passes {
		return engine.ErrTooWide
	}
	if c.GetKind() == canon.Text && !utf8.ValidString(text) {
		_, err := canonicalText(canon.Text, text)
		return err
	}
	return nil
}

// passes tells whether a cell's bytes are the column's value, behind the storage class
// where the column keeps that.
func (r *rowReader) passes(i int) (class []byte, ok bool) {
	if r.conversions[i] != nil {
		return nil, false
	}
	kind, from := r.columns[i].GetKind(), r.from[i]
	switch r.cells[i].value.(type) {
	case string:
		if kind == canon.Variant {
			return []byte{canon.VariantText}, true
		}
		return nil, from == canon.Text && kind == canon.Text
	case []byte:
		if kind == canon.Variant {
			return []byte{canon.VariantBytes}, true
		}
		return nil, from == canon.Bytes && kind == canon.Bytes
	}
	return nil, false
}
