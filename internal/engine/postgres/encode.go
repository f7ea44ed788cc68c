package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// encoder appends the binary form of a canonical value: a field of a COPY tuple
// without its length.
type encoder func(dst, v []byte) ([]byte, error)

var errNUL = errors.New("text holds a NUL character, which PostgreSQL cannot store: clean it in the source, or move the column into a bytea column")

// encoderFor gives the encoder of a kind into a base type, or nil where there is
// none: then the table is loaded by COPY in text form. enum is set for types
// whose binary form is a label.
func encoderFor(kind planv1.Kind, oid uint32, enum bool) encoder {
	switch kind {
	case canon.Bool:
		return onlyTo(oid == oidBool, encodeSame)
	case canon.Int, canon.Uint:
		return integerEncoder(kind, oid)
	case canon.Float32:
		return singleEncoder(oid)
	case canon.Float64:
		return onlyTo(oid == oidFloat8, encodeSame)
	case canon.Decimal:
		return decimalEncoder(oid)
	case canon.Text, canon.JSON:
		return textEncoder(oid, enum)
	case canon.Bytes:
		return onlyTo(oid == oidBytea, encodeSame)
	case canon.UUID:
		return onlyTo(oid == oidUUID, encodeSame)
	case canon.Bits:
		return onlyTo(oid == oidBit || oid == oidVarbit, encodeBits)
	default:
		return timeEncoder(kind, oid)
	}
}

func onlyTo(ok bool, e encoder) encoder {
	if ok {
		return e
	}
	return nil
}

func encodeSame(dst, v []byte) ([]byte, error) { return append(dst, v...), nil }

func integerEncoder(kind planv1.Kind, oid uint32) encoder {
	switch oid {
	case oidInt2, oidInt4, oidInt8, oidOid:
		return func(dst, v []byte) ([]byte, error) {
			n := canon.GetInt(v)
			if kind == canon.Uint && n < 0 {
				return dst, fmt.Errorf("%d does not fit the column's type", canon.GetUint(v))
			}
			return appendSized(dst, oid, n)
		}
	case oidNumeric:
		return func(dst, v []byte) ([]byte, error) {
			var text [20]byte
			if kind == canon.Uint {
				return appendNumeric(dst, strconv.AppendUint(text[:0], canon.GetUint(v), 10))
			}
			return appendNumeric(dst, strconv.AppendInt(text[:0], canon.GetInt(v), 10))
		}
	default:
		return nil
	}
}

// appendSized appends an integer of a type's width, or refuses it.
func appendSized(dst []byte, oid uint32, n int64) ([]byte, error) {
	switch {
	case oid == oidInt8:
		return canon.AppendInt(dst, n), nil
	case oid == oidInt4 && n >= math.MinInt32 && n <= math.MaxInt32:
		return binary.BigEndian.AppendUint32(dst, uint32(n)), nil
	case oid == oidInt2 && n >= math.MinInt16 && n <= math.MaxInt16:
		return binary.BigEndian.AppendUint16(dst, uint16(n)), nil
	case oid == oidOid && n >= 0 && n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(dst, uint32(n)), nil
	}
	return dst, fmt.Errorf("%d does not fit the column's type", n)
}

func singleEncoder(oid uint32) encoder {
	switch oid {
	case oidFloat4:
		return encodeSame
	case oidFloat8:
		return func(dst, v []byte) ([]byte, error) {
			return canon.AppendFloat64(dst, float64(canon.GetFloat32(v))), nil
		}
	default:
		return nil
	}
}

func decimalEncoder(oid uint32) encoder {
	switch oid {
	case oidNumeric:
		return appendNumeric
	case oidInt2, oidInt4, oidInt8:
		return func(dst, v []byte) ([]byte, error) {
			whole, frac, _ := bytes.Cut(v, []byte{'.'})
			n, err := strconv.ParseInt(string(whole), 10, 64)
			if err != nil || len(bytes.Trim(frac, "0")) > 0 {
				return dst, fmt.Errorf("%.40s does not fit the column's type", v)
			}
			return appendSized(dst, oid, n)
		}
	default:
		return nil
	}
}

func textEncoder(oid uint32, enum bool) encoder {
	switch {
	case enum, oid == oidText, oid == oidVarchar, oid == oidBpchar, oid == oidName, oid == oidJSON:
		return encodeText
	case oid == oidJSONB:
		return func(dst, v []byte) ([]byte, error) { return encodeText(append(dst, 1), v) }
	default:
		return nil
	}
}

func encodeText(dst, v []byte) ([]byte, error) {
	if bytes.IndexByte(v, 0) >= 0 {
		return dst, errNUL
	}
	return append(dst, v...), nil
}

func encodeBits(dst, v []byte) ([]byte, error) {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(v)))
	for at := 0; at < len(v); at += 8 {
		var b byte
		for i, c := range v[at:min(at+8, len(v))] {
			b |= (c & 1) << (7 - i)
		}
		dst = append(dst, b)
	}
	return dst, nil
}

func timeEncoder(kind planv1.Kind, oid uint32) encoder {
	switch {
	case kind == canon.Date && oid == oidDate:
		return encodeDate
	case kind == canon.Time && oid == oidTime:
		return func(dst, v []byte) ([]byte, error) { return append(dst, v...), checkTime(canon.GetInt(v)) }
	case kind == canon.Time && oid == oidInterval:
		return func(dst, v []byte) ([]byte, error) { return append(append(dst, v...), make([]byte, 8)...), nil }
	case kind == canon.TimeTZ && oid == oidTimeTZ:
		return func(dst, v []byte) ([]byte, error) {
			micros, offset := canon.GetTimeTZ(v)
			return binary.BigEndian.AppendUint32(canon.AppendInt(dst, micros), uint32(-offset)), checkTime(micros)
		}
	case kind == canon.Timestamp && oid == oidTimestamp, kind == canon.TimestampTZ && oid == oidTimestampTZ:
		return encodeTimestamp
	case kind == canon.Interval && oid == oidInterval:
		return func(dst, v []byte) ([]byte, error) {
			months, days, micros := canon.GetInterval(v)
			dst = binary.BigEndian.AppendUint32(canon.AppendInt(dst, micros), uint32(days))
			return binary.BigEndian.AppendUint32(dst, uint32(months)), nil
		}
	default:
		return nil
	}
}

func checkTime(micros int64) error {
	if micros < 0 || micros > 86_400_000_000 {
		return fmt.Errorf("%s is not a time of day", canon.String(canon.Time, canon.AppendInt(nil, micros)))
	}
	return nil
}

func encodeDate(dst, v []byte) ([]byte, error) {
	d := canon.GetDate(v)
	if d == canon.DateInfinity || d == canon.DateNegInfinity {
		return append(dst, v...), nil
	}
	if d < math.MinInt32+1+epochDays {
		return dst, fmt.Errorf("date is out of range")
	}
	return canon.AppendDate(dst, d-epochDays), nil
}

func encodeTimestamp(dst, v []byte) ([]byte, error) {
	n := canon.GetInt(v)
	if n == canon.TimeInfinity || n == canon.TimeNegInfinity {
		return append(dst, v...), nil
	}
	if n < math.MinInt64+1+epochMicros {
		return dst, fmt.Errorf("timestamp is out of range")
	}
	return canon.AppendInt(dst, n-epochMicros), nil
}

// appendCopyText appends a value as a field of COPY's text form.
// https://www.postgresql.org/docs/current/sql-copy.html, "Text Format"
func appendCopyText(dst []byte, kind planv1.Kind, v []byte) ([]byte, error) {
	at := len(dst)
	dst, err := canon.AppendText(dst, kind, v)
	if err != nil {
		return dst, err
	}
	special := 0
	for _, c := range dst[at:] {
		switch c {
		case 0:
			return dst, errNUL
		case '\\', '\n', '\r', '\t':
			special++
		}
	}
	if special == 0 {
		return dst, nil
	}
	plain := bytes.Clone(dst[at:])
	dst = dst[:at]
	for _, c := range plain {
		switch c {
		case '\\':
			dst = append(dst, '\\', '\\')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, c)
		}
	}
	return dst, nil
}
