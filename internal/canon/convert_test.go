package canon

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// value draws any value of a kind.
func value(t *rapid.T, kind Kind) []byte {
	switch kind {
	case Bool:
		return AppendBool(nil, rapid.Bool().Draw(t, "bool"))
	case Int, Time:
		return AppendInt(nil, rapid.Int64().Draw(t, "int"))
	case Uint:
		return AppendUint(nil, rapid.Uint64().Draw(t, "uint"))
	case Float32:
		return AppendFloat32(nil, rapid.Float32().Draw(t, "float"))
	case Float64:
		return AppendFloat64(nil, rapid.Float64().Draw(t, "float"))
	case Decimal:
		v, err := NormalizeDecimal(rapid.StringMatching(`-?[0-9]{1,30}(\.[0-9]{1,20})?`).Draw(t, "decimal"), -1)
		require.NoError(t, err)
		return v
	case Text:
		return []byte(rapid.String().Draw(t, "text"))
	case Bytes:
		return rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
	case Date:
		return AppendDate(nil, rapid.Int32Range(-2_451_507, 2_145_031_948).Draw(t, "date"))
	case TimeTZ:
		return AppendTimeTZ(nil, rapid.Int64Range(0, microsPerDay).Draw(t, "time"), rapid.Int32Range(-57_599, 57_599).Draw(t, "offset"))
	case Timestamp, TimestampTZ:
		return AppendInt(nil, rapid.Int64Range(-210_866_803_200_000_000, 9_223_371_331_200_000_000-1).Draw(t, "timestamp"))
	case Interval:
		return AppendInterval(nil, rapid.Int32().Draw(t, "months"), rapid.Int32().Draw(t, "days"), rapid.Int64().Draw(t, "micros"))
	case UUID:
		return rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid")
	case JSON:
		return []byte(`{"b": 1.0, "a": ` + rapid.StringMatching(`-?[1-9][0-9]{0,25}(\.[0-9]{1,5})?`).Draw(t, "json") + `}`)
	case JSONValue:
		v, err := NormalizeJSON(value(t, JSON))
		require.NoError(t, err)
		return v
	case Bits:
		return []byte(rapid.StringMatching(`[01]{0,80}`).Draw(t, "bits"))
	default:
		class := rapid.SampledFrom([]Kind{Int, Float64, Text, Bytes}).Draw(t, "class")
		return append([]byte{map[Kind]byte{Int: VariantInt, Float64: VariantFloat, Text: VariantText, Bytes: VariantBytes}[class]}, value(t, class)...)
	}
}

// lossless are the ways that may be gone back: whatever passes comes back as it was.
func lossless(from, to Kind) bool {
	switch {
	case from == Variant, to == Variant:
		return false // the class is not kept
	case from == JSON && to == JSONValue:
		return false // the text is not kept
	case from == Bits && to != Text:
		return false // leading zeros are not kept
	case from == Decimal && (to == Float32 || to == Float64), from == Text:
		return false // zeros at the end, signs, spellings
	default:
		return Convertible(from, to) && Convertible(to, from)
	}
}

// Whatever converts, converts back to the same bytes; a value never changes unseen.
func TestConvert_ThereAndBack(t *testing.T) {
	for from := Bool; from <= JSONValue; from++ {
		for to := Bool; to <= JSONValue; to++ {
			if !lossless(from, to) {
				continue
			}
			t.Run(noun(from)+" to "+noun(to), rapid.MakeCheck(func(t *rapid.T) {
				v := value(t, from)
				if width(from) == 8 && from != Float64 && rapid.Bool().Draw(t, "small") {
					v = AppendInt(nil, rapid.Int64Range(-2, 100).Draw(t, "n")*microsPerDay)
				}
				there, ok, err := Convert(from, to, -1, v)
				require.True(t, ok)
				if err != nil {
					return
				}
				require.NoError(t, checkShape(to, there))
				back, ok, err := Convert(to, from, -1, there)
				require.True(t, ok)
				require.NoError(t, err, "%s became %s", String(from, v), String(to, there))
				if from == Decimal && to == Int || from == Decimal && to == Uint {
					require.Zero(t, Compare(Decimal, v, back))
					return
				}
				require.Equal(t, String(from, v), String(from, back), "by way of %s", String(to, there))
			}))
		}
	}
}

// No pair of kinds and no bytes make it panic.
func FuzzConvert(f *testing.F) {
	f.Add(uint8(Text), uint8(Decimal), -1, []byte("1e400"))
	f.Add(uint8(Variant), uint8(Date), 3, []byte("i12345678"))
	f.Add(uint8(Bits), uint8(Uint), 0, []byte("101"))
	f.Fuzz(func(t *testing.T, from, to uint8, scale int, v []byte) {
		out, ok, err := Convert(Kind(from), Kind(to), min(scale, 100), v)
		if !ok {
			require.False(t, Convertible(Kind(from), Kind(to)))
			return
		}
		require.True(t, Convertible(Kind(from), Kind(to)))
		if err == nil && from != to {
			require.NoError(t, checkShape(Kind(to), out))
		}
	})
}

func TestConvert(t *testing.T) {
	text := func(s string) []byte { return []byte(s) }
	i := func(n int64) []byte { return AppendInt(nil, n) }
	u := func(n uint64) []byte { return AppendUint(nil, n) }
	f := func(x float64) []byte { return AppendFloat64(nil, x) }
	yes, no := AppendBool(nil, true), AppendBool(nil, false)
	day := AppendDate(nil, int32(Days(2024, 2, 29)))
	noon := i(Days(2024, 2, 29)*microsPerDay + microsPerDay/2)
	for name, c := range map[string]struct {
		from, to Kind
		scale    int
		v, want  []byte // nil for refused
	}{
		"NegativeUnsigned": {Int, Uint, -1, i(-1), nil},
		"LargeSigned":      {Uint, Int, -1, u(math.MaxInt64 + 1), nil},
		"IntScale":         {Int, Decimal, 2, i(-7), text("-7.00")},
		"BoolDecimal":      {Bool, Decimal, 1, yes, text("1.0")},
		"DecimalInt":       {Decimal, Int, -1, text("-12.00"), i(-12)},
		"DecimalFraction":  {Decimal, Int, -1, text("12.5"), nil},
		"DecimalLarge":     {Decimal, Int, -1, text("9223372036854775808"), nil},
		"DecimalUint":      {Decimal, Uint, -1, text("18446744073709551615"), u(math.MaxUint64)},
		"DecimalNaN":       {Decimal, Int, -1, text("NaN"), nil},
		"DecimalCut":       {Decimal, Decimal, 1, text("1.25"), nil},
		"DecimalZeros":     {Decimal, Decimal, 1, text("1.50"), text("1.5")},
		"DecimalForm":      {Decimal, Decimal, 2, text("-0.00"), text("0.00")},
		"IntTwo":           {Int, Bool, -1, i(2), nil},
		"IntOne":           {Int, Bool, -1, i(1), yes},
		"DecimalFloat":     {Decimal, Float64, -1, text("0.10"), f(0.1)},
		"DecimalNoFloat":   {Decimal, Float64, -1, text("0.10000000000000000001"), nil},
		"TextNoFloat":      {Text, Float64, -1, text("9007199254740993"), nil},
		"TextFloat":        {Text, Float64, -1, text("+.5"), f(.5)},
		"FloatDecimal":     {Float64, Decimal, 3, f(0.1), text("0.100")},
		"FloatNoDecimal":   {Float64, Decimal, 3, f(math.Copysign(0, -1)), nil},
		"FloatWide":        {Float64, Float32, -1, f(0.1), nil},
		"FloatNarrow":      {Float64, Float32, -1, f(0.5), AppendFloat32(nil, .5)},
		"FloatNaN":         {Float64, Float32, -1, f(math.NaN()), AppendFloat32(nil, float32(math.NaN()))},
		"FloatInt":         {Float64, Int, -1, f(-3), i(-3)},
		"FloatBigInt":      {Float64, Int, -1, f(1e19), nil},
		"FloatFraction":    {Float64, Int, -1, f(.5), nil},
		"FloatNegZero":     {Float64, Int, -1, f(math.Copysign(0, -1)), nil},
		"IntFloat":         {Int, Float64, -1, i(1<<53 + 1), nil},
		"IntMinFloat":      {Int, Float64, -1, i(math.MinInt64), f(-1 << 63)},
		"BitOne":           {Bits, Bool, -1, text("1"), yes},
		"BoolBit":          {Bool, Bits, 1, no, text("0")},
		"BitsUint":         {Bits, Uint, -1, text("00000101"), u(5)},
		"BitsWide":         {Bits, Uint, -1, text("10000000000000000000000000000000000000000000000000000000000000000"), nil},
		"UintBits":         {Uint, Bits, 8, u(5), text("00000101")},
		"UintFewBits":      {Uint, Bits, 2, u(5), nil},
		"TextBool":         {Text, Bool, -1, text("maybe"), nil},
		"TextJSON":         {Text, JSON, -1, text("{"), nil},
		"TextJSONValue":    {Text, JSONValue, -1, text(`{"b":1, "a":2.0}`), text(`{"a":2,"b":1}`)},
		"JSONDuplicate":    {JSON, JSONValue, -1, text(`{"a":1,"a":2}`), nil},
		"BytesText":        {Bytes, Text, -1, text("\xff"), nil},
		"BytesUUID":        {Bytes, UUID, -1, make([]byte, 15), nil},
		"DateTimestamp":    {Date, Timestamp, -1, day, i(Days(2024, 2, 29) * microsPerDay)},
		"DateInfinity":     {Date, TimestampTZ, -1, AppendDate(nil, DateInfinity), i(TimeInfinity)},
		"DateFar":          {Date, Timestamp, -1, AppendDate(nil, DateInfinity-1), nil},
		"TimestampDate":    {Timestamp, Date, -1, noon, nil},
		"MidnightDate":     {TimestampTZ, Date, -1, i(-microsPerDay), AppendDate(nil, -1)},
		"TimestampUTC":     {Timestamp, TimestampTZ, -1, noon, noon},
		"IntervalTime":     {Interval, Time, -1, AppendInterval(nil, 0, 0, -5), i(-5)},
		"IntervalDays":     {Interval, Time, -1, AppendInterval(nil, 0, 1, 0), nil},
		"VariantInt":       {Variant, Decimal, 0, append([]byte{VariantInt}, i(7)...), text("7")},
		"VariantText":      {Variant, Date, -1, []byte("t2024-02-29"), day},
		"VariantBytes":     {Variant, Int, -1, []byte("bxyz"), nil},
		"VariantBroken":    {Variant, Int, -1, []byte("i1"), nil},
		"WrongWidth":       {Int, Text, -1, []byte("1"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok, err := Convert(c.from, c.to, c.scale, c.v)
			require.True(t, ok)
			if c.want == nil {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestConvertible(t *testing.T) {
	for _, c := range []struct {
		from, to Kind
		want     bool
	}{
		{Int, Int, true}, {Int, Text, true}, {Text, Interval, true}, {Bytes, Text, true}, {Variant, Date, true},
		{Date, Time, false}, {Timestamp, Time, false}, {Int, Date, false}, {Bool, Float64, false}, {Text, Variant, false},
		{JSON, Int, false}, {Bytes, Int, false}, {UUID, Int, false}, {Int, Kind(99), false}, {Kind(-1), Int, false},
	} {
		require.Equal(t, c.want, Convertible(c.from, c.to), "%s to %s", c.from, c.to)
	}
}

// An empty value stays a value: nil is NULL to everyone who converts.
func TestConvert_EmptyIsNotNull(t *testing.T) {
	for _, p := range []struct{ from, to Kind }{{Bits, Text}, {Text, Bytes}, {Bytes, Text}, {Text, Bits}} {
		out, ok, err := Convert(p.from, p.to, -1, []byte{})
		require.NoError(t, err)
		require.True(t, ok)
		require.NotNil(t, out, "%s to %s", p.from, p.to)
	}
}
