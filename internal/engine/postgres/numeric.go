package postgres

import (
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/drover-db/drover/internal/loss"
)

// The binary form of numeric: number of digits, weight of the first, sign, digits
// behind the point to show, then digits to the base of 10000.
// https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/utils/adt/numeric.c numeric_send
const (
	numericNegative = 0x4000
	numericNaN      = 0xC000
	numericPosInf   = 0xD000
	numericNegInf   = 0xF000
	// maxNumericScale is the most digits behind the point a numeric shows.
	maxNumericScale = 16383
)

var errNumeric = errors.New("malformed numeric")

// appendNumericText appends the decimal text of a binary numeric, every zero that
// its scale shows included. With scale >= 0 it has exactly so many digits behind
// the point; digits that do not fit are an error.
func appendNumericText(b, v []byte, scale int) ([]byte, error) {
	if len(v) < 8 {
		return b, errNumeric
	}
	digits := int(binary.BigEndian.Uint16(v))
	weight := int(int16(binary.BigEndian.Uint16(v[2:])))
	sign := binary.BigEndian.Uint16(v[4:])
	shown := int(binary.BigEndian.Uint16(v[6:]))
	switch sign {
	case numericNaN:
		return append(b, "NaN"...), nil
	case numericPosInf:
		return append(b, "Infinity"...), nil
	case numericNegInf:
		return append(b, "-Infinity"...), nil
	}
	if len(v) != 8+2*digits {
		return b, errNumeric
	}
	if sign == numericNegative && digits > 0 {
		b = append(b, '-')
	}
	start := len(b)
	b = appendWhole(b, v[8:], weight)
	if shown > 0 {
		b = append(b, '.')
		b = appendFractionDigits(b, v[8:], weight, shown)
	}
	if scale < 0 || shown == scale {
		return b, nil
	}
	return fitScale(b, start, shown, scale)
}

func numericDigit(digits []byte, i int) int {
	if i < 0 || 2*i >= len(digits) {
		return 0
	}
	return int(binary.BigEndian.Uint16(digits[2*i:]))
}

func appendWhole(b, digits []byte, weight int) []byte {
	if weight < 0 {
		return append(b, '0')
	}
	b = strconv.AppendInt(b, int64(numericDigit(digits, 0)), 10)
	for i := 1; i <= weight; i++ {
		b = appendGroup(b, numericDigit(digits, i))
	}
	return b
}

func appendFractionDigits(b, digits []byte, weight, shown int) []byte {
	end := len(b) + shown
	for i := weight + 1; len(b) < end; i++ {
		b = appendGroup(b, numericDigit(digits, i))
	}
	return b[:end]
}

func appendGroup(b []byte, d int) []byte {
	return append(b, byte('0'+d/1000%10), byte('0'+d/100%10), byte('0'+d/10%10), byte('0'+d%10))
}

// fitScale brings the text that begins at start from shown to scale digits behind
// the point.
func fitScale(b []byte, start, shown, scale int) ([]byte, error) {
	if shown < scale {
		if shown == 0 {
			b = append(b, '.')
		}
		for range scale - shown {
			b = append(b, '0')
		}
		return b, nil
	}
	for ; shown > scale; shown-- {
		if b[len(b)-1] != '0' {
			return b, loss.New(loss.Digits, "%s has more than %d digits after the point", b[start:], scale)
		}
		b = b[:len(b)-1]
	}
	if scale == 0 {
		b = b[:len(b)-1]
	}
	return b, nil
}

// appendNumeric appends the binary form of canonical decimal text.
func appendNumeric(b, text []byte) ([]byte, error) {
	switch string(text) {
	case "NaN":
		return appendNumericHead(b, 0, 0, numericNaN, 0), nil
	case "Infinity":
		return appendNumericHead(b, 0, 0, numericPosInf, 0), nil
	case "-Infinity":
		return appendNumericHead(b, 0, 0, numericNegInf, 0), nil
	}
	sign := uint16(0)
	if len(text) > 0 && text[0] == '-' {
		sign, text = numericNegative, text[1:]
	}
	whole, frac := text, []byte(nil)
	for i, c := range text {
		if c == '.' {
			whole, frac = text[:i], text[i+1:]
			break
		}
	}
	if len(whole) == 0 || len(frac) > maxNumericScale || len(whole) > 131072 {
		return b, loss.New(loss.NumberRange, "%.40s is beyond what numeric holds", text)
	}
	at := len(b)
	b, err := appendGroups(appendNumericHead(b, 0, 0, sign, len(frac)), whole, frac)
	if err != nil {
		return b, err
	}
	return trimNumeric(b, at, (len(whole)+3)/4-1), nil
}

// trimNumeric takes zero groups off both ends of the numeric that begins at at,
// as the server does, and completes its head.
func trimNumeric(b []byte, at, weight int) []byte {
	groups, lead := (len(b)-at-8)/2, 0
	for lead < groups && b[at+8+2*lead] == 0 && b[at+9+2*lead] == 0 {
		lead++
	}
	for groups > lead && b[len(b)-1] == 0 && b[len(b)-2] == 0 {
		b, groups = b[:len(b)-2], groups-1
	}
	copy(b[at+8:], b[at+8+2*lead:])
	b = b[:len(b)-2*lead]
	binary.BigEndian.PutUint16(b[at:], uint16(groups-lead))
	if groups > lead {
		binary.BigEndian.PutUint16(b[at+2:], uint16(int16(weight-lead)))
	} else {
		// Zero has no sign.
		binary.BigEndian.PutUint16(b[at+4:], 0)
	}
	return b
}

func appendNumericHead(b []byte, digits, weight int, sign uint16, scale int) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(digits))
	b = binary.BigEndian.AppendUint16(b, uint16(weight))
	b = binary.BigEndian.AppendUint16(b, sign)
	return binary.BigEndian.AppendUint16(b, uint16(scale))
}

// appendGroups appends groups of four digits, aligned at the point.
func appendGroups(b, whole, frac []byte) ([]byte, error) {
	group, n := 0, (4-len(whole)%4)%4
	add := func(c byte) bool {
		if c < '0' || c > '9' {
			return false
		}
		group, n = group*10+int(c-'0'), n+1
		if n == 4 {
			b = binary.BigEndian.AppendUint16(b, uint16(group))
			group, n = 0, 0
		}
		return true
	}
	for _, part := range [2][]byte{whole, frac} {
		for _, c := range part {
			if !add(c) {
				return b, errNumeric
			}
		}
	}
	for n != 0 {
		add('0')
	}
	return b, nil
}
