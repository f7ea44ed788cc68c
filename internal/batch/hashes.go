package batch

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Hashes are the hashes of rows, one for each, equal rows each for itself. Order says
// nothing.
type Hashes []Hash

// hashLen is the number of bytes of a hash.
const hashLen = 16

// Digest adds the rows up.
func (h Hashes) Digest() (d Digest) {
	for _, row := range h {
		d.AddHash(row)
	}
	return d
}

// Count tells how many of the rows have a hash.
func (h Hashes) Count(row Hash) (n int) {
	for _, other := range h {
		if other == row {
			n++
		}
	}
	return n
}

// With gives h and more.
func (h Hashes) With(more Hashes) Hashes { return slices.Concat(h, more) }

// Without takes rows away, each once; ok is false where one of them is not there.
func (h Hashes) Without(rows Hashes) (left Hashes, ok bool) {
	gone := map[Hash]int{}
	for _, row := range rows {
		gone[row]++
	}
	found := 0
	for _, row := range h {
		if gone[row] > 0 {
			gone[row]--
			found++
			continue
		}
		left = append(left, row)
	}
	return left, found == len(rows)
}

// Marshal gives 16 bytes a row, big endian; nil for no rows.
func (h Hashes) Marshal() []byte {
	if len(h) == 0 {
		return nil
	}
	out := make([]byte, 0, hashLen*len(h))
	for _, row := range h {
		out = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(out, row.Hi), row.Lo)
	}
	return out
}

// HashesOf reads what Marshal gave.
func HashesOf(b []byte) (Hashes, error) {
	if len(b)%hashLen != 0 {
		return nil, fmt.Errorf("hashes of %d bytes, want a multiple of %d", len(b), hashLen)
	}
	var out Hashes
	for row := range slices.Chunk(b, hashLen) {
		out = append(out, Hash{Hi: binary.BigEndian.Uint64(row), Lo: binary.BigEndian.Uint64(row[8:])})
	}
	return out, nil
}
