package postgres

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/testdb"
)

const benchTable = `CREATE TABLE mixed (id bigint PRIMARY KEY, a int, b numeric(12,2), c timestamptz, d text, e uuid, f float8, g boolean);
INSERT INTO mixed SELECT i, i % 1000, i / 100.0, '2024-01-01'::timestamptz + i * interval '1 second', repeat(md5(i::text), 3), md5(i::text)::uuid, i / 7.0, i % 2 = 0
FROM generate_series(1, 300000) i;
ANALYZE mixed`

// benchSetup gives a plan of a table of 300,000 mixed rows in an encoding.
func benchSetup(b *testing.B, encoding planv1.Encoding) (*database, *planv1.TablePlan) {
	url := testdb.Postgres(b)
	conn, err := pgx.Connect(b.Context(), url)
	require.NoError(b, err)
	_, err = conn.Exec(b.Context(), benchTable)
	require.NoError(b, err)
	require.NoError(b, conn.Close(b.Context()))
	opened, err := New().Open(b.Context(), engine.Config{URL: withoutPassword(b, url)})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, opened.Close()) })
	found, err := opened.Describe(b.Context(), engine.Selection{})
	require.NoError(b, err)
	design, err := opened.Design(b.Context(), engine.DesignRequest{Source: found,
		Name: func(s, t string) (string, string, bool) { return "moved", t, true }})
	require.NoError(b, err)
	design.GetTables()[0].Encoding = encoding
	require.NoError(b, opened.Prepare(b.Context(), engine.PrepareRequest{Migration: benchMigration, TargetIdentity: design.GetIdentity(), Statements: design.GetStatements()}))
	return opened.(*database), design.GetTables()[0]
}

var benchMigration = engine.Migration{UID: "BENCH", Name: "bench", Term: 1}

func BenchmarkCopy(b *testing.B) {
	for name, encoding := range map[string]planv1.Encoding{"Pass": planv1.Encoding_ENCODING_PGCOPY, "Canonical": planv1.Encoding_ENCODING_CANONICAL} {
		db, plan := benchSetup(b, encoding)
		b.Run(name+"/Read", func(b *testing.B) { benchRead(b, db, plan) })
		b.Run(name+"/Write", func(b *testing.B) { benchWrite(b, db, plan) })
	}
}

func benchRead(b *testing.B, db *database, plan *planv1.TablePlan) {
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		require.NoError(b, db.Read(b.Context(), engine.ReadRequest{Plan: plan}, func(r engine.Row) error { n += len(r.Data); return nil }))
		b.SetBytes(int64(n))
	}
}

func benchWrite(b *testing.B, db *database, plan *planv1.TablePlan) {
	var batches []engine.Batch
	size := int64(0)
	next := engine.Batch{Encoding: plan.GetEncoding()}
	require.NoError(b, db.Read(b.Context(), engine.ReadRequest{Plan: plan}, func(r engine.Row) error {
		next.Body = append(next.Body, r.Data...)
		next.Digest.Add(r.Data)
		size += int64(len(r.Data))
		if len(next.Body) > 1<<20 {
			batches = append(batches, next)
			next = engine.Batch{Encoding: plan.GetEncoding(), Sequence: next.Sequence + 1}
		}
		return nil
	}))
	batches = append(batches, next)
	require.NoError(b, db.Apply(b.Context(), benchMigration, plan, planv1.Step_STEP_CREATE))
	b.ReportAllocs()
	b.SetBytes(size)
	for number := uint32(1); b.Loop(); number++ {
		w, err := db.OpenRange(b.Context(), engine.RangeRequest{Migration: benchMigration, Plan: plan, Range: &planv1.Range{Number: number}, Attempt: 1, Epoch: 1})
		require.NoError(b, err)
		for _, batch := range batches {
			_, err := w.Write(b.Context(), batch)
			require.NoError(b, err)
		}
		require.NoError(b, w.Close())
	}
}
