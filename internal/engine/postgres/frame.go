package postgres

import (
	"bufio"
	"encoding/binary"
	"io"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/drover-db/drover/internal/batch"
)

const (
	// frameBuffer is what is read of a connection at once.
	frameBuffer = 64 << 10
	// frameHeader is a message's type and its length, which counts itself.
	// https://www.postgresql.org/docs/current/protocol-message-formats.html
	frameHeader   = 5
	frameCopyData = 'd'
)

// newFrontend is pgx's, which holds each message of the server whole; a row that COPY
// sends is one message, however large, so it gets several of them in its place.
func newFrontend(r io.Reader, w io.Writer) *pgproto3.Frontend {
	return pgproto3.NewFrontend(&frameSplitter{r: bufio.NewReaderSize(r, frameBuffer), most: batch.PieceBytes}, w)
}

// frameSplitter passes a server's messages on, CopyData of more than most bytes as
// several of at most so many: to whoever reads COPY's data, their borders mean nothing.
type frameSplitter struct {
	r    *bufio.Reader
	most int
	// head is a header that is made here and not given yet.
	head []byte
	// left is what is to come of the message that is passed on, split what is to come
	// of the one it is a part of.
	left, split int
	made        [frameHeader]byte
}

// Read gives what is there; it waits only for the first byte.
func (s *frameSplitter) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(s.head) > 0 {
			k := copy(p[n:], s.head)
			s.head, n = s.head[k:], n+k
			continue
		}
		if n > 0 && s.r.Buffered() == 0 || s.left == 0 && s.split == 0 && n > 0 && s.r.Buffered() < frameHeader {
			return n, nil
		}
		if s.left == 0 {
			if err := s.next(); err != nil {
				return n, err
			}
			continue
		}
		k, err := s.r.Read(p[n:min(len(p), n+s.left)])
		s.left, n = s.left-k, n+k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// next finds out what comes behind a message or a part of one.
func (s *frameSplitter) next() error {
	if s.split > 0 {
		s.cut()
		return nil
	}
	h, err := s.r.Peek(frameHeader)
	if err != nil {
		return err
	}
	length := int(binary.BigEndian.Uint32(h[1:])) - (frameHeader - 1)
	if h[0] != frameCopyData || length <= s.most {
		s.left = frameHeader + max(length, 0)
		return nil
	}
	s.split = length
	_, err = s.r.Discard(frameHeader)
	return err
}

// cut begins the next part of a message that is split.
func (s *frameSplitter) cut() {
	s.left = min(s.split, s.most)
	s.split -= s.left
	s.made[0] = frameCopyData
	binary.BigEndian.PutUint32(s.made[1:], uint32(s.left+frameHeader-1))
	s.head = s.made[:]
}
