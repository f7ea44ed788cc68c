package enginetest

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
)

// testRepair holds a pair to reading, counting and repairing rows by their keys, for
// every kind of key.
func testRepair(t *testing.T, source, target Factory) {
	f := newFlow(t, source, target, planv1.Existing_EXISTING_FAIL, Standard(source, target), nil)
	f.prepare()
	for _, p := range f.design.GetTables() {
		rows := f.read(p, engine.SourceSide, nil, nil)
		f.copyTable(p, 40, 10)
		f.countsRows(p, rows)
		if !engine.HasKey(p) || p.GetSource().GetKey().GetNullable() || len(rows) < 4 {
			continue
		}
		r := &repairTest{flow: f, p: p, rows: rows}
		t.Run(p.GetSource().GetName(), func(t *testing.T) {
			r.t = t
			r.readsKeys()
			r.deletesAndInserts()
			r.updates()
			r.leavesOthersAlone()
		})
		f.t = t
	}
}

// countsRows: counting gives what reading does, on both sides and by ranges.
func (f *flow) countsRows(p *planv1.TablePlan, rows []row) {
	var ranged int64
	for _, r := range f.split(p, 40) {
		n, err := f.source.CountRows(f.ctx, engine.ReadRequest{Side: engine.SourceSide, Plan: p, Range: r})
		require.NoError(f.t, err)
		ranged += n
	}
	n, err := f.target.CountRows(f.ctx, engine.ReadRequest{Side: engine.TargetSide, Plan: p})
	require.NoError(f.t, err)
	require.EqualValues(f.t, len(rows), n)
	require.EqualValues(f.t, len(rows), ranged)
}

// repairTest is a table that was copied, and its rows.
type repairTest struct {
	*flow
	p    *planv1.TablePlan
	rows []row
}

func (r *repairTest) there() batch.Digest {
	return digest(r.read(r.p, engine.TargetSide, nil, nil))
}

func (r *repairTest) repair(rows ...engine.RowRepair) []engine.RepairAction {
	return r.repairAs(false, rows...)
}

func (r *repairTest) repairAs(dry bool, rows ...engine.RowRepair) []engine.RepairAction {
	actions, err := r.target.Repair(r.ctx, engine.RepairRequest{Plan: r.p, Rows: rows, DryRun: dry})
	require.NoError(r.t, err)
	return actions
}

func seen(data []byte) *batch.Hash {
	h := batch.HashRow(data)
	return &h
}

func (r *repairTest) readsKeys() {
	want := []row{r.rows[0], r.rows[len(r.rows)/2], r.rows[len(r.rows)-1]}
	for side, db := range map[engine.Side]engine.Reader{engine.SourceSide: r.source, engine.TargetSide: r.target} {
		request := engine.ReadRequest{Side: side, Plan: r.p, Keys: []*planv1.Bound{want[2].key, want[0].key, want[1].key}}
		var got []row
		require.NoError(r.t, db.Read(r.ctx, request, func(x engine.Row) error {
			key, err := x.Key()
			if request.HasOneOf(key) {
				got = append(got, row{data: slices.Clone(x.Data)})
			}
			return err
		}))
		require.Equal(r.t, digest(want), digest(got))
		none := 0
		require.NoError(r.t, db.Read(r.ctx, engine.ReadRequest{Side: side, Plan: r.p, Keys: []*planv1.Bound{}}, func(engine.Row) error { none++; return nil }))
		require.Zero(r.t, none)
	}
}

func (r *repairTest) deletesAndInserts() {
	first, last := r.rows[0], r.rows[len(r.rows)-1]
	gone := []engine.RowRepair{{Key: first.key, Seen: seen(first.data)}, {Key: last.key, Seen: seen(last.data)}}
	require.Equal(r.t, []engine.RepairAction{engine.RepairDelete, engine.RepairDelete}, r.repairAs(true, gone...))
	require.Equal(r.t, digest(r.rows), r.there(), "a dry run changes nothing")
	require.Equal(r.t, []engine.RepairAction{engine.RepairDelete, engine.RepairDelete}, r.repair(gone...))
	require.Equal(r.t, digest(r.rows[1:len(r.rows)-1]), r.there())
	require.Equal(r.t, []engine.RepairAction{engine.RepairNone, engine.RepairNone}, r.repair(gone...), "twice is harmless")
	back := []engine.RowRepair{{Key: first.key, Row: first.data}, {Key: last.key, Row: last.data}}
	require.Equal(r.t, []engine.RepairAction{engine.RepairInsert, engine.RepairInsert}, r.repair(back...))
	require.Equal(r.t, digest(r.rows), r.there())
	require.Equal(r.t, []engine.RepairAction{engine.RepairNone, engine.RepairNone}, r.repair(back...))
}

// updates gives a row the values of another one, and back.
func (r *repairTest) updates() {
	at := r.rows[1]
	changed := r.mixed(at, r.rows[2])
	update := engine.RowRepair{Key: at.key, Seen: seen(at.data), Row: changed}
	require.Equal(r.t, []engine.RepairAction{engine.RepairUpdate}, r.repair(update))
	want := digest(r.rows)
	var old batch.Digest
	old.Add(at.data)
	want.Subtract(old)
	want.Add(changed)
	require.Equal(r.t, want, r.there())
	require.Equal(r.t, []engine.RepairAction{engine.RepairUpdate}, r.repair(engine.RowRepair{Key: at.key, Seen: seen(changed), Row: at.data}))
	require.Equal(r.t, digest(r.rows), r.there())
}

// leavesOthersAlone: a row that is not the one that was seen stays, the others of the
// request are done.
func (r *repairTest) leavesOthersAlone() {
	a, b, c := r.rows[0], r.rows[1], r.rows[2]
	actions := r.repair(
		engine.RowRepair{Key: a.key, Seen: seen(b.data)},
		engine.RowRepair{Key: b.key, Row: r.mixed(b, c)},
		engine.RowRepair{Key: c.key, Seen: seen(c.data)})
	require.Equal(r.t, []engine.RepairAction{engine.RepairRefused, engine.RepairRefused, engine.RepairDelete}, actions)
	require.Equal(r.t, []engine.RepairAction{engine.RepairRefused}, r.repair(engine.RowRepair{Key: c.key, Seen: seen(c.data), Row: r.mixed(c, a)}), "the row is gone")
	require.Equal(r.t, []engine.RepairAction{engine.RepairInsert}, r.repair(engine.RowRepair{Key: c.key, Row: c.data}))
	require.Equal(r.t, digest(r.rows), r.there())
}

// mixed is a row with the key of one and the other values of another.
func (r *repairTest) mixed(key, values row) []byte {
	own, other := make([][]byte, len(r.p.GetColumns())), make([][]byte, len(r.p.GetColumns()))
	_, _, err := batch.Fields(r.p.GetEncoding(), key.data, own)
	require.NoError(r.t, err)
	_, _, err = batch.Fields(r.p.GetEncoding(), values.data, other)
	require.NoError(r.t, err)
	at, err := engine.KeyColumns(r.p)
	require.NoError(r.t, err)
	for _, i := range at {
		other[i] = own[i]
	}
	return encoded(r.p.GetEncoding(), other)
}

// encoded writes a row of fields.
func encoded(e planv1.Encoding, fields [][]byte) (out []byte) {
	if e == planv1.Encoding_ENCODING_PGCOPY {
		out = binary.BigEndian.AppendUint16(nil, uint16(len(fields)))
	}
	for _, v := range fields {
		switch {
		case e == planv1.Encoding_ENCODING_PGCOPY && v == nil:
			out = append(out, 0xff, 0xff, 0xff, 0xff)
		case e == planv1.Encoding_ENCODING_PGCOPY:
			out = append(binary.BigEndian.AppendUint32(out, uint32(len(v))), v...)
		case v == nil:
			out = batch.AppendNull(out)
		default:
			out = batch.AppendValue(out, v)
		}
	}
	return out
}
