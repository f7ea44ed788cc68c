package canon

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Every value survives text and back.
func TestText_RoundTrip(t *testing.T) {
	kinds := map[Kind]func(*rapid.T) []byte{
		Bool:    func(t *rapid.T) []byte { return AppendBool(nil, rapid.Bool().Draw(t, "v")) },
		Int:     func(t *rapid.T) []byte { return AppendInt(nil, rapid.Int64().Draw(t, "v")) },
		Uint:    func(t *rapid.T) []byte { return AppendUint(nil, rapid.Uint64().Draw(t, "v")) },
		Float64: func(t *rapid.T) []byte { return AppendFloat64(nil, rapid.Float64().Draw(t, "v")) },
		Float32: func(t *rapid.T) []byte { return AppendFloat32(nil, rapid.Float32().Draw(t, "v")) },
		Text:    func(t *rapid.T) []byte { return []byte(rapid.String().Draw(t, "v")) },
		Bytes:   func(t *rapid.T) []byte { return rapid.SliceOf(rapid.Byte()).Draw(t, "v") },
		Date: func(t *rapid.T) []byte {
			return AppendDate(nil, rapid.Int32Range(-2_451_507, 2_145_031_948).Draw(t, "v"))
		},
		Time: func(t *rapid.T) []byte { return AppendInt(nil, rapid.Int64Range(-1e13, 1e13).Draw(t, "v")) },
		TimeTZ: func(t *rapid.T) []byte {
			return AppendTimeTZ(nil, rapid.Int64Range(0, 86_400_000_000).Draw(t, "v"), rapid.Int32Range(-57_599, 57_599).Draw(t, "o"))
		},
		Timestamp: func(t *rapid.T) []byte {
			return AppendInt(nil, rapid.Int64Range(-210_866_803_200_000_000, 9_223_371_331_200_000_000-1).Draw(t, "v"))
		},
		TimestampTZ: func(t *rapid.T) []byte {
			return AppendInt(nil, rapid.Int64Range(-210_866_803_200_000_000, 9_223_371_331_200_000_000-1).Draw(t, "v"))
		},
		Interval: func(t *rapid.T) []byte {
			return AppendInterval(nil, rapid.Int32().Draw(t, "m"), rapid.Int32().Draw(t, "d"), rapid.Int64().Draw(t, "u"))
		},
		UUID: func(t *rapid.T) []byte { return rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "v") },
	}
	for kind, draw := range kinds {
		t.Run(kind.String(), rapid.MakeCheck(func(t *rapid.T) {
			v := draw(t)
			text, err := AppendText(nil, kind, v)
			require.NoError(t, err)
			back, err := Parse(kind, string(text))
			require.NoError(t, err, "text %q", text)
			if len(v) == 0 {
				require.Empty(t, back)
				return
			}
			require.Equal(t, v, back, "text %q", text)
		}))
	}
}

func TestCivil_AgreesWithTimePackage(t *testing.T) {
	for days := int64(-800_000); days < 800_000; days += 37 {
		want := time.Unix(days*86400, 0).UTC()
		y, m, d := Civil(days)
		require.Equal(t, want.Format("2006-01-02"), time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Format("2006-01-02"))
		require.Equal(t, days, Days(y, m, d))
	}
}

func TestText_Hostile(t *testing.T) {
	cases := []struct {
		kind Kind
		v    []byte
		want string
	}{
		{Date, AppendDate(nil, DateInfinity), "infinity"},
		{Date, AppendDate(nil, int32(Days(-43, 3, 15))), "0044-03-15 BC"},
		{Timestamp, AppendInt(nil, TimeNegInfinity), "-infinity"},
		{Timestamp, AppendInt(nil, -1), "1969-12-31 23:59:59.999999"},
		{TimestampTZ, AppendInt(nil, 0), "1970-01-01 00:00:00+00"},
		{Time, AppendInt(nil, -120_000), "-00:00:00.12"},
		{Time, AppendInt(nil, 86_400_000_000), "24:00:00"},
		{TimeTZ, AppendTimeTZ(nil, 3_600_000_000, -12_600), "01:00:00-03:30"},
		{Interval, AppendInterval(nil, 1, -2, -3_000_004), "P1M-2DT-3.000004S"},
		{Interval, AppendInterval(nil, 0, 0, math.MinInt64), "P0M0DT-9223372036854.775808S"},
		{Float64, AppendFloat64(nil, math.Inf(-1)), "-Infinity"},
		{Float64, AppendFloat64(nil, math.Copysign(0, -1)), "-0"},
		{Bytes, []byte{0, 0xff}, `\x00ff`},
		{Variant, append([]byte{VariantInt}, AppendInt(nil, -7)...), "-7"},
	}
	for _, c := range cases {
		require.Equal(t, c.want, String(c.kind, c.v))
	}
}

func TestParse_Refuses(t *testing.T) {
	cases := []struct {
		kind Kind
		s    string
	}{
		{Date, "2023-02-30"}, {Date, "0000-00-00"}, {Date, "2024-1-2"}, {Date, "2024-01-02 00:00:01"},
		{Timestamp, "2024-01-01 00:00:00.1234567"}, {Timestamp, "2024-01-01 25:61:00"}, {Timestamp, "2024-01-01 25:00:00"},
		{Timestamp, "2024-01-01 00:00:00+02"}, {TimestampTZ, "2024-01-01 00:00:00"},
		{Int, "9223372036854775808"}, {Int, "1.0"}, {Uint, "-1"}, {Bool, "yes"}, {UUID, "1234"},
		{Decimal, "1,5"}, {Decimal, ""}, {Decimal, "0x10"}, {Bits, "102"}, {Text, "\xff"},
	}
	for _, c := range cases {
		_, err := Parse(c.kind, c.s)
		require.Error(t, err, "%s %q", c.kind, c.s)
	}
}

func TestNormalizeDecimal(t *testing.T) {
	cases := []struct {
		in    string
		scale int
		want  string
	}{
		{"0.99", 2, "0.99"}, {"1", 2, "1.00"}, {"-0", 2, "0.00"}, {"1.50", -1, "1.50"}, {"00012", -1, "12"},
		{"1e3", 0, "1000"}, {"1.25e-2", 4, "0.0125"}, {"12.300", 1, "12.3"}, {".5", 1, "0.5"}, {"1e-3", 3, "0.001"},
	}
	for _, c := range cases {
		got, err := NormalizeDecimal(c.in, c.scale)
		require.NoError(t, err)
		require.Equal(t, c.want, string(got))
	}
	_, err := NormalizeDecimal("1.005", 2)
	require.Error(t, err)
}

func TestCompare_Numbers(t *testing.T) {
	require.Negative(t, Compare(Int, AppendInt(nil, -1), AppendInt(nil, 1)))
	require.Negative(t, Compare(Decimal, []byte("9.5"), []byte("10")))
	require.Positive(t, Compare(Uint, AppendUint(nil, math.MaxUint64), AppendUint(nil, 1)))
	require.Negative(t, Compare(Date, AppendDate(nil, -5), AppendDate(nil, 5)))
}
