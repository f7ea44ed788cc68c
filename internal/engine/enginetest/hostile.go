package enginetest

import (
	"math"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// kinds are all kinds that travel between engines, in the order of the wide
// table's columns.
var kinds = []planv1.Kind{canon.Bool, canon.Int, canon.Uint, canon.Float32, canon.Float64, canon.Decimal, canon.Text,
	canon.Bytes, canon.Date, canon.Time, canon.TimeTZ, canon.Timestamp, canon.TimestampTZ, canon.Interval, canon.UUID,
	canon.JSON, canon.Bits, canon.JSONValue}

// hostile gives the values of a kind that copies get wrong.
func hostile(kind planv1.Kind) [][]byte {
	switch kind {
	case canon.Bool:
		return [][]byte{{0}, {1}}
	case canon.Int:
		return mapped(func(n int64) []byte { return canon.AppendInt(nil, n) }, 0, -1, 1, math.MinInt64, math.MaxInt64, 1<<53+1, -(1<<53 + 1))
	case canon.Uint:
		return mapped(func(n uint64) []byte { return canon.AppendUint(nil, n) }, 0, 1, math.MaxInt64, math.MaxInt64+1, math.MaxUint64)
	case canon.Float32:
		return mapped(func(f float32) []byte { return canon.AppendFloat32(nil, f) }, 0, float32(math.Copysign(0, -1)), 0.1, 16777216, 123456.789,
			math.MaxFloat32, math.SmallestNonzeroFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()))
	case canon.Float64:
		return mapped(func(f float64) []byte { return canon.AppendFloat64(nil, f) }, 0, math.Copysign(0, -1), 0.1, 1e20, 1e-5, 9007199254740993,
			math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), math.NaN(), math.Pi)
	case canon.Text:
		return texts(hostileTexts...)
	case canon.Bytes:
		return [][]byte{{}, {0}, {0, 1, 2, 0xff, 0xfe}, []byte("text"), []byte(strings.Repeat("\x00\xff", 40_000))}
	case canon.UUID:
		return [][]byte{make([]byte, 16), []byte(strings.Repeat("\xff", 16)), []byte("0123456789abcdef")}
	case canon.JSON:
		return texts(`{"b": 1, "a": [null, true, 1.50]}`, `"é 😀"`, `12345678901234567890.123`, `{}`, `null`)
	case canon.JSONValue:
		return parsed(kind, `{"b": 1, "a": [null, true, 1.5]}`, `"é 😀 \u0007 \/ \""`, `9007199254740993`, `-0.5e-3`, `{}`, `[]`, `null`, `{"": {"a ": " "}}`)
	case canon.Bits:
		return texts("0", "1", "0001", "1111000011110000111100001111000011110000111100001111000011110000111")
	default:
		return parsed(kind, forms[kind]...)
	}
}

var hostileTexts = []string{"", " ", "NULL", `\N`, "null", "a ", " a", "a", "A", "ß", "ss", "é", "e\u0301", "😀", "👩‍👩‍👧", "日本語", "\u200f\u202e",
	"tab\there", "line\nfeed", "car\r\nriage", `quote ' " ` + "`", `back\slash`, "%_$1?:x@p", "--;/*", "0123", "1e5", "0x10", "2024-01-01", "İi", "z\u007f",
	strings.Repeat("long ünïcode ", 20_000)}

// forms are values by their text form.
var forms = map[planv1.Kind][]string{
	canon.Decimal: {"0", "1", "-1", "0.5", "-12.50", "12345678901234567890123456789.0123456789", "-99999999999999999999", "0.0000000001",
		"0.1", "0.30000000000000004", "1000000", "9007199254740993", "NaN"},
	canon.Date:   {"1970-01-01", "2024-02-29", "0001-01-01", "9999-12-31", "1582-10-10", "0044-03-15 BC", "5000000-01-01", "infinity", "-infinity"},
	canon.Time:   {"00:00:00", "23:59:59.999999", "12:30:00.5", "12:30:00.000001", "24:00:00", "838:59:59.999999", "-838:59:59", "-00:00:00.12"},
	canon.TimeTZ: {"00:00:00+00", "23:59:59.999999-12", "12:30:00+05:30", "01:02:03+15:59"},
	canon.Timestamp: {"1970-01-01 00:00:00", "1969-12-31 23:59:59.999999", "2024-03-31 02:30:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999",
		"0044-03-15 12:00:00 BC", "294000-01-01 00:00:00", "infinity", "-infinity"},
	canon.TimestampTZ: {"1970-01-01 00:00:00+00", "1969-12-31 23:59:59.999999+00", "2024-03-31 02:30:00+00", "0001-01-01 00:00:00+00",
		"9999-12-31 23:59:59.999999+00", "0044-03-15 12:00:00+00 BC", "infinity", "-infinity"},
	canon.Interval: {"P0M0DT0S", "P1M0DT0S", "P0M30DT0S", "P-14M3DT-3600.000001S", "P0M0DT0.5S"},
}

func parsed(kind planv1.Kind, forms ...string) [][]byte {
	return mapped(func(s string) []byte {
		v, err := canon.Parse(kind, s)
		if err != nil {
			panic(err)
		}
		return v
	}, forms...)
}

func texts(s ...string) [][]byte { return mapped(func(s string) []byte { return []byte(s) }, s...) }

func mapped[T any](f func(T) []byte, in ...T) [][]byte {
	out := make([][]byte, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}
