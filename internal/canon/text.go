package canon

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
)

const (
	microsPerSecond = int64(1_000_000)
	microsPerDay    = 86_400 * microsPerSecond
	// maxDays from 1970 are the farthest that microseconds count to.
	maxDays = math.MaxInt64/microsPerDay - 2
)

// AppendText appends the text form of a value: what PostgreSQL reads, what
// engines without the kind store, and what people see. ISO 8601 throughout,
// fractions without trailing zeros, instants in UTC with "+00".
func AppendText(b []byte, kind Kind, v []byte) ([]byte, error) {
	if kind == Variant {
		return appendVariantText(b, v)
	}
	if err := Check(kind, v); err != nil {
		return b, err
	}
	switch kind {
	case Bool:
		return strconv.AppendBool(b, GetBool(v)), nil
	case Int:
		return strconv.AppendInt(b, GetInt(v), 10), nil
	case Uint:
		return strconv.AppendUint(b, GetUint(v), 10), nil
	case Float32:
		return appendFloat(b, float64(GetFloat32(v)), 32), nil
	case Float64:
		return appendFloat(b, GetFloat64(v), 64), nil
	case Decimal, Text, JSON, JSONValue, Bits:
		return append(b, v...), nil
	case Bytes:
		return hex.AppendEncode(append(b, `\x`...), v), nil
	case Date:
		return appendDate(b, GetDate(v)), nil
	case Time:
		return appendTime(b, GetInt(v)), nil
	case TimeTZ:
		micros, offset := GetTimeTZ(v)
		return appendOffset(appendTime(b, micros), offset), nil
	case Timestamp:
		return appendTimestamp(b, GetInt(v), ""), nil
	case TimestampTZ:
		return appendTimestamp(b, GetInt(v), "+00"), nil
	case Interval:
		return appendInterval(b, v), nil
	case UUID:
		return appendUUID(b, v), nil
	default:
		return b, fmt.Errorf("no text form for %s", kind)
	}
}

// String is AppendText for messages: a malformed value shows as such.
func String(kind Kind, v []byte) string {
	b, err := AppendText(nil, kind, v)
	if err != nil {
		return fmt.Sprintf("<malformed %x>", v)
	}
	return string(b)
}

func appendVariantText(b, v []byte) ([]byte, error) {
	if err := CheckVariant(v); err != nil {
		return b, err
	}
	switch v[0] {
	case VariantInt:
		return AppendText(b, Int, v[1:])
	case VariantFloat:
		return AppendText(b, Float64, v[1:])
	case VariantBytes:
		return AppendText(b, Bytes, v[1:])
	default:
		return append(b, v[1:]...), nil
	}
}

func appendFloat(b []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	default:
		return strconv.AppendFloat(b, f, 'g', -1, bits)
	}
}

func appendDate(b []byte, days int32) []byte {
	switch days {
	case DateInfinity:
		return append(b, "infinity"...)
	case DateNegInfinity:
		return append(b, "-infinity"...)
	}
	y, m, d, impossible := Impossible(int64(days))
	if !impossible {
		y, m, d = Civil(int64(days))
	}
	if y <= 0 && !impossible {
		return append(appendYMD(b, 1-y, m, d), " BC"...)
	}
	return appendYMD(b, y, m, d)
}

func appendYMD(b []byte, y, m, d int) []byte {
	b = appendPadded(b, int64(y), 4)
	b = appendPadded(append(b, '-'), int64(m), 2)
	return appendPadded(append(b, '-'), int64(d), 2)
}

func appendTimestamp(b []byte, micros int64, zone string) []byte {
	switch micros {
	case TimeInfinity:
		return append(b, "infinity"...)
	case TimeNegInfinity:
		return append(b, "-infinity"...)
	}
	days := floorDiv(micros, microsPerDay)
	y, m, d, impossible := Impossible(days)
	if !impossible {
		y, m, d = Civil(days)
	}
	era := ""
	if y <= 0 && !impossible {
		y, era = 1-y, " BC"
	}
	b = append(appendYMD(b, y, m, d), ' ')
	b = appendTime(b, micros-days*microsPerDay)
	return append(append(b, zone...), era...)
}

func appendTime(b []byte, micros int64) []byte {
	u := uint64(micros)
	if micros < 0 {
		b = append(b, '-')
		u = -u
	}
	seconds, fraction := int64(u/uint64(microsPerSecond)), int64(u%uint64(microsPerSecond))
	b = appendPadded(b, seconds/3600, 2)
	b = appendPadded(append(b, ':'), seconds/60%60, 2)
	b = appendPadded(append(b, ':'), seconds%60, 2)
	return appendFraction(b, fraction)
}

func appendFraction(b []byte, micros int64) []byte {
	if micros == 0 {
		return b
	}
	b = appendPadded(append(b, '.'), micros, 6)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

func appendOffset(b []byte, offset int32) []byte {
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	b = appendPadded(append(b, sign), int64(offset/3600), 2)
	if offset%3600 != 0 {
		b = appendPadded(append(b, ':'), int64(offset/60%60), 2)
	}
	if offset%60 != 0 {
		b = appendPadded(append(b, ':'), int64(offset%60), 2)
	}
	return b
}

// appendInterval writes ISO 8601 with a sign on each part, as PostgreSQL reads it.
func appendInterval(b, v []byte) []byte {
	months, days, micros := GetInterval(v)
	b = strconv.AppendInt(append(b, 'P'), int64(months), 10)
	b = strconv.AppendInt(append(b, 'M'), int64(days), 10)
	b = append(b, 'D', 'T')
	u := uint64(micros)
	if micros < 0 {
		b = append(b, '-')
		u = -u
	}
	b = strconv.AppendUint(b, u/uint64(microsPerSecond), 10)
	b = appendFraction(b, int64(u%uint64(microsPerSecond)))
	return append(b, 'S')
}

func appendUUID(b, v []byte) []byte {
	for i, part := range [][]byte{v[:4], v[4:6], v[6:8], v[8:10], v[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}

func appendPadded(b []byte, v int64, digits int) []byte {
	var tmp [20]byte
	s := strconv.AppendInt(tmp[:0], v, 10)
	for i := len(s); i < digits; i++ {
		b = append(b, '0')
	}
	return append(b, s...)
}
