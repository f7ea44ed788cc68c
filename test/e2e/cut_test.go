package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// One range holds the whole table and is slow; with workers that have nothing else to do
// it is cut behind what is in the target, and every row is there once.
func TestCut_LastRangeIsShared(t *testing.T) {
	for name, source := range map[string]func(t *testing.T) string{
		"PostgreSQL": func(t *testing.T) string {
			url := testdb.Postgres(t)
			fixture.Exec(t, url, `CREATE TABLE long (id bigint PRIMARY KEY, body text NOT NULL);
				INSERT INTO long SELECT n * 3, repeat(md5(n::text), 6) FROM generate_series(1, 120000) n; ANALYZE long;`)
			return url
		},
		"MySQL": func(t *testing.T) string {
			url := testdb.MySQL(t)
			require.NoError(t, fixture.FillMixedMySQL(t.Context(), url, 120_000))
			return url
		},
	} {
		t.Run(name, func(t *testing.T) {
			from, target := source(t), testdb.Postgres(t)
			slow := "DROVER_FAULTPOINTS=extractor.before-publish=match:(-∞,sleep:1s"
			r := drover(t, slow).Copy(t, from, target, "--range-rows", "10000000", "--range-bytes", "10GiB", "--jobs", "3")
			proven(t, r)
			require.Greater(t, r.Summary.Total.Ranges, 1, "the range was not cut")
			equal(t, from, target)
		})
	}
}
