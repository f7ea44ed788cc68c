package sqlite

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/enginetest"
	"github.com/drover-db/drover/internal/keyrange"
)

// keyKinds are tables with every kind of key. Columns and key are DDL (the latter may
// close the parenthesis and go on); row is the key's values as SQL over i, from 1.
var keyKinds = []struct{ name, columns, key, row string }{
	{"dense", "a INTEGER PRIMARY KEY", "CHECK (true)", "i"},
	{"gaps", "a INTEGER PRIMARY KEY", "CHECK (true)", "(i % 7) * 1000000000000 + i"},
	{"skew", "a INTEGER PRIMARY KEY", "CHECK (true)", "iif(i % 100 = 0, i * 1000000007, i)"},
	{"negative", "a INTEGER PRIMARY KEY", "CHECK (true)", "(i - 500000) * 9000000000"},
	{"ends", "a INTEGER PRIMARY KEY", "CHECK (true)", "CASE i WHEN 1 THEN -9223372036854775808 WHEN 2 THEN 9223372036854775807 ELSE i - 3 END"},
	{"unsigned", "a TEXT NOT NULL", "PRIMARY KEY (a)", "printf('18446744%012d', i)"},
	{"decimal", "a DECIMAL(20,4) NOT NULL", "PRIMARY KEY (a)", "(i * 7919 % 1000003) / 16.0 - 30000"},
	{"real", "a REAL NOT NULL", "PRIMARY KEY (a)", "(i - 1000) / 7.0"},
	{"date", "a DATE NOT NULL", "PRIMARY KEY (a)", "date('0100-03-01', i || ' days')"},
	{"datetime", "a DATETIME NOT NULL", "PRIMARY KEY (a)", "datetime('1999-12-31', (i * 7) || ' seconds')"},
	{"uuid_text", "a UUID NOT NULL", "PRIMARY KEY (a)", "printf('%08x-%04x-4000-8000-%012x', i * 7919 % 4294967296, i % 65536, i)"},
	{"uuid_bytes", "a BLOB NOT NULL", "PRIMARY KEY (a)", "unhex(printf('%016x%016x', i * 7919 % 1000003, i))"},
	{"text", "a TEXT NOT NULL", "PRIMARY KEY (a)", "substr('aÄbÉßz_日', i % 8 + 1, 1) || i"},
	{"text_nocase", "a TEXT COLLATE NOCASE NOT NULL", "PRIMARY KEY (a)", "iif(i % 2, 'Key ', 'kEY ') || i"},
	{"text_rtrim", "a TEXT COLLATE RTRIM NOT NULL", "PRIMARY KEY (a)", "'k' || i || substr('   ', 1, i % 3)"},
	{"text_prefixed", "a TEXT NOT NULL", "PRIMARY KEY (a)", "'https://example.org/items/' || (i * 37)"},
	{"without_rowid", "a TEXT NOT NULL, b INT NOT NULL", "PRIMARY KEY (b, a)) WITHOUT ROWID, STRICT --", "'t' || i, i / 3"},
	{"descending", "a INT NOT NULL, b TEXT NOT NULL", "PRIMARY KEY (a DESC, b)", "i % 7, 'k' || i"},
	{"one_value", "a INT NOT NULL, b INT NOT NULL", "PRIMARY KEY (a, b)", "iif(i <= 100, i, 7), i"},
	{"five", "a INT NOT NULL, b TEXT COLLATE NOCASE NOT NULL, c DATE NOT NULL, d BLOB NOT NULL, e REAL NOT NULL", "PRIMARY KEY (a, b, c, d, e)",
		"i % 5, substr('aBcD', i % 4 + 1, 1), date('2000-01-01', (i % 300) || ' days'), unhex(printf('%016x', i)), i / 4.0"},
	{"by_unique", "a TEXT, b INT NOT NULL", "PRIMARY KEY (a), UNIQUE (b)", "'k' || i, i * 3"},
	{"nullable", "a INT", "UNIQUE (a)", "iif(i % 10, i, NULL)"},
	{"keyless", "a INT", "CHECK (true)", "i"},
}

// numbers is a table of the numbers from 1, as FROM has it.
func numbers(rows int64) string {
	return fmt.Sprintf("(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n)", rows)
}

// Half of the ranges have about as many rows as was asked for and none has many more,
// whatever the key. DROVER_TEST_ROWS=1000000 shows it at that size.
func TestSplit_KeyKinds(t *testing.T) {
	rows := enginetest.Rows(t, 3000)
	target := rows / 25
	for _, k := range keyKinds {
		t.Run(k.name, func(t *testing.T) {
			path := newFile(t, fmt.Sprintf("CREATE TABLE t (%s, filler TEXT, %s", k.columns, closed(k.key)),
				fmt.Sprintf("INSERT INTO t SELECT %s, 'filler filler' FROM %s", k.row, numbers(rows)))
			db := open(t, path, false)
			begun := time.Now()
			p := asDescribed(t, db)
			ranges, err := db.Split(t.Context(), p, engine.SplitOptions{TargetRows: target})
			took := time.Since(begun)
			require.NoError(t, err)
			var sizes []int64
			total := int64(0)
			for _, r := range ranges {
				d, _ := readAll(t, db, engine.ReadRequest{Plan: p, Range: r})
				sizes, total = append(sizes, d.Rows), total+d.Rows
			}
			require.Equal(t, rows, total)
			enginetest.RequireBalanced(t, target, sizes, took)
		})
	}
}

// closed ends a table's definition where its key has not.
func closed(key string) string {
	if definition, ok := strings.CutSuffix(key, " --"); ok {
		return definition
	}
	return key + ")"
}

// asDescribed plans a file's only table as it is.
func asDescribed(t *testing.T, db *database) *planv1.TablePlan {
	t.Helper()
	found, err := db.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	require.Len(t, found.GetTables(), 1)
	p := &planv1.TablePlan{Source: found.GetTables()[0], Encoding: planv1.Encoding_ENCODING_CANONICAL}
	for _, c := range p.GetSource().GetColumns() {
		column, err := engine.PlanColumn(c, c.GetNativeType(), c.GetKind(), c.GetScale())
		require.NoError(t, err)
		p.Columns = append(p.Columns, column)
	}
	return p
}

// readAll reads rows and their keys.
func readAll(t *testing.T, db *database, r engine.ReadRequest) (d batch.Digest, keys []*planv1.Bound) {
	t.Helper()
	require.NoError(t, db.Read(t.Context(), r, func(row engine.Row) error {
		d.Add(row.Data)
		key, err := row.Key()
		keys = append(keys, keyrange.Clone(key))
		return err
	}))
	return d, keys
}

// keyColumnPool are columns that random keys are made of: a type, and a value of it as
// SQL over a random number x.
var keyColumnPool = []struct{ columnType, value string }{
	{"INT", "CASE x % 9 WHEN 0 THEN -9223372036854775808 WHEN 1 THEN 9223372036854775807 WHEN 2 THEN 0 ELSE (x % 97 - 48) * 94906265 END"},
	{"REAL", "CASE x % 9 WHEN 0 THEN 9e999 WHEN 1 THEN -9e999 ELSE (x % 500 - 250) / 7.0 END"},
	{"DECIMAL(12,3)", "(x % 1000 - 500) / 8.0"},
	{"BOOLEAN", "x % 2"},
	{"DATE", "date('1970-01-01', (x % 400 - 200) || ' days')"},
	{"TIME", "time('00:00', (x % 86400) || ' seconds')"},
	{"DATETIME", "datetime('2000-01-01', ((x % 1000 - 500) * 7) || ' hours')"},
	{"UUID", "printf('%08x-0000-4000-8000-%012x', x % 300 * 7919, x % 11)"},
	{"BLOB", "CAST(unhex(substr('00ff00fe01ff', 1, x % 7 * 2)) || unhex(printf('%02x', x % 256)) AS BLOB)"},
	{"TEXT", "substr('aÄbÉßz_日 ''', x % 10 + 1, 1) || (x % 20)"},
	{"TEXT COLLATE NOCASE", "substr('aAbBcC', x % 6 + 1, 1) || (x % 30)"},
	{"TEXT COLLATE RTRIM", "(x % 40) || substr('   ', 1, x % 3)"},
}

// Ranges partition a table, shown for random keys of up to five columns: of every row
// exactly one range's predicate is true, all ranges together give every row once, and
// so do the parts that a range is cut into.
func TestSplit_Partitions(t *testing.T) {
	const tables, rows = 30, 400
	for seed := range uint64(tables) {
		r := rand.New(rand.NewPCG(seed, 4))
		var columns, names, values []string
		for i, at := range r.Perm(len(keyColumnPool))[:1+r.IntN(5)] {
			names = append(names, fmt.Sprintf("k%d", i))
			columns = append(columns, names[i]+" "+keyColumnPool[at].columnType+" NOT NULL")
			values = append(values, fmt.Sprintf("(SELECT %s FROM (SELECT (i * %d + i * i * 97) %% 1000003 AS x))", keyColumnPool[at].value, r.Int64N(1e6)))
		}
		t.Run(strings.Join(columns, ", "), func(t *testing.T) {
			suffix := []string{"", " WITHOUT ROWID"}[r.IntN(2)]
			path := newFile(t, fmt.Sprintf("CREATE TABLE t (%s, PRIMARY KEY (%s))%s", strings.Join(columns, ", "), strings.Join(names, ", "), suffix),
				fmt.Sprintf("INSERT OR IGNORE INTO t SELECT %s FROM %s", strings.Join(values, ", "), numbers(rows)))
			db := open(t, path, false)
			requirePartition(t, db, asDescribed(t, db), 5+r.Int64N(60))
		})
	}
	for _, columns := range []string{"a INT UNIQUE", "a INT", "rowid INT, oid INT, _rowid_ INT"} {
		t.Run(columns, func(t *testing.T) {
			names := strings.ReplaceAll(strings.ReplaceAll(columns, " INT", ""), " UNIQUE", "")
			values := strings.Repeat("iif(i % 3, i, NULL), ", strings.Count(columns, "INT"))
			db := open(t, newFile(t, "CREATE TABLE t ("+columns+")",
				fmt.Sprintf("INSERT INTO t (%s) SELECT %s FROM %s", names, strings.TrimSuffix(values, ", "), numbers(rows))), false)
			requirePartition(t, db, asDescribed(t, db), 30)
		})
	}
}

// requirePartition splits a table and each of its ranges, and reads everything.
func requirePartition(t *testing.T, db *database, p *planv1.TablePlan, target int64) {
	t.Helper()
	whole, keys := readAll(t, db, engine.ReadRequest{Plan: p})
	ranges, err := db.Split(t.Context(), p, engine.SplitOptions{TargetRows: target})
	require.NoError(t, err)
	if whole.Rows > 2*target && engine.Ordered(p) {
		require.Greater(t, len(ranges), 1)
	}
	if engine.Ordered(p) {
		requireOneRangeEach(t, db, p, ranges)
	}
	var all, parts batch.Digest
	for i, r := range ranges {
		if i > 0 {
			require.True(t, keyrange.Equal(ranges[i-1].GetUpper(), r.GetLower()))
		}
		d, _ := readAll(t, db, engine.ReadRequest{Plan: p, Range: r})
		all.Merge(d)
		cut, err := db.Split(t.Context(), p, engine.SplitOptions{TargetRows: 1 + target/3, Within: r})
		require.NoError(t, err)
		for _, part := range cut {
			d, _ := readAll(t, db, engine.ReadRequest{Plan: p, Range: part})
			parts.Merge(d)
		}
	}
	require.Equal(t, whole, all)
	require.Equal(t, whole, parts)
	if engine.Ordered(p) {
		at := len(keys) / 3
		rest, _ := readAll(t, db, engine.ReadRequest{Plan: p, After: keys[at]})
		require.EqualValues(t, len(keys)-at-1, rest.Rows)
	}
}

// requireOneRangeEach asks the file, row by row, how many ranges a row is in.
func requireOneRangeEach(t *testing.T, db *database, p *planv1.TablePlan, ranges []*planv1.Range) {
	t.Helper()
	file := openFile(t, db.path)
	defer func() { require.NoError(t, file.Close()) }()
	info, err := readTable(t.Context(), file, p.GetSource().GetName())
	require.NoError(t, err)
	holders, args := "0", []any(nil)
	for _, r := range ranges {
		where := &predicate{terms: orderTerms(info, p.GetSource().GetKey()), kinds: p.GetSource().GetKey().GetKinds()}
		require.NoError(t, where.bounds(r, nil))
		condition := strings.TrimPrefix(where.sql(), " WHERE ")
		if condition == "" {
			condition = "true"
		}
		holders += " + (" + condition + ")"
		args = append(args, where.args...)
	}
	var wrong int64
	require.NoError(t, file.QueryRowContext(t.Context(), "SELECT count(*) FROM t WHERE "+holders+" <> 1", args...).Scan(&wrong))
	require.Zero(t, wrong, "rows that are in no range or in several")
}
