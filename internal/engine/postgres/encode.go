package postgres

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/loss"
)

// encoder appends the binary form of a canonical value: a field of a COPY tuple
// without its length.
type encoder func(dst, v []byte) ([]byte, error)

var errNUL = loss.New(loss.NUL, "text holds a NUL character, which PostgreSQL cannot store: clean it in the source, or move the column into a bytea column")

var errUTF8 = loss.New(loss.Encoding, "text is not UTF-8: correct it in the source, or move the column into a bytea column")

var errJSONNUL = loss.New(loss.JSON, "JSON holds \\u0000, which jsonb cannot store: say {type: json} or {type: text} in the spec to keep it")

// storedType is the type of a target's column.
type storedType struct {
	oid uint32
	typmod
	// enum is set for types whose binary form is a label, spatial for those of
	// PostGIS, which take EWKB: in binary form they refuse some that they hold, as lines
	// of one point, so they have no encoder.
	enum, spatial bool
}

// encoderFor gives the encoder of a kind into a type, or nil where there is none:
// then the table is loaded by COPY in text form. What the server would round or
// cut without a word, the encoder refuses.
func encoderFor(kind planv1.Kind, to storedType) encoder {
	switch kind {
	case canon.Bool:
		return onlyTo(to.oid == oidBool, encodeSame)
	case canon.Int, canon.Uint:
		return integerEncoder(kind, to)
	case canon.Float32:
		return singleEncoder(to.oid)
	case canon.Float64:
		return onlyTo(to.oid == oidFloat8, encodeSame)
	case canon.Decimal:
		return decimalEncoder(to)
	case canon.Text, canon.JSON, canon.JSONValue:
		return textEncoder(to)
	case canon.Bytes:
		return onlyTo(to.oid == oidBytea, encodeSame)
	case canon.UUID:
		return onlyTo(to.oid == oidUUID, encodeSame)
	case canon.Bits:
		return onlyTo(to.oid == oidBit || to.oid == oidVarbit, bitsEncoder(to))
	default:
		return timeEncoder(kind, to)
	}
}

func onlyTo(ok bool, e encoder) encoder {
	if ok {
		return e
	}
	return nil
}

func encodeSame(dst, v []byte) ([]byte, error) { return append(dst, v...), nil }

func integerEncoder(kind planv1.Kind, to storedType) encoder {
	oid := to.oid
	switch oid {
	case oidInt2, oidInt4, oidInt8, oidOid:
		return func(dst, v []byte) ([]byte, error) {
			n := canon.GetInt(v)
			if kind == canon.Uint && n < 0 {
				return dst, loss.New(loss.NumberRange, "%d does not fit the column's type", canon.GetUint(v))
			}
			return appendSized(dst, oid, n)
		}
	case oidNumeric:
		return func(dst, v []byte) ([]byte, error) {
			if whole := int(to.precision - to.scale); to.precision > 0 && whole < 20 && !fitsPrecision([]byte(canon.String(kind, v)), whole) {
				return dst, loss.New(loss.NumberRange, "%s does not fit numeric(%d,%d)", canon.String(kind, v), to.precision, to.scale)
			}
			if n := canon.GetInt(v); kind == canon.Int && n < 0 {
				return appendNumericInteger(dst, -uint64(n), true), nil
			}
			return appendNumericInteger(dst, canon.GetUint(v), false), nil
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
	return dst, loss.New(loss.NumberRange, "%d does not fit the column's type", n)
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

func decimalEncoder(to storedType) encoder {
	oid := to.oid
	switch oid {
	case oidNumeric:
		if to.precision == 0 {
			return appendNumeric
		}
		return func(dst, v []byte) ([]byte, error) {
			if !fitsScale(v, int(max(to.scale, 0))) {
				return dst, loss.New(loss.Digits, "%.40s has more than %d digits after the point", v, to.scale)
			}
			if !fitsPrecision(v, int(to.precision-to.scale)) {
				return dst, loss.New(loss.NumberRange, "%.40s does not fit numeric(%d,%d)", v, to.precision, to.scale)
			}
			return appendNumeric(dst, v)
		}
	case oidInt2, oidInt4, oidInt8:
		return func(dst, v []byte) ([]byte, error) {
			whole, frac, _ := bytes.Cut(v, []byte{'.'})
			n, err := strconv.ParseInt(string(whole), 10, 64)
			if err != nil || len(bytes.Trim(frac, "0")) > 0 {
				return dst, loss.New(loss.NumberRange, "%.40s does not fit the column's type", v)
			}
			return appendSized(dst, oid, n)
		}
	default:
		return nil
	}
}

// fitsScale tells whether a decimal has no more digits behind the point than scale,
// zeros at its end apart.
func fitsScale(v []byte, scale int) bool {
	at := bytes.IndexByte(v, '.')
	if at < 0 {
		return true
	}
	end := len(v)
	for end-at-1 > scale && v[end-1] == '0' {
		end--
	}
	return end-at-1 <= scale
}

// fitsPrecision tells whether a decimal has no more than whole digits in front of the
// point. Infinities have more than any; NaN fits.
func fitsPrecision(v []byte, whole int) bool {
	digits, _, _ := bytes.Cut(bytes.TrimPrefix(v, []byte{'-'}), []byte{'.'})
	switch {
	case len(digits) > 0 && digits[0] == 'I':
		return false
	case len(digits) == 1 && digits[0] == '0', len(digits) > 0 && digits[0] == 'N':
		return true
	}
	return len(digits) <= whole
}

func textEncoder(to storedType) encoder {
	switch {
	case to.oid == oidVarchar && to.length > 0:
		return func(dst, v []byte) ([]byte, error) {
			// The server takes blanks too many away without a word.
			if len(v) > int(to.length) && utf8.RuneCount(v) > int(to.length) {
				return dst, tooLong(v, to.length)
			}
			return encodeText(dst, v)
		}
	case to.oid == oidBpchar:
		return func(dst, v []byte) ([]byte, error) {
			if len(v) > 0 && v[len(v)-1] == ' ' {
				return dst, loss.New(loss.Padding, "text ends with blanks, which the column's type does not keep: use varchar or text")
			}
			if to.length > 0 && len(v) > int(to.length) && utf8.RuneCount(v) > int(to.length) {
				return dst, tooLong(v, to.length)
			}
			return encodeText(dst, v)
		}
	case to.enum, to.oid == oidText, to.oid == oidVarchar, to.oid == oidName, to.oid == oidJSON:
		return encodeText
	case to.oid == oidJSONB:
		return func(dst, v []byte) ([]byte, error) {
			if canon.HasJSONNUL(v) {
				return dst, errJSONNUL
			}
			return encodeText(append(dst, 1), v)
		}
	default:
		return nil
	}
}

func tooLong(v []byte, most int64) error {
	return loss.New(loss.TooLong, "text of %d characters is too long for the column's type, which holds %d", utf8.RuneCount(v), most)
}

func encodeText(dst, v []byte) ([]byte, error) {
	if err := checkText(v); err != nil {
		return dst, err
	}
	return append(dst, v...), nil
}

// checkText tells whether the server takes a value for text.
func checkText(v []byte) error {
	if bytes.IndexByte(v, 0) >= 0 {
		return errNUL
	}
	if !utf8.Valid(v) {
		return errUTF8
	}
	return nil
}

// bitsEncoder refuses what the server would: a bit(n) takes n bits, a varbit(n) no more.
func bitsEncoder(to storedType) encoder {
	return func(dst, v []byte) ([]byte, error) {
		switch n := int64(len(v)); {
		case to.length > 0 && n > to.length:
			return dst, loss.New(loss.TooLong, "%d bits are more than the %d of the column's type", n, to.length)
		case to.oid == oidBit && n < to.length:
			return dst, loss.New(loss.Padding, "%d bits are not the %d of the column's type, which adds none: make it bit varying", n, to.length)
		}
		return encodeBits(dst, v)
	}
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
	if !utf8.Valid(dst[at:]) {
		return dst, errUTF8
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
