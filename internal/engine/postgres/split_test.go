package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/testdb"
)

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
