package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/testdb"
)

// Ranges are of like size whatever the keys: sparse, negative, skewed, random,
// composite, text, partitioned, and in tables that nobody analyzed.
func TestSplit_Balanced(t *testing.T) {
	const rows, perRange = 40000, 4000
	for name, table := range map[string]string{
		"Skewed":      "CREATE TABLE t (id bigint PRIMARY KEY, v text); INSERT INTO t SELECT CASE WHEN i % 10 = 0 THEN i * 1000003::bigint ELSE -i END, 'x' FROM generate_series(1, 40000) i",
		"Random":      "CREATE TABLE t (id uuid PRIMARY KEY, v text); INSERT INTO t SELECT md5(i::text)::uuid, 'x' FROM generate_series(1, 40000) i",
		"Composite":   "CREATE TABLE t (a int, b text COLLATE \"C\", PRIMARY KEY (a, b)); INSERT INTO t SELECT i / 20000, 'k' || i FROM generate_series(1, 40000) i",
		"Enum":        "CREATE TYPE mood AS ENUM ('b', 'a'); CREATE TABLE t (m mood, n int, PRIMARY KEY (m, n)); INSERT INTO t SELECT (ARRAY['a', 'b']::mood[])[i % 2 + 1], i FROM generate_series(1, 40000) i",
		"Network":     "CREATE TABLE t (a inet PRIMARY KEY); INSERT INTO t SELECT '10.0.0.0'::inet + i FROM generate_series(1, 40000) i",
		"Partitioned": "CREATE TABLE t (id int PRIMARY KEY) PARTITION BY HASH (id); CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1); INSERT INTO t SELECT i FROM generate_series(1, 40000) i",
		"Analyzed":    "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'x' FROM generate_series(1, 40000) i; ANALYZE t",
		"Keyless":     "CREATE TABLE t (v text); INSERT INTO t SELECT repeat('x', 100) FROM generate_series(1, 40000) i",
	} {
		t.Run(name, func(t *testing.T) {
			url := testdb.Postgres(t)
			script(t, url, table)
			db := openDB(t, url)
			found, err := db.Describe(t.Context(), engine.Selection{})
			require.NoError(t, err)
			design, err := openDB(t, testdb.Postgres(t)).Design(t.Context(), engine.DesignRequest{Source: found, Name: byName})
			require.NoError(t, err)
			p := design.GetTables()[0]
			ranges, err := db.Split(t.Context(), p, engine.SplitOptions{TargetRows: perRange, TargetBytes: 1 << 40})
			require.NoError(t, err)
			require.InDelta(t, rows/perRange, len(ranges), 3)
			total := 0
			for _, r := range ranges {
				n := 0
				require.NoError(t, db.Read(t.Context(), engine.ReadRequest{Plan: p, Range: r}, func(engine.Row) error { n++; return nil }))
				require.InDelta(t, perRange, n, perRange*0.8, r.GetLabel())
				total += n
			}
			require.Equal(t, rows, total)
		})
	}
}

func TestSplit_UsesIndexForRanges(t *testing.T) {
	url := testdb.Postgres(t)
	script(t, url, "CREATE TABLE t (a int, b int, v text, PRIMARY KEY (a, b)); INSERT INTO t SELECT i / 100, i, 'x' FROM generate_series(1, 40000) i; ANALYZE t")
	db := openDB(t, url)
	found, err := db.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	p := &planv1.TablePlan{Source: found.GetTables()[0]}
	for _, c := range found.GetTables()[0].GetColumns() {
		p.Columns = append(p.Columns, &planv1.ColumnPlan{Source: c.GetName(), SourceType: c.GetNativeType(), Kind: c.GetKind(), Scale: -1})
	}
	ranges, err := db.Split(t.Context(), p, engine.SplitOptions{TargetRows: 2000})
	require.NoError(t, err)
	where, err := predicate(p, engine.SourceSide, ranges[3], nil)
	require.NoError(t, err)
	golden(t, "composite_predicate.golden.sql", where+"\n")
	rows, err := db.pool.Query(t.Context(), "EXPLAIN SELECT * FROM ONLY public.t"+where+" ORDER BY a, b")
	require.NoError(t, err)
	plan := ""
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		plan += line + "\n"
	}
	require.NoError(t, rows.Err())
	require.Contains(t, plan, "Index Scan using t_pkey")
	require.NotContains(t, plan, "Sort")
}
