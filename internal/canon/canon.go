// Package canon defines the canonical form of one value of each plan kind: bytes
// that are the same whichever engine the value came from, so that equal values
// have equal hashes. internal/batch/FORMAT.md lists the forms.
//
// text.go and parse.go have the text form for people, literals and engines that
// store text, convert.go the ways from one kind to another, json.go JSON by value,
// calendar.go the proleptic Gregorian calendar.
package canon

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// Infinities of dates and of everything counted in microseconds.
const (
	DateInfinity    = math.MaxInt32
	DateNegInfinity = math.MinInt32
	TimeInfinity    = math.MaxInt64
	TimeNegInfinity = math.MinInt64
)

// Kind is the kind of a value.
type Kind = planv1.Kind

// The kinds, by shorter names.
const (
	Bool        = planv1.Kind_KIND_BOOL
	Int         = planv1.Kind_KIND_INT
	Uint        = planv1.Kind_KIND_UINT
	Float32     = planv1.Kind_KIND_FLOAT32
	Float64     = planv1.Kind_KIND_FLOAT64
	Decimal     = planv1.Kind_KIND_DECIMAL
	Text        = planv1.Kind_KIND_TEXT
	Bytes       = planv1.Kind_KIND_BYTES
	Date        = planv1.Kind_KIND_DATE
	Time        = planv1.Kind_KIND_TIME
	TimeTZ      = planv1.Kind_KIND_TIMETZ
	Timestamp   = planv1.Kind_KIND_TIMESTAMP
	TimestampTZ = planv1.Kind_KIND_TIMESTAMPTZ
	Interval    = planv1.Kind_KIND_INTERVAL
	UUID        = planv1.Kind_KIND_UUID
	JSON        = planv1.Kind_KIND_JSON
	Bits        = planv1.Kind_KIND_BITS
	Variant     = planv1.Kind_KIND_VARIANT
	JSONValue   = planv1.Kind_KIND_JSON_VALUE
)

// width gives the bytes a value of kind has, or -1 where it varies.
func width(kind Kind) int {
	switch kind {
	case Bool:
		return 1
	case Int, Uint, Float64, Time, Timestamp, TimestampTZ:
		return 8
	case Float32, Date:
		return 4
	case TimeTZ:
		return 12
	case Interval, UUID:
		return 16
	default:
		return -1
	}
}

// Check tells whether v can be a value of kind: its width, and UTF-8 is not checked.
func Check(kind Kind, v []byte) error {
	if w := width(kind); w >= 0 && len(v) != w {
		return fmt.Errorf("%s value of %d bytes, want %d", kind, len(v), w)
	}
	return nil
}

// Portable tells whether every engine orders values of kind as Compare does.
func Portable(kind Kind) bool {
	switch kind {
	case Bool, Int, Uint, Decimal, Bytes, Date, Time, Timestamp, TimestampTZ, UUID:
		return true
	default:
		return false
	}
}

// Compare orders two values of a kind: numbers by value, everything else by
// bytes. Collated text is ordered by its database alone.
func Compare(kind Kind, a, b []byte) int {
	switch kind {
	case Int, Time, Timestamp, TimestampTZ:
		return cmp.Compare(GetInt(a), GetInt(b))
	case Date:
		return cmp.Compare(GetDate(a), GetDate(b))
	case Decimal:
		x, okx := new(big.Rat).SetString(string(a))
		y, oky := new(big.Rat).SetString(string(b))
		if okx && oky {
			return x.Cmp(y)
		}
	}
	return bytes.Compare(a, b)
}

// AppendBool appends a boolean.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// AppendInt appends an integer, or microseconds.
func AppendInt(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }

// AppendUint appends an unsigned integer.
func AppendUint(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }

// AppendFloat64 appends a double.
func AppendFloat64(b []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(b, math.Float64bits(v))
}

// AppendFloat32 appends a single.
func AppendFloat32(b []byte, v float32) []byte {
	return binary.BigEndian.AppendUint32(b, math.Float32bits(v))
}

// AppendDate appends days since 1970-01-01.
func AppendDate(b []byte, days int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(days)) }

// AppendTimeTZ appends a time of day and its offset in seconds east of UTC.
func AppendTimeTZ(b []byte, micros int64, offset int32) []byte {
	return binary.BigEndian.AppendUint32(AppendInt(b, micros), uint32(offset))
}

// AppendInterval appends an interval.
func AppendInterval(b []byte, months, days int32, micros int64) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(months))
	b = binary.BigEndian.AppendUint32(b, uint32(days))
	return AppendInt(b, micros)
}

// GetBool reads a boolean.
func GetBool(v []byte) bool { return v[0] != 0 }

// GetInt reads an integer, or microseconds.
func GetInt(v []byte) int64 { return int64(binary.BigEndian.Uint64(v)) }

// GetUint reads an unsigned integer.
func GetUint(v []byte) uint64 { return binary.BigEndian.Uint64(v) }

// GetFloat64 reads a double.
func GetFloat64(v []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(v)) }

// GetFloat32 reads a single.
func GetFloat32(v []byte) float32 { return math.Float32frombits(binary.BigEndian.Uint32(v)) }

// GetDate reads days since 1970-01-01.
func GetDate(v []byte) int32 { return int32(binary.BigEndian.Uint32(v)) }

// GetTimeTZ reads a time of day and its offset.
func GetTimeTZ(v []byte) (micros int64, offset int32) {
	return GetInt(v[:8]), int32(binary.BigEndian.Uint32(v[8:]))
}

// GetInterval reads an interval.
func GetInterval(v []byte) (months, days int32, micros int64) {
	return int32(binary.BigEndian.Uint32(v)), int32(binary.BigEndian.Uint32(v[4:])), GetInt(v[8:])
}
