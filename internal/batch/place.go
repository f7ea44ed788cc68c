package batch

import (
	"encoding/binary"
	"fmt"
	"io"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// Place is where a field lies in a body that is not in memory: its first byte and its
// length, which is -1 for NULL.
type Place struct{ At, Len int64 }

// Places finds the fields of the row that begins at byte at of a body, one a column,
// and gives where the row ends. It reads the lengths and none of the values.
func Places(enc planv1.Encoding, body *io.SectionReader, at int64, dst []Place) (end int64, err error) {
	c := &cursor{body: body, at: at}
	tuple := enc == planv1.Encoding_ENCODING_PGCOPY
	if tuple {
		if n := c.fixed(2); c.err == nil && int(n) != len(dst) {
			return 0, fmt.Errorf("tuple of %d fields, want %d", n, len(dst))
		}
	}
	for i := range dst {
		length := int64(0)
		if tuple {
			length = int64(int32(c.fixed(4)))
		} else {
			length = int64(c.varint()) - 1
		}
		if c.err == nil && (length < -1 || length > body.Size()-c.at) {
			c.err = io.ErrUnexpectedEOF
		}
		if c.err != nil {
			return 0, fmt.Errorf("row cut short in column %d: %w", i+1, c.err)
		}
		dst[i] = Place{At: c.at, Len: length}
		c.at += max(length, 0)
	}
	return c.at, nil
}

// cursor reads lengths out of a body; it keeps the first error.
type cursor struct {
	body *io.SectionReader
	at   int64
	buf  [binary.MaxVarintLen64]byte
	err  error
}

func (c *cursor) fixed(n int) uint64 {
	if c.err == nil {
		_, c.err = io.ReadFull(io.NewSectionReader(c.body, c.at, int64(n)), c.buf[:n])
	}
	if c.err != nil {
		return 0
	}
	c.at += int64(n)
	var out uint64
	for _, b := range c.buf[:n] {
		out = out<<8 | uint64(b)
	}
	return out
}

func (c *cursor) varint() uint64 {
	n, err := c.body.ReadAt(c.buf[:], c.at)
	if err != nil && err != io.EOF {
		c.err = err
	}
	if c.err != nil {
		return 0
	}
	v, width := binary.Uvarint(c.buf[:n])
	if width <= 0 {
		c.err = io.ErrUnexpectedEOF
	}
	c.at += int64(max(width, 0))
	return v
}
