package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// Read reads a range in one view of the file. The catalog is read in the same
// view, so a table that has changed since the plan is found out.
func (d *database) Read(ctx context.Context, r engine.ReadRequest, row engine.RowFunc) error {
	const op = "sqlite.Read"
	if d.target && !d.exists() {
		return fault.New(fault.NotFound, op, "%s has not been made yet", d.path)
	}
	var stopped error
	err := d.readOn(ctx, func(tx *sql.Tx, conn *sql.Conn) error {
		reader, err := newRowReader(ctx, tx, r)
		if err != nil {
			return err
		}
		wide, err := newWideReader(ctx, tx, conn, reader)
		if err != nil {
			return err
		}
		if wide == nil {
			stopped, err = reader.run(ctx, tx, row)
			return err
		}
		defer wide.blobs.close()
		stopped, err = wide.run(ctx, tx, row)
		return err
	})
	if stopped != nil {
		return stopped
	}
	return fault.At(classify(op, err), "", engine.Label(r.Plan, r.Side))
}

// rowReader reads one request's rows.
type rowReader struct {
	request engine.ReadRequest
	info    *tableInfo
	// columns are the plan's columns that this side has, from the kinds that they are
	// stored as.
	columns []*planv1.ColumnPlan
	from    []planv1.Kind
	// conversions are those of the source's values; nil where they pass as they are.
	conversions []*engine.Conversion
	where       *condition
	// keyCells are the places of the key's columns among the cells; nil where this
	// side has no key.
	keyCells []int
	// whereCells is where the cells of the condition begin.
	whereCells  int
	expressions []string
	key         *planv1.Key
	cells       []cell
	data        []byte
	// seen is set once there was a row.
	seen bool
}

func newRowReader(ctx context.Context, tx *sql.Tx, r engine.ReadRequest) (*rowReader, error) {
	info, err := planTable(ctx, tx, r.Plan, r.Side)
	if err != nil {
		return nil, err
	}
	out := &rowReader{request: r, info: info, columns: engine.Stored(r.Plan, r.Side), where: &condition{}}
	for i, c := range out.columns {
		name := engine.ColumnName(c, r.Side)
		if info.column(name) == nil {
			return nil, fault.New(fault.Changed, "sqlite.Read", "there is no column %s: plan again", name)
		}
		out.from = append(out.from, storedKind(r.Plan, c, r.Side))
		out.expressions = append(out.expressions, cellOf(name))
		conversion, err := newConversion(r, i)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "sqlite.Read", err)
		}
		out.conversions = append(out.conversions, conversion)
	}
	if err := out.findKey(); err != nil {
		return nil, err
	}
	if r.Side == engine.SourceSide {
		if out.where, err = newCondition(r.Plan.GetSource()); err != nil {
			return nil, err
		}
		out.whereCells = len(out.expressions)
		for _, c := range out.where.columns {
			out.expressions = append(out.expressions, cellOf(c.GetName()))
		}
	}
	return out, nil
}

// cellOf reads a column. An expression has no declared type: the driver would make
// times of texts by it.
func cellOf(column string) string { return "+" + ident(column) }

// newConversion is the conversion of a source's column; nil where values pass as
// they are, as all do that a target reads back.
func newConversion(r engine.ReadRequest, at int) (*engine.Conversion, error) {
	if r.Side == engine.TargetSide || r.Plan.GetColumns()[at].GetKind() == canon.Variant {
		return nil, nil
	}
	c, err := engine.NewConversion(r, at)
	if err != nil || c.Plain() {
		return nil, err
	}
	return c, nil
}

// planTable reads a plan's table from the catalog. A source that is not what the
// plan saw is fault.Changed.
func planTable(ctx context.Context, q queryer, p *planv1.TablePlan, side engine.Side) (*tableInfo, error) {
	_, name := engine.TableName(p, side)
	info, err := readTable(ctx, q, name)
	if err != nil {
		return nil, err
	}
	if side == engine.SourceSide && info.fingerprint() != p.GetSource().GetFingerprint() {
		return nil, fault.New(fault.Changed, "sqlite.Read", "the table is not what the plan saw: plan again")
	}
	return info, nil
}

// storedKind is the kind of a column's stored values on one side.
func storedKind(p *planv1.TablePlan, c *planv1.ColumnPlan, side engine.Side) planv1.Kind {
	if side == engine.TargetSide {
		return c.GetKind()
	}
	if source := engine.SourceColumn(p, c.GetSource()); source != nil {
		return source.GetKind()
	}
	return c.GetKind()
}

// findKey finds the key's columns among the cells; the rowid is added to them.
func (r *rowReader) findKey() error {
	source := r.request.Plan.GetSource().GetKey()
	switch {
	case engine.HasKey(r.request.Plan):
		positions, err := engine.KeyColumns(r.request.Plan)
		if err != nil {
			return fault.Wrap(fault.Invalid, "sqlite.Read", err)
		}
		r.keyCells = positions
		r.key = targetKey(r.request.Plan, r.request.Side)
	case source.GetSource() == planv1.KeySource_KEY_SOURCE_HIDDEN && r.request.Side == engine.SourceSide:
		r.key = source
		r.keyCells = []int{len(r.expressions)}
		r.expressions = append(r.expressions, source.GetColumns()[0])
	}
	return nil
}

// targetKey is the plan's key by the names and kinds of one side.
func targetKey(p *planv1.TablePlan, side engine.Side) *planv1.Key {
	key := p.GetSource().GetKey()
	if side == engine.SourceSide {
		return key
	}
	positions, err := engine.KeyColumns(p)
	if err != nil || positions == nil {
		return nil
	}
	out := &planv1.Key{Source: key.GetSource(), PortableOrder: key.GetPortableOrder()}
	for n, i := range positions {
		c := p.GetColumns()[i]
		kind := c.GetKind()
		if kind == canon.Variant {
			kind = key.GetKinds()[n]
		}
		out.Columns = append(out.Columns, c.GetTarget())
		out.Kinds = append(out.Kinds, kind)
	}
	return out
}

func (r *rowReader) query() (string, []any, error) {
	text := "SELECT " + strings.Join(r.expressions, ", ") + " FROM " + mainTable(r.info.name)
	p := &predicate{}
	if r.where.sql != "" {
		p.where = append(p.where, r.where.sql)
	}
	if r.key == nil {
		return text + p.sql(), nil, nil
	}
	p.terms, p.kinds = orderTerms(r.info, r.key), r.key.GetKinds()
	if err := p.bounds(r.request.Range, r.request.After); err != nil {
		return "", nil, err
	}
	if err := p.anyOf(r.request.Keys); err != nil {
		return "", nil, err
	}
	return text + p.sql() + " ORDER BY " + strings.Join(p.terms, ", "), p.args, nil
}

// run gives every row to f; stopped is f's own error.
func (r *rowReader) run(ctx context.Context, tx *sql.Tx, f engine.RowFunc) (stopped, err error) {
	text, args, err := r.query()
	if err != nil {
		return nil, err
	}
	return r.rows(ctx, tx, f, text, args, r.give)
}

// rows runs a query and gives each of its rows on by give.
func (r *rowReader) rows(ctx context.Context, tx *sql.Tx, f engine.RowFunc, text string, args []any, give func(engine.RowFunc) (stopped, err error)) (stopped, err error) {
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	r.cells = make([]cell, len(r.expressions))
	destinations := make([]any, len(r.cells))
	for i := range r.cells {
		destinations[i] = &r.cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(destinations...); err != nil {
			return nil, err
		}
		moves, err := r.moves()
		if err != nil {
			return nil, err
		}
		if !moves {
			continue
		}
		r.seen = true
		if stopped, err := give(f); stopped != nil || err != nil {
			return stopped, err
		}
	}
	return nil, rows.Err()
}

// give gives the row in hand on.
func (r *rowReader) give(f engine.RowFunc) (stopped, err error) {
	if r.isLarge() {
		return r.pieces(f)
	}
	if err := r.encode(); err != nil {
		return nil, err
	}
	return f(engine.Row{Data: r.data, Key: r.rowKey}), nil
}

// moves tells whether a condition that SQL cannot judge lets the row through.
func (r *rowReader) moves() (bool, error) {
	if len(r.where.columns) == 0 {
		return true, nil
	}
	ok, column, err := r.where.match(r.cells[r.whereCells:])
	if err != nil {
		return false, r.refuse(column, err)
	}
	return ok, nil
}

func (r *rowReader) encode() error {
	r.data = r.data[:0]
	for i := range r.columns {
		if err := r.encodeCell(i); err != nil {
			return err
		}
	}
	if r.request.Side == engine.SourceSide {
		r.data = engine.AppendConstants(r.data, r.request.Plan)
	}
	return nil
}

// encodeCell appends the value of a column to the row.
func (r *rowReader) encodeCell(i int) (err error) {
	before, c := r.data, r.columns[i]
	if conversion := r.conversions[i]; conversion != nil {
		r.data, err = appendConverted(r.data, r.from[i], conversion, r.cells[i].value)
	} else {
		r.data, err = appendCell(r.data, r.from[i], c, r.cells[i].value)
	}
	switch {
	case err == nil:
		return nil
	case r.request.Lossy != nil:
		r.request.Lossy(i, err)
		r.data = batch.AppendNull(before)
		return nil
	}
	return r.refuse(engine.ColumnName(c, r.request.Side), err)
}

// rowKey is the key of the row in the cells.
func (r *rowReader) rowKey() (*planv1.Bound, error) {
	if r.keyCells == nil {
		return nil, nil
	}
	out := &planv1.Bound{}
	for n, i := range r.keyCells {
		if r.cells[i].value == nil && r.request.Plan.GetSource().GetKey().GetNullable() {
			return nil, nil
		}
		kind := r.key.GetKinds()[n]
		v, err := keyValue(kind, r.cells[i].value)
		if err == nil && kind == canon.Decimal && i < len(r.from) {
			// With the column's scale, so that both sides have the same key.
			v, err = canon.NormalizeDecimal(string(v), int(r.request.Plan.GetColumns()[i].GetScale()))
		}
		if err != nil {
			return nil, r.refuse(r.key.GetColumns()[n], err)
		}
		out.Values = append(out.Values, v)
	}
	return out, nil
}

// refuse names the row and column of a value that does not fit. The row may be
// known by a key that does not fit either: then as it is stored.
func (r *rowReader) refuse(column string, err error) error {
	var parts []string
	for n, i := range r.keyCells {
		kind := r.key.GetKinds()[n]
		if v, err := canonical(kind, r.cells[i].value); err == nil {
			parts = append(parts, r.key.GetColumns()[n]+"="+keyrange.Key([]planv1.Kind{kind}, keyrange.Of(v)))
		} else {
			parts = append(parts, fmt.Sprintf("%s=%.80q", r.key.GetColumns()[n], fmt.Sprint(r.cells[i].value)))
		}
	}
	return &fault.Error{Kind: fault.Value, Op: "sqlite.Read", Column: column, Key: strings.Join(parts, ", "), Err: err}
}
