package enginetest

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/loss"
)

// testCheck holds a target's check to what its writer does: what the one passes the
// other takes, and what it refuses is refused. Values are those that the source has,
// whether the target holds them or not, and each is written alone.
func testCheck(t *testing.T, source, target Factory) {
	s := standard{[]Factory{source}}
	f := newFlow(t, source, target, planv1.Existing_EXISTING_FAIL, []Table{s.wideTable()}, nil)
	p := f.plan("wide")
	if p.GetEncoding() != planv1.Encoding_ENCODING_CANONICAL {
		return // nothing is encoded, so nothing can be checked
	}
	f.prepare()
	f.apply(p, planv1.Step_STEP_CREATE)
	check, err := target.Engine.Check(p)
	require.NoError(t, err)
	epoch := f.nextEpoch()
	w := f.openRange(p, &planv1.Range{Number: 1}, epoch, epoch, false)
	fields, sequence, refused := make([][]byte, len(p.GetColumns())), uint64(0), 0
	for i, r := range f.readable(p) {
		_, _, err := batch.Fields(p.GetEncoding(), r.data, fields)
		require.NoError(t, err)
		for column := 1; column < len(fields); column++ {
			if fields[column] == nil {
				continue
			}
			b := alone(p, fields, column, sequence, r.key)
			says := check.Check(column, fields[column])
			f.sameInPieces(check, column, fields[column], says)
			_, err := w.Write(f.ctx, b)
			label := p.GetColumns()[column].GetSource()
			if says != nil {
				require.Equal(t, fault.Value, fault.KindOf(err), "row %d: the check refuses %s (%v), the writer says %v", i, label, says, err)
				require.Equal(t, p.GetColumns()[column].GetTarget(), fault.Find(err).Column)
				refused++
				continue
			}
			require.NoError(t, err, "row %d: the check passes %s, the writer does not", i, label)
			sequence++
			w = f.emptied(p, w, &epoch, &sequence)
		}
	}
	t.Logf("%d values refused, as checked", refused)
}

// sameInPieces holds what a check says of a value in pieces, if it takes them, to what it
// says of the whole.
func (f *flow) sameInPieces(check engine.ValueCheck, column int, v []byte, says error) {
	pieces, err := check.Large(column, int64(len(v)))
	if pieces == nil && err == nil {
		return // it is to be held
	}
	for rest := v; err == nil && len(rest) > 0; {
		n := max(1, len(rest)/2)
		for n < len(rest) && !utf8.RuneStart(rest[n]) {
			n++
		}
		err, rest = pieces(rest[:n]), rest[n:]
	}
	require.Equal(f.t, says == nil, err == nil, "column %d: the check says %v of a value, and %v of its pieces", column, says, err)
	require.Equal(f.t, loss.RuleOf(says), loss.RuleOf(err))
}

// readable are the rows of a source, with NULL for values that cannot be read.
func (f *flow) readable(p *planv1.TablePlan) (out []row) {
	request := engine.ReadRequest{Side: engine.SourceSide, Plan: p, Snapshot: f.snapshotFor(p), Lossy: func(int, error) {}}
	require.NoError(f.t, f.source.Read(f.ctx, request, func(got engine.Row) error {
		key, err := got.Key()
		out = append(out, row{data: append([]byte{}, got.Data...), key: key})
		return err
	}))
	return out
}

// alone is a batch of one row that has its key, one value and NULLs.
func alone(p *planv1.TablePlan, fields [][]byte, column int, sequence uint64, key *planv1.Bound) engine.Batch {
	var data []byte
	for i, v := range fields {
		switch {
		case i == 0 || i == column:
			data = batch.AppendValue(data, v)
		default:
			data = batch.AppendNull(data)
		}
	}
	b := engine.Batch{Sequence: sequence, Encoding: p.GetEncoding(), Body: data, LastKey: key}
	b.Digest.Add(data)
	return b
}

// emptied removes the row that was written, so that the next one may have its key.
func (f *flow) emptied(p *planv1.TablePlan, w engine.RangeWriter, epoch, sequence *uint64) engine.RangeWriter {
	require.NoError(f.t, w.Close())
	*epoch, *sequence = f.nextEpoch(), 0
	return f.openRange(p, &planv1.Range{Number: 1}, *epoch, *epoch, true)
}
