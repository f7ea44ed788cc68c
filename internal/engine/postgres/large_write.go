package postgres

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/loss"
)

// largestField is what PostgreSQL takes for one value: its memory comes in pieces of
// less than 1 GiB, and a value has a header.
const largestField = 1<<30 - 1 - 4

// loadLarge copies a large batch's rows from the disk to the wire.
func (w *rangeWriter) loadLarge(ctx context.Context, b engine.Batch) ([]engine.Reject, error) {
	e := &largeEncoder{tupleEncoder: w.rows, body: b.Large}
	if w.rows.plan.GetEncoding() == planv1.Encoding_ENCODING_PGCOPY {
		data := io.MultiReader(strings.NewReader(copySignature), io.NewSectionReader(b.Large, 0, b.Large.Size()), strings.NewReader(copyTrailer))
		return nil, e.copy(ctx, w, data, b)
	}
	// Rows are encoded beside the copy, as far ahead as a pipe lets them.
	r, pipe := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := e.encode(pipe)
		_ = pipe.CloseWithError(err) // it returns nil
		done <- err
	}()
	err := e.copy(ctx, w, r, b)
	_ = r.Close() // it returns nil
	if own := <-done; own != nil && !errors.Is(own, io.ErrClosedPipe) {
		return nil, own // the server only heard that the copy ended
	}
	return nil, err
}

// copy is load, with errors of the server told by the rows on the disk.
func (e *largeEncoder) copy(ctx context.Context, w *rangeWriter, data io.Reader, b engine.Batch) error {
	tag, err := w.conn.Conn().PgConn().CopyFrom(ctx, data, w.loadSQL)
	if err != nil {
		return e.locate(err)
	}
	if tag.RowsAffected() != b.Digest.Rows {
		return fault.New(fault.Corrupt, "postgres.Write", "batch %d: target took %d rows, the batch says %d", b.Sequence, tag.RowsAffected(), b.Digest.Rows)
	}
	return nil
}

// largeEncoder turns rows that are not in memory into COPY data. A value that the
// target takes as it is passes through in pieces.
type largeEncoder struct {
	*tupleEncoder
	body   *io.SectionReader
	places []batch.Place
	out    *bufio.Writer
	piece  []byte
}

// encode writes all of the body's rows.
func (e *largeEncoder) encode(to io.Writer) error {
	e.out = bufio.NewWriterSize(to, batch.PieceBytes)
	if !e.asText {
		_, _ = e.out.WriteString(copySignature) // the writer keeps its first error
	}
	e.places = make([]batch.Place, len(e.fields))
	for at := int64(0); at < e.body.Size(); {
		var err error
		if at, err = batch.Places(planv1.Encoding_ENCODING_CANONICAL, e.body, at, e.places); err != nil {
			return fault.Wrap(fault.Corrupt, "postgres.Write", err)
		}
		if err := e.row(); err != nil {
			return err
		}
	}
	if !e.asText {
		_, _ = e.out.WriteString(copyTrailer)
	}
	return e.out.Flush()
}

// row writes the row in e.places.
func (e *largeEncoder) row() error {
	if err := e.hold(); err != nil {
		return err
	}
	if !e.asText {
		_, _ = e.out.Write(binary.BigEndian.AppendUint16(nil, uint16(len(e.fields))))
	}
	for i, p := range e.places {
		var err error
		if p.Len > heldField && e.passes(i) {
			err = e.passField(i)
		} else {
			err = e.heldField(i)
		}
		if err != nil {
			return err
		}
	}
	if e.asText {
		_ = e.out.WriteByte('\n')
	}
	return nil
}

// hold reads the row's smaller values, so that its key can be told.
func (e *largeEncoder) hold() error {
	for i, p := range e.places {
		e.fields[i] = nil
		if p.Len < 0 || p.Len > heldField {
			continue
		}
		if err := e.read(i); err != nil {
			return err
		}
	}
	return nil
}

func (e *largeEncoder) read(i int) error {
	p := e.places[i]
	e.fields[i] = make([]byte, p.Len)
	_, err := e.body.ReadAt(e.fields[i], p.At)
	return onDisk(err, p.Len)
}

// onDisk names what cannot be read of the loader's own disk.
func onDisk(err error, length int64) error {
	if err == nil || length == 0 || errors.Is(err, io.EOF) {
		return nil
	}
	return fault.New(fault.Unavailable, "postgres.Write", "read a large row back from disk: %w", err)
}

var errTooLong = loss.New(loss.TooLong, "value is larger than PostgreSQL's limit of 1 GiB: shorten it, or leave its row or column out")

// passes tells whether a column takes the bytes of its values as they are.
func (e *tupleEncoder) passes(i int) bool {
	kind, to := e.plan.GetColumns()[i].GetKind(), e.types[i]
	switch kind {
	case canon.Bytes:
		return to.oid == oidBytea || to.spatial
	case canon.Text, canon.JSON, canon.JSONValue:
		return to.oid == oidText || to.oid == oidJSON || to.oid == oidJSONB || to.oid == oidVarchar && to.length <= 0
	default:
		return false
	}
}

// heldField writes a value as the encoders of ordinary rows do.
func (e *largeEncoder) heldField(i int) error {
	p := e.places[i]
	if p.Len > batch.MaxRow {
		return e.valueError(i, engine.ErrTooWide)
	}
	if p.Len > heldField {
		if err := e.read(i); err != nil {
			return err
		}
		defer func() { e.fields[i] = nil }()
	}
	e.buf = e.buf[:0]
	var err error
	if e.asText {
		err = e.appendLineField(i, e.fields[i])
	} else {
		err = e.appendTupleField(i, e.fields[i])
	}
	if err != nil {
		return err
	}
	_, _ = e.out.Write(e.buf)
	return nil
}

// passField writes a value in pieces.
func (e *largeEncoder) passField(i int) error {
	kind, p, prefix := e.plan.GetColumns()[i].GetKind(), e.places[i], []byte(nil)
	if e.types[i].oid == oidJSONB {
		prefix = []byte{1} // the version of its binary form
	}
	if p.Len+int64(len(prefix)) > largestField {
		return e.valueError(i, errTooLong)
	}
	var err error
	if !e.asText {
		_, err = e.out.Write(append(binary.BigEndian.AppendUint32(nil, uint32(p.Len)+uint32(len(prefix))), prefix...))
	} else if i > 0 {
		err = e.out.WriteByte('\t')
	}
	e.piece = append(e.piece[:0], make([]byte, batch.PieceBytes)...)
	for at := int64(0); at < p.Len && err == nil; {
		piece := e.piece[:min(p.Len-at, batch.PieceBytes)]
		if _, err = e.body.ReadAt(piece, p.At+at); err != nil && !errors.Is(err, io.EOF) {
			return onDisk(err, p.Len)
		}
		if kind != canon.Bytes && at+int64(len(piece)) < p.Len {
			if n := canon.WholeText(piece); n > 0 {
				piece = piece[:n]
			}
		}
		if e.buf, err = e.appendPiece(e.buf[:0], kind, piece, at == 0 && !e.types[i].spatial); err != nil {
			return e.valueError(i, err)
		}
		_, err = e.out.Write(e.buf)
		at += int64(len(piece))
	}
	return err
}

// appendPiece appends a piece of a value as the COPY has it. Marked says that it is the
// first one of bytes that begin with the mark of hex.
func (e *largeEncoder) appendPiece(dst []byte, kind planv1.Kind, piece []byte, marked bool) ([]byte, error) {
	switch {
	case kind == canon.Bytes && !e.asText:
		return append(dst, piece...), nil
	case !e.asText:
		return encodeText(dst, piece)
	}
	at := len(dst)
	dst, err := appendCopyText(dst, kind, piece)
	if kind == canon.Bytes && !marked && err == nil {
		mark := len(`\\x`) // what bytes in text begin with, once
		dst = append(dst[:at], dst[at+mark:]...)
	}
	return dst, err
}

// locate names key and column of the row that the server refused.
func (e *largeEncoder) locate(err error) error {
	e.places = make([]batch.Place, len(e.fields))
	at := int64(0)
	return e.locateRow(err, func() bool {
		var fault error
		if at, fault = batch.Places(e.plan.GetEncoding(), e.body, at, e.places); fault != nil {
			return false
		}
		return e.hold() == nil
	})
}
