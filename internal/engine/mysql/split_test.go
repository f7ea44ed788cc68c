package mysql

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/keyrange"
)

// seed makes a run of random data the same every time.
const seed = 20240229

// keyed are tables of about as many rows, with keys that splits get wrong.
var keyed = []struct {
	name, columns, key string
	// row writes the key of the i-th row.
	row func(r *rand.Rand, i int) string
}{
	{"dense", "a INT", "a", func(_ *rand.Rand, i int) string { return fmt.Sprint(i) }},
	{"gaps", "a BIGINT", "a", func(r *rand.Rand, i int) string { return fmt.Sprint(int64(i%7)*1_000_000_000_000 + int64(i)) }},
	{"negative", "a BIGINT", "a", func(r *rand.Rand, i int) string { return fmt.Sprint((int64(i) - 1500) * 6_000_000_000_000_000) }},
	{"ends", "a BIGINT", "a", func(r *rand.Rand, i int) string {
		switch i {
		case 0:
			return "-9223372036854775808"
		case 1:
			return "9223372036854775807"
		}
		return fmt.Sprint(i)
	}},
	{"unsigned", "a BIGINT UNSIGNED", "a", func(r *rand.Rand, i int) string {
		if i == 0 {
			return "18446744073709551615"
		}
		return fmt.Sprint(uint64(1)<<63 + uint64(i*i))
	}},
	{"skew", "a BIGINT", "a", func(r *rand.Rand, i int) string {
		if i%100 == 0 {
			return fmt.Sprint(1_000_000 + i*1_000_000)
		}
		return fmt.Sprint(i)
	}},
	{"composite", "a INT, b INT", "a, b", func(r *rand.Rand, i int) string { return fmt.Sprintf("%d, %d", i%5, i) }},
	{"onevalue", "a INT, b VARCHAR(20)", "a, b", func(r *rand.Rand, i int) string {
		return fmt.Sprintf("%d, 'k%d'", map[bool]int{true: 1, false: i}[i > 100], i)
	}},
	{"text", "a VARCHAR(40)", "a", func(r *rand.Rand, i int) string {
		return fmt.Sprintf("'%s%d'", []string{"a", "Ä", "b", "É", "ß", "z ", "_", "日"}[r.IntN(8)], i)
	}},
	{"uuid", "a CHAR(36)", "a", func(r *rand.Rand, i int) string {
		return fmt.Sprintf("'%08X-%04x-4aaa-8bbb-%012x'", r.Uint32(), r.IntN(1<<16), i)
	}},
	{"prefixed", "a VARCHAR(40)", "a", func(r *rand.Rand, i int) string { return fmt.Sprintf("'user_%08d@example.org'", i*i) }},
	{"cased", "a VARCHAR(40) COLLATE utf8mb4_bin", "a", func(r *rand.Rand, i int) string {
		return fmt.Sprintf("'%cx%cy%d'", lettersBytes[r.IntN(62)], lettersBytes[r.IntN(62)], i)
	}},
	{"latin", "a VARCHAR(40) CHARACTER SET latin1", "a", func(r *rand.Rand, i int) string {
		return fmt.Sprintf("'%s%d'", []string{"a", "Ä", "b", "É", "ß", "€"}[r.IntN(6)], i)
	}},
	{"bytes", "a BINARY(16)", "a", func(r *rand.Rand, i int) string { return fmt.Sprintf("x'%016x%016x'", r.Uint64(), i) }},
	{"varbytes", "a VARBINARY(40)", "a", func(r *rand.Rand, i int) string {
		return fmt.Sprintf("x'%s%04x'", strings.Repeat("00ff", r.IntN(12)), i)
	}},
	{"decimal", "a DECIMAL(20,4)", "a", func(r *rand.Rand, i int) string { return fmt.Sprintf("%d.%04d", r.Int64N(1e12)-5e11, i) }},
	{"moment", "a DATETIME(6), b INT", "a, b", func(r *rand.Rand, i int) string {
		return fmt.Sprintf("'2024-01-%02d 10:%02d:00.%06d', %d", 1+r.IntN(28), r.IntN(60), r.IntN(1000), i)
	}},
	{"day", "a DATE, b INT", "a, b", func(r *rand.Rand, i int) string {
		return fmt.Sprintf("'%04d-01-%02d', %d", 1+r.IntN(9998), 1+r.IntN(28), i)
	}},
	{"clock", "a TIME(3)", "a", func(r *rand.Rand, i int) string { return fmt.Sprintf("'%d:00:00.%03d'", i/4-400, i%1000) }},
	{"label", "a ENUM('z','a','m'), b INT", "a, b", func(r *rand.Rand, i int) string { return fmt.Sprintf("%d, %d", 1+r.IntN(3), i) }},
	{"labels", "a SET('z','a','m'), b INT", "a, b", func(r *rand.Rand, i int) string { return fmt.Sprintf("%d, %d", r.IntN(8), i) }},
	{"bits", "a BIT(40)", "a", func(r *rand.Rand, i int) string { return fmt.Sprint(i * 77_777_777) }},
	{"year", "a YEAR, b INT", "a, b", func(r *rand.Rand, i int) string {
		return fmt.Sprintf("%d, %d", []int{0, 1901, 2000, 2155}[r.IntN(4)], i)
	}},
}

// fill makes a keyed table.
func fill(t testing.TB, d *database, at, rows int) {
	t.Helper()
	k, r := keyed[at], rand.New(rand.NewPCG(seed, uint64(at)))
	statements := []string{"CREATE TABLE " + ident(k.name) + " (" + k.columns + ", filler VARCHAR(50), PRIMARY KEY (" + k.key + "))"}
	for i := 0; i < rows; {
		var values []string
		for range min(500, rows-i) {
			values = append(values, "("+k.row(r, i)+", 'filler filler')")
			i++
		}
		statements = append(statements, "INSERT INTO "+ident(k.name)+" VALUES "+strings.Join(values, ", "))
	}
	script(t, d, append(statements, "ANALYZE TABLE "+ident(k.name))...)
}

// Every row is in exactly one range, ranges follow one another, and none is much
// larger than asked for, whether the index is walked or halved.
func TestSplit_CoversEveryRowOnce(t *testing.T) {
	const rows = 1000
	eachFlavour(t, func(t *testing.T, d *database) {
		for at, k := range keyed {
			t.Run(k.name, func(t *testing.T) {
				fill(t, d, at, rows)
				p := planOf(t, describeTable(t, d, k.name))
				whole, keys := readRows(t, d, engine.ReadRequest{Plan: p})
				require.Len(t, whole, rows)
				for _, estimate := range []int64{rows, countedRows + 2} {
					// A table of so many rows is halved; the estimates of its parts come from
					// the index itself.
					p.Source.EstimatedRows = estimate
					for _, size := range []int64{23, 100_000} {
						ranges, err := d.Split(t.Context(), p, engine.SplitOptions{TargetRows: size})
						require.NoError(t, err)
						requireSplit(t, d, p, ranges, whole, keys, size)
					}
				}
			})
		}
	})
}

func requireSplit(t *testing.T, d *database, p *planv1.TablePlan, ranges []*planv1.Range, whole [][][]byte, keys []*planv1.Bound, size int64) {
	t.Helper()
	kinds := p.GetSource().GetKey().GetKinds()
	at, largest := 0, 0
	for i, r := range ranges {
		require.Equal(t, i == 0, r.GetLower() == nil)
		require.Equal(t, i == len(ranges)-1, r.GetUpper() == nil)
		if i > 0 {
			require.True(t, keyrange.Equal(ranges[i-1].GetUpper(), r.GetLower()))
			require.True(t, keyrange.Equal(keys[at], r.GetLower()), "%s begins with a key that is there: %s", r.GetLabel(), keyrange.Key(kinds, keys[at]))
		}
		n := int(countRange(t, d, p, r))
		require.Positive(t, n, r.GetLabel())
		if i == len(ranges)/2 {
			rows, _ := readRows(t, d, engine.ReadRequest{Plan: p, Range: r})
			require.Equal(t, whole[at:at+n], rows, r.GetLabel())
		}
		at, largest = at+n, max(largest, n)
	}
	require.Equal(t, len(whole), at)
	require.LessOrEqual(t, int64(largest), max(3*size, 200), "%d ranges of about %d", len(ranges), size)
	if size < int64(len(whole)) {
		require.GreaterOrEqual(t, int64(len(ranges)), int64(len(whole))/(3*size))
		require.LessOrEqual(t, int64(len(ranges)), 1+4*int64(len(whole))/size)
	}
}

func TestSplit_LeavesTablesWithoutAKeyWhole(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		script(t, d, "CREATE TABLE n (a INT)", "INSERT INTO n VALUES (1), (1), (NULL)", "CREATE TABLE nothing (a INT PRIMARY KEY)")
		for _, name := range []string{"n", "nothing"} {
			ranges, err := d.Split(t.Context(), planOf(t, describeTable(t, d, name)), engine.SplitOptions{TargetRows: 1})
			require.NoError(t, err)
			require.Len(t, ranges, 1)
			require.True(t, keyrange.Whole(ranges[0]))
		}
	})
}

// A quarter of a million rows are cut within a second or two, though a third of the
// keys' span is empty.
func TestSplit_IsQuick(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		fillBig(t, d)
		p := planOf(t, describeTable(t, d, "big"))
		begun := time.Now()
		ranges, err := d.Split(t.Context(), p, engine.SplitOptions{TargetRows: 20_000})
		require.NoError(t, err)
		require.Less(t, time.Since(begun), 5*time.Second)
		t.Logf("%d ranges in %s", len(ranges), time.Since(begun))
		require.GreaterOrEqual(t, len(ranges), 7)
		require.LessOrEqual(t, len(ranges), 26)
		for _, r := range ranges {
			require.Less(t, countRange(t, d, p, r), int64(60_000), r.GetLabel())
		}
	})
}

// fillBig makes a table of 2^18 rows like sysbench's.
func fillBig(t testing.TB, d *database) {
	t.Helper()
	statements := []string{"CREATE TABLE big (id BIGINT PRIMARY KEY AUTO_INCREMENT, k INT NOT NULL, c CHAR(120) NOT NULL, d DECIMAL(12,2), w DATETIME(6))",
		"INSERT INTO big (k, c, d, w) WITH RECURSIVE s AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM s WHERE i < 511) SELECT i, repeat('c', 100), i / 4, '2024-05-06 07:08:09.123456' FROM s"}
	for n := 512; n < 1<<18; n *= 2 {
		gap := 0
		if n == 1<<17 {
			gap = 1 << 17
		}
		statements = append(statements, fmt.Sprintf("INSERT INTO big SELECT id + %d, k, c, d, w FROM big", n+gap))
	}
	script(t, d, append(statements, "ANALYZE TABLE big")...)
}

func countRange(t *testing.T, d *database, p *planv1.TablePlan, r *planv1.Range) (n int64) {
	t.Helper()
	terms, err := keyTermsOf(p, engine.SourceSide)
	require.NoError(t, err)
	conditions, err := terms.bounds(r, nil)
	require.NoError(t, err)
	scan(t, d.db, "SELECT count(*) FROM "+ident(p.GetSource().GetName())+where(conditions), &n)
	return n
}
