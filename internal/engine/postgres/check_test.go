package postgres

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/loss"
	"github.com/drover-db/drover/internal/testdb"
)

func TestStoredTypeOf_ReadsNamesOfTypes(t *testing.T) {
	plain := func(oid uint32) storedType { return storedType{oid: oid, typmod: typmod{fraction: -1}} }
	timed := func(oid uint32, fraction int32) storedType {
		return storedType{oid: oid, typmod: typmod{fraction: fraction}}
	}
	long := func(oid uint32, length int64) storedType {
		return storedType{oid: oid, typmod: typmod{length: length, fraction: -1}}
	}
	for name, want := range map[string]storedType{
		"bigint": plain(oidInt8), "text": plain(oidText), "numeric": plain(oidNumeric), "double precision": plain(oidFloat8),
		"numeric(20,0)":         {oid: oidNumeric, typmod: typmod{precision: 20, fraction: -1}},
		"numeric(12,3)":         {oid: oidNumeric, typmod: typmod{precision: 12, scale: 3, fraction: -1}},
		"character varying(40)": long(oidVarchar, 40), "character(3)": long(oidBpchar, 3), "bit(9)": long(oidBit, 9), "bit": long(oidBit, 1), "bit varying": plain(oidVarbit),
		"timestamp(3) without time zone": timed(oidTimestamp, 3), "timestamp with time zone": plain(oidTimestampTZ), "time(0) without time zone": timed(oidTime, 0),
		"interval(2)": timed(oidInterval, 2), "interval": plain(oidInterval),
		"shop.mood": plain(0), "public.geometry": {spatial: true, typmod: typmod{fraction: -1}},
	} {
		require.Equal(t, want, storedTypeOf(name), name)
	}
}

// Every rule that a value for PostgreSQL may break, with the nearest value that does not.
func TestCheck_RefusesByRule(t *testing.T) {
	decimal := func(s string) []byte { return []byte(s) }
	moment := func(kind planv1.Kind, s string) []byte {
		v, err := canon.Parse(kind, s)
		require.NoError(t, err)
		return v
	}
	for name, c := range map[string]struct {
		kind       planv1.Kind
		to         string
		good, lost []byte
		rule       loss.Rule
	}{
		"NUL":            {canon.Text, "text", []byte("a"), []byte("a\x00"), loss.NUL},
		"NULInUserType":  {canon.Text, "shop.mood", []byte("a"), []byte("a\x00"), loss.NUL},
		"Bytes":          {canon.Text, "text", []byte("é"), []byte("\xff"), loss.Encoding},
		"Long":           {canon.Text, "character varying(3)", []byte("ééé"), []byte("éééé"), loss.TooLong},
		"LongChar":       {canon.Text, "character(3)", []byte("ééé"), []byte("éééé"), loss.TooLong},
		"Blanks":         {canon.Text, "character(3)", []byte("a"), []byte("a "), loss.Padding},
		"Small":          {canon.Int, "smallint", canon.AppendInt(nil, math.MaxInt16), canon.AppendInt(nil, math.MaxInt16+1), loss.NumberRange},
		"Unsigned":       {canon.Uint, "bigint", canon.AppendUint(nil, math.MaxInt64), canon.AppendUint(nil, math.MaxInt64+1), loss.NumberRange},
		"IntegerNumeric": {canon.Int, "numeric(3,0)", canon.AppendInt(nil, -999), canon.AppendInt(nil, 1000), loss.NumberRange},
		"Scale":          {canon.Decimal, "numeric(5,2)", decimal("1.250"), decimal("1.255"), loss.Digits},
		"Precision":      {canon.Decimal, "numeric(5,2)", decimal("-999.99"), decimal("1000.00"), loss.NumberRange},
		"OnlyFraction":   {canon.Decimal, "numeric(2,2)", decimal("0.99"), decimal("1.00"), loss.NumberRange},
		"Infinity":       {canon.Decimal, "numeric(5,2)", decimal("NaN"), decimal("Infinity"), loss.NumberRange},
		"WholeDecimal":   {canon.Decimal, "integer", decimal("2147483647.0"), decimal("2147483648"), loss.NumberRange},
		"TimeOfDay":      {canon.Time, "time without time zone", moment(canon.Time, "24:00:00"), moment(canon.Time, "-00:00:01"), loss.TimeOfDay},
		"Fraction":       {canon.Timestamp, "timestamp(3) without time zone", moment(canon.Timestamp, "2024-01-01 00:00:00.001"), moment(canon.Timestamp, "2024-01-01 00:00:00.0001"), loss.Fraction},
		"FirstDay":       {canon.Date, "date", canon.AppendDate(nil, firstDay), canon.AppendDate(nil, firstDay-1), loss.DateRange},
		"Bits":           {canon.Bits, "bit(3)", []byte("101"), []byte("1010"), loss.TooLong},
		"FewBits":        {canon.Bits, "bit(3)", []byte("101"), []byte("10"), loss.Padding},
		"VaryingBits":    {canon.Bits, "bit varying(3)", []byte("10"), []byte("1010"), loss.TooLong},
	} {
		t.Run(name, func(t *testing.T) {
			check, err := New().Check(&planv1.TablePlan{Encoding: planv1.Encoding_ENCODING_CANONICAL,
				Columns: []*planv1.ColumnPlan{{Target: "c", TargetType: c.to, Kind: c.kind, Scale: -1}}})
			require.NoError(t, err)
			require.NoError(t, check.Check(0, c.good))
			err = check.Check(0, c.lost)
			require.Error(t, err)
			require.Equal(t, c.rule, loss.RuleOf(err), "%v", err)
		})
	}
}

// The bounds of dates are the server's.
func TestCheck_DatesEndWhereTheServersDo(t *testing.T) {
	db := openDB(t, testdb.Postgres(t))
	for _, c := range []struct {
		days int32
		ok   bool
	}{{firstDay, true}, {firstDay - 1, false}, {lastDay, true}} {
		_, err := db.pool.Exec(t.Context(), "SELECT date '1970-01-01' + $1::int", c.days)
		require.Equal(t, c.ok, err == nil, "%d: %v", c.days, err)
	}
}
