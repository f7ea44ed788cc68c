package mysql

import (
	"bytes"
	"math/big"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// keyFromText reads a key value in the text protocol's form, which is exact for every
// type that can be a key.
func keyFromText(kind planv1.Kind, nativeType string, scale int32, text []byte) ([]byte, error) {
	switch {
	case text == nil:
		return nil, errNullKey
	case kind == canon.Bits:
		return decodeBits(bitsOf(nativeType))([]byte{}, text)
	case kind == canon.Bytes:
		return append([]byte{}, text...), nil
	case kind == canon.Text:
		return append([]byte{}, text...), validText(text)
	case kind == canon.TimestampTZ:
		return parsedText(canon.Timestamp, scale)([]byte{}, text)
	case (kind == canon.Date || kind == canon.Timestamp) && strings.HasPrefix(string(text), "0000"):
		return nil, &impossibleDate{string(text)}
	}
	return parsedText(kind, scale)([]byte{}, text)
}

// bitsOf is the n of bit(n).
func bitsOf(nativeType string) int {
	n := 0
	for _, c := range nativeType {
		if c >= '0' && c <= '9' {
			n = 10*n + int(c-'0')
		}
	}
	return max(1, n)
}

// keyScale lays the values of a key column out on a line of whole numbers, in their
// order, so that it can be halved anywhere.
type keyScale struct {
	// place is where a value lies: values in order have places in order, and where
	// places are equal the constant is at or before all of them.
	place func(v []byte) *big.Int
	// constant is SQL for the first value at a place, last for one at or behind its last.
	constant, last func(*big.Int) (string, error)
}

// scaleFor finds the scale of a key column; nil for those in an order that only the
// server knows.
func scaleFor(kind planv1.Kind, nativeType string, decimals int32) *keyScale {
	number := func(get func([]byte) *big.Int, put func(*big.Int) []byte) *keyScale {
		write := func(n *big.Int) (string, error) { return constant(kind, nativeType, put(n)) }
		return &keyScale{place: get, constant: write, last: write}
	}
	switch {
	case kind == canon.Int, kind == canon.Time, kind == canon.Timestamp, kind == canon.TimestampTZ:
		return number(func(v []byte) *big.Int { return big.NewInt(canon.GetInt(v)) }, func(n *big.Int) []byte { return canon.AppendInt(nil, n.Int64()) })
	case kind == canon.Uint:
		return number(func(v []byte) *big.Int { return new(big.Int).SetUint64(canon.GetUint(v)) },
			func(n *big.Int) []byte { return canon.AppendUint(nil, n.Uint64()) })
	case kind == canon.Date:
		return number(func(v []byte) *big.Int { return big.NewInt(int64(canon.GetDate(v))) }, func(n *big.Int) []byte { return canon.AppendDate(nil, int32(n.Int64())) })
	case kind == canon.Decimal && decimals >= 0:
		return decimalScale(nativeType, int(decimals))
	case kind == canon.Bytes:
		return bytesScale(nativeType)
	}
	return nil
}

// decimalScale counts in the last decimal place.
func decimalScale(nativeType string, decimals int) *keyScale {
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
	write := func(n *big.Int) (string, error) {
		return constant(canon.Decimal, nativeType, []byte(new(big.Rat).SetFrac(n, unit).FloatString(decimals)))
	}
	place := func(v []byte) *big.Int {
		n, _ := new(big.Int).SetString(strings.Replace(string(v), ".", "", 1), 10)
		return n
	}
	return &keyScale{place: place, constant: write, last: write}
}

// scaledBytes is how much of a string of bytes the scale looks at.
const scaledBytes = 16

// bytesScale reads the first bytes as a number. Shorter ones are before longer ones
// that begin with them.
func bytesScale(nativeType string) *keyScale {
	return &keyScale{
		place: func(v []byte) *big.Int {
			var b [scaledBytes]byte
			copy(b[:], v)
			return new(big.Int).SetBytes(b[:])
		},
		constant: func(n *big.Int) (string, error) {
			b := n.FillBytes(make([]byte, scaledBytes))
			return constant(canon.Bytes, nativeType, bytes.TrimRight(b, "\x00"))
		},
		last: func(n *big.Int) (string, error) {
			b := n.FillBytes(make([]byte, scaledBytes))
			return constant(canon.Bytes, nativeType, append(b, bytes.Repeat([]byte{0xff}, scaledBytes)...))
		},
	}
}
