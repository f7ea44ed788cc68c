package filter_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/filter"
)

var update = flag.Bool("update", false, "write the golden files")

// columns of the table that the tests filter.
func columns() []*planv1.Column {
	constant := "eu"
	out := []*planv1.Column{{Name: "region", Kind: canon.Text, Constant: &constant}}
	for _, c := range []struct {
		name string
		kind planv1.Kind
	}{
		{"id", canon.Int}, {"parent", canon.Int}, {"views", canon.Uint}, {"price", canon.Decimal}, {"weight", canon.Float64}, {"ratio", canon.Float32},
		{"name", canon.Text}, {"Name", canon.Text}, {"note", canon.Text}, {"active", canon.Bool}, {"hash", canon.Bytes}, {"born", canon.Date},
		{"opens", canon.Time}, {"seen", canon.Timestamp}, {"paid", canon.TimestampTZ}, {"token", canon.UUID}, {"flags", canon.Bits},
		{"doc", canon.JSONValue}, {"gap", canon.Interval}, {"date", canon.Date}, {"odd \"name`", canon.Int}, {"any", canon.Variant},
	} {
		out = append(out, &planv1.Column{Name: c.name, Kind: c.kind})
	}
	return out
}

// dialect is an engine's SQL.
type dialect struct{}

func (dialect) Ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (dialect) Literal(kind planv1.Kind, v []byte) (string, error) {
	switch kind {
	case canon.Int, canon.Uint, canon.Decimal, canon.Float32, canon.Float64, canon.Bool:
		return canon.String(kind, v), nil
	case canon.Bytes:
		return "X'" + hex.EncodeToString(v) + "'", nil
	case canon.Text:
		if strings.ContainsRune(string(v), 0) {
			return "", fault.New(fault.Unsupported, "test.Literal", "no text has NUL")
		}
	}
	return "'" + strings.ReplaceAll(canon.String(kind, v), "'", "''") + "'", nil
}

func checked(t testing.TB, text string) *filter.Expression {
	e, err := filter.Parse(text)
	require.NoError(t, err, text)
	require.NoError(t, e.Check(columns()), text)
	return e
}

// Each line of testdata/sql.golden is a condition and its SQL.
func TestSQL(t *testing.T) {
	const file = "testdata/sql.golden"
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var got strings.Builder
	for line := range strings.SplitSeq(strings.TrimSpace(string(raw)), "\n") {
		condition, _, _ := strings.Cut(line, "  =>  ")
		sql, err := checked(t, condition).SQL(dialect{})
		require.NoError(t, err)
		fmt.Fprintf(&got, "%s  =>  %s\n", condition, sql)
	}
	if *update {
		require.NoError(t, os.WriteFile(filepath.Clean(file), []byte(got.String()), 0o644))
	}
	require.Equal(t, string(raw), got.String())
}

func TestErrors(t *testing.T) {
	for condition, want := range map[string]string{
		"":                                       "at character 1: a column or a constant should be here, not the end",
		"id":                                     "at character 1: column id alone is no condition: write id = TRUE, or id IS NOT NULL",
		"id =":                                   "at character 5: a column or a constant should be here, not the end",
		"id = 1 id":                              "at character 8: AND, OR or the end should be here, not id",
		"(id = 1":                                "at character 8: ) should be here, not the end",
		"id == 1":                                "at character 5: a column or a constant should be here, not =",
		"id = NULL":                              "at character 6: nothing is equal to NULL: write IS NULL or IS NOT NULL",
		"id IS 1":                                "at character 7: NULL should be here, not 1",
		"id NOT 1":                               "at character 8: IN or BETWEEN should be here, not 1",
		"id IN ()":                               "at character 8: a column or a constant should be here, not )",
		"id IN (1 2)":                            "at character 10: , or ) should be here, not 2",
		"id IN (parent)":                         "at character 8: parent is a column: IN has a list of constants",
		"id BETWEEN 1 OR 2":                      "at character 14: AND and the upper end of BETWEEN should be here, not OR",
		"1 = 2":                                  "at character 1: 1 and 2 are both constants: one side must be a column",
		"1 IS NULL":                              "at character 3: = <> < <= > or >= behind a constant should be here, not IS",
		"lower(name) = 'a'":                      "at character 1: conditions have no functions, so lower( cannot be",
		"name LIKE 'a%'":                         "at character 6: conditions have no LIKE",
		"id IN (SELECT id)":                      "at character 8: conditions have no SELECT",
		"id - 1 = 2":                             "at character 4: conditions do not calculate",
		"id = 1;":                                "at character 7: ';' has no meaning in a condition",
		"name = 'it":                             "at character 8: the text that begins here has no end",
		"\"id = 1":                               "at character 1: the name that begins here has no end",
		"id = 1.":                                "at character 6: a number is digits",
		"id = 1e5":                               "at character 6: a number is digits",
		"id = 1.2.3":                             "at character 6: a number is digits",
		"név = 1 AND é":                          "at character 13: column é alone",
		"nmae = 'x'":                             "at character 1: the table has no column nmae: did you mean name?",
		"zzzzzzzzzzz = 1":                        "at character 1: the table has no column zzzzzzzzzzz",
		"region = 'eu'":                          "at character 1: region is a constant of the spec, not a column of the source",
		"NAME = 'x'":                             "at character 1: NAME may be name or Name: quote the name",
		"\"ID\" = 1":                             "at character 1: the table has no column \"ID\": did you mean id?",
		"id = 'x'":                               "at character 6: column id is an integer of 64 bits, 'x' is text: compare it with something like 42",
		"id = 1.5":                               "at character 6: column id is an integer of 64 bits, which 1.5 is not",
		"id = 9223372036854775808":               "which 9223372036854775808 is not",
		"views = -1":                             "at character 9: column views is an unsigned integer of 64 bits, which -1 is not",
		"weight = 0.10000000000000001":           "which 0.10000000000000001 is not",
		"name = 1":                               "at character 8: column name is text, 1 is a number: compare it with something like 'abc'",
		"active = 1":                             "at character 10: column active is true or false, 1 is a number: compare it with something like TRUE",
		"born = DATE '2024-02-30'":               "which DATE '2024-02-30' is not",
		"born = TIMESTAMP '2024-02-03 10:00:00'": "a time of day, which no date keeps",
		"seen = TIMESTAMP '2024-02-03 10:00:00+01'": "which TIMESTAMP '2024-02-03 10:00:00+01' is not",
		"hash = X'0'":                          "pairs of hexadecimal digits",
		"token = 'x'":                          "not a UUID",
		"doc = '{}'":                           "at character 1: column doc is JSON, of which only IS NULL and IS NOT NULL can be asked",
		"any > 5":                              "column any is of no declared type",
		"gap > 'P1M0DT0S'":                     "column gap is an interval",
		"id = name":                            "at character 6: column id is an integer of 64 bits and column name is text: only columns of one kind compare",
		"id = doc":                             "column doc is JSON",
		"\xff":                                 "not valid UTF-8",
		strings.Repeat("(", 200) + "id = 1":    "more than 100 levels",
		strings.Repeat("NOT ", 200) + "id = 1": "more than 100 levels",
		"name = '" + strings.Repeat("x", 70_000) + "'": "longer than 65536 bytes",
	} {
		e, err := filter.Parse(condition)
		if err == nil {
			err = e.Check(columns())
		}
		require.ErrorContains(t, err, want, condition)
		require.Equal(t, fault.Invalid, fault.KindOf(err))
	}
}

func TestUnchecked(t *testing.T) {
	e, err := filter.Parse("id = 1")
	require.NoError(t, err)
	_, err = e.SQL(dialect{})
	require.ErrorContains(t, err, "not checked")
	_, err = e.Match(func(string) []byte { return nil })
	require.ErrorContains(t, err, "not checked")
	require.NoError(t, e.Check(columns()))
	require.Error(t, e.Check(nil))
	_, err = e.SQL(dialect{})
	require.ErrorContains(t, err, "not checked", "a check that failed leaves none behind")
}

func TestSQL_RefusedConstant(t *testing.T) {
	_, err := checked(t, "name = '\x00'").SQL(dialect{})
	require.ErrorContains(t, err, "no text has NUL")
	require.Equal(t, fault.Unsupported, fault.KindOf(err))
}

func TestMatch(t *testing.T) {
	at := func(kind planv1.Kind, text string) []byte {
		v, err := canon.Parse(kind, text)
		require.NoError(t, err)
		return v
	}
	row := map[string][]byte{
		"id": at(canon.Int, "-5"), "parent": at(canon.Int, "7"), "views": at(canon.Uint, "18446744073709551615"), "price": []byte("10.50"),
		"weight": canon.AppendFloat64(nil, -0.5), "ratio": at(canon.Float32, "NaN"), "name": []byte("Ärger"), "note": nil, "active": {1}, "hash": {},
		"born": at(canon.Date, "0044-03-15 BC"), "opens": at(canon.Time, "-01:00:00"), "seen": at(canon.Timestamp, "2024-01-31 12:00:00"),
		"paid": at(canon.TimestampTZ, "2024-01-31 12:00:00+02"), "flags": []byte("0101"),
	}
	for condition, want := range map[string]bool{
		"id = -5": true, "id < parent": true, "7 = parent": true, "0 > id": true, "id >= -4": false, "id <> -5": false, "id != 1": true,
		"views > 9223372036854775807": true, "price = 10.5": true, "price > 9.99": true, "weight < -0.25": true, "weight <= -0.75": false,
		"ratio > 99999": true, "name = 'Ärger'": true, "name > 'Z'": true, "hash = X''": true, "hash <> X'00'": true, "active = TRUE": true, "active = FALSE": false,
		"born < DATE '0001-01-01'": true, "opens < '00:00:00'": true, "seen = '2024-01-31T12:00'": true, "seen > DATE '2024-01-31'": true,
		"paid = TIMESTAMP '2024-01-31 10:00:00'": true, "paid = TIMESTAMP '2024-01-31 11:00:00+01'": true, "flags = '0101'": true,
		"note IS NULL": true, "note IS NOT NULL": false, "id IS NOT NULL": true,
		"note = 'a'": false, "NOT note = 'a'": false, "note <> 'a' OR id = -5": true, "NOT (note = 'a' AND id = 1)": true, "NOT (note = 'a' OR id = 1)": false,
		"note = name": false, "name = note OR id = -5": true,
		"id IN (1, -5)": true, "id NOT IN (1, 2)": true, "note NOT IN ('a')": false, "id IN (1)": false,
		"id BETWEEN -5 AND -5": true, "id NOT BETWEEN -4 AND 4": true, "note NOT BETWEEN 'a' AND 'b'": false, "id BETWEEN 4 AND -4": false, "id BETWEEN -9 AND parent": true,
		"id = 1 OR id = -5 AND parent = 8": false, "(id = 1 OR id = -5) AND parent = 7": true, "not id = 1 and parent = 7": true,
	} {
		got, err := checked(t, condition).Match(func(c string) []byte { return row[c] })
		require.NoError(t, err)
		require.Equal(t, want, got, condition)
	}
}

// De Morgan holds for three values, and NOT twice is nothing.
func TestMatch_Logic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := func(name string) []byte {
			if n := rapid.IntRange(-1, 2).Draw(t, name); n >= 0 {
				return canon.AppendInt(nil, int64(n))
			}
			return nil
		}
		row := map[string][]byte{"id": value("id"), "parent": value("parent")}
		match := func(condition string) bool {
			e, err := filter.Parse(condition)
			require.NoError(t, err)
			require.NoError(t, e.Check(columns()))
			got, err := e.Match(func(c string) []byte { return row[c] })
			require.NoError(t, err)
			return got
		}
		a, b := "id "+rapid.SampledFrom([]string{"=", "<>", "<", "<=", ">", ">="}).Draw(t, "op")+" 1", "parent IN (0, 2)"
		require.Equal(t, match("NOT ("+a+" AND "+b+")"), match("(NOT "+a+") OR (NOT "+b+")"))
		require.Equal(t, match("NOT ("+a+" OR "+b+")"), match("(NOT "+a+") AND (NOT "+b+")"))
		require.Equal(t, match(a), match("NOT NOT "+a))
		require.Equal(t, match("id BETWEEN 0 AND 1"), match("id >= 0 AND id <= 1"))
		require.Equal(t, match("id NOT IN (0, 1)"), match("id <> 0 AND id <> 1"))
		require.False(t, match(a) && match("NOT "+a))
	})
}

// Whatever is written, nothing panics; what is accepted has SQL that reads the same.
func FuzzParse(f *testing.F) {
	raw, err := os.ReadFile("testdata/sql.golden")
	require.NoError(f, err)
	for line := range strings.SplitSeq(string(raw), "\n") {
		condition, _, _ := strings.Cut(line, "  =>  ")
		f.Add(condition)
	}
	f.Add("id=1 or name='''' and X''=hash")
	f.Fuzz(func(t *testing.T, condition string) {
		e, err := filter.Parse(condition)
		if err != nil || e.Check(columns()) != nil {
			return
		}
		sql, err := e.SQL(dialect{})
		if err != nil {
			return
		}
		again, err := filter.Parse(sql)
		require.NoError(t, err, sql)
		require.NoError(t, again.Check(columns()), sql)
		twice, err := again.SQL(dialect{})
		require.NoError(t, err)
		require.Equal(t, sql, twice)
		row := func(c string) []byte {
			if len(c)%2 == 0 {
				return nil
			}
			return canon.AppendInt(nil, int64(len(condition)))
		}
		if strings.Trim(sql, "idparent0123456789 ()=<>ANDORT\"") == "" {
			a, err := e.Match(row)
			require.NoError(t, err)
			b, err := again.Match(row)
			require.NoError(t, err)
			require.Equal(t, a, b)
		}
	})
}
