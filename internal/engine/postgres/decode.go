package postgres

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/loss"
)

const (
	// PostgreSQL counts from 2000-01-01.
	epochDays   = 10957
	epochMicros = epochDays * 86_400_000_000
)

// decoder turns one field of a binary COPY tuple into its canonical value. What
// it returns is part of field, or is appended to scratch; neither outlives the
// next call.
type decoder func(scratch, field []byte) ([]byte, error)

// decoderFor gives the decoder of a base type into a kind, or nil where there is
// none: then the column is read by its text form. scale is a decimal's.
func decoderFor(oid uint32, kind planv1.Kind, scale int32) decoder {
	switch kind {
	case canon.Bool:
		return only(oid == oidBool, decodeSame(1))
	case canon.Int, canon.Uint:
		return integerDecoder(oid, kind)
	case canon.Float32, canon.Float64:
		return floatDecoder(oid, kind)
	case canon.Decimal:
		return decimalDecoder(oid, int(scale))
	case canon.Text, canon.JSON:
		return textDecoder(oid, kind)
	case canon.JSONValue:
		return jsonDecoder(oid)
	case canon.Bytes:
		return only(oid == oidBytea, decodeAsIs)
	case canon.UUID:
		return only(oid == oidUUID, decodeSame(16))
	case canon.Bits:
		return only(oid == oidBit || oid == oidVarbit, decodeBits)
	default:
		return timeDecoder(oid, kind)
	}
}

func only(ok bool, d decoder) decoder {
	if ok {
		return d
	}
	return nil
}

func decodeAsIs(_, field []byte) ([]byte, error) { return field, nil }

// decodeSame passes a field whose binary form is the canonical one.
func decodeSame(width int) decoder {
	return func(_, field []byte) ([]byte, error) { return field, checkWidth(field, width) }
}

func checkWidth(field []byte, want int) error {
	if len(field) != want {
		return fmt.Errorf("field of %d bytes, want %d", len(field), want)
	}
	return nil
}

// appendInt appends an integer as its kind writes it.
func appendInt(scratch []byte, kind planv1.Kind, n int64) ([]byte, error) {
	if kind == canon.Uint && n < 0 {
		return scratch, loss.New(loss.NumberRange, "%d is negative", n)
	}
	return canon.AppendInt(scratch, n), nil
}

func integerDecoder(oid uint32, kind planv1.Kind) decoder {
	switch oid {
	case oidInt2:
		return func(scratch, f []byte) ([]byte, error) {
			if err := checkWidth(f, 2); err != nil {
				return nil, err
			}
			return appendInt(scratch, kind, int64(int16(binary.BigEndian.Uint16(f))))
		}
	case oidInt4, oidOid:
		return func(scratch, f []byte) ([]byte, error) {
			if err := checkWidth(f, 4); err != nil {
				return nil, err
			}
			n := binary.BigEndian.Uint32(f)
			if oid == oidOid {
				return appendInt(scratch, kind, int64(n))
			}
			return appendInt(scratch, kind, int64(int32(n)))
		}
	case oidInt8:
		return func(scratch, f []byte) ([]byte, error) {
			if err := checkWidth(f, 8); err != nil {
				return nil, err
			}
			return appendInt(scratch, kind, int64(binary.BigEndian.Uint64(f)))
		}
	case oidNumeric:
		return func(scratch, f []byte) ([]byte, error) {
			magnitude, negative, err := numericInteger(f)
			if err != nil {
				return nil, err
			}
			if kind == canon.Uint && !negative {
				return canon.AppendUint(scratch, magnitude), nil
			}
			n, ok := signed(magnitude, negative)
			if !ok {
				return nil, notInteger(f)
			}
			return appendInt(scratch, kind, n)
		}
	default:
		return nil
	}
}

func floatDecoder(oid uint32, kind planv1.Kind) decoder {
	switch {
	case oid == oidFloat4 && kind == canon.Float32:
		return decodeSame(4)
	case oid == oidFloat8 && kind == canon.Float64:
		return decodeSame(8)
	case oid == oidFloat8 && kind == canon.Float32:
		return func(scratch, f []byte) ([]byte, error) {
			if err := checkWidth(f, 8); err != nil {
				return nil, err
			}
			d := canon.GetFloat64(f)
			if s := float32(d); float64(s) == d || math.IsNaN(d) {
				return canon.AppendFloat32(scratch, s), nil
			}
			return nil, loss.New(loss.Digits, "%v is not a single precision number", d)
		}
	default:
		return nil
	}
}

func decimalDecoder(oid uint32, scale int) decoder {
	switch oid {
	case oidNumeric:
		return func(scratch, f []byte) ([]byte, error) { return appendNumericText(scratch, f, scale) }
	case oidInt2, oidInt4, oidInt8:
		integer := integerDecoder(oid, canon.Int)
		return func(scratch, f []byte) ([]byte, error) {
			v, err := integer(scratch, f)
			if err != nil {
				return nil, err
			}
			text := strconv.AppendInt(scratch[:0], canon.GetInt(v), 10)
			if scale > 0 {
				return fitScale(text, 0, 0, scale)
			}
			return text, nil
		}
	default:
		return nil
	}
}

func textDecoder(oid uint32, kind planv1.Kind) decoder {
	switch oid {
	case oidText, oidVarchar, oidName, oidJSON:
		return decodeAsIs
	case oidBpchar:
		// Blanks at the end of a char(n) are padding, which comparisons ignore.
		return func(_, f []byte) ([]byte, error) { return bytes.TrimRight(f, " "), nil }
	case oidJSONB:
		return decodeJSONB
	case oidTID:
		return only(kind == canon.Text, decodeTID)
	default:
		return nil
	}
}

func decodeJSONB(_, f []byte) ([]byte, error) {
	if len(f) == 0 || f[0] != 1 {
		return nil, fmt.Errorf("jsonb of an unknown version")
	}
	return f[1:], nil
}

// jsonDecoder gives JSON in its normal form, whatever the type wrote.
func jsonDecoder(oid uint32) decoder {
	switch oid {
	case oidJSONB:
		return func(scratch, f []byte) ([]byte, error) {
			text, err := decodeJSONB(nil, f)
			if err != nil {
				return nil, err
			}
			return canon.AppendJSON(scratch, text)
		}
	case oidJSON, oidText, oidVarchar:
		return canon.AppendJSON
	default:
		return nil
	}
}

// checkedText refuses bytes that are not UTF-8, where the server does not, and gives
// them with the error.
func checkedText(d decoder) decoder {
	return func(scratch, f []byte) ([]byte, error) {
		v, err := d(scratch, f)
		if err == nil && !utf8.Valid(v) {
			err = loss.New(loss.Encoding, "invalid UTF-8 in text")
		}
		return v, err
	}
}

func decodeTID(scratch, f []byte) ([]byte, error) {
	if err := checkWidth(f, 6); err != nil {
		return nil, err
	}
	scratch = strconv.AppendUint(append(scratch, '('), uint64(binary.BigEndian.Uint32(f)), 10)
	scratch = strconv.AppendUint(append(scratch, ','), uint64(binary.BigEndian.Uint16(f[4:])), 10)
	return append(scratch, ')'), nil
}

// decodeParsed reads the text form of a type that has no decoder into the kind.
func decodeParsed(kind planv1.Kind, scale int32) decoder {
	if kind == canon.Text || kind == canon.JSON {
		return decodeAsIs
	}
	return func(_, f []byte) ([]byte, error) {
		if kind == canon.Decimal {
			return canon.NormalizeDecimal(string(f), int(scale))
		}
		return canon.Parse(kind, string(f))
	}
}

func decodeBits(scratch, f []byte) ([]byte, error) {
	if len(f) < 4 {
		return nil, fmt.Errorf("bit string cut short")
	}
	n := int(binary.BigEndian.Uint32(f))
	if len(f)-4 != (n+7)/8 {
		return nil, fmt.Errorf("bit string of %d bits in %d bytes", n, len(f)-4)
	}
	for i := range n {
		scratch = append(scratch, '0'+f[4+i/8]>>(7-i%8)&1)
	}
	return scratch, nil
}

func timeDecoder(oid uint32, kind planv1.Kind) decoder {
	switch {
	case kind == canon.Date && oid == oidDate:
		return decodeDate
	case kind == canon.Time && oid == oidTime:
		return decodeSame(8)
	case kind == canon.TimeTZ && oid == oidTimeTZ:
		return func(scratch, f []byte) ([]byte, error) {
			if err := checkWidth(f, 12); err != nil {
				return nil, err
			}
			// The server counts zones west of Greenwich.
			return canon.AppendTimeTZ(scratch, canon.GetInt(f), -int32(binary.BigEndian.Uint32(f[8:]))), nil
		}
	case kind == canon.Timestamp && oid == oidTimestamp, kind == canon.TimestampTZ && oid == oidTimestampTZ:
		return decodeTimestamp
	case kind == canon.Interval && oid == oidInterval:
		return func(scratch, f []byte) ([]byte, error) {
			if err := checkWidth(f, 16); err != nil {
				return nil, err
			}
			return canon.AppendInterval(scratch, int32(binary.BigEndian.Uint32(f[12:])), int32(binary.BigEndian.Uint32(f[8:])), canon.GetInt(f)), nil
		}
	default:
		return nil
	}
}

func decodeDate(scratch, f []byte) ([]byte, error) {
	if err := checkWidth(f, 4); err != nil {
		return nil, err
	}
	d := canon.GetDate(f)
	if d == canon.DateInfinity || d == canon.DateNegInfinity {
		return f, nil
	}
	return canon.AppendDate(scratch, d+epochDays), nil
}

func decodeTimestamp(scratch, f []byte) ([]byte, error) {
	if err := checkWidth(f, 8); err != nil {
		return nil, err
	}
	n := canon.GetInt(f)
	switch {
	case n == canon.TimeInfinity, n == canon.TimeNegInfinity:
		return f, nil
	case n >= math.MaxInt64-epochMicros:
		return nil, loss.New(loss.DateRange, "timestamp is later than drover can carry to another engine (294246-12-31)")
	}
	return canon.AppendInt(scratch, n+epochMicros), nil
}
