package mysql

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"unicode/utf8"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/loss"
)

var errNullKey = errors.New("holds NULL in a key")

// anyBytes takes every field.
func anyBytes([]byte) error { return nil }

var errNotUTF8 = loss.New(loss.Encoding, "holds bytes that are no UTF-8 text: correct the row, or declare the column as bytes (VARBINARY, BLOB)")

// validText takes UTF-8: the server sends what it holds, checked or not.
func validText(field []byte) error {
	if !utf8.Valid(field) {
		return errNotUTF8
	}
	return nil
}

// integer reads an integer of a form: its bits, and whether it is below zero.
func integer(f form, field []byte) (bits uint64, negative bool) {
	var signed int64
	switch f {
	case formUint8:
		return uint64(field[0]), false
	case formUint16:
		return uint64(binary.LittleEndian.Uint16(field)), false
	case formUint32:
		return uint64(binary.LittleEndian.Uint32(field)), false
	case formUint64:
		return binary.LittleEndian.Uint64(field), false
	case formInt8:
		signed = int64(int8(field[0]))
	case formInt16:
		signed = int64(int16(binary.LittleEndian.Uint16(field)))
	case formInt32:
		signed = int64(int32(binary.LittleEndian.Uint32(field)))
	case formInt64:
		signed = int64(binary.LittleEndian.Uint64(field))
	}
	return uint64(signed), signed < 0
}

func decodeBool(f form) decoder {
	return func(dst, field []byte) ([]byte, error) {
		n, negative := integer(f, field)
		if negative || n > 1 {
			return nil, loss.New(loss.Conversion, "holds %d where a boolean is 0 or 1", int64(n))
		}
		return canon.AppendBool(dst, n == 1), nil
	}
}

func decodeInt(f form) decoder {
	return func(dst, field []byte) ([]byte, error) {
		n, negative := integer(f, field)
		if !negative && n > math.MaxInt64 {
			return nil, loss.New(loss.NumberRange, "holds %d, which is above the greatest signed integer", n)
		}
		return canon.AppendInt(dst, int64(n)), nil
	}
}

func decodeUint(f form) decoder {
	return func(dst, field []byte) ([]byte, error) {
		n, negative := integer(f, field)
		if negative {
			return nil, loss.New(loss.NumberRange, "holds %d where a number is unsigned", int64(n))
		}
		return canon.AppendUint(dst, n), nil
	}
}

func decodeFloat32(dst, field []byte) ([]byte, error) {
	return canon.AppendFloat32(dst, math.Float32frombits(binary.LittleEndian.Uint32(field))), nil
}

func decodeFloat64(dst, field []byte) ([]byte, error) {
	return canon.AppendFloat64(dst, math.Float64frombits(binary.LittleEndian.Uint64(field))), nil
}

func decodeWidened(dst, field []byte) ([]byte, error) {
	return canon.AppendFloat64(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(field)))), nil
}

func decodeIntegerDigits(f form, scale int32) decoder {
	return func(dst, field []byte) ([]byte, error) {
		n, negative := integer(f, field)
		if negative {
			dst = strconv.AppendInt(dst, int64(n), 10)
		} else {
			dst = strconv.AppendUint(dst, n, 10)
		}
		return appendZeros(dst, scale), nil
	}
}

func appendZeros(digits []byte, scale int32) []byte {
	for i := range scale {
		if i == 0 {
			digits = append(digits, '.')
		}
		digits = append(digits, '0')
	}
	return digits
}

// decodeDigits reads a DECIMAL, which arrives as it is written: with as many digits
// behind the point as the column has.
func decodeDigits(kind planv1.Kind, scale int32) decoder {
	if kind != canon.Decimal {
		return parsedText(kind, scale)
	}
	return func(dst, field []byte) ([]byte, error) {
		if plainDigits(field, scale) {
			return append(dst, field...), nil
		}
		v, err := canon.NormalizeDecimal(string(field), int(scale))
		return append(dst, v...), err
	}
}

// plainDigits tells whether digits are in canonical form with this scale, as nearly
// all are.
func plainDigits(field []byte, scale int32) bool {
	digits := field
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	point, nonzero := len(digits), false
	for i, c := range digits {
		switch {
		case c == '.' && point == len(digits):
			point = i
		case c < '0' || c > '9':
			return false
		case c != '0':
			nonzero = true
		}
	}
	if point == 0 || (digits[0] == '0' && point > 1) || (len(digits) < len(field) && !nonzero) {
		return false
	}
	behind := max(0, len(digits)-point-1)
	return scale < 0 || behind == int(scale)
}

// decodeBits writes the digits of a BIT column.
func decodeBits(n int) decoder {
	return func(dst, field []byte) ([]byte, error) {
		if n > 8*len(field) {
			return nil, loss.New(loss.TooLong, "holds %d bits where %d are declared", 8*len(field), n)
		}
		for i := 8*len(field) - n; i < 8*len(field); i++ {
			dst = append(dst, '0'+field[i/8]>>(7-i%8)&1)
		}
		return dst, nil
	}
}

func decodeUUID(dst, field []byte) ([]byte, error) {
	if len(field) != 16 {
		return parsedText(canon.UUID, 0)(dst, field)
	}
	return append(dst, field...), nil
}

// parsedText reads a value's text form.
func parsedText(kind planv1.Kind, scale int32) decoder {
	return func(dst, field []byte) ([]byte, error) {
		if kind == canon.Decimal {
			v, err := canon.NormalizeDecimal(string(field), int(scale))
			return append(dst, v...), err
		}
		v, err := canon.Parse(kind, string(field))
		return append(dst, v...), err
	}
}
