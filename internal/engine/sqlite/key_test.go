package sqlite

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
)

func TestChooseKey(t *testing.T) {
	for name, c := range map[string]struct {
		ddl     string
		source  planv1.KeySource
		columns []string
	}{
		"Rowid":           {"CREATE TABLE t (id INTEGER PRIMARY KEY, a)", planv1.KeySource_KEY_SOURCE_PRIMARY, []string{"id"}},
		"Composite":       {"CREATE TABLE t (a INT NOT NULL, b TEXT NOT NULL, PRIMARY KEY (b, a))", planv1.KeySource_KEY_SOURCE_PRIMARY, []string{"b", "a"}},
		"WithoutRowid":    {"CREATE TABLE t (a TEXT PRIMARY KEY) WITHOUT ROWID", planv1.KeySource_KEY_SOURCE_PRIMARY, []string{"a"}},
		"NullablePrimary": {"CREATE TABLE t (a TEXT PRIMARY KEY)", planv1.KeySource_KEY_SOURCE_HIDDEN, []string{"rowid"}},
		"Unique":          {"CREATE TABLE t (a TEXT PRIMARY KEY, b INT NOT NULL UNIQUE)", planv1.KeySource_KEY_SOURCE_UNIQUE, []string{"b"}},
		"NullableUnique":  {"CREATE TABLE t (a INT UNIQUE)", planv1.KeySource_KEY_SOURCE_HIDDEN, []string{"rowid"}},
		"PartialUnique":   {"CREATE TABLE t (a INT NOT NULL); CREATE UNIQUE INDEX i ON t (a) WHERE a > 0", planv1.KeySource_KEY_SOURCE_HIDDEN, []string{"rowid"}},
		"Expression":      {"CREATE TABLE t (a TEXT NOT NULL); CREATE UNIQUE INDEX i ON t (lower(a))", planv1.KeySource_KEY_SOURCE_HIDDEN, []string{"rowid"}},
		"ShadowedRowid":   {"CREATE TABLE t (rowid TEXT, OID TEXT)", planv1.KeySource_KEY_SOURCE_HIDDEN, []string{"_rowid_"}},
		"NoRowidName":     {"CREATE TABLE t (rowid TEXT, oid TEXT, _ROWID_ TEXT)", planv1.KeySource_KEY_SOURCE_NONE, nil},
		"LooseDates":      {"CREATE TABLE t (d DATE NOT NULL PRIMARY KEY); INSERT INTO t VALUES ('2024-01-01'), ('2024-01-02T00:00')", planv1.KeySource_KEY_SOURCE_HIDDEN, []string{"rowid"}},
		"StrictDates":     {"CREATE TABLE t (d DATE NOT NULL PRIMARY KEY); INSERT INTO t VALUES ('2024-01-01'), ('2024-01-02')", planv1.KeySource_KEY_SOURCE_PRIMARY, []string{"d"}},
		"YearZero":        {"CREATE TABLE t (d DATE NOT NULL PRIMARY KEY); INSERT INTO t VALUES ('0000-01-01')", planv1.KeySource_KEY_SOURCE_HIDDEN, []string{"rowid"}},
		"Moments":         {"CREATE TABLE t (d DATETIME NOT NULL PRIMARY KEY); INSERT INTO t VALUES ('2024-01-01 00:00:00'), ('2024-01-01 00:00:00.25')", planv1.KeySource_KEY_SOURCE_PRIMARY, []string{"d"}},
		"TrailingZero":    {"CREATE TABLE t (d DATETIME NOT NULL PRIMARY KEY); INSERT INTO t VALUES ('2024-01-01 00:00:00.250')", planv1.KeySource_KEY_SOURCE_HIDDEN, []string{"rowid"}},
		"UpperUUID":       {"CREATE TABLE t (u UUID NOT NULL PRIMARY KEY); INSERT INTO t VALUES ('01234567-89AB-CDEF-0123-456789ABCDEF')", planv1.KeySource_KEY_SOURCE_HIDDEN, []string{"rowid"}},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t, newFile(t, c.ddl), false)
			d, err := db.Describe(t.Context(), engine.Selection{})
			require.NoError(t, err)
			key := d.GetTables()[0].GetKey()
			require.Equal(t, c.source, key.GetSource())
			require.Equal(t, c.columns, key.GetColumns())
		})
	}
}

// Keys of every order are cut and resumed without losing a row: collations, NULLs
// in a primary key, two storage classes in one column.
func TestSplit_OddKeys(t *testing.T) {
	for name, ddl := range map[string]string{
		"NoCase":     "CREATE TABLE t (k TEXT COLLATE NOCASE NOT NULL PRIMARY KEY); WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200) INSERT INTO t SELECT char(65 + n % 58) || n FROM n",
		"NoCaseIdx":  "CREATE TABLE t (k TEXT NOT NULL); CREATE UNIQUE INDEX i ON t (k COLLATE NOCASE DESC); WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200) INSERT INTO t SELECT char(65 + n % 58) || n FROM n",
		"Descending": "CREATE TABLE t (a INT NOT NULL, b TEXT NOT NULL, PRIMARY KEY (a DESC, b)) WITHOUT ROWID; WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200) INSERT INTO t SELECT n % 7, n FROM n",
		"Nulls":      "CREATE TABLE t (k TEXT PRIMARY KEY); WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200) INSERT INTO t SELECT CASE WHEN n % 3 THEN 'k' || n END FROM n",
		"Decimals":   "CREATE TABLE t (k DECIMAL(10,2) NOT NULL PRIMARY KEY); WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200) INSERT INTO t SELECT n / 4.0 - 20 FROM n",
		"Reals":      "CREATE TABLE t (k REAL NOT NULL PRIMARY KEY); WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200) INSERT INTO t SELECT n / 7.0 - 9 FROM n",
		"Skew":       "CREATE TABLE t (k INTEGER PRIMARY KEY); WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 198) INSERT INTO t SELECT n FROM n; INSERT INTO t VALUES (9223372036854775807), (-9223372036854775808)",
		"Dense":      "CREATE TABLE t (k INTEGER PRIMARY KEY); WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200) INSERT INTO t SELECT n - 100 FROM n",
	} {
		t.Run(name, func(t *testing.T) {
			m := newMove(t, newFile(t, ddl), t.TempDir()+"/target.db", planv1.Existing_EXISTING_FAIL, nil)
			p := m.plan("t")
			ranges, err := m.source.Split(t.Context(), p, engine.SplitOptions{TargetRows: 30, TargetBytes: 1 << 30})
			require.NoError(t, err)
			require.InDelta(t, 7, len(ranges), 1)
			seen := map[batch.Hash]int{}
			rows := 0
			for _, r := range ranges {
				var after *planv1.Bound
				for { // three rows a time
					n := 0
					err := m.source.Read(t.Context(), engine.ReadRequest{Plan: p, Range: r, After: after}, func(row engine.Row) error {
						if n == 3 {
							return errEnough
						}
						n++
						rows++
						key, err := row.Key()
						after = key
						seen[batch.HashRow(fmt.Append(nil, key.GetValues()))]++
						return err
					})
					if err == nil {
						break
					}
					require.ErrorIs(t, err, errEnough)
				}
			}
			require.Equal(t, 200, rows)
			require.Len(t, seen, 200)
		})
	}
}

var errEnough = fmt.Errorf("enough")
