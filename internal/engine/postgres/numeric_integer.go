package postgres

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/drover-db/drover/internal/loss"
)

const numericBase = 10000

// appendNumericInteger appends the binary form of an integer as numeric_send writes it.
func appendNumericInteger(b []byte, magnitude uint64, negative bool) []byte {
	// The largest has 20 digits: five groups of four, least first.
	var groups [5]uint16
	n := 0
	for ; magnitude > 0; magnitude /= numericBase {
		groups[n] = uint16(magnitude % numericBase)
		n++
	}
	last := 0
	for last < n && groups[last] == 0 {
		last++
	}
	sign := uint16(0)
	if negative {
		sign = numericNegative
	}
	b = appendNumericHead(b, n-last, max(n-1, 0), sign, 0)
	for i := n - 1; i >= last; i-- {
		b = binary.BigEndian.AppendUint16(b, groups[i])
	}
	return b
}

// numericInteger reads a binary numeric that is a whole number of 64 bits.
func numericInteger(v []byte) (magnitude uint64, negative bool, err error) {
	if len(v) < 8 {
		return 0, false, errNumeric
	}
	digits, weight, sign := int(binary.BigEndian.Uint16(v)), int(int16(binary.BigEndian.Uint16(v[2:]))), binary.BigEndian.Uint16(v[4:])
	whole := sign == 0 || sign == numericNegative
	if !whole || len(v) != 8+2*digits {
		return 0, false, notInteger(v)
	}
	for i := range digits {
		if i > weight && numericDigit(v[8:], i) != 0 {
			return 0, false, notInteger(v)
		}
	}
	for i := 0; digits > 0 && i <= weight; i++ {
		over, product := bits.Mul64(magnitude, numericBase)
		sum, carry := bits.Add64(product, uint64(numericDigit(v[8:], i)), 0)
		if over != 0 || carry != 0 {
			return 0, false, notInteger(v)
		}
		magnitude = sum
	}
	return magnitude, sign == numericNegative, nil
}

func notInteger(v []byte) error {
	text, err := appendNumericText(nil, v, -1)
	if err != nil {
		return err
	}
	return loss.New(loss.NumberRange, "%.40s is not a 64-bit integer", text)
}

// signed gives a magnitude and a sign as an integer of 64 bits, if it is one.
func signed(magnitude uint64, negative bool) (int64, bool) {
	switch {
	case !negative && magnitude <= math.MaxInt64:
		return int64(magnitude), true
	case negative && magnitude <= 1<<63:
		return -int64(magnitude), true
	default:
		return 0, false
	}
}
