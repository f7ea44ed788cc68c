package mysql

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// onDiskBatch is a batch whose rows are not in memory.
func onDiskBatch(rows ...[][]byte) engine.Batch {
	b := batchOf(rows...)
	b.Large, b.Body = io.NewSectionReader(bytes.NewReader(b.Body), 0, int64(len(b.Body))), nil
	return b
}

func largeColumns() []*planv1.Column {
	return []*planv1.Column{
		{Name: "v", NativeType: "LONGTEXT", Kind: canon.Text, Nullable: true}, {Name: "w", NativeType: "LONGBLOB", Kind: canon.Bytes, Nullable: true}}
}

// Both ways to write hold what was sent, with small rows before and values over the
// size of a statement.
func TestWrite_LargeRows(t *testing.T) {
	eachWay(t, func(t *testing.T, d *database, bulk bool) {
		p := designed(t, d, foreignTable(largeColumns()...), engine.DesignRequest{}).GetTables()[0]
		require.NoError(t, d.Apply(t.Context(), testMigration, p, planv1.Step_STEP_CREATE))
		w := opened(t, d, p, 1, bulk)
		raw := make([]byte, 9<<20)
		for i := range raw {
			raw[i] = byte(i >> 3 * i)
		}
		text := []byte(strings.Repeat("ä€😀'\\\t\n", 400_000))
		b := onDiskBatch([][]byte{canon.AppendInt(nil, 1), []byte("small"), nil}, [][]byte{canon.AppendInt(nil, 2), text, raw})
		_, err := w.Write(t.Context(), b)
		require.NoError(t, err)
		var got batch.Digest
		var hasher batch.RowHasher
		require.NoError(t, d.Read(t.Context(), engine.ReadRequest{Side: engine.TargetSide, Plan: p, Pieces: 1 << 20}, func(r engine.Row) error {
			if sum, whole := hasher.Add(r.Data, r.More); whole {
				got.AddHash(sum)
			}
			return nil
		}))
		require.Equal(t, b.Digest, got)
		var kept int
		require.NoError(t, w.conn.QueryRowContext(t.Context(), "SELECT @drover_1 IS NOT NULL").Scan(&kept))
		require.Zero(t, kept, "the session keeps a value")
	})
}

// Without LOAD DATA the server's limit counts, and is told with key and column.
func TestWrite_LargeRowOverThePacketLimit(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		p := designed(t, d, foreignTable(largeColumns()...), engine.DesignRequest{}).GetTables()[0]
		require.NoError(t, d.Apply(t.Context(), testMigration, p, planv1.Step_STEP_CREATE))
		w := opened(t, d, p, 1, false)
		w.maxPacket = 1 << 20
		_, err := w.Write(t.Context(), onDiskBatch([][]byte{canon.AppendInt(nil, 7), []byte("x"), make([]byte, 2<<20)}))
		rowRefused(t, err, "id=7", "w")
		require.ErrorContains(t, err, "max_allowed_packet")
		require.Zero(t, count(t, d, "t"))
	})
}
