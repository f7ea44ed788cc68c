package mysql

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	driver "github.com/go-sql-driver/mysql"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// variablePiece is how much of a value a statement brings into a variable of the
// session.
const variablePiece = 4 << 20

// writeLarge applies a large batch: by LOAD DATA, which takes values of any size from
// a stream, else by variables of the session. Where a row is refused it is looked for,
// and named, or left out where the batch has a sieve.
func (w *rangeWriter) writeLarge(ctx context.Context, b engine.Batch) (engine.Outcome, error) {
	if w.bulk {
		outcome, err := w.apply(ctx, b, w.loadLarge)
		if _, refused := w.Refusal(err); !w.tryInserts(err) && (b.Sieve == nil || !refused) {
			return outcome, err
		}
	}
	if w.bulk || b.Sieve != nil {
		return w.apply(ctx, b, w.siftLarge)
	}
	return w.apply(ctx, b, w.insertLarge)
}

// siftLarge writes a batch's rows but for those that the server refuses.
func (w *rangeWriter) siftLarge(ctx context.Context, b engine.Batch) ([]engine.Reject, error) {
	room := 0 // names the first
	if b.Sieve != nil {
		room = b.Sieve.Room(w.ledger)
	}
	return engine.SiftLarge(ctx, w.request.Plan, b, room, w)
}

// InsertLarge writes a row from the disk.
func (w *rangeWriter) InsertLarge(ctx context.Context, row *io.SectionReader) error {
	err := w.insertOneLarge(ctx, engine.Batch{Large: row, Digest: batch.Digest{Rows: 1}})
	if f, refused := w.Refusal(err); refused && f.Key == "" {
		e := &largeEncoder{rowEncoder: w.rows, body: row}
		if _, cutErr := e.next(0); cutErr == nil {
			return w.named(f)
		}
	}
	return err
}

// insertOneLarge writes a batch of one row. What LOAD DATA says of it stands: a value of
// any size goes by it, and by INSERT not every one.
func (w *rangeWriter) insertOneLarge(ctx context.Context, b engine.Batch) error {
	if w.bulk {
		_, err := w.loadLarge(ctx, b)
		if _, refused := w.Refusal(err); refused || !w.tryInserts(err) {
			return err
		}
	}
	_, err := w.insertLarge(ctx, b)
	return err
}

// loadLarge is loadData from the disk: lines are made as the server takes them.
func (w *rangeWriter) loadLarge(ctx context.Context, b engine.Batch) ([]engine.Reject, error) {
	e := &largeEncoder{rowEncoder: w.rows, body: b.Large}
	r, pipe := io.Pipe()
	done := make(chan error, 1)
	var begun atomic.Bool
	name := fmt.Sprintf("drover-%d", infiles.Add(1))
	driver.RegisterReaderHandler(name, func() io.Reader {
		begun.Store(true)
		go func() {
			err := e.lines(pipe)
			_ = pipe.CloseWithError(err) // it returns nil
			done <- err
		}()
		return r
	})
	defer driver.DeregisterReaderHandler(name)
	err := w.loadInfile(ctx, name, b)
	_ = r.Close() // it returns nil
	if begun.Load() {
		if own := <-done; own != nil && !errors.Is(own, io.ErrClosedPipe) {
			return nil, own // the server only saw that the lines ended
		}
	}
	return nil, err
}

// largeEncoder makes statements of rows that are not in memory.
type largeEncoder struct {
	*rowEncoder
	body       *io.SectionReader
	places     []batch.Place
	piece, buf []byte
}

// next finds the row at byte at, and holds its smaller values.
func (e *largeEncoder) next(at int64) (end int64, err error) {
	e.places = make([]batch.Place, len(e.fields))
	if end, err = batch.Places(planv1.Encoding_ENCODING_CANONICAL, e.body, at, e.places); err != nil {
		return 0, fault.Wrap(fault.Corrupt, "mysql.Write", err)
	}
	for i, p := range e.places {
		e.fields[i] = nil
		if p.Len >= 0 && p.Len <= heldField {
			if err := e.hold(i); err != nil {
				return 0, err
			}
		}
	}
	return end, nil
}

// hold reads a value.
func (e *largeEncoder) hold(i int) error {
	p := e.places[i]
	if p.Len > batch.MaxRow {
		return e.refuse(i, engine.ErrTooWide)
	}
	e.fields[i] = make([]byte, p.Len)
	return e.read(e.fields[i], p.At)
}

func (e *largeEncoder) read(into []byte, at int64) error {
	if len(into) == 0 {
		return nil
	}
	if _, err := e.body.ReadAt(into, at); err != nil && !errors.Is(err, io.EOF) {
		return fault.New(fault.Unavailable, "mysql.Write", "read a large row back from disk: %w", err)
	}
	return nil
}

// passes tells whether a column takes the bytes of its values as they are, however
// many.
func (e *largeEncoder) passes(i int) bool {
	c := e.columns[i]
	return e.places[i].Len > heldField && c.encode == nil && c.unbounded
}

// pieces gives a value to f in pieces of at most so many bytes, which break no
// character of a text.
func (e *largeEncoder) pieces(i, most int, f func(piece []byte) error) error {
	c, p := e.columns[i], e.places[i]
	if cap(e.piece) < most {
		e.piece = make([]byte, most)
	}
	for at := int64(0); at < p.Len; {
		piece := e.piece[:min(p.Len-at, int64(most))]
		if err := e.read(piece, p.At+at); err != nil {
			return err
		}
		if e.plan.GetColumns()[i].GetKind() != canon.Bytes && at+int64(len(piece)) < p.Len {
			if n := canon.WholeText(piece); n > 0 {
				piece = piece[:n]
			}
		}
		if c.check != nil {
			if err := c.check(piece); err != nil {
				return e.refuse(i, err)
			}
		}
		if err := f(piece); err != nil {
			return err
		}
		at += int64(len(piece))
	}
	return nil
}

// lines writes all rows as LOAD DATA reads them.
func (e *largeEncoder) lines(to io.Writer) error {
	out := bufio.NewWriterSize(to, batch.PieceBytes)
	for at := int64(0); at < e.body.Size(); {
		var err error
		if at, err = e.next(at); err != nil {
			return err
		}
		if err := e.line(out); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (e *largeEncoder) line(out *bufio.Writer) error {
	for i, p := range e.places {
		if i > 0 {
			_ = out.WriteByte('\t') // the writer keeps its first error
		}
		if e.passes(i) {
			err := e.pieces(i, batch.PieceBytes, func(piece []byte) error {
				e.buf = appendEscaped(e.buf[:0], piece, &lineEscapes)
				_, err := out.Write(e.buf)
				return err
			})
			if err != nil {
				return err
			}
			continue
		}
		if p.Len > heldField {
			if err := e.hold(i); err != nil {
				return err
			}
		}
		var err error
		if e.buf, err = e.appendLineField(e.buf[:0], i); err != nil {
			return err
		}
		_, _ = out.Write(e.buf)
	}
	return out.WriteByte('\n')
}

// insertLarge writes a large batch by INSERT: rows of ordinary size as ever, the values
// of the others through variables of the session.
func (w *rangeWriter) insertLarge(ctx context.Context, b engine.Batch) ([]engine.Reject, error) {
	e := &largeEncoder{rowEncoder: w.rows, body: b.Large}
	var small []byte
	var rows, pending int64
	flush := func() error {
		if pending == 0 {
			return nil
		}
		err := w.insert(ctx, engine.Batch{Sequence: b.Sequence, Body: small, Digest: batch.Digest{Rows: pending}})
		small, rows, pending = small[:0], rows+pending, 0
		return err
	}
	for at := int64(0); at < b.Large.Size(); {
		end, err := e.next(at)
		if err != nil {
			return nil, err
		}
		if end-at <= insertBytes {
			from := len(small)
			small = append(small, make([]byte, end-at)...)
			if err := e.read(small[from:], at); err != nil {
				return nil, err
			}
			if pending++; len(small) > insertBytes {
				err = flush()
			}
		} else if err = flush(); err == nil {
			// The rows before went through the same encoder.
			if _, err = e.next(at); err == nil {
				err = w.insertByVariables(ctx, e)
				rows++
			}
		}
		if err != nil {
			return nil, err
		}
		at = end
	}
	if err := flush(); err != nil {
		return nil, err
	}
	if rows != b.Digest.Rows {
		return nil, fault.New(fault.Corrupt, "mysql.Write", "batch %d: it has %d rows and says %d", b.Sequence, rows, b.Digest.Rows)
	}
	return nil, nil
}

// insertByVariables inserts the row in hand, whose large values no statement has room
// for.
func (w *rangeWriter) insertByVariables(ctx context.Context, e *largeEncoder) error {
	var set []string
	defer func() {
		if len(set) > 0 {
			// The server keeps them as long as the session.
			_ = w.exec(context.WithoutCancel(ctx), "SET "+strings.Join(set, " = NULL, ")+" = NULL")
		}
	}()
	statement := []byte("INSERT INTO " + targetTable(w.request.Plan) + " (" + strings.Join(w.rows.targets(), ", ") + ") VALUES (")
	for i, p := range e.places {
		if i > 0 {
			statement = append(statement, ',')
		}
		var err error
		if e.passes(i) {
			from := len(set)
			if set, err = w.setVariables(ctx, e, i, set); err != nil {
				return err
			}
			value := "CONCAT(" + strings.Join(set[from:], ", ") + ")"
			if e.columns[i].quoting != bytesQuoted {
				value = "CONVERT(" + value + " USING " + charset + ")"
			}
			statement = append(statement, value...)
			continue
		}
		if p.Len > heldField {
			if err := e.hold(i); err != nil {
				return err
			}
		}
		if statement, err = e.appendConstant(statement, i); err != nil {
			return err
		}
	}
	statement = append(statement, ')')
	if len(statement)+packetRoom > w.maxPacket {
		return &fault.Error{Kind: fault.Value, Op: "mysql.Write", Key: e.key(),
			Err: fmt.Errorf("the row takes %d bytes as text and max_allowed_packet is %d: raise it on the server", len(statement), w.maxPacket)}
	}
	err := w.insertOnce(ctx, string(statement), 1)
	if f, refused := w.Refusal(err); refused && f.Key == "" {
		return w.named(f)
	}
	return err
}

// setVariables brings a value to the server, and adds the names of the variables that
// it stands in.
func (w *rangeWriter) setVariables(ctx context.Context, e *largeEncoder, i int, set []string) ([]string, error) {
	if length := e.places[i].Len; length+packetRoom > int64(w.maxPacket) {
		return set, e.refuse(i, fmt.Errorf("the value has %d bytes and max_allowed_packet is %d: raise it on the server, or switch local_infile on there",
			length, w.maxPacket))
	}
	most := min(variablePiece, (w.maxPacket-packetRoom)/2) // each byte may need an escape
	err := e.pieces(i, most, func(piece []byte) error {
		name := fmt.Sprintf("@drover_%d", len(set)+1)
		set = append(set, name)
		e.buf = append(e.buf[:0], "SET "+name+" = _binary'"...)
		e.buf = append(appendEscaped(e.buf, piece, &constantEscapes), '\'')
		return w.exec(ctx, string(e.buf))
	})
	return set, err
}
