package postgres

import (
	"encoding/binary"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// heldField is the size up to which a large row's fields are held: they are encoded,
// and their key found, as those of any other row.
const heldField = 64 << 10

// largeRow takes a tuple that memory must not hold, piece by piece as it arrives, and
// gives the row on in pieces. Values that travel as they are pass through; the others
// are held until they are whole.
type largeRow struct {
	*rowReader
	give func(engine.Row) error
	// active is set from a tuple's first byte to its last.
	active bool
	// head has what has come of a count or a length; at is the field in hand, -1 before
	// the first, left what is to come of its value.
	head []byte
	at   int
	left int
	// passing says that the value in hand goes through; held has it where it does not.
	passing, holding bool
	held             []byte
	text             canon.Pieces
	// out is what has not been given on yet.
	out []byte
	// refused is the first value at fault: it is told at the row's end, by the key.
	refused   error
	refusedAt int
}

// isLarge tells whether a tuple of at least n bytes comes in pieces.
func (l *largeRow) isLarge(n int) bool { return l != nil && l.pieces > 0 && n > l.pieces }

func (l *largeRow) isActive() bool { return l != nil && l.active }

func (l *largeRow) begin() {
	l.active, l.at, l.left, l.refused = true, -1, 0, nil
	l.head, l.out, l.tuple = l.head[:0], l.out[:0], nil
}

// take takes what has come and gives back what lies behind the tuple's end.
func (l *largeRow) take(data []byte) ([]byte, error) {
	for l.active {
		if l.left > 0 {
			n := min(l.left, len(data), batch.PieceBytes)
			if n == 0 {
				return nil, nil
			}
			if err := l.value(data[:n]); err != nil {
				return nil, err
			}
			data, l.left = data[n:], l.left-n
			if l.left == 0 {
				if err := l.endField(); err != nil {
					return nil, err
				}
			}
			continue
		}
		width := 4
		if l.at < 0 {
			width = 2
		}
		n := min(width-len(l.head), len(data))
		l.head, data = append(l.head, data[:n]...), data[n:]
		if len(l.head) < width {
			return nil, nil
		}
		if err := l.heading(); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// heading takes a count or a length that is whole.
func (l *largeRow) heading() error {
	defer func() { l.head = l.head[:0] }()
	if l.at < 0 {
		if int(binary.BigEndian.Uint16(l.head)) != len(l.exprs) {
			return fault.New(fault.Corrupt, "postgres.Read", "tuple of %d fields, want %d", binary.BigEndian.Uint16(l.head), len(l.exprs))
		}
		if l.columns == nil {
			l.out = binary.BigEndian.AppendUint16(l.out, uint16(l.width))
		}
		l.at = 0
		return nil
	}
	length := int(int32(binary.BigEndian.Uint32(l.head)))
	l.fields[l.at], l.left = nil, max(length, 0)
	l.passing = l.at < l.width && (l.columns == nil || length > heldField && l.columns[l.at].asIs)
	l.holding = length >= 0 && (!l.passing || length <= heldField || l.isKey(l.at))
	l.held, l.text = nil, canon.Pieces{}
	if l.holding && length > batch.MaxRow {
		l.holding = false
		l.refuse(engine.ErrTooWide)
	}
	if l.passing && l.columns == nil {
		l.out = append(l.out, l.head...)
	} else if l.passing {
		l.out = batch.AppendHead(l.out, length)
	}
	if length > 0 {
		return nil
	}
	if l.holding {
		l.held = []byte{}
	}
	return l.endField()
}

func (l *largeRow) isKey(field int) bool {
	for _, k := range l.key {
		if k.field == field {
			return true
		}
	}
	return false
}

// refuse takes note of a value at fault.
func (l *largeRow) refuse(err error) {
	switch {
	case l.lossy != nil:
		l.lossy(l.at, err)
	case l.refused == nil:
		l.refused, l.refusedAt = err, l.at
	}
}

// value takes a piece of the value in hand.
func (l *largeRow) value(piece []byte) error {
	if l.holding {
		if l.held == nil {
			l.held = make([]byte, 0, l.left)
		}
		l.held = append(l.held, piece...)
	}
	if !l.passing {
		return nil
	}
	if l.columns != nil && l.columns[l.at].checked && !l.text.Add(piece) {
		l.refuse(errUTF8)
	}
	l.out = append(l.out, piece...)
	return l.flush(batch.PieceBytes)
}

// flush gives on what has come, if it is at least so much.
func (l *largeRow) flush(least int) error {
	if len(l.out) < least || l.refused != nil {
		if l.refused != nil {
			l.out = l.out[:0]
		}
		return nil
	}
	err := l.give(engine.Row{Data: l.out, More: true})
	l.out = l.out[:0]
	return err
}

// endField ends the value in hand, and with the last one the row.
func (l *largeRow) endField() error {
	if l.passing && l.columns != nil && l.columns[l.at].checked && !l.text.Whole() {
		l.refuse(errUTF8)
	}
	if l.holding {
		l.fields[l.at] = l.held
	}
	if l.columns != nil && l.at < l.width && !l.passing {
		l.row = l.row[:0]
		if err := l.appendColumn(l.at); err != nil {
			l.refuse(err)
			l.row = batch.AppendNull(l.row[:0])
		}
		l.out = append(l.out, l.row...)
		if err := l.flush(batch.PieceBytes); err != nil {
			return err
		}
	}
	if l.at++; l.at < len(l.exprs) {
		return nil
	}
	return l.end()
}

func (l *largeRow) end() error {
	l.active = false
	if l.refused != nil {
		return l.valueError(l.refusedAt, l.refused)
	}
	if l.hidden {
		if err := l.checkOrder(); err != nil {
			return err
		}
	}
	if l.columns != nil {
		l.out = append(l.out, l.constants...)
	}
	return l.give(engine.Row{Data: l.out, Key: l.currentKey})
}

// passesAsIs tells whether values of a kind are what the server sends.
func passesAsIs(oid uint32, kind planv1.Kind, asText bool) bool {
	switch kind {
	case canon.Bytes:
		return oid == oidBytea && !asText
	case canon.Text, canon.JSON:
		return asText || oid == oidText || oid == oidVarchar || oid == oidName || oid == oidJSON
	default:
		return false
	}
}
