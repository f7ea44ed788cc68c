package mysql

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/keyrange"
)

// keyColumnPool are columns that random keys are made of: a type, and a value of it as
// SQL over a random number x.
var keyColumnPool = []struct{ columnType, value string }{
	{"SMALLINT", "x % 41 - 20"},
	{"BIGINT", "CASE x % 9 WHEN 0 THEN -9223372036854775808 WHEN 1 THEN 9223372036854775807 WHEN 2 THEN 0 ELSE (x % 97 - 48) * 94906265 END"},
	{"BIGINT UNSIGNED", "18446744073709551615 - x % 200"},
	{"DECIMAL(20,4)", "(x % 1000 - 500) / 16"},
	{"DATE", "DATE_ADD('1970-01-01', INTERVAL x % 400 - 200 DAY)"},
	{"DATETIME(3)", "DATE_ADD('2000-01-01', INTERVAL (x % 1000 - 500) * 7003 SECOND)"},
	{"TIMESTAMP", "DATE_ADD('2024-10-27', INTERVAL x % 500 MINUTE)"},
	{"TIME", "SEC_TO_TIME(x % 1000 * 977 - 488500)"},
	{"YEAR", "x % 120 + 1950"},
	{"BINARY(16)", "UNHEX(LEFT(SHA2(x % 300, 256), 32))"},
	{"VARBINARY(9)", "UNHEX(LEFT('00ff00fe01ff', x % 7 * 2))"},
	{"CHAR(36)", "SHA2(x % 300, 224)"},
	{"VARCHAR(20)", "CONCAT(ELT(x % 9 + 1, 'a', 'Ä', 'b', 'É', 'ß', 'z ', '_', '日', ''''), x % 20)"},
	{"VARCHAR(20) COLLATE utf8mb4_general_ci", "CONCAT(ELT(x % 6 + 1, 'a', 'A', 'b', 'B', 'c', 'C'), x % 30)"},
	{"VARCHAR(20) COLLATE utf8mb4_bin", "CONCAT(ELT(x % 6 + 1, 'a', 'A', 'b', 'B', 'c', 'C'), REPEAT(' ', x % 3))"},
	{"VARCHAR(20) CHARACTER SET latin1", "CONCAT(ELT(x % 4 + 1, 'a', 'Ä', '€', 'ß'), x % 20)"},
	{"ENUM('z','a','m')", "x % 4"},
	{"SET('z','a','m')", "x % 8"},
	{"BIT(12)", "x % 4096"},
	{"BOOLEAN", "x % 2"},
}

// Ranges partition a table, shown for random keys of up to five columns, some of them
// nullable: of every row exactly one range's predicate is true, all ranges together give
// every row once, and so do the parts that a range is cut into.
func TestSplit_Partitions(t *testing.T) {
	const tables, rows = 14, 400
	eachFlavour(t, func(t *testing.T, d *database) {
		fillNumbers(t, d, rows)
		for seed := range uint64(tables) {
			r := rand.New(rand.NewPCG(seed, 4))
			nullable := seed%3 == 2
			var columns, names, values []string
			for i, at := range r.Perm(len(keyColumnPool))[:1+r.IntN(5)] {
				k := keyColumnPool[at]
				names = append(names, fmt.Sprintf("k%d", i))
				value := strings.ReplaceAll(k.value, "x", fmt.Sprintf("(i * i * 97 + i * %d)", r.Int64N(1e6)))
				if nullable && i%2 == 0 {
					columns = append(columns, names[i]+" "+k.columnType+" NULL")
					value = fmt.Sprintf("IF(i %% %d = 0, NULL, %s)", 3+i, value)
				} else {
					columns = append(columns, names[i]+" "+k.columnType+" NOT NULL")
				}
				values = append(values, value)
			}
			key := map[bool]string{false: "PRIMARY KEY", true: "UNIQUE"}[nullable]
			t.Run(key+" "+strings.Join(columns, ", "), func(t *testing.T) {
				name := fmt.Sprintf("random_%d", seed)
				script(t, d, fmt.Sprintf("CREATE TABLE %s (%s, v INT, %s (%s))", name, strings.Join(columns, ", "), key, strings.Join(names, ", ")),
					fmt.Sprintf("INSERT IGNORE INTO %s SELECT %s, i FROM numbers", name, strings.Join(values, ", ")))
				p := planOf(t, describeTable(t, d, name))
				require.Equal(t, nullable, p.GetSource().GetKey().GetNullable())
				requirePartition(t, d, p, 10+r.Int64N(60))
			})
		}
	})
}

// requirePartition splits a table and each of its ranges, and reads everything.
func requirePartition(t *testing.T, d *database, p *planv1.TablePlan, target int64) {
	t.Helper()
	for i := range p.GetColumns() {
		// What a label's number 0 stands for is not what is shown here.
		p.Columns[i].Policy = &planv1.Policy{Action: planv1.Policy_ACTION_NULL}
	}
	whole := sumOf(t, d, engine.ReadRequest{Plan: p})
	ranges, err := d.Split(t.Context(), p, engine.SplitOptions{TargetRows: target})
	require.NoError(t, err)
	if whole.Rows > 2*target {
		require.Greater(t, len(ranges), 1)
	}
	requireOneRangeEach(t, d, p, ranges)
	var all, parts batch.Digest
	for i, r := range ranges {
		require.True(t, i == 0 || keyrange.Equal(ranges[i-1].GetUpper(), r.GetLower()))
		all.Merge(sumOf(t, d, engine.ReadRequest{Plan: p, Range: r}))
		cut, err := d.Split(t.Context(), p, engine.SplitOptions{TargetRows: 1 + target/3, Within: r})
		require.NoError(t, err)
		for _, part := range cut {
			parts.Merge(sumOf(t, d, engine.ReadRequest{Plan: p, Range: part}))
		}
	}
	require.Equal(t, whole, all)
	require.Equal(t, whole, parts)
}

// requireOneRangeEach asks the server, row by row, how many ranges a row is in.
func requireOneRangeEach(t *testing.T, d *database, p *planv1.TablePlan, ranges []*planv1.Range) {
	t.Helper()
	terms, err := keyTermsOf(p, engine.SourceSide)
	require.NoError(t, err)
	holders := "0"
	for _, r := range ranges {
		conditions, err := terms.bounds(r, nil)
		require.NoError(t, err)
		holders += " + COALESCE(" + strings.Join(append(conditions, "TRUE"), " AND ") + ", 0)"
	}
	var wrong int64
	scan(t, d.db, "SELECT count(*) FROM "+ident(p.GetSource().GetName())+" WHERE "+holders+" <> 1", &wrong)
	require.Zero(t, wrong, "rows that are in no range or in several")
}

// sumOf reads rows.
func sumOf(t *testing.T, d *database, r engine.ReadRequest) (sum batch.Digest) {
	t.Helper()
	require.NoError(t, d.Read(t.Context(), r, func(row engine.Row) error {
		sum.Add(row.Data)
		return nil
	}))
	return sum
}
