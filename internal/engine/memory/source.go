package memory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// Describe lists the selected tables.
func (d *database) Describe(_ context.Context, s engine.Selection) (*planv1.Database, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := &planv1.Database{Engine: name, Version: "1", Identity: d.identity()}
	for _, t := range d.sorted() {
		if s.Matches(t.def.GetSchema(), t.def.GetName()) {
			out.Tables = append(out.Tables, t.describe())
		}
	}
	return out, nil
}

func (d *database) identity() string { return "memory:" + d.name }

func (t *table) describe() *planv1.Table {
	out := proto.CloneOf(t.def)
	out.Key.Kinds = t.kinds
	out.Key.PortableOrder = t.key != nil && !slices.ContainsFunc(t.kinds, func(k planv1.Kind) bool { return !canon.Portable(k) })
	out.EstimatedRows = int64(len(t.rows))
	out.EstimatedBytes = out.EstimatedRows * rowBytes
	out.Fingerprint = t.fingerprint()
	return out
}

func (t *table) fingerprint() string {
	bare := &planv1.Table{Schema: t.def.GetSchema(), Name: t.def.GetName(), Columns: t.def.GetColumns(), Key: t.def.GetKey()}
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(bare)
	if err != nil {
		return "" // only for invalid UTF-8, which no reader accepts as a plan's fingerprint
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// Split cuts at every TargetRows-th key of the part to cut.
func (d *database) Split(_ context.Context, p *planv1.TablePlan, o engine.SplitOptions) ([]*planv1.Range, error) {
	t, rows, err := d.lookup(p, engine.SourceSide)
	if err != nil {
		return nil, err
	}
	part := o.Part(int64(len(rows)), int64(len(rows))*rowBytes)
	step := max(1, int(o.TargetRows))
	var cuts []*planv1.Bound
	if t.key != nil {
		rows = slices.DeleteFunc(slices.Clone(rows), func(r record) bool {
			key := t.keyOf(r)
			return !keyrange.Contains(t.kinds, part, key) || o.After != nil && keyrange.Compare(t.kinds, key, o.After) <= 0
		})
		for i := step; i < len(rows); i += step {
			cuts = append(cuts, keyrange.Clone(t.keyOf(rows[i])))
		}
	}
	return keyrange.Divide(t.kinds, part, cuts), nil
}

// rowBytes is what a row is taken to be long.
const rowBytes = 64

// Count counts the rows that the table's condition lets through, and the others.
func (d *database) Count(_ context.Context, p *planv1.TablePlan) (n engine.Count, err error) {
	t, rows, err := d.lookup(p, engine.SourceSide)
	if err != nil {
		return n, err
	}
	where, err := newCondition(t, p)
	if err != nil {
		return n, err
	}
	for _, rec := range rows {
		moves, err := where.match(rec)
		if err != nil {
			return n, err
		}
		if moves {
			n.Rows++
		} else {
			n.Filtered++
		}
	}
	return n, nil
}

// HoldSnapshot is not needed: no key of this engine asks for it.
func (d *database) HoldSnapshot(context.Context) (engine.Snapshot, error) { return snapshot{}, nil }

type snapshot struct{}

func (snapshot) Name() string                { return "" }
func (snapshot) Check(context.Context) error { return nil }
func (snapshot) Close() error                { return nil }

// lookup finds a plan's table and a view of its rows that stays as it is.
func (d *database) lookup(p *planv1.TablePlan, side engine.Side) (*table, []record, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := placeOf(p)
	if side == engine.SourceSide {
		at = place{name: p.GetSource().GetName()}
	}
	t := d.tables[at]
	if t == nil {
		return nil, nil, fault.New(fault.NotFound, "memory.Read", "no table %s", at.name)
	}
	if side == engine.SourceSide && t.fingerprint() != p.GetSource().GetFingerprint() {
		return nil, nil, fault.New(fault.Changed, "memory.Read", "table %s is not what the plan saw: plan again", name)
	}
	return t, t.rows, nil
}

// Read gives the rows of a range as they were when it was called.
func (d *database) Read(ctx context.Context, r engine.ReadRequest, row engine.RowFunc) error {
	t, rows, err := d.lookup(r.Plan, r.Side)
	if err != nil {
		return err
	}
	reader, err := newRowReader(t, r)
	if err != nil {
		return err
	}
	return reader.each(ctx, rows, row)
}
