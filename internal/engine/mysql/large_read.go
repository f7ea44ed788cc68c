package mysql

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/go-mysql-org/go-mysql/mysql"

	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// heldField is the size up to which a large row's fields are held: they are encoded,
// and their key found, as those of any other row.
const heldField = 64 << 10

var (
	// errLargeRow says that the packet that comes is to be read from stream.large.
	errLargeRow = errors.New("large row")
)

// packetReader reads a packet that memory must not hold, with those that continue it.
type packetReader struct {
	stream *stream
	// left is what is to come of the packet under way, full whether another continues it.
	left int
	full bool
}

func (p *packetReader) Read(b []byte) (int, error) {
	for p.left == 0 {
		if !p.full {
			return 0, io.EOF
		}
		length, err := p.stream.header()
		if err != nil {
			return 0, err
		}
		p.left, p.full = length, length == maxPayload
	}
	n, err := p.stream.reader.Read(b[:min(len(b), p.left)])
	p.left -= n
	return n, cutShort(err)
}

// largeRow reads a row of the binary protocol piece by piece as it arrives, and gives
// it on in pieces. Values that travel as they are pass through; the others are held.
type largeRow struct {
	*rowReader
	packet *packetReader
	out    []byte
	piece  []byte
	// marks counts the question marks of columns that the server may have put them into.
	marks map[int]int
	// refused is the first value at fault: it is told at the row's end, by the key.
	refused *fault.Error
}

// large gives on the row that the stream is at.
func (r *rowReader) large(s *stream, forms []form) error {
	l := &largeRow{rowReader: r, packet: s.large, piece: make([]byte, batch.PieceBytes), marks: map[int]int{}}
	r.marksLater = true
	err := l.run(forms)
	r.marksLater = false
	return err
}

func (l *largeRow) run(forms []form) error {
	head := make([]byte, 1+(len(forms)+7+2)/8)
	if err := l.fill(head); err != nil {
		return err
	}
	if head[0] != mysql.OK_HEADER {
		return fault.New(fault.Corrupt, "mysql.Read", "server sent a packet that is no row")
	}
	for i, f := range forms {
		l.fields[i] = nil
		null := head[1+(i+2)/8]&(1<<((i+2)%8)) != 0
		if err := l.field(i, f, null); err != nil || l.stopped != nil {
			return err
		}
	}
	if n, err := l.packet.Read(l.piece[:1]); n > 0 || !errors.Is(err, io.EOF) {
		return fault.New(fault.Corrupt, "mysql.Read", "server sent more than a row in one packet")
	}
	return l.end()
}

// fill reads all of b.
func (l *largeRow) fill(b []byte) error {
	_, err := io.ReadFull(l.packet, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errShortRow
	}
	return err
}

// field takes the next field of the row.
func (l *largeRow) field(i int, f form, null bool) error {
	if null {
		return l.encodeHeld(i)
	}
	length := f.width()
	if length == 0 {
		var err error
		if length, err = l.length(); err != nil {
			return err
		}
	}
	if length > heldField && l.passes(i) {
		return l.pass(i, length)
	}
	if length > batch.MaxRow {
		l.refuseLater(i, engine.ErrTooWide)
		return l.skip(length)
	}
	l.fields[i] = make([]byte, length)
	if err := l.fill(l.fields[i]); err != nil {
		return err
	}
	return l.encodeHeld(i)
}

// length reads what stands in front of a field.
func (l *largeRow) length() (int, error) {
	var head [9]byte
	if err := l.fill(head[:1]); err != nil {
		return 0, err
	}
	more := map[byte]int{0xfc: 2, 0xfd: 3, 0xfe: 8}[head[0]]
	if err := l.fill(head[1 : 1+more]); err != nil {
		return 0, err
	}
	if more == 0 {
		return int(head[0]), nil
	}
	return int(binary.LittleEndian.Uint64(append(head[1:1+more:1+more], make([]byte, 8)...))), nil
}

// passes tells whether a column's values travel as they are; a key's are held.
func (l *largeRow) passes(i int) bool {
	if i >= len(l.columns) {
		return false
	}
	for _, k := range l.key {
		if k.at == i {
			return false
		}
	}
	return l.columns[i].convert == nil && l.columns[i].decode == nil
}

// pass gives a value on in pieces.
func (l *largeRow) pass(i, length int) error {
	c := l.columns[i]
	l.out = batch.AppendHead(l.out, length)
	var text canon.Pieces
	binary := c.plan.GetKind() == canon.Bytes
	for length > 0 {
		piece := l.piece[:min(length, len(l.piece))]
		if err := l.fill(piece); err != nil {
			return err
		}
		length -= len(piece)
		if !binary && (!text.Add(piece) || length == 0 && !text.Whole()) {
			l.refuseLater(i, errNotUTF8)
		}
		if c.marks > 0 {
			l.marks[i] += bytes.Count(piece, []byte{'?'})
		}
		l.out = append(l.out, piece...)
		if err := l.flush(); err != nil || l.stopped != nil {
			return err
		}
	}
	return nil
}

// skip passes over a value, which leaves a NULL behind.
func (l *largeRow) skip(length int) error {
	l.out = batch.AppendNull(l.out)
	for length > 0 {
		piece := l.piece[:min(length, len(l.piece))]
		if err := l.fill(piece); err != nil {
			return err
		}
		length -= len(piece)
	}
	return nil
}

// encodeHeld encodes a field as one of an ordinary row.
func (l *largeRow) encodeHeld(i int) error {
	if i >= len(l.columns) {
		return nil // it counts what a column holds
	}
	c := l.columns[i]
	if c.marks > 0 && l.fields[i] != nil {
		l.marks[i] = bytes.Count(l.fields[i], []byte{'?'})
	}
	out, err := l.appendColumn(l.out, c, l.fields[i])
	if err != nil {
		l.refuseLater(i, err)
		out = batch.AppendNull(l.out)
	}
	l.out = out
	return l.flush()
}

// refuseLater takes note of a value at fault.
func (l *largeRow) refuseLater(i int, err error) {
	i = min(i, len(l.columns)-1)
	switch {
	case l.request.Lossy != nil:
		l.request.Lossy(i, err)
	case l.refused == nil:
		l.refused = &fault.Error{Column: l.columns[i].name, Err: err}
	}
}

// flush gives on what has come, if it is enough.
func (l *largeRow) flush() error {
	switch {
	case l.refused != nil:
		l.out = l.out[:0]
	case len(l.out) >= batch.PieceBytes:
		l.stopped = l.emit(engine.Row{Data: l.out, More: true})
		l.out = l.out[:0]
	}
	return nil
}

func (l *largeRow) end() error {
	for i, n := range l.marks {
		if there, _ := integer(formInt64, l.fields[l.columns[i].marks]); there != uint64(n) {
			l.refuseLater(i, errLostCharacters)
		}
	}
	if l.refused != nil {
		return l.refuse(l.refused.Column, l.refused.Err)
	}
	if l.request.Side == engine.SourceSide {
		l.out = engine.AppendConstants(l.out, l.request.Plan)
	}
	l.stopped = l.emit(engine.Row{Data: l.out, Key: l.currentKey})
	return nil
}
