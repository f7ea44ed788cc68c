package enginetest

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/keyrange"
)

// testLarge takes every row the way of those that nobody holds: read in pieces, written
// from a body that is not in memory. Both must be what they are whole.
func testLarge(t *testing.T, source, target Factory) {
	tables := append(Standard(source, target), largeTable(source, target))
	f := newFlow(t, source, target, planv1.Existing_EXISTING_FAIL, tables, nil)
	f.prepare()
	for _, table := range tables {
		t.Run(table.Name, func(t *testing.T) {
			g := f.on(t)
			p := g.plan(table.Name)
			g.apply(p, planv1.Step_STEP_CREATE)
			g.apply(p, planv1.Step_STEP_KEY)
			n := g.nextEpoch()
			w := g.openRange(p, &planv1.Range{Number: 1}, n, n, false)
			rows := g.read(p, engine.SourceSide, nil, nil)
			require.Equal(t, rows, g.readPieces(p, engine.SourceSide))
			all := batches(p, rows, 3)
			for _, b := range all {
				b.Large, b.Body = io.NewSectionReader(bytes.NewReader(b.Body), 0, int64(len(b.Body))), nil
				g.write(w, b)
			}
			ledger, err := w.Complete(g.ctx, uint64(len(all)))
			require.NoError(t, err)
			require.Equal(t, digest(rows), ledger.Digest)
			require.Equal(t, digest(rows), digest(g.read(p, engine.TargetSide, nil, nil)))
			require.Equal(t, digest(rows), digest(g.readPieces(p, engine.TargetSide)))
		})
	}
}

// readPieces is read with every row in pieces, which are put together again.
func (f *flow) readPieces(p *planv1.TablePlan, side engine.Side) (out []row) {
	request := engine.ReadRequest{Side: side, Plan: p, Pieces: 1}
	from := f.target
	if side == engine.SourceSide {
		from, request.Snapshot = f.source, f.snapshotFor(p)
	}
	var touched engine.Touched
	request.Touch = func(column int) { touched.Add(engine.Touched{uint32(column): 1}) }
	var data []byte
	var hasher batch.RowHasher
	require.NoError(f.t, from.Read(f.ctx, request, func(got engine.Row) error {
		data = append(data, got.Data...)
		require.LessOrEqual(f.t, len(got.Data), 2*batch.PieceBytes+1<<20, "a piece is no piece")
		sum, whole := hasher.Add(got.Data, got.More)
		require.Equal(f.t, !got.More, whole)
		if got.More {
			return nil
		}
		key, err := got.Key()
		require.Equal(f.t, batch.HashRow(data), sum)
		out = append(out, row{data: slices.Clone(data), key: keyrange.Clone(key), touched: touched})
		data, touched = data[:0], nil
		return err
	}))
	return out
}

// largeTable has values that come in several pieces, with characters that a piece's end
// may break and bytes that statements escape.
func largeTable(factories ...Factory) Table {
	s := standard{factories}
	out := Table{Name: "large", Key: []string{"id"}, Columns: []Column{
		{Name: "id", Kind: canon.Int}, {Name: "note", Kind: canon.Text, Nullable: true}, {Name: "body", Kind: canon.Text, Nullable: true}}}
	blobs := s.has(canon.Bytes)
	if blobs {
		out.Columns = append(out.Columns, Column{Name: "raw", Kind: canon.Bytes, Nullable: true})
	}
	raw := make([]byte, 3*batch.PieceBytes+17)
	for i := range raw {
		raw[i] = byte(i * i >> 3)
	}
	texts := []string{
		strings.Repeat("ä€😀\t\\N\n'", 3*batch.PieceBytes/16), strings.Repeat("\\", 70_000), "x" + strings.Repeat("😀", 2*batch.PieceBytes/4),
		strings.Repeat("y", 65_537), "", "short",
	}
	for i, text := range texts {
		row := [][]byte{canon.AppendInt(nil, int64(i)), []byte("row"), []byte(text)}
		if i == 4 {
			row[1] = nil
		}
		if blobs {
			row = append(row, raw[i:len(raw)-i*1000])
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}
