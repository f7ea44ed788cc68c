package sqlite

import (
	"math"
	"strconv"
	"unsafe"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/loss"
)

// stored turns a canonical value into what a column of an affinity keeps exactly:
// the same comes back when the row is read. It refuses what the column would
// change.
func stored(kind planv1.Kind, a affinity, v []byte) (any, error) {
	if err := canon.Check(kind, v); err != nil {
		return nil, err
	}
	switch kind {
	case canon.Bool:
		if canon.GetBool(v) {
			return int64(1), nil
		}
		return int64(0), nil
	case canon.Int:
		return canon.GetInt(v), nil
	case canon.Uint:
		return storedUint(a, canon.GetUint(v))
	case canon.Float32:
		return storedReal(a, float64(canon.GetFloat32(v)))
	case canon.Float64:
		return storedReal(a, canon.GetFloat64(v))
	case canon.Decimal:
		return storedDecimal(a, string(v))
	case canon.Bytes:
		return v, nil
	case canon.Variant:
		return storedVariant(v)
	case canon.Text, canon.JSON, canon.Bits:
		return textOf(v), nil
	default:
		text, err := canon.AppendText(nil, kind, v)
		return string(text), err
	}
}

// textOf is a text as the driver takes it. A long one shares its memory, which nobody
// changes while a statement runs.
func textOf(v []byte) string {
	if len(v) > heldField {
		return unsafe.String(unsafe.SliceData(v), len(v))
	}
	return string(v)
}

func storedUint(a affinity, v uint64) (any, error) {
	switch {
	case !a.numericWhatever():
		return strconv.FormatUint(v, 10), nil
	case v <= math.MaxInt64:
		return int64(v), nil
	default:
		return nil, loss.New(loss.NumberRange, "%d is beyond SQLite's 64-bit signed integers: declare the target's column TEXT", v)
	}
}

// storedReal refuses the two doubles that SQLite does not keep: NaN becomes NULL,
// and a column of a numeric affinity drops the sign of zero.
func storedReal(a affinity, v float64) (any, error) {
	switch {
	case math.IsNaN(v):
		return nil, loss.New(loss.NotFinite, "NaN would be stored as NULL: SQLite has no NaN; replace it in the source")
	case v == 0 && math.Signbit(v) && a != affinityBlob:
		return nil, loss.New(loss.NegativeZero, "-0.0 would be stored as 0.0: SQLite keeps no sign of zero; replace it by 0 in the source")
	}
	return v, nil
}

// storedDecimal is text, or in a numeric column a number that reads back as the
// same digits.
func storedDecimal(a affinity, v string) (any, error) {
	if !a.numericWhatever() {
		return v, nil
	}
	if n, err := strconv.ParseInt(v, 10, 64); err == nil && a != affinityReal {
		return n, nil
	}
	// An infinity is a real like others; NaN is none.
	switch v {
	case "Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	f, err := strconv.ParseFloat(v, 64)
	if err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
		plain, _ := canon.NormalizeDecimal(v, -1)
		digits, err := canonicalReal(canon.Decimal, f)
		if err == nil && trimZeros(string(digits)) == trimZeros(string(plain)) {
			return f, nil
		}
	}
	return nil, loss.New(loss.Digits, "%s has more digits than a numeric column of SQLite keeps: declare the target's column TEXT", v)
}

// trimZeros drops zeros at the end of a fraction.
func trimZeros(digits string) string {
	point := false
	for _, c := range digits {
		point = point || c == '.'
	}
	if !point {
		return digits
	}
	end := len(digits)
	for digits[end-1] == '0' {
		end--
	}
	if digits[end-1] == '.' {
		end--
	}
	return digits[:end]
}

func storedVariant(v []byte) (any, error) {
	if err := canon.CheckVariant(v); err != nil {
		return nil, err
	}
	switch v[0] {
	case canon.VariantInt:
		return canon.GetInt(v[1:]), nil
	case canon.VariantFloat:
		return canon.GetFloat64(v[1:]), nil
	case canon.VariantText:
		return string(v[1:]), nil
	default:
		return v[1:], nil
	}
}
