package mysql

import (
	"fmt"

	"github.com/go-mysql-org/go-mysql/mysql"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// form is how the binary protocol carries a column's values.
type form uint8

const (
	formUnknown form = iota
	formInt8
	formInt16
	formInt32
	formInt64
	formUint8
	formUint16
	formUint32
	formUint64
	formFloat32
	formFloat64
	formDate
	formDateTime
	formTimestamp
	formTime
	formDecimal
	formText
	formBytes
	formBits
	formGeometry
)

// width of a form's values; 0 for those with a length in front.
func (f form) width() int {
	switch f {
	case formInt8, formUint8:
		return 1
	case formInt16, formUint16:
		return 2
	case formInt32, formUint32, formFloat32:
		return 4
	case formInt64, formUint64, formFloat64:
		return 8
	default:
		return 0
	}
}

func (f form) isInteger() bool { return f >= formInt8 && f <= formUint64 }

// binaryCharset is the collation number of bytes.
const binaryCharset = 63

// formOf reads a column's form off the statement's description of it.
func formOf(f *mysql.Field) form {
	unsigned := f.Flag&mysql.UNSIGNED_FLAG != 0
	pick := func(signed, other form) form {
		if unsigned {
			return other
		}
		return signed
	}
	switch f.Type {
	case mysql.MYSQL_TYPE_TINY:
		return pick(formInt8, formUint8)
	case mysql.MYSQL_TYPE_SHORT, mysql.MYSQL_TYPE_YEAR:
		return pick(formInt16, formUint16)
	case mysql.MYSQL_TYPE_INT24, mysql.MYSQL_TYPE_LONG:
		return pick(formInt32, formUint32)
	case mysql.MYSQL_TYPE_LONGLONG:
		return pick(formInt64, formUint64)
	case mysql.MYSQL_TYPE_FLOAT:
		return formFloat32
	case mysql.MYSQL_TYPE_DOUBLE:
		return formFloat64
	case mysql.MYSQL_TYPE_DATE, mysql.MYSQL_TYPE_NEWDATE:
		return formDate
	case mysql.MYSQL_TYPE_DATETIME:
		return formDateTime
	case mysql.MYSQL_TYPE_TIMESTAMP:
		return formTimestamp
	case mysql.MYSQL_TYPE_TIME:
		return formTime
	case mysql.MYSQL_TYPE_NEWDECIMAL, mysql.MYSQL_TYPE_DECIMAL:
		return formDecimal
	case mysql.MYSQL_TYPE_BIT:
		return formBits
	case mysql.MYSQL_TYPE_GEOMETRY:
		return formGeometry
	case mysql.MYSQL_TYPE_JSON:
		return formText
	case mysql.MYSQL_TYPE_VECTOR:
		return formBytes
	case mysql.MYSQL_TYPE_VARCHAR, mysql.MYSQL_TYPE_VAR_STRING, mysql.MYSQL_TYPE_STRING, mysql.MYSQL_TYPE_ENUM, mysql.MYSQL_TYPE_SET,
		mysql.MYSQL_TYPE_TINY_BLOB, mysql.MYSQL_TYPE_BLOB, mysql.MYSQL_TYPE_MEDIUM_BLOB, mysql.MYSQL_TYPE_LONG_BLOB:
		if f.Charset == binaryCharset {
			return formBytes
		}
		return formText
	}
	return formUnknown
}

// decoder appends the canonical value of a field to dst.
type decoder func(dst, field []byte) ([]byte, error)

// stored is how values of a kind are read from columns of a form.
type stored struct {
	decode decoder
	// size is the length of every value; 0 where values differ.
	size int
	// check is set where the value is the field itself, if it holds.
	check func(field []byte) error
}

// storedAs finds the way from a column's form to a kind. It serves both sides: a
// source's columns hold their natural kind, a target's what its type map chose for
// the plan's kind, which is one of these. Scale is that of decimals; bits is the
// width of a bit column.
func storedAs(kind planv1.Kind, f form, scale int32, bits int) (stored, error) {
	out, ok := direct(kind, f, scale, bits)
	if !ok && (f == formText || f == formBytes) {
		// A kind without a type of its own is kept as its text form.
		out, ok = stored{decode: parsedText(kind, scale)}, kind != canon.Variant && kind != planv1.Kind_KIND_UNSPECIFIED
	}
	if !ok {
		return out, fmt.Errorf("values that travel as %s cannot be read from a column of its type", kind)
	}
	return out, nil
}

func direct(kind planv1.Kind, f form, scale int32, bits int) (stored, bool) {
	switch {
	case kind == canon.Bool && f.isInteger():
		return stored{decode: decodeBool(f), size: 1}, true
	case kind == canon.Int && f.isInteger():
		return stored{decode: decodeInt(f), size: 8}, true
	case kind == canon.Uint && f.isInteger():
		return stored{decode: decodeUint(f), size: 8}, true
	case kind == canon.Float32 && f == formFloat32:
		return stored{decode: decodeFloat32, size: 4}, true
	case kind == canon.Float64 && f == formFloat64:
		return stored{decode: decodeFloat64, size: 8}, true
	case kind == canon.Float64 && f == formFloat32:
		return stored{decode: decodeWidened, size: 8}, true
	case kind == canon.Decimal && f.isInteger():
		return stored{decode: decodeIntegerDigits(f, scale)}, true
	case f == formDecimal && (kind == canon.Decimal || kind == canon.Uint || kind == canon.Int):
		return stored{decode: decodeDigits(kind, scale)}, true
	case kind == canon.Date && f == formDate:
		return stored{decode: decodeDate, size: 4}, true
	case kind == canon.Timestamp && f == formDateTime, kind == canon.TimestampTZ && (f == formTimestamp || f == formDateTime):
		return stored{decode: decodeDateTime, size: 8}, true
	case kind == canon.Time && f == formTime:
		return stored{decode: decodeTime, size: 8}, true
	case kind == canon.Bits && f == formBits:
		return stored{decode: decodeBits(bits)}, true
	case kind == canon.Bytes && f == formGeometry:
		return stored{decode: decodeGeometry}, true
	case kind == canon.Bytes && (f == formBytes || f == formText):
		return stored{check: anyBytes}, true
	case (kind == canon.Text || kind == canon.JSON) && (f == formText || f == formBytes):
		return stored{check: validText}, true
	case kind == canon.JSONValue && (f == formText || f == formBytes):
		return stored{decode: canon.AppendJSON}, true
	case kind == canon.UUID && f == formBytes:
		return stored{decode: decodeUUID, size: 16}, true
	}
	return stored{}, false
}
