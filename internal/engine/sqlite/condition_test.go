package sqlite

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/filter"
)

const conditionDDL = `CREATE TABLE t (id INTEGER PRIMARY KEY, i INTEGER, d DECIMAL(20,2), f DOUBLE, s TEXT, b BLOB, ok BOOLEAN, day DATE, at DATETIME, u UUID, "odd "" name" INT)`

// conditionFile has a table with a value of each kind, and NULLs, in several spellings.
func conditionFile(t testing.TB) string {
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := sql.Open("sqlite", dsn(path, url.Values{}))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), conditionDDL)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(values ...string) string {
		if r.IntN(5) == 0 {
			return "NULL"
		}
		return values[r.IntN(len(values))]
	}
	for id := range 120 {
		row := []string{fmt.Sprint(id), pick("-1", "0", "7", "9223372036854775807"), pick("0", "1.5", "-0.01", "99999999.25"), pick("0.1", "1e300", "-9e999", "3"),
			pick("''", "'a'", "'A'", "'a '", "'ß'", "'10'", "'9'", "CAST(x'6100' AS TEXT)"), pick("x''", "x'00ff'", "x'61'"), pick("0", "1"),
			pick("'2024-01-31'", "'0044-03-15 BC'", "'9999-12-31'"), pick("'2024-01-31 12:30:00'", "'2024-01-31T12:30:00'", "'2024-01-31 12:30'", "'2024-02-01'"),
			pick("'123e4567-e89b-12d3-a456-426614174000'", "'123E4567-E89B-12D3-A456-426614174000'", "x'00112233445566778899aabbccddeeff'"), pick("1", "2")}
		_, err := db.ExecContext(t.Context(), "INSERT INTO t VALUES ("+strings.Join(row, ", ")+")")
		require.NoError(t, err)
	}
	return path
}

// conditionSeeds have each operator and each kind.
var conditionSeeds = []string{"i = 7", "i <> 7 OR d >= 1.50", "NOT (d < 1.5 AND i IS NOT NULL)", "f > 0.1", "f IN (0.1, 3)", "s = 'a'", "s BETWEEN 'A' AND 'a '", "s > '10'",
	"b = X'00ff' OR b = X''", "ok = TRUE", "ok <> TRUE AND ok IS NOT NULL", "day < DATE '2024-01-31'", "day = '9999-12-31'", "at = TIMESTAMP '2024-01-31 12:30:00'", "at > '2024-01-31'",
	"u = '123e4567-e89b-12d3-a456-426614174000'", "u IS NULL", `"odd "" name" = 1 AND id > 3`, "i NOT IN (0, 7)", "id NOT BETWEEN 10 AND 100", "day IS NULL OR at IS NULL",
	"i = 9223372036854775807", "d = 99999999.25", "i = id", "s = ''"}

// checkCondition compares what drover counts and reads by a condition with its own
// evaluation of it on every row.
func checkCondition(t testing.TB, db *database, text string) {
	found, err := db.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	table := found.GetTables()[0]
	e, err := filter.Parse(text)
	if err == nil {
		err = e.Check(table.GetColumns())
	}
	if err != nil {
		return // no condition for this table
	}
	whole := &planv1.TablePlan{Source: table, Encoding: planv1.Encoding_ENCODING_CANONICAL}
	for _, c := range table.GetColumns() {
		whole.Columns = append(whole.Columns, &planv1.ColumnPlan{Source: c.GetName(), Kind: c.GetKind(), Scale: -1})
	}
	var want []string
	fields := make([][]byte, len(table.GetColumns()))
	require.NoError(t, db.Read(t.Context(), engine.ReadRequest{Plan: whole}, func(r engine.Row) error {
		if _, _, err := batch.Fields(whole.GetEncoding(), r.Data, fields); err != nil {
			return err
		}
		ok, err := e.Match(func(column string) []byte {
			for i, c := range table.GetColumns() {
				if c.GetName() == column {
					return fields[i]
				}
			}
			return nil
		})
		if ok {
			want = append(want, string(r.Data))
		}
		return err
	}))
	table.Where = text
	var got []string
	err = db.Read(t.Context(), engine.ReadRequest{Plan: whole}, func(r engine.Row) error {
		got = append(got, string(r.Data))
		return nil
	})
	n, countErr := db.Count(t.Context(), whole)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Value) {
		require.Error(t, countErr) // a number that SQLite does not hold is refused, not rounded
		return
	}
	require.NoError(t, err, text)
	require.NoError(t, countErr, text)
	require.Equal(t, want, got, text)
	require.Equal(t, engine.Count{Rows: int64(len(want)), Filtered: 120 - int64(len(want))}, n, text)
}

func FuzzCondition(f *testing.F) {
	for _, text := range conditionSeeds {
		f.Add(text)
	}
	path := conditionFile(f)
	f.Fuzz(func(t *testing.T, text string) { checkCondition(t, open(t, path, false), text) })
}

// Conditions made of the seeds by chance.
func TestCondition_Random(t *testing.T) {
	db := open(t, conditionFile(t), false)
	for _, text := range conditionSeeds {
		_, err := filter.Parse(text)
		require.NoError(t, err, text)
	}
	r := rand.New(rand.NewPCG(3, 4))
	var random func(depth int) string
	random = func(depth int) string {
		if depth == 0 {
			return conditionSeeds[r.IntN(len(conditionSeeds))]
		}
		switch r.IntN(3) {
		case 0:
			return "NOT (" + random(depth-1) + ")"
		case 1:
			return "(" + random(depth-1) + ") AND " + random(depth-1)
		default:
			return random(depth-1) + " OR (" + random(depth-1) + ")"
		}
	}
	for range 60 {
		checkCondition(t, db, random(r.IntN(4)))
	}
}

// A column that a condition needs and that holds no value of its kind stops the
// table: nobody knows on which side the row belongs.
func TestCondition_UnreadableValue(t *testing.T) {
	path := newFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, day DATE)", "INSERT INTO t VALUES (1, '2024-01-01'), (2, 'soon')")
	m := newMove(t, path, filepath.Join(t.TempDir(), "target.db"), planv1.Existing_EXISTING_FAIL, func(d *planv1.Database) { d.Tables[0].Where = "day > DATE '2023-01-01'" })
	_, err := m.batch(m.plan("t"))
	require.Equal(t, fault.Value, fault.KindOf(err), "%v", err)
	require.Equal(t, "day", fault.Find(err).Column)
	require.Equal(t, "id=2", fault.Find(err).Key)
	_, err = m.source.Count(t.Context(), m.plan("t"))
	require.Equal(t, fault.Value, fault.KindOf(err), "%v", err)
}
