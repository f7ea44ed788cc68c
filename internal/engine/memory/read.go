package memory

import (
	"context"
	"fmt"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/filter"
	"github.com/drover-db/drover/internal/keyrange"
)

// rowReader selects and encodes rows.
type rowReader struct {
	engine.ReadRequest
	table *table
	// columns are the places of the plan's columns in the table.
	columns     []int
	conversions []*engine.Conversion
	where       *condition
	buf         []byte
}

func newRowReader(t *table, r engine.ReadRequest) (*rowReader, error) {
	out := &rowReader{ReadRequest: r, table: t, where: &condition{}}
	for at, c := range engine.Stored(r.Plan, r.Side) {
		i := t.column(engine.ColumnName(c, r.Side))
		if i < 0 {
			return nil, fault.New(fault.Changed, "memory.Read", "table %s has no column %s", t.def.GetName(), engine.ColumnName(c, r.Side))
		}
		out.columns = append(out.columns, i)
		if r.Side == engine.SourceSide {
			conversion, err := engine.NewConversion(r, at)
			if err != nil {
				return nil, fault.Wrap(fault.Invalid, "memory.Read", err)
			}
			out.conversions = append(out.conversions, conversion)
		}
	}
	var err error
	if r.Side == engine.SourceSide {
		out.where, err = newCondition(t, r.Plan)
	}
	return out, err
}

func (r *rowReader) wants(rec record) (bool, error) {
	t := r.table
	if t.key != nil && r.Range != nil && !keyrange.Contains(t.kinds, r.Range, t.keyOf(rec)) {
		return false, nil
	}
	if t.key != nil && r.After != nil && keyrange.Compare(t.kinds, t.keyOf(rec), r.After) <= 0 {
		return false, nil
	}
	if r.Keys != nil && !r.HasOneOf(t.keyOf(rec)) {
		return false, nil
	}
	return r.where.match(rec)
}

// each gives the rows that are wanted.
func (r *rowReader) each(ctx context.Context, rows []record, row engine.RowFunc) error {
	for _, rec := range rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		wanted, err := r.wants(rec)
		if err != nil {
			return err
		}
		if !wanted {
			continue
		}
		data, err := r.encode(rec)
		if err != nil {
			return err
		}
		whole := engine.Row{Data: data, Key: func() (*planv1.Bound, error) { return r.table.keyOf(rec), nil }}
		if err := engine.InPieces(whole, r.Pieces, row); err != nil {
			return err
		}
	}
	return nil
}

func (r *rowReader) encode(rec record) ([]byte, error) {
	r.buf = r.buf[:0]
	for at, i := range r.columns {
		v, err := r.value(at, r.table.def.GetColumns()[i].GetKind(), rec[i])
		if err != nil && r.Lossy != nil {
			r.Lossy(at, err)
			v, err = nil, nil
		}
		if err != nil {
			return nil, &fault.Error{Kind: fault.Value, Op: "memory.Read", Subject: r.table.def.GetName(), Column: r.table.def.GetColumns()[i].GetName(),
				Key: r.named(rec), Err: err}
		}
		if v == nil {
			r.buf = batch.AppendNull(r.buf)
		} else {
			r.buf = batch.AppendValue(r.buf, v)
		}
	}
	if r.Side == engine.SourceSide {
		r.buf = engine.AppendConstants(r.buf, r.Plan)
	}
	return r.buf, nil
}

// value is a column's value, stored as a kind, as it travels.
func (r *rowReader) value(at int, stored planv1.Kind, v []byte) ([]byte, error) {
	c := r.Plan.GetColumns()[at]
	switch {
	case r.Side == engine.SourceSide:
		return r.conversions[at].Apply(v, nil)
	case stored != c.GetKind():
		return nil, fmt.Errorf("a %s is stored where the plan has %s", stored, c.GetKind())
	case v != nil && stored == canon.Decimal:
		return canon.NormalizeDecimal(string(v), int(c.GetScale()))
	}
	return v, nil
}

func (r *rowReader) named(rec record) string {
	if r.table.key == nil {
		return ""
	}
	return keyrange.Named(r.table.def.GetKey().GetColumns(), r.table.kinds, r.table.keyOf(rec))
}

// condition is a source table's where; the zero value lets every row through.
type condition struct {
	expression *filter.Expression
	columns    map[string]int
}

func newCondition(t *table, p *planv1.TablePlan) (*condition, error) {
	text := p.GetSource().GetWhere()
	if text == "" {
		return &condition{}, nil
	}
	e, err := filter.Parse(text)
	if err == nil {
		err = e.Check(p.GetSource().GetColumns())
	}
	out := &condition{expression: e, columns: map[string]int{}}
	for i, c := range t.def.GetColumns() {
		out.columns[c.GetName()] = i
	}
	return out, fault.Wrap(fault.Invalid, "memory.Read", err)
}

func (c *condition) match(rec record) (bool, error) {
	if c.expression == nil {
		return true, nil
	}
	ok, err := c.expression.Match(func(column string) []byte { return rec[c.columns[column]] })
	return ok, fault.Wrap(fault.Value, "memory.Read", err)
}
