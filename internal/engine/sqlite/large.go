package sqlite

import (
	"context"
	"database/sql"
	"io"
	"unicode/utf8"
	"unsafe"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
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

// insertLarge writes a large batch row by row. SQLite keeps a value whole while it
// stores it, so it is read into memory.
func (i *inserter) insertLarge(ctx context.Context, tx *sql.Tx, b engine.Batch) error {
	places := make([]batch.Place, len(i.plan.GetColumns()))
	fields := make([][]byte, len(places))
	var sum batch.Digest
	for at := int64(0); at < b.Large.Size(); {
		end, err := batch.Places(planv1.Encoding_ENCODING_CANONICAL, b.Large, at, places)
		if err != nil {
			return fault.Wrap(fault.Corrupt, "sqlite.Write", err)
		}
		hash, err := engine.HashLarge(io.NewSectionReader(b.Large, at, end-at))
		if err != nil {
			return err
		}
		sum.AddHash(hash)
		if err := i.insertPlaces(ctx, tx, b.Large, places, fields); err != nil {
			return err
		}
		at = end
	}
	if sum != b.Digest {
		return fault.New(fault.Corrupt, "sqlite.Write", "batch %d does not add up: %d rows, its header says %d", b.Sequence, sum.Rows, b.Digest.Rows)
	}
	return nil
}

// insertPlaces writes one row.
func (i *inserter) insertPlaces(ctx context.Context, tx *sql.Tx, body *io.SectionReader, places []batch.Place, fields [][]byte) error {
	for n, p := range places {
		fields[n] = nil
		if p.Len < 0 {
			continue
		}
		var err error
		if fields[n], err = engine.ReadLarge(body, p.At, p.Len); err != nil {
			return err
		}
	}
	args, err := i.bind(make([]any, 0, len(fields)), fields)
	if err != nil {
		return err
	}
	result, err := tx.ExecContext(context.WithoutCancel(ctx), i.statement(1), args...)
	return i.outcome(ctx, tx, result, err, args)
}
