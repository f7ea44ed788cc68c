package validator

import (
	"container/heap"
	"context"
	"encoding/binary"
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// keysAtOnce is how many rows one statement looks up by their keys.
const keysAtOnce = 200

// drawn is a row of the source that a sample has drawn.
type drawn struct {
	// lot decides: the smallest ones win. It depends on the seed and the key alone.
	lot   uint64
	key   *planv1.Bound
	row   batch.Hash
	cells []cell
}

// lots is a heap with the greatest lot on top, which is the next to go.
type lots []*drawn

func (l lots) Len() int           { return len(l) }
func (l lots) Less(i, j int) bool { return l[i].lot > l[j].lot }
func (l lots) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *lots) Push(x any)        { *l = append(*l, x.(*drawn)) }
func (l *lots) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}

// sample draws rows of the source, each with the same chance, and looks them up in
// the target. Rows that only the target has are none of the source's to draw.
func (v *verification) sample(ctx context.Context) (*workerv1.RangeCheck, error) {
	sampled, passed, err := v.draw(ctx)
	if err != nil {
		return nil, fault.At(err, fault.Source, engine.Label(v.work.GetTable(), engine.SourceSide))
	}
	out := &workerv1.RangeCheck{SampledRows: int64(len(sampled)), RejectedRows: passed, Source: &planv1.Digest{}, Target: &planv1.Digest{}}
	for chunk := range slices.Chunk(sampled, keysAtOnce) {
		found, err := v.lookUp(ctx, chunk)
		if err != nil {
			return nil, atTable(err, v.work.GetTable())
		}
		out.Differences = append(out.Differences, found...)
	}
	out.DifferentRows = int64(len(out.GetDifferences()))
	out.Differences = listed(out.GetDifferences(), int(v.work.GetMaxDifferences()))
	return out, nil
}

// draw reads the source and keeps the rows with the smallest lots, in key order. It counts
// the rejected ones, which it passes over.
func (v *verification) draw(ctx context.Context) (_ []*drawn, passed int64, _ error) {
	most := int(v.work.GetSampleRows())
	kept := &lots{}
	seed := binary.BigEndian.AppendUint64(nil, v.work.GetSeed())
	request := v.request(engine.SourceSide)
	request.Pieces = batch.LargeRow
	rejected := counted(v.rejected)
	read := newCellReader(v.work.GetTable())
	err := v.source.Read(ctx, request, v.read.taken(read, func(r engine.Row, row batch.Hash) error {
		if rejected[row] > 0 {
			passed++
			return nil // each has a key of its own
		}
		key, err := r.Key()
		if err != nil || key == nil { // a key with a NULL finds no row
			return err
		}
		lot := batch.HashRow(append(seed[:8:8], engine.KeyText(key)...)).Lo
		if most == 0 || kept.Len() == most && lot >= (*kept)[0].lot {
			return nil
		}
		cells, err := read.get()
		if err != nil {
			return err
		}
		heap.Push(kept, &drawn{lot: lot, key: keyrange.Clone(key), row: row, cells: cells})
		if kept.Len() > most {
			heap.Pop(kept)
		}
		return nil
	}))
	kinds := v.work.GetTable().GetSource().GetKey().GetKinds()
	slices.SortFunc(*kept, func(a, b *drawn) int { return keyrange.Compare(kinds, a.key, b.key) })
	return *kept, passed, err
}

// lookUp compares drawn rows with what the target has under their keys.
func (v *verification) lookUp(ctx context.Context, rows []*drawn) ([]*planv1.RowDifference, error) {
	request := engine.ReadRequest{Side: engine.TargetSide, Plan: v.work.GetTable(), Keys: []*planv1.Bound{}, Pieces: batch.LargeRow}
	for _, d := range rows {
		request.Keys = append(request.Keys, d.key)
	}
	found := map[string]*drawn{}
	read := newCellReader(v.work.GetTable())
	err := v.target.Read(ctx, request, v.read.taken(read, func(r engine.Row, row batch.Hash) error {
		key, err := r.Key()
		if err != nil {
			return err
		}
		cells, err := read.get()
		found[engine.KeyText(key)] = &drawn{row: row, cells: cells}
		return err
	}))
	if err != nil {
		return nil, err
	}
	var out []*planv1.RowDifference
	for _, d := range rows {
		if there := found[engine.KeyText(d.key)]; there == nil || there.row != d.row {
			out = append(out, v.difference(d, there))
		}
	}
	return out, nil
}

// difference names a drawn row that the target has otherwise, or has not.
func (v *verification) difference(d, there *drawn) *planv1.RowDifference {
	key := v.work.GetTable().GetSource().GetKey()
	out := &planv1.RowDifference{Key: d.key, Difference: &planv1.Difference{Type: planv1.Difference_TYPE_MISSING,
		Key: keyrange.Named(key.GetColumns(), key.GetKinds(), d.key)}}
	if there != nil {
		out.TargetRow = bytesOf(there.row)
		out.Difference.Type = planv1.Difference_TYPE_DIFFERENT
		out.Difference.Columns = differentColumns(v.work.GetTable(), d.cells, there.cells)
	}
	return out
}
