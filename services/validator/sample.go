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
	sampled, err := v.draw(ctx)
	if err != nil {
		return nil, fault.At(err, fault.Source, engine.Label(v.work.GetTable(), engine.SourceSide))
	}
	out := &workerv1.RangeCheck{SampledRows: int64(len(sampled)), Source: &planv1.Digest{}, Target: &planv1.Digest{}}
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

// draw reads the source and keeps the rows with the smallest lots, in key order.
func (v *verification) draw(ctx context.Context) ([]*drawn, error) {
	most := int(v.work.GetSampleRows())
	kept := &lots{}
	seed := binary.BigEndian.AppendUint64(nil, v.work.GetSeed())
	err := v.source.Read(ctx, v.request(engine.SourceSide), func(r engine.Row) error {
		v.read.count(len(r.Data))
		key, err := r.Key()
		if err != nil || key == nil { // a key with a NULL finds no row
			return err
		}
		lot := batch.HashRow(append(seed[:8:8], engine.KeyText(key)...)).Lo
		if most == 0 || kept.Len() == most && lot >= (*kept)[0].lot {
			return nil
		}
		cells, err := cellsOf(v.work.GetTable(), r.Data)
		if err != nil {
			return fault.New(fault.Internal, "validator.Verify", "cut a row: %w", err)
		}
		heap.Push(kept, &drawn{lot: lot, key: keyrange.Clone(key), row: batch.HashRow(r.Data), cells: cells})
		if kept.Len() > most {
			heap.Pop(kept)
		}
		return nil
	})
	kinds := v.work.GetTable().GetSource().GetKey().GetKinds()
	slices.SortFunc(*kept, func(a, b *drawn) int { return keyrange.Compare(kinds, a.key, b.key) })
	return *kept, err
}

// lookUp compares drawn rows with what the target has under their keys.
func (v *verification) lookUp(ctx context.Context, rows []*drawn) ([]*planv1.RowDifference, error) {
	request := engine.ReadRequest{Side: engine.TargetSide, Plan: v.work.GetTable(), Keys: []*planv1.Bound{}}
	for _, d := range rows {
		request.Keys = append(request.Keys, d.key)
	}
	type there struct {
		cells []cell
		hash  []byte
		row   batch.Hash
	}
	found := map[string]there{}
	err := v.target.Read(ctx, request, func(r engine.Row) error {
		v.read.count(len(r.Data))
		key, err := r.Key()
		if err != nil {
			return err
		}
		cells, err := cellsOf(v.work.GetTable(), r.Data)
		found[engine.KeyText(key)] = there{cells: cells, hash: hashOf(r.Data), row: batch.HashRow(r.Data)}
		return err
	})
	if err != nil {
		return nil, err
	}
	key := v.work.GetTable().GetSource().GetKey()
	var out []*planv1.RowDifference
	for _, d := range rows {
		t, ok := found[engine.KeyText(d.key)]
		if ok && t.row == d.row {
			continue
		}
		diff := &planv1.Difference{Type: planv1.Difference_TYPE_MISSING, Key: keyrange.Named(key.GetColumns(), key.GetKinds(), d.key)}
		if ok {
			diff.Type, diff.Columns = planv1.Difference_TYPE_DIFFERENT, differentColumns(v.work.GetTable(), d.cells, t.cells)
		}
		out = append(out, &planv1.RowDifference{Difference: diff, Key: d.key, TargetRow: t.hash})
	}
	return out, nil
}
