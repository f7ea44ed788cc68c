package canon

import (
	"math"
	"strconv"

	"github.com/drover-db/drover/internal/loss"
)

// numberConversions are the ways among booleans, integers, decimals, floats and bits.
var numberConversions = map[pair]conversion{
	{Int, Uint}:  fromInt(uintOf),
	{Uint, Int}:  fromUint(intOf),
	{Bool, Int}:  fromBool(intOf),
	{Bool, Uint}: fromBool(uintOf),
	{Bool, Bits}: fromBool(bitsOf),
	{Int, Bool}:  fromInt(boolOf),
	{Uint, Bool}: fromUint(boolOf),
	{Int, Bits}:  fromInt(bitsOf),
	{Uint, Bits}: fromUint(bitsOf),
	{Bits, Uint}: fromBits(uintOf),
	{Bits, Int}:  fromBits(intOf),
	{Bits, Bool}: fromBits(boolOf),

	{Decimal, Decimal}: rescale,
	{Int, Decimal}:     fromInt(decimalOf),
	{Uint, Decimal}:    fromUint(decimalOf),
	{Float32, Decimal}: floatDecimal(Float32),
	{Float64, Decimal}: floatDecimal(Float64),
	{Text, Decimal}:    rescale,
	{Bool, Decimal}:    fromBool(decimalOf),
	{Decimal, Int}:     wholeOf(Int),
	{Decimal, Uint}:    wholeOf(Uint),
	{Decimal, Float32}: floatOf(32),
	{Decimal, Float64}: floatOf(64),
	{Text, Float32}:    floatOf(32),
	{Text, Float64}:    floatOf(64),

	{Float32, Float64}: func(v []byte, _ int) ([]byte, error) { return AppendFloat64(nil, float64(GetFloat32(v))), nil },
	{Float64, Float32}: func(v []byte, _ int) ([]byte, error) {
		f := GetFloat64(v)
		if narrow := float32(f); float64(narrow) == f || f != f {
			return AppendFloat32(nil, narrow), nil
		}
		return nil, loss.New(loss.Digits, "%s is not exact as a float of 32 bits", String(Float64, v))
	},
	{Int, Float32}:  exactFloat(Int, Float32),
	{Int, Float64}:  exactFloat(Int, Float64),
	{Uint, Float32}: exactFloat(Uint, Float32),
	{Uint, Float64}: exactFloat(Uint, Float64),
	{Float32, Int}:  wholeFloat(Float32, Int),
	{Float32, Uint}: wholeFloat(Float32, Uint),
	{Float64, Int}:  wholeFloat(Float64, Int),
	{Float64, Uint}: wholeFloat(Float64, Uint),
}

// integer is any value of 64 bits, signed or not.
type integer struct {
	negative  bool
	magnitude uint64
}

func (n integer) String() string {
	if n.negative {
		return "-" + strconv.FormatUint(n.magnitude, 10)
	}
	return strconv.FormatUint(n.magnitude, 10)
}

func fromInt(to func(integer, int) ([]byte, error)) conversion {
	return func(v []byte, scale int) ([]byte, error) {
		if n := GetInt(v); n < 0 {
			return to(integer{true, -uint64(n)}, scale)
		}
		return to(integer{false, GetUint(v)}, scale)
	}
}

func fromUint(to func(integer, int) ([]byte, error)) conversion {
	return func(v []byte, scale int) ([]byte, error) { return to(integer{false, GetUint(v)}, scale) }
}

func fromBool(to func(integer, int) ([]byte, error)) conversion {
	return func(v []byte, scale int) ([]byte, error) { return to(integer{false, uint64(v[0] & 1)}, scale) }
}

func fromBits(to func(integer, int) ([]byte, error)) conversion {
	return func(v []byte, scale int) ([]byte, error) {
		n, err := strconv.ParseUint(string(v), 2, 64)
		if err != nil {
			return nil, loss.New(loss.NumberRange, "%d bits are no integer of 64 bits", len(v))
		}
		return to(integer{false, n}, scale)
	}
}

func intOf(n integer, _ int) ([]byte, error) {
	switch {
	case n.negative && n.magnitude <= 1<<63:
		return AppendInt(nil, -int64(n.magnitude)), nil
	case !n.negative && n.magnitude <= math.MaxInt64:
		return AppendInt(nil, int64(n.magnitude)), nil
	}
	return nil, loss.New(loss.NumberRange, "%s is beyond a signed integer of 64 bits", n)
}

func uintOf(n integer, _ int) ([]byte, error) {
	if n.negative {
		return nil, loss.New(loss.NumberRange, "%s is no unsigned integer", n)
	}
	return AppendUint(nil, n.magnitude), nil
}

func boolOf(n integer, _ int) ([]byte, error) {
	if n.negative || n.magnitude > 1 {
		return nil, loss.New(loss.Conversion, "%s is no boolean: only 0 and 1 are", n)
	}
	return AppendBool(nil, n.magnitude == 1), nil
}

func bitsOf(n integer, count int) ([]byte, error) {
	if n.negative {
		return nil, loss.New(loss.NumberRange, "%s has no form in bits", n)
	}
	digits := strconv.AppendUint(nil, n.magnitude, 2)
	if count < 1 {
		return digits, nil
	}
	if len(digits) > count {
		return nil, loss.New(loss.TooLong, "%s needs more than %d bits", n, count)
	}
	return append(appendZeros(nil, count-len(digits)), digits...), nil
}

func decimalOf(n integer, scale int) ([]byte, error) { return NormalizeDecimal(n.String(), scale) }

// rescale keeps a decimal that has its form already, as nearly all have.
func rescale(v []byte, scale int) ([]byte, error) {
	if normalDecimal(v, scale) {
		return v, nil
	}
	return NormalizeDecimal(string(v), scale)
}

// normalDecimal tells whether NormalizeDecimal would change nothing.
func normalDecimal(v []byte, scale int) bool {
	negative := len(v) > 0 && v[0] == '-'
	if negative {
		v = v[1:]
	}
	point, zero := len(v), true
	for i, c := range v {
		switch {
		case c == '.' && point == len(v):
			point = i
		case c < '0' || c > '9':
			return false
		case c != '0':
			zero = false
		}
	}
	fraction := max(0, len(v)-point-1)
	return point > 0 && (point == 1 || v[0] != '0') && (point == len(v) || fraction > 0) &&
		(scale < 0 || fraction == scale) && !(negative && zero)
}

// floatDecimal goes by the text form. No decimal is -0.
func floatDecimal(from Kind) conversion {
	return func(v []byte, scale int) ([]byte, error) {
		if f := floatValue(from, v); f == 0 && math.Signbit(f) {
			return nil, loss.New(loss.NegativeZero, "the float -0 is no decimal")
		}
		return NormalizeDecimal(String(from, v), scale)
	}
}

// wholeOf gives a decimal without a fraction as an integer.
func wholeOf(to Kind) conversion {
	return func(v []byte, _ int) ([]byte, error) {
		whole, err := NormalizeDecimal(string(v), 0)
		if err != nil {
			return nil, loss.New(loss.Digits, "%s is no whole number", v)
		}
		return Parse(to, string(whole))
	}
}

// floatOf reads digits that are the shortest ones of the float, or mean the same.
func floatOf(bits int) conversion {
	kind := Float64
	if bits == 32 {
		kind = Float32
	}
	return func(v []byte, _ int) ([]byte, error) {
		out, err := Parse(kind, string(v))
		if err != nil {
			return nil, err
		}
		if special(kind, out) || floatIs(string(v), bits) {
			return out, nil
		}
		return nil, loss.New(loss.Digits, "%s is not exact as a float of %d bits", v, bits)
	}
}

// special tells whether a float is none of the numbers.
func special(kind Kind, v []byte) bool {
	f := floatValue(kind, v)
	return math.IsNaN(f) || math.IsInf(f, 0)
}

func floatValue(kind Kind, v []byte) float64 {
	if kind == Float32 {
		return float64(GetFloat32(v))
	}
	return GetFloat64(v)
}

// exactFloat gives an integer as a float that has every bit of it.
func exactFloat(from, to Kind) conversion {
	return func(v []byte, _ int) ([]byte, error) {
		bits := 53
		if to == Float32 {
			bits = 24
		}
		magnitude := GetUint(v)
		if n := GetInt(v); from == Int && n < 0 {
			magnitude = -magnitude
		}
		for magnitude != 0 && magnitude&1 == 0 {
			magnitude >>= 1
		}
		if magnitude >= 1<<bits {
			return nil, loss.New(loss.Digits, "%s has more bits than a float keeps", String(from, v))
		}
		return Parse(to, String(from, v))
	}
}

// wholeFloat gives a float without a fraction as an integer. -0 is none.
func wholeFloat(from, to Kind) conversion {
	return func(v []byte, _ int) ([]byte, error) {
		f := floatValue(from, v)
		if f != math.Trunc(f) || math.IsInf(f, 0) || f == 0 && math.Signbit(f) {
			return nil, loss.New(loss.Digits, "%s is no integer", String(from, v))
		}
		return Parse(to, strconv.FormatFloat(f, 'f', 0, 64))
	}
}
