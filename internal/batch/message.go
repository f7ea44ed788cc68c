// Package batch owns the bytes of a row stream: messages, the two row encodings
// and the digest. FORMAT.md has them as tables; read row.go first. It knows no
// engine and no stream.
package batch

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"google.golang.org/protobuf/proto"

	streamv1 "github.com/drover-db/drover/gen/drover/stream/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/guard"
)

const (
	magic   = "DRVB"
	version = 2
	// prefixLen is what stands in front of the body, sumLen behind the header.
	prefixLen = 12
	sumLen    = 4
	// MaxBody is the largest body of one message; larger ones travel in parts.
	// With the header it stays far under NATS' max_payload of 8 MiB.
	MaxBody = 4 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// NewBuffer gives a message buffer of a capacity, ready for rows to be appended.
func NewBuffer(capacity int) []byte {
	return append(make([]byte, 0, capacity+prefixLen), make([]byte, prefixLen)...)
}

// ResetBuffer empties a buffer that NewBuffer gave.
func ResetBuffer(buf []byte) []byte { return buf[:prefixLen] }

// BodyLen is the number of bytes of rows in a buffer.
func BodyLen(buf []byte) int { return len(buf) - prefixLen }

// Seal turns a buffer with rows into messages: one, or several parts where the
// body is over MaxBody. It sets the header's parts. The first message
// shares buf's memory where there is only one.
func Seal(buf []byte, h *streamv1.BatchHeader) ([][]byte, error) {
	n := BodyLen(buf)
	if n <= MaxBody {
		h.Part, h.Parts = 0, 1
		msg, err := seal(buf, h)
		return [][]byte{msg}, err
	}
	body := buf[prefixLen:]
	parts := (n + MaxBody - 1) / MaxBody
	out := make([][]byte, 0, parts)
	for i := range parts {
		piece := body[i*MaxBody : min((i+1)*MaxBody, n)]
		h.Part, h.Parts = uint32(i), uint32(parts)
		msg, err := seal(append(NewBuffer(len(piece)+512), piece...), h)
		if err != nil {
			return nil, err
		}
		out = append(out, msg)
	}
	return out, nil
}

func seal(buf []byte, h *streamv1.BatchHeader) ([]byte, error) {
	body := buf[prefixLen:]
	copy(buf, magic)
	binary.BigEndian.PutUint32(buf[4:], version<<24)
	binary.BigEndian.PutUint32(buf[8:], uint32(len(body)))
	out, err := proto.MarshalOptions{}.MarshalAppend(buf, h)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "batch.Seal", err)
	}
	return binary.BigEndian.AppendUint32(out, crc32.Checksum(out, castagnoli)), nil
}

// Open reads a message and checks its form and crc. The body shares msg's memory. A
// message of version 1 had its crc elsewhere.
func Open(msg []byte) (h *streamv1.BatchHeader, body []byte, err error) {
	const op = "batch.Open"
	if len(msg) < prefixLen+sumLen || string(msg[:4]) != magic {
		return nil, nil, fault.New(fault.Corrupt, op, "message is not a row batch")
	}
	msg, sum := msg[:len(msg)-sumLen], binary.BigEndian.Uint32(msg[len(msg)-sumLen:])
	if got := crc32.Checksum(msg, castagnoli); got != sum && msg[4] != 1 && !guard.Removed(guard.MessageCRC) {
		return nil, nil, fault.New(fault.Corrupt, op, "crc of the message is %08x, its end says %08x", got, sum)
	}
	if msg[4] != version {
		// In the middle of an upgrade: nothing is wrong with the rows, and workers that can
		// read each other are there once it is over.
		return nil, nil, fault.New(fault.Unavailable, op, "row batch of version %d; this worker reads version %d: bring both to one version", msg[4], version)
	}
	n := binary.BigEndian.Uint32(msg[8:])
	if uint64(n) > uint64(len(msg)-prefixLen) {
		return nil, nil, fault.New(fault.Corrupt, op, "message cut short: body of %d bytes in a message of %d", n, len(msg))
	}
	body = msg[prefixLen : prefixLen+int(n)]
	h = &streamv1.BatchHeader{}
	if err := proto.Unmarshal(msg[prefixLen+int(n):], h); err != nil {
		return nil, nil, fault.New(fault.Corrupt, op, "read batch header: %w", err)
	}
	return h, body, nil
}

// MessageID names a message for the stream's duplicate window: it contains the
// attempt, which is never used twice.
func MessageID(h *streamv1.BatchHeader) string {
	return fmt.Sprintf("%s/%d/%d/%d/%d/%d", h.GetMigration(), h.GetTable(), h.GetRange(), h.GetAttempt(), h.GetSequence(), h.GetPart())
}
