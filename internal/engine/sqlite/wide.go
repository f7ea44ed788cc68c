package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// wideReader reads rows whose values memory must not hold. It begins as any reader does,
// with a limit on what a value may have; at the first value beyond it, it goes on behind
// the row before with a query that leaves large values out, and reads those as blobs.
type wideReader struct {
	*rowReader
	blobs *blobs
	// large are the places among the cells of the storage classes of large values, by
	// column; -1 for columns whose values are held. rowid is the place of the row's.
	large []int
	rowid int
	piece []byte
}

// largestCell is the size from which values are read as blobs.
func (w *wideReader) largestCell() int { return max(heldField, w.request.Pieces) }

// newWideReader makes one of a reader whose caller takes pieces; nil where values have to
// be held: without a rowid there are no blobs, and those of texts in UTF-16 are no text.
func newWideReader(ctx context.Context, tx *sql.Tx, conn *sql.Conn, r *rowReader) (*wideReader, error) {
	if r.request.Pieces <= 0 || r.info.rowid() == "" {
		return nil, nil
	}
	var encoding string
	if err := tx.QueryRowContext(ctx, "PRAGMA main.encoding").Scan(&encoding); err != nil || encoding != "UTF-8" {
		return nil, err
	}
	b, err := openBlobs(conn)
	if b == nil || err != nil {
		return nil, err
	}
	return &wideReader{rowReader: r, blobs: b}, nil
}

// run gives every row to f; stopped is f's own error.
func (w *wideReader) run(ctx context.Context, tx *sql.Tx, f engine.RowFunc) (stopped, err error) {
	defer w.blobs.limit(largestValue) // the connection may be used again
	// Behind a row without a whole key nobody can go on.
	if w.key != nil && w.request.Keys == nil && !w.request.Plan.GetSource().GetKey().GetNullable() {
		w.blobs.limit(w.largestCell())
		stopped, err = w.rowReader.run(ctx, tx, f)
		if stopped != nil || primaryCode(err) != sqlite3.SQLITE_TOOBIG {
			return stopped, err
		}
		w.blobs.limit(largestValue)
		if w.seen {
			// The cells are still those of the row before.
			if w.request.After, err = w.rowKey(); err != nil {
				return nil, err
			}
		}
	}
	w.leaveOut()
	text, args, err := w.query()
	if err != nil {
		return nil, err
	}
	return w.rows(ctx, tx, f, text, args, w.give)
}

// leaveOut changes what the query reads: large values are left out, and it tells of what
// storage class they are.
func (w *wideReader) leaveOut() {
	w.piece = make([]byte, batch.PieceBytes)
	for i, c := range w.columns {
		name := engine.ColumnName(c, w.request.Side)
		w.large = append(w.large, -1)
		if slices.Contains(w.keyCells, i) || w.info.column(name).generated() {
			continue
		}
		is := fmt.Sprintf("octet_length(%s) > %d", ident(name), w.largestCell())
		w.expressions[i] = "CASE WHEN " + is + " THEN NULL ELSE " + cellOf(name) + " END"
		w.large[i] = len(w.expressions)
		w.expressions = append(w.expressions, "CASE WHEN "+is+" THEN typeof("+ident(name)+") END")
	}
	w.rowid = len(w.expressions)
	w.expressions = append(w.expressions, w.info.rowid())
}

// class is the storage class of a column's value where that was left out.
func (w *wideReader) class(i int) string {
	if w.large[i] < 0 {
		return ""
	}
	class, _ := w.cells[w.large[i]].value.(string)
	return class
}

// give gives the row in hand on, in pieces where values of it were left out.
func (w *wideReader) give(f engine.RowFunc) (stopped, err error) {
	if !slices.ContainsFunc(w.large, func(at int) bool { return at >= 0 && w.cells[at].value != nil }) {
		return w.rowReader.give(f)
	}
	w.data = w.data[:0]
	for i := range w.columns {
		if class := w.class(i); class == "" {
			err = w.encodeCell(i)
		} else {
			stopped, err = w.blob(i, class, f)
		}
		if stopped != nil || err != nil {
			return stopped, err
		}
	}
	if w.request.Side == engine.SourceSide {
		w.data = engine.AppendConstants(w.data, w.request.Plan)
	}
	return f(engine.Row{Data: w.data, Key: w.rowKey}), nil
}

// blob gives a value on that was left out. One that does not pass as it is, is held.
func (w *wideReader) blob(i int, class string, f engine.RowFunc) (stopped, err error) {
	c := w.columns[i]
	name := engine.ColumnName(c, w.request.Side)
	rowid, _ := w.cells[w.rowid].value.(int64)
	v, err := w.blobs.open(w.info.name, w.info.column(name).name, rowid)
	if err != nil {
		return nil, err
	}
	defer v.close()
	w.cells[i].value = ""
	if class == "blob" {
		w.cells[i].value = []byte{}
	}
	prefix, passes := w.passes(i)
	if passes {
		return w.pass(i, v, prefix, f)
	}
	if v.size > batch.MaxRow {
		return nil, w.lose(i, engine.ErrTooWide)
	}
	var held strings.Builder
	held.Grow(v.size)
	if _, err := io.CopyBuffer(&held, v, w.piece); err != nil {
		return nil, err
	}
	w.cells[i].value = held.String()
	if class == "blob" {
		w.cells[i].value = []byte(held.String())
	}
	return nil, w.encodeCell(i)
}

// pass gives a value on in pieces.
func (w *wideReader) pass(i int, v *blob, prefix []byte, f engine.RowFunc) (stopped, err error) {
	var text canon.Pieces
	checked, valid := w.columns[i].GetKind() == canon.Text, true
	w.data = append(batch.AppendHead(w.data, len(prefix)+v.size), prefix...)
	for {
		n, err := v.Read(w.piece)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		valid = valid && (!checked || text.Add(w.piece[:n]))
		w.data = append(w.data, w.piece[:n]...)
		if stopped := f(engine.Row{Data: w.data, More: true}); stopped != nil {
			return stopped, nil
		}
		w.data = w.data[:0]
	}
	if checked && !(valid && text.Whole()) {
		_, err := canonicalText(canon.Text, "\xff")
		if w.request.Lossy == nil {
			return nil, w.refuse(engine.ColumnName(w.columns[i], w.request.Side), err)
		}
		w.request.Lossy(i, err)
	}
	return nil, nil
}

// lose refuses a value, or leaves NULL behind where the caller wants to know of all.
func (w *wideReader) lose(i int, err error) error {
	if w.request.Lossy == nil {
		return w.refuse(engine.ColumnName(w.columns[i], w.request.Side), err)
	}
	w.request.Lossy(i, err)
	w.data = batch.AppendNull(w.data)
	return nil
}
