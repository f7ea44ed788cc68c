package batch

import (
	"hash/crc32"

	"github.com/zeebo/xxh3"

	streamv1 "github.com/drover-db/drover/gen/drover/stream/v1"
	"github.com/drover-db/drover/internal/fault"
)

// LargeRow is the size above which a row travels in pieces, so that nobody holds it
// whole: with it and its neighbours a batch is two messages at most.
const LargeRow = 4 << 20

// PieceBytes is about how much of a large row is in hand at a time.
const PieceBytes = 256 << 10

// RowHasher hashes rows that come whole or in pieces: both ways a row has the same
// hash. The zero value is ready.
type RowHasher struct {
	pieces *xxh3.Hasher
	begun  bool
}

// Add takes a row, or a piece of one where more of it is to come; with its end it
// gives the row's hash.
func (h *RowHasher) Add(data []byte, more bool) (sum Hash, whole bool) {
	if !more && !h.begun {
		return xxh3.Hash128(data), true
	}
	if h.pieces == nil {
		h.pieces = xxh3.New()
	}
	if !h.begun {
		h.pieces.Reset()
	}
	_, _ = h.pieces.Write(data) // a hash takes everything
	h.begun = more
	if more {
		return Hash{}, false
	}
	return h.pieces.Sum128(), true
}

// Parts seals the messages of one large batch as its rows come. The zero value is
// ready for the first.
type Parts struct {
	next   uint32
	offset uint64
	whole  uint32
}

// Seal turns a buffer with the next bytes of the batch into a message, which shares
// the buffer's memory. It sets the header's part, parts, offset and whole crc.
func (p *Parts) Seal(buf []byte, h *streamv1.BatchHeader, last bool) ([]byte, error) {
	body := buf[prefixLen:]
	h.Part, h.Offset = p.next, p.offset
	p.next, p.offset = p.next+1, p.offset+uint64(len(body))
	p.whole = crc32.Update(p.whole, castagnoli, body)
	if last {
		h.Parts, h.WholeCrc = p.next, p.whole
	}
	return seal(buf, h)
}

// IsLarge tells whether a message is a part of a large batch.
func IsLarge(h *streamv1.BatchHeader) bool { return h.GetParts() == 0 || h.GetOffset() > 0 }

// Joiner checks that the parts of one large batch add up. The zero value is ready for
// the first; their order is for the caller to see to.
type Joiner struct {
	bytes uint64
	whole uint32
}

// Add takes the next part. It returns fault.Corrupt where the part does not continue
// what came before, or the last one does not make the whole.
func (j *Joiner) Add(h *streamv1.BatchHeader, body []byte) error {
	const op = "batch.Join"
	if h.GetOffset() != j.bytes {
		return fault.New(fault.Corrupt, op, "part %d of batch %d begins at byte %d, %d have come", h.GetPart(), h.GetSequence(), h.GetOffset(), j.bytes)
	}
	j.bytes += uint64(len(body))
	j.whole = crc32.Update(j.whole, castagnoli, body)
	if h.GetParts() != 0 && j.whole != h.GetWholeCrc() {
		return fault.New(fault.Corrupt, op, "batch %d: crc of its %d parts is %08x, header says %08x", h.GetSequence(), h.GetParts(), j.whole, h.GetWholeCrc())
	}
	return nil
}
