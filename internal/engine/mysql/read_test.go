package mysql

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// textOf writes a value for comparison: NULL, bytes in hexadecimal, others as text.
func textOf(kind planv1.Kind, v []byte) string {
	switch {
	case v == nil:
		return "NULL"
	case kind == canon.Bytes:
		return hex.EncodeToString(v)
	}
	return canon.String(kind, v)
}

// readColumn reads the column v of a table with an integer key, as text in key order.
func readColumn(t testing.TB, d *database, table string) []string {
	t.Helper()
	p := planOf(t, describeTable(t, d, table))
	rows, _ := readRows(t, d, engine.ReadRequest{Plan: p})
	var out []string
	for _, row := range rows {
		out = append(out, textOf(p.GetColumns()[1].GetKind(), row[1]))
	}
	return out
}

// Each case is a type, and values as SQL with what they are read as.
var hostile = []struct {
	name, dataType string
	values         [][2]string
}{
	{"tinyint", "TINYINT", [][2]string{{"-128", "-128"}, {"127", "127"}, {"NULL", "NULL"}}},
	{"tinyint unsigned", "TINYINT UNSIGNED", [][2]string{{"255", "255"}}},
	{"smallint", "SMALLINT", [][2]string{{"-32768", "-32768"}, {"32767", "32767"}}},
	{"smallint unsigned", "SMALLINT UNSIGNED", [][2]string{{"65535", "65535"}}},
	{"mediumint", "MEDIUMINT", [][2]string{{"-8388608", "-8388608"}, {"8388607", "8388607"}}},
	{"mediumint unsigned", "MEDIUMINT UNSIGNED", [][2]string{{"16777215", "16777215"}}},
	{"int", "INT", [][2]string{{"-2147483648", "-2147483648"}, {"2147483647", "2147483647"}}},
	{"int unsigned", "INT(4) UNSIGNED ZEROFILL", [][2]string{{"4294967295", "4294967295"}, {"7", "7"}}},
	{"bigint", "BIGINT", [][2]string{{"-9223372036854775808", "-9223372036854775808"}, {"9223372036854775807", "9223372036854775807"}}},
	{"bigint unsigned", "BIGINT UNSIGNED", [][2]string{{"0", "0"}, {"18446744073709551615", "18446744073709551615"}}},
	{"year", "YEAR", [][2]string{{"0", "0"}, {"1901", "1901"}, {"2155", "2155"}}},
	{"decimal", "DECIMAL(65,30)", [][2]string{{"12345678901234567890123456789012345.123456789012345678901234567890", "12345678901234567890123456789012345.123456789012345678901234567890"},
		{"-0.5", "-0.500000000000000000000000000000"}, {"0", "0.000000000000000000000000000000"}, {"-0.0", "0.000000000000000000000000000000"}}},
	{"decimal integer", "DECIMAL(20)", [][2]string{{"-99999999999999999999", "-99999999999999999999"}, {"0", "0"}}},
	{"decimal fraction", "DECIMAL(5,5)", [][2]string{{"0.12345", "0.12345"}, {"-0.00001", "-0.00001"}}},
	{"decimal zerofill", "DECIMAL(7,2) UNSIGNED ZEROFILL", [][2]string{{"1.5", "1.50"}}},
	{"float", "FLOAT", [][2]string{{"16777216", "1.6777216e+07"}, {"123456.789", "123456.79"}, {"0.1", "0.1"}, {"3.4028235e38", "3.4028235e+38"}, {"1.4e-45", "1e-45"}}},
	{"double", "DOUBLE", [][2]string{{"0.1", "0.1"}, {"1e-5", "1e-05"}, {"9007199254740993", "9.007199254740992e+15"}, {"1.7976931348623157e308", "1.7976931348623157e+308"},
		{"5e-324", "5e-324"}, {"3.141592653589793", "3.141592653589793"}}},
	{"bit", "BIT(10)", [][2]string{{"b'1'", "0000000001"}, {"b'1111111111'", "1111111111"}}},
	{"bit64", "BIT(64)", [][2]string{{"x'8000000000000001'", "1000000000000000000000000000000000000000000000000000000000000001"}}},
	{"date", "DATE", [][2]string{{"'0001-01-01'", "0001-01-01"}, {"'9999-12-31'", "9999-12-31"}, {"'2024-02-29'", "2024-02-29"}, {"'1582-10-10'", "1582-10-10"}}},
	{"datetime", "DATETIME(6)", [][2]string{{"'1000-01-01 00:00:00'", "1000-01-01 00:00:00"}, {"'9999-12-31 23:59:59.999999'", "9999-12-31 23:59:59.999999"},
		{"'1969-12-31 23:59:59.000001'", "1969-12-31 23:59:59.000001"}, {"'2024-03-31 02:30:00'", "2024-03-31 02:30:00"}}},
	{"timestamp", "TIMESTAMP(6) NULL", [][2]string{{"'1970-01-01 00:00:01'", "1970-01-01 00:00:01+00"}, {"'2038-01-19 03:14:07.499999'", "2038-01-19 03:14:07.499999+00"}}},
	{"time", "TIME(6)", [][2]string{{"'-838:59:59'", "-838:59:59"}, {"'838:59:58.999999'", "838:59:58.999999"}, {"'-00:00:00.12'", "-00:00:00.12"}, {"'24:00:00'", "24:00:00"}, {"0", "00:00:00"}}},
	{"char", "CHAR(10)", [][2]string{{"'a  '", "a"}, {"'  a'", "  a"}, {"''", ""}}},
	{"varchar", "VARCHAR(100)", [][2]string{{"'a  '", "a  "}, {"''", ""}, {"'NULL'", "NULL"}, {"x'61006200'", "a\x00b\x00"}, {"'ß é 😀 \\u0301'", "ß é 😀 u0301"}}},
	{"latin1", "VARCHAR(10) CHARACTER SET latin1", [][2]string{{"x'80'", "€"}, {"x'81e9'", "\u0081é"}, {"'?'", "?"}}},
	{"cp1251", "VARCHAR(10) CHARACTER SET cp1251", [][2]string{{"'Привет?'", "Привет?"}}},
	{"sjis", "VARCHAR(10) CHARACTER SET sjis", [][2]string{{"'日本?'", "日本?"}}},
	{"utf16", "VARCHAR(10) CHARACTER SET utf16", [][2]string{{"'日本😀'", "日本😀"}}},
	{"longtext", "LONGTEXT", [][2]string{{"repeat('long ünïcode ', 20000)", strings.Repeat("long ünïcode ", 20_000)}, {"''", ""}}},
	{"longblob", "LONGBLOB", [][2]string{{"repeat(x'00ff', 90000)", strings.Repeat("00ff", 90_000)}, {"''", ""}}},
	{"enum", "ENUM('b','a','','it''s','é')", [][2]string{{"'b'", "b"}, {"''", ""}, {"4", "it's"}, {"'é'", "é"}}},
	{"set", "SET('x','y','z')", [][2]string{{"'z,x'", "x,z"}, {"''", ""}}},
	{"binary", "BINARY(4)", [][2]string{{"x'61'", "61000000"}}},
	{"varbinary", "VARBINARY(5)", [][2]string{{"x'00ff00'", "00ff00"}, {"''", ""}}},
	{"point", "POINT", [][2]string{{"ST_GeomFromText('POINT(1 2)')", "0101000000000000000000f03f0000000000000040"}}},
	{"multipoint", "GEOMETRY", [][2]string{{"ST_GeomFromText('MULTIPOINT(1 2)')", "0104000000010000000101000000000000000000f03f0000000000000040"}}},
}

func TestRead_HostileValues(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		for i, c := range hostile {
			t.Run(c.name, func(t *testing.T) {
				table := fmt.Sprintf("h%d", i)
				script(t, d, "CREATE TABLE "+table+" (id INT PRIMARY KEY, v "+c.dataType+")")
				var want []string
				for n, v := range c.values {
					script(t, d, fmt.Sprintf("INSERT INTO %s VALUES (%d, %s)", table, n, v[0]))
					want = append(want, v[1])
				}
				got := readColumn(t, d, table)
				require.Len(t, got, len(want))
				for n := range want {
					require.True(t, want[n] == got[n], "%s: got %.100q, want %.100q", c.values[n][0], got[n], want[n])
				}
			})
		}
	})
}

func TestRead_OwnTypes(t *testing.T) {
	for name, cases := range map[string]map[string][2]string{
		NameMySQL: {"JSON": {`'{"bb": 1.0, "a": [1, 1, null]}'`, `{"a":[1,1,null],"bb":1}`}, "LONGBLOB": {"repeat(x'00ff', 9000000)", strings.Repeat("00ff", 9_000_000)},
			"GEOMETRY SRID 4326": {"ST_GeomFromText('POINT(10 20)', 4326)", "0101000020e610000000000000000034400000000000002440"}},
		NameMariaDB: {"JSON": {`'{"b": 1.0,  "a": 12345678901234567890.123}'`, `{"b": 1.0,  "a": 12345678901234567890.123}`}, "UUID": {"'01234567-89AB-cdef-8123-456789abcdef'", "01234567-89ab-cdef-8123-456789abcdef"},
			"INET6": {"'::ffff:1.2.3.4'", "::ffff:1.2.3.4"}, "INET4": {"'1.2.3.4'", "1.2.3.4"}, "POINT": {"ST_GeomFromText('POINT(10 20)', 4326)", "0101000020e610000000000000000024400000000000003440"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := openFlavour(t, name)
			n := 0
			for dataType, c := range cases {
				n++
				table := fmt.Sprintf("o%d", n)
				script(t, d, "CREATE TABLE "+table+" (id INT PRIMARY KEY, v "+dataType+")", "INSERT INTO "+table+" VALUES (1, "+c[0]+")")
				require.True(t, c[1] == strings.Join(readColumn(t, d, table), ";"), dataType)
			}
		})
	}
}

// refused is a value that has no exact mapping.
var refused = []struct{ name, dataType, value, text string }{
	{"zero date", "DATE", "'0000-00-00'", "0000-00-00"},
	{"month zero", "DATE", "'2024-00-17'", "2024-00-17"},
	{"day zero", "DATETIME(3)", "'2024-03-00 10:11:12.5'", "2024-03-00 10:11:12.500000"},
	{"impossible day", "DATETIME", "'2024-02-30 10:11:12'", "2024-02-30 10:11:12"},
	{"zero datetime", "DATETIME", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"},
	{"zero timestamp", "TIMESTAMP NULL", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"},
}

func TestRead_RefusesImpossibleDates(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		for i, c := range refused {
			t.Run(c.name, func(t *testing.T) {
				name := fmt.Sprintf("r%d", i)
				script(t, d, "CREATE TABLE "+name+" (id INT PRIMARY KEY, v "+c.dataType+")", "INSERT INTO "+name+" VALUES (1, '2024-01-01'), (42, "+c.value+"), (43, NULL)")
				table := describeTable(t, d, name)
				err := d.Read(t.Context(), engine.ReadRequest{Plan: planOf(t, table)}, func(engine.Row) error { return nil })
				requireRefused(t, err, "id=42", "v")
				require.ErrorContains(t, err, c.text)
				require.ErrorContains(t, err, "{invalid: set-null}")

				touched := 0
				count := func(column int) {
					require.Equal(t, 1, column)
					touched++
				}
				table.Columns[1].Policy = &planv1.Policy{Action: planv1.Policy_ACTION_NULL}
				rows, _ := readRows(t, d, engine.ReadRequest{Plan: planOf(t, table), Touch: count})
				require.Nil(t, rows[1][1])
				require.NotNil(t, rows[0][1])
				require.Equal(t, 1, touched)

				table.Columns[1].Policy = &planv1.Policy{Action: planv1.Policy_ACTION_SENTINEL, Sentinel: sentinel(table.GetColumns()[1].GetKind())}
				rows, _ = readRows(t, d, engine.ReadRequest{Plan: planOf(t, table), Touch: count})
				require.Contains(t, textOf(table.GetColumns()[1].GetKind(), rows[1][1]), "1999-09-09")
				require.Equal(t, 2, touched)

				table.Columns[1].Policy = nil
				p := planOf(t, table)
				p.Columns[1].Kind, p.Columns[1].TargetType = canon.Text, "text"
				rows, _ = readRows(t, d, engine.ReadRequest{Plan: p, Touch: count})
				require.Equal(t, c.text, string(rows[1][1]))
				require.Contains(t, string(rows[0][1]), "2024-01-01")
				require.Nil(t, rows[2][1])
				require.Equal(t, 2, touched)
			})
		}
	})
}

func sentinel(kind planv1.Kind) string {
	switch kind {
	case canon.Date:
		return "1999-09-09"
	case canon.Timestamp:
		return "1999-09-09 00:00:00"
	}
	return "1999-09-09 00:00:00+00"
}

func requireRefused(t *testing.T, err error, key, column string) {
	t.Helper()
	f := fault.Find(err)
	require.Equal(t, fault.Value, f.Kind, "%v", err)
	require.Equal(t, key, f.Key)
	require.Equal(t, column, f.Column)
	require.Equal(t, fault.Source, f.Side)
}

func TestRead_RefusesValuesWithoutALabelOrACharacter(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		script(t, d, "CREATE TABLE e (id INT PRIMARY KEY, v ENUM('x','y'))", "INSERT INTO e VALUES (7, 'q')",
			"CREATE TABLE c (id INT PRIMARY KEY, v VARCHAR(10) CHARACTER SET cp1251)", "INSERT INTO c VALUES (7, x'3f98')",
			"CREATE TABLE s (id INT PRIMARY KEY, v VARCHAR(10) CHARACTER SET sjis)", "INSERT INTO s VALUES (7, x'fa5c')")
		for table, text := range map[string]string{"e": "none of its labels", "c": "no characters of its character set", "s": "no characters of its character set"} {
			err := d.Read(t.Context(), engine.ReadRequest{Plan: planOf(t, describeTable(t, d, table))}, func(engine.Row) error { return nil })
			requireRefused(t, err, "id=7", "v")
			require.ErrorContains(t, err, text)
		}
	})
}

func TestRead_ChecksText(t *testing.T) {
	require.NoError(t, validText([]byte("é")))
	require.Error(t, validText([]byte("\xff")))
}

func TestRead_GoesOnBehindAKey(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		script(t, d, "CREATE TABLE n (a INT, b VARCHAR(10), c INT, PRIMARY KEY (a, b))",
			"INSERT INTO n WITH RECURSIVE s AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM s WHERE i < 99) SELECT i DIV 10, char(97 + i % 10 USING utf8mb4), i FROM s")
		p := planOf(t, describeTable(t, d, "n"))
		whole, keys := readRows(t, d, engine.ReadRequest{Plan: p})
		require.Len(t, whole, 100)
		for i := 0; i < 100; i += 7 {
			rest, _ := readRows(t, d, engine.ReadRequest{Plan: p, After: keys[i]})
			require.Equal(t, whole[i+1:], rest)
			part, _ := readRows(t, d, engine.ReadRequest{Plan: p, Range: &planv1.Range{Lower: keys[i/2], Upper: keys[i]}})
			require.Equal(t, len(whole[i/2:i]), len(part))
		}
		stop := errors.New("stop")
		require.ErrorIs(t, d.Read(t.Context(), engine.ReadRequest{Plan: p}, func(engine.Row) error { return stop }), stop)
		// The key's index is walked: nothing is sorted.
		query, err := project(engine.ReadRequest{Plan: p, Range: &planv1.Range{Lower: keys[10], Upper: keys[50]}, After: keys[20]}).query()
		require.NoError(t, err)
		var extra, used string
		require.NoError(t, each(t.Context(), d.db, "EXPLAIN FORMAT=TRADITIONAL "+query, nil, scanPlan(&used, &extra)))
		require.Equal(t, "range PRIMARY", used)
		require.NotContains(t, extra, "filesort")
	})
}

// Each condition lets the same rows through that it matches in Go.
func TestRead_FollowsTheCondition(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		script(t, d, "CREATE TABLE w (id INT PRIMARY KEY, n BIGINT UNSIGNED, f FLOAT, g DOUBLE, x DECIMAL(10,2), v VARCHAR(20) COLLATE utf8mb4_bin, e ENUM('a','b'), b VARBINARY(5), "+
			"dt DATE, dm DATETIME(6), ts TIMESTAMP(6) NULL, tm TIME(3), KEY (n))",
			"INSERT INTO w VALUES (1, 18446744073709551615, 0.1, 0.1, 0.10, 'it''s \\\\', 'a', x'00ff', '2024-02-29', '2024-02-29 10:00:00.000001', '2024-02-29 10:00:00.000001', '-10:00:00.5'), "+
				"(2, 0, 1.5, 1e300, -7.25, '', 'b', '', '1000-01-01', '9999-12-31 23:59:59', '2038-01-01 00:00:00', '800:00:00'), "+
				"(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)")
		table := describeTable(t, d, "w")
		for condition, want := range map[string]int{
			"n = 18446744073709551615": 1, "n < 1": 1, "f = 0.1": 1, "g = 0.1": 1, "x = 0.1": 1, "x BETWEEN -8 AND -7.25": 1, "v = 'it''s \\'": 1, "v = ''": 1,
			"e IN ('a', 'b')": 2, "b = X'00ff'": 1, "dt = DATE '2024-02-29'": 1, "dm > TIMESTAMP '2024-02-29 10:00:00'": 2, "ts = TIMESTAMP '2024-02-29 10:00:00.000001'": 1,
			"n IS NULL": 1, "NOT (n = 0)": 1, "n = 0 OR id = 3": 2, "id >= 0": 3, "n = 5": 0,
		} {
			table.Where = condition
			p := planOf(t, table)
			rows, _ := readRows(t, d, engine.ReadRequest{Plan: p})
			require.Len(t, rows, want, condition)
			n, err := d.Count(t.Context(), p)
			require.NoError(t, err)
			require.Equal(t, engine.Count{Rows: int64(want), Filtered: int64(3 - want)}, n, condition)
		}
	})
}

func TestRead_FindsChanges(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		script(t, d, "CREATE TABLE n (a INT PRIMARY KEY, b INT)", "INSERT INTO n VALUES (1, 1)")
		p := planOf(t, describeTable(t, d, "n"))
		ignore := func(engine.Row) error { return nil }
		require.NoError(t, d.Read(t.Context(), engine.ReadRequest{Plan: p}, ignore))
		script(t, d, "ALTER TABLE n MODIFY b BIGINT")
		require.Equal(t, fault.Changed, fault.KindOf(d.Read(t.Context(), engine.ReadRequest{Plan: p}, ignore)))
		script(t, d, "DROP TABLE n")
		require.Equal(t, fault.Changed, fault.KindOf(d.Read(t.Context(), engine.ReadRequest{Plan: p}, ignore)))
	})
}

// While rows stream, the table's definition stands.
func TestRead_HoldsTheDefinition(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		script(t, d, "CREATE TABLE n (a INT PRIMARY KEY, b INT)", "INSERT INTO n VALUES (1, 1), (2, 2)")
		p := planOf(t, describeTable(t, d, "n"))
		require.NoError(t, d.Read(t.Context(), engine.ReadRequest{Plan: p}, func(engine.Row) error {
			conn, err := d.db.Conn(t.Context())
			require.NoError(t, err)
			defer func() { require.NoError(t, conn.Close()) }()
			_, err = conn.ExecContext(t.Context(), "SET SESSION lock_wait_timeout = 1")
			require.NoError(t, err)
			_, err = conn.ExecContext(t.Context(), "ALTER TABLE n ADD c INT")
			require.Equal(t, fault.Conflict, fault.KindOf(classify("test", err)), "%v", err)
			_, err = conn.ExecContext(t.Context(), "SET SESSION lock_wait_timeout = 60")
			return err
		}))
	})
}

func TestRead_EndsWithItsContext(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		script(t, d, "CREATE TABLE n (a INT PRIMARY KEY, b VARCHAR(1000))",
			"INSERT INTO n WITH RECURSIVE s AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM s WHERE i < 999) SELECT i, repeat('x', 1000) FROM s",
			"INSERT INTO n SELECT a + 1000, b FROM n", "INSERT INTO n SELECT a + 2000, b FROM n")
		p := planOf(t, describeTable(t, d, "n"))
		ctx, cancel := context.WithCancel(t.Context())
		begun := time.Now()
		err := d.Read(ctx, engine.ReadRequest{Plan: p}, func(engine.Row) error {
			cancel()
			return nil
		})
		require.Equal(t, fault.Canceled, fault.KindOf(err), "%v", err)
		require.Less(t, time.Since(begun), 5*time.Second)
		rows, _ := readRows(t, d, engine.ReadRequest{Plan: p})
		require.Len(t, rows, 4000)
	})
}

func TestConstant_ComparesAsTheColumn(t *testing.T) {
	for _, c := range []struct {
		kind     planv1.Kind
		dataType string
		value    []byte
		want     string
	}{
		{canon.Int, "int", canon.AppendInt(nil, math.MinInt64), "-9223372036854775808"},
		{canon.Uint, "bigint unsigned", canon.AppendUint(nil, math.MaxUint64), "18446744073709551615"},
		{canon.Text, "varchar(3)", []byte("a'\\"), "_utf8mb4 x'61275c'"},
		{canon.Text, "enum('b','a')", []byte("a"), "2"},
		{canon.Text, "set('b','a')", []byte("b,a"), "3"},
		{canon.Text, "set('b','a')", []byte{}, "0"},
		{canon.Bytes, "binary(2)", []byte{0, 255}, "x'00ff'"},
		{canon.UUID, "binary(16)", []byte("0123456789abcdef"), "x'30313233343536373839616263646566'"},
		{canon.Bits, "bit(4)", []byte("0101"), "5"},
		{canon.TimestampTZ, "timestamp", canon.AppendInt(nil, 1_500_000), "TIMESTAMP'1970-01-01 00:00:01.5'"},
		{canon.Float32, "float", canon.AppendFloat32(nil, 0.1), "1.0000000149011612e-01"},
	} {
		got, err := constant(c.kind, c.dataType, c.value)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	_, err := constant(canon.Text, "enum('b')", []byte("a"))
	require.Equal(t, fault.Changed, fault.KindOf(err))
}
