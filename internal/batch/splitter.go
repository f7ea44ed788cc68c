package batch

import (
	"encoding/binary"
	"fmt"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// Part is a field of a row, or what has come of one.
type Part struct {
	Column int
	// Len is the number of bytes of the whole field; -1 for NULL.
	Len  int64
	Data []byte
	// Last says that the field ends with this part.
	Last bool
}

// Splitter finds the fields of rows that come in pieces, so that nobody holds a row
// who wants to know about its fields.
type Splitter struct {
	encoding planv1.Encoding
	columns  int
	// counted is set behind a tuple's number of fields; column is the field in hand, -1
	// before the first.
	counted bool
	column  int
	// head has what has come of a length, size and left are of the field in hand.
	head       []byte
	size, left int64
}

// NewSplitter makes a splitter of rows of so many columns.
func NewSplitter(e planv1.Encoding, columns int) *Splitter {
	return &Splitter{encoding: e, columns: columns, column: -1}
}

// Add takes a piece of a row and gives its fields to visit, in parts as they come. A
// part's data is valid during the call only.
func (s *Splitter) Add(piece []byte, visit func(Part) error) error {
	for len(piece) > 0 {
		if s.left == 0 {
			rest, ok, err := s.heading(piece)
			if err != nil {
				return err
			}
			if piece = rest; !ok || s.left > 0 {
				continue
			}
			if err := visit(Part{Column: s.column, Len: s.size, Last: true}); err != nil {
				return err
			}
			continue
		}
		n := min(s.left, int64(len(piece)))
		s.left -= n
		if err := visit(Part{Column: s.column, Len: s.size, Data: piece[:n:n], Last: s.left == 0}); err != nil {
			return err
		}
		piece = piece[n:]
	}
	return nil
}

// End ends a row, which must be whole, and makes ready for the next.
func (s *Splitter) End() error {
	whole := s.left == 0 && len(s.head) == 0 && s.column == s.columns-1
	at := s.column
	*s = Splitter{encoding: s.encoding, columns: s.columns, column: -1, head: s.head[:0]}
	if !whole {
		return fmt.Errorf("row cut short in column %d", at+1)
	}
	return nil
}

// heading takes bytes of a length; ok tells that one is whole, of a field that begins.
func (s *Splitter) heading(piece []byte) (rest []byte, ok bool, err error) {
	if s.column == s.columns-1 && (s.counted || s.encoding != planv1.Encoding_ENCODING_PGCOPY) {
		return nil, false, fmt.Errorf("row goes on behind its %d columns", s.columns)
	}
	s.head, piece = append(s.head, piece[0]), piece[1:]
	length := int64(0)
	switch tuple := s.encoding == planv1.Encoding_ENCODING_PGCOPY; {
	case tuple && !s.counted:
		if len(s.head) < 2 {
			return piece, false, nil
		}
		if n := int(binary.BigEndian.Uint16(s.head)); n != s.columns {
			return nil, false, fmt.Errorf("tuple of %d fields, want %d", n, s.columns)
		}
		s.counted, s.head = true, s.head[:0]
		return piece, false, nil
	case tuple:
		if len(s.head) < 4 {
			return piece, false, nil
		}
		length = int64(int32(binary.BigEndian.Uint32(s.head)))
	default:
		n, width := binary.Uvarint(s.head)
		if width < 0 {
			return nil, false, fmt.Errorf("length of column %d is no number", s.column+2)
		}
		if width == 0 {
			return piece, false, nil
		}
		length = int64(n) - 1
	}
	s.head, s.column = s.head[:0], s.column+1
	s.size, s.left = max(length, -1), max(length, 0)
	return piece, true, nil
}
