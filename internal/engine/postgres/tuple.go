package postgres

import (
	"encoding/binary"
	"fmt"

	"github.com/drover-db/drover/internal/batch"
)

// copySignature stands in front of binary COPY data, with no flags and no header
// extension; copyTrailer stands behind it.
// https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"
const (
	copySignature = "PGCOPY\n\377\r\n\000\000\000\000\000\000\000\000\000"
	copyTrailer   = "\377\377"
)

// tupleWriter cuts what COPY TO sends into tuples. The server sends one message a
// row, the first behind the signature; nothing here depends on that, but where it
// holds nothing is copied.
type tupleWriter struct {
	// row takes one tuple; its bytes are valid during the call.
	row func(tuple []byte) error
	// large takes those that memory must not hold.
	large *largeRow
	// rest is the beginning of a tuple that was not whole.
	rest   []byte
	begun  bool
	ended  bool
	rowErr error
}

// Write takes a piece of the stream.
func (w *tupleWriter) Write(p []byte) (int, error) {
	data := p
	if len(w.rest) > 0 {
		w.rest = append(w.rest, p...)
		data = w.rest
	}
	left, err := w.consume(data)
	if err != nil {
		w.rowErr = err
		return 0, err
	}
	w.rest = append(w.rest[:0], left...)
	return len(p), nil
}

// consume hands on whole tuples and returns what is left behind them.
func (w *tupleWriter) consume(data []byte) ([]byte, error) {
	if !w.begun {
		if len(data) < len(copySignature) {
			return data, nil
		}
		if string(data[:11]) != copySignature[:11] {
			return nil, fmt.Errorf("server sent no binary COPY data")
		}
		extension := int(binary.BigEndian.Uint32(data[15:]))
		if len(data)-len(copySignature) < extension {
			return data, nil
		}
		data, w.begun = data[len(copySignature)+extension:], true
	}
	for !w.ended && (len(data) >= 2 || w.large.isActive()) {
		if w.large.isActive() {
			var err error
			if data, err = w.large.take(data); err != nil || w.large.active {
				return nil, err
			}
			continue
		}
		n, whole := tupleLen(data)
		switch {
		case n < 0:
			w.ended, data = true, data[2:]
			continue
		case w.large.isLarge(n):
			w.large.begin()
			continue
		case n > batch.MaxRow:
			return nil, fmt.Errorf("row of more than %d MiB: it does not fit a batch", batch.MaxRow>>20)
		case !whole:
			return data, nil
		}
		if err := w.row(data[:n]); err != nil {
			return nil, err
		}
		data = data[n:]
	}
	return data, nil
}

// tupleLen gives the length of the tuple at the front of data, as far as data
// shows it, and whether all of it is there; -1 for the trailer.
func tupleLen(data []byte) (n int, whole bool) {
	fields := int(int16(binary.BigEndian.Uint16(data)))
	if fields < 0 {
		return -1, true
	}
	n = 2
	for range fields {
		if len(data) < n+4 {
			return n + 4, false
		}
		size := int(int32(binary.BigEndian.Uint32(data[n:])))
		n += 4 + max(size, 0)
	}
	return n, n <= len(data)
}

// cutTuple copies the first fields of a tuple into dst as a tuple of their own.
func cutTuple(dst, tuple []byte, fields int) []byte {
	n := 2
	for range fields {
		n += 4 + max(int(int32(binary.BigEndian.Uint32(tuple[n:]))), 0)
	}
	dst = append(dst[:0], tuple[:n]...)
	binary.BigEndian.PutUint16(dst, uint16(fields))
	return dst
}
