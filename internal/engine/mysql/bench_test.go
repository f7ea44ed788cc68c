package mysql

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

const benchRows = 100_000

// BenchmarkWrite compares the two ways of writing on rows of all sorts, in batches of
// about a mebibyte.
func BenchmarkWrite(b *testing.B) {
	for _, f := range flavours {
		source, target := openDB(b, f.new(b)), openDB(b, f.new(b))
		allowLoadData(b, target)
		script(b, source, `CREATE TABLE mixed (id bigint PRIMARY KEY, a int, b decimal(12,2), c datetime(6), d varchar(100), e binary(16), f double, g json) CHARACTER SET utf8mb4`,
			`INSERT INTO mixed VALUES (1, 1, 1.5, '2024-01-01', 'a text of some length with an ünïcode', unhex(left(sha2('1', 256), 32)), 1.1, '{"a": [1, 2.5]}')`)
		for n := 1; n < benchRows; n *= 2 {
			script(b, source, "SET @n = (SELECT max(id) FROM mixed)",
				"INSERT INTO mixed SELECT id + @n, a + @n, b * 1.01 % 1000000, c + INTERVAL @n SECOND, reverse(d), unhex(left(sha2(id + @n, 256), 32)), f * 1.1, g FROM mixed WHERE id + @n <= 100000")
		}
		p := designed(b, target, described(b, source), engine.DesignRequest{}).GetTables()[0]
		require.NoError(b, target.Apply(b.Context(), testMigration, p, planv1.Step_STEP_CREATE))
		rows, _ := readRows(b, source, engine.ReadRequest{Plan: p})
		var batches []engine.Batch
		for at := 0; at < len(rows); at += 8000 {
			batches = append(batches, batchOf(rows[at:min(at+8000, len(rows))]...))
			batches[len(batches)-1].Sequence = uint64(len(batches) - 1)
		}
		epoch := uint64(0)
		for way, bulk := range map[string]bool{"LoadData": true, "Insert": false} {
			b.Run(f.name+"/"+way, func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					epoch++
					require.NoError(b, target.Empty(b.Context(), testMigration, p, epoch))
					epoch++
					w := opened(b, target, p, epoch, bulk)
					b.StartTimer()
					for _, batch := range batches {
						_, err := w.Write(b.Context(), batch)
						require.NoError(b, err)
					}
					_, err := w.Complete(b.Context(), uint64(len(batches)))
					require.NoError(b, err)
				}
				b.ReportMetric(float64(len(rows)*b.N)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}
