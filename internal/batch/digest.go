package batch

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"

	"github.com/zeebo/xxh3"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// Digest is a row count and the sum of the rows' hashes modulo 2^128. The zero
// value is the digest of no rows.
type Digest struct {
	Rows   int64
	hi, lo uint64
}

// Hash is the 128-bit hash of one encoded row.
type Hash = xxh3.Uint128

// HashRow hashes one encoded row.
func HashRow(row []byte) Hash { return xxh3.Hash128(row) }

// HashFrom reads a hash from its 16 bytes, as Bytes gives them.
func HashFrom(sum []byte) (Hash, error) {
	if len(sum) != 16 {
		return Hash{}, fmt.Errorf("a row's hash of %d bytes", len(sum))
	}
	return Hash{Hi: binary.BigEndian.Uint64(sum), Lo: binary.BigEndian.Uint64(sum[8:])}, nil
}

// Add counts one encoded row in.
func (d *Digest) Add(row []byte) { d.AddHash(xxh3.Hash128(row)) }

// AddHash counts in a row that is hashed already.
func (d *Digest) AddHash(h Hash) {
	var carry uint64
	d.lo, carry = bits.Add64(d.lo, h.Lo, 0)
	d.hi, _ = bits.Add64(d.hi, h.Hi, carry)
	d.Rows++
}

// Merge adds the rows of o.
func (d *Digest) Merge(o Digest) {
	var carry uint64
	d.lo, carry = bits.Add64(d.lo, o.lo, 0)
	d.hi, _ = bits.Add64(d.hi, o.hi, carry)
	d.Rows += o.Rows
}

// Subtract takes the rows of o away.
func (d *Digest) Subtract(o Digest) {
	var borrow uint64
	d.lo, borrow = bits.Sub64(d.lo, o.lo, 0)
	d.hi, _ = bits.Sub64(d.hi, o.hi, borrow)
	d.Rows -= o.Rows
}

// Sum gives the 16 bytes of the sum.
func (d Digest) Sum() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 16), d.hi)
	return binary.BigEndian.AppendUint64(b, d.lo)
}

// String is the sum in hex.
func (d Digest) String() string { return hex.EncodeToString(d.Sum()) }

// Proto gives the message form.
func (d Digest) Proto() *planv1.Digest { return &planv1.Digest{Rows: d.Rows, Sum: d.Sum()} }

// DigestOf reads the message form; nil is the digest of no rows.
func DigestOf(p *planv1.Digest) (Digest, error) {
	if p == nil {
		return Digest{}, nil
	}
	return DigestFrom(p.GetRows(), p.GetSum())
}

// DigestFrom makes a digest of a count and the bytes that Sum gave; no bytes are a sum of 0.
func DigestFrom(rows int64, sum []byte) (Digest, error) {
	if len(sum) == 0 {
		return Digest{Rows: rows}, nil
	}
	if len(sum) != 16 {
		return Digest{}, fmt.Errorf("digest of %d bytes, want 16", len(sum))
	}
	return Digest{Rows: rows, hi: binary.BigEndian.Uint64(sum), lo: binary.BigEndian.Uint64(sum[8:])}, nil
}
