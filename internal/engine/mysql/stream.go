package mysql

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"
	driver "github.com/go-sql-driver/mysql"

	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/fault"
)

const (
	// streamBuffer holds whole packets of ordinary rows: they are decoded where they
	// arrive.
	streamBuffer = 128 << 10
	// maxPayload is the length of a packet that another one continues.
	maxPayload = 1<<24 - 1
	// maxRowPacket is a row that is too large to travel: the protocol adds little.
	maxRowPacket = batch.MaxRow + 64<<10
)

// stream reads the rows of one prepared statement in the binary protocol. The
// client's own reader copies every packet twice and makes texts of dates, which costs
// more than all the rest of a read; between statements nothing is under way, so the
// stream may take the connection's bytes over.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_execute.html
type stream struct {
	conn   *readerConn
	stmt   *client.Stmt
	reader *bufio.Reader
	fields []*mysql.Field
	// sequence is the number of the next packet; used is how many bytes of the reader
	// the packet in hand has.
	sequence byte
	used     int
	// long holds a packet that the reader cannot.
	long []byte
	// pieces is the size above which a row's packet is not held, but read from large; 0
	// for none.
	pieces int
	large  *packetReader
}

// openStream prepares a statement and runs it. A stream that was not read to its end
// leaves the connection unusable.
func (c *readerConn) openStream(query string, reader *bufio.Reader) (*stream, error) {
	stmt, err := c.Prepare(query)
	if err != nil {
		return nil, err
	}
	s := &stream{conn: c, stmt: stmt, reader: reader}
	for _, raw := range stmt.RawColumnFields {
		f, err := mysql.FieldData(raw).Parse()
		if err != nil {
			return nil, err
		}
		s.fields = append(s.fields, f)
	}
	// The client's reader has nothing left in it: the server speaks when asked.
	socket := c.Conn.Conn.Conn
	reader.Reset(socket)
	command := []byte{0, 0, 0, 0, mysql.COM_STMT_EXECUTE, 0, 0, 0, 0, mysql.CURSOR_TYPE_NO_CURSOR, 1, 0, 0, 0}
	binary.LittleEndian.PutUint32(command[5:], stmt.ID)
	c.ResetSequence()
	if err := c.WritePacket(command); err != nil {
		return nil, err
	}
	s.sequence = c.Sequence
	return s, s.skipHeader()
}

// skipHeader reads past the columns, which the statement has told already.
func (s *stream) skipHeader() error {
	p, err := s.packet()
	if err != nil {
		return err
	}
	if p[0] == mysql.ERR_HEADER {
		return serverFault(p)
	}
	for range len(s.fields) + 1 { // and an EOF
		if p, err = s.packet(); err != nil {
			return err
		}
		if p[0] == mysql.ERR_HEADER {
			return serverFault(p)
		}
	}
	return nil
}

// close lets the statement go, when its rows have all been read.
func (s *stream) close() error { return s.stmt.Close() }

// next gives the next row's packet, which is valid until the next call; nil at the
// end.
func (s *stream) next() ([]byte, error) {
	p, err := s.packet()
	switch {
	case err != nil:
		return nil, err
	case p[0] == mysql.OK_HEADER:
		return p, nil
	case p[0] == mysql.EOF_HEADER && len(p) < 9:
		return nil, nil
	case p[0] == mysql.ERR_HEADER:
		return nil, serverFault(p)
	default:
		return nil, fault.New(fault.Corrupt, "mysql.Read", "server sent a packet that is no row")
	}
}

// packet reads one packet, without its header.
func (s *stream) packet() ([]byte, error) {
	length, err := s.header()
	if err != nil {
		return nil, err
	}
	if length == 0 {
		return nil, fault.New(fault.Corrupt, "mysql.Read", "server sent an empty packet")
	}
	first, err := s.reader.Peek(1)
	if err != nil {
		return nil, cutShort(err)
	}
	if s.pieces > 0 && length > s.pieces && first[0] == mysql.OK_HEADER {
		s.large = &packetReader{stream: s, left: length, full: length == maxPayload}
		return nil, errLargeRow
	}
	if length <= s.reader.Size() {
		p, err := s.reader.Peek(length)
		s.used = length
		return p, cutShort(err)
	}
	s.long = s.long[:0]
	for {
		from := len(s.long)
		if from+length > maxRowPacket {
			return nil, fault.New(fault.Value, "mysql.Read", "a row is larger than %d MiB: leave its table out, or its wide columns", batch.MaxRow>>20)
		}
		s.long = append(s.long, make([]byte, length)...)
		if _, err := io.ReadFull(s.reader, s.long[from:]); err != nil {
			return nil, cutShort(err)
		}
		if length < maxPayload {
			return s.long, nil
		}
		if length, err = s.header(); err != nil {
			return nil, err
		}
	}
}

// header reads past the packet in hand, and the next one's length.
func (s *stream) header() (int, error) {
	if _, err := s.reader.Discard(s.used); err != nil {
		return 0, cutShort(err)
	}
	s.used = 0
	h, err := s.reader.Peek(4)
	if err != nil {
		return 0, cutShort(err)
	}
	length := int(h[0]) | int(h[1])<<8 | int(h[2])<<16
	if h[3] != s.sequence {
		return 0, fault.New(fault.Corrupt, "mysql.Read", "packet %d arrived where %d was due", h[3], s.sequence)
	}
	s.sequence++
	_, err = s.reader.Discard(4)
	return length, cutShort(err)
}

// cutShort names the end of a connection in the middle of an answer.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// serverFault is an error packet as go-sql-driver has it, so that one place knows
// what errors mean.
func serverFault(p []byte) error {
	if len(p) < 3 {
		return fault.New(fault.Corrupt, "mysql.Read", "server sent half an error")
	}
	out := &driver.MySQLError{Number: binary.LittleEndian.Uint16(p[1:])}
	p = p[3:]
	if len(p) >= 6 && p[0] == '#' {
		copy(out.SQLState[:], p[1:6])
		p = p[6:]
	}
	out.Message = string(p)
	return out
}
