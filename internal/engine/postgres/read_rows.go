package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// maxScratch bounds the buffer that is kept for decoding: larger fields are text
// or bytes, which need none.
const maxScratch = 256 << 10

// callerError carries the error of a caller's function back to the caller, which
// gets it as it was.
type callerError struct{ err error }

func (e *callerError) Error() string { return e.err.Error() }

// rowReader turns tuples into rows of the plan's encoding.
type rowReader struct {
	*projection
	emit engine.RowFunc
	// lossy takes values that their kinds cannot hold; nil to end the read at one.
	lossy func(column int, err error)
	// tuple is the one in hand, fields its fields.
	tuple  []byte
	fields [][]byte
	// row is the encoded row where it is not the tuple itself.
	row, scratch []byte
	// lastLeaf and lastTID are the position of the row before, where that is the key.
	lastLeaf, lastTID uint64
	// pieces is the size above which rows come in pieces; 0 for none.
	pieces int
}

func (r *rowReader) run(ctx context.Context, pg *pgconn.PgConn, sql string) error {
	r.fields = make([][]byte, len(r.exprs))
	// One bound method for all rows: a closure a row would be an allocation a row.
	key := r.currentKey
	take := r.take
	give := func(row engine.Row) error {
		if err := r.emit(row); err != nil {
			return &callerError{err}
		}
		return nil
	}
	w := &tupleWriter{large: &largeRow{rowReader: r, give: give}, row: func(tuple []byte) error {
		data, err := take(tuple)
		if err != nil {
			return err
		}
		return give(engine.Row{Data: data, Key: key})
	}}
	_, err := pg.CopyTo(ctx, w, sql)
	switch {
	case w.rowErr != nil:
		return classifyRow(w.rowErr)
	case err != nil:
		return classify("postgres.Read", err)
	case !w.ended:
		return fault.New(fault.Corrupt, "postgres.Read", "server ended the rows without a trailer")
	}
	return nil
}

// classifyRow keeps a row's fault; a row too large is a value at fault too.
func classifyRow(err error) error {
	var own *callerError
	if errors.As(err, &own) {
		return own
	}
	if f := fault.Find(err); f.Op != "" {
		return f
	}
	return fault.Wrap(fault.Value, "postgres.Read", err)
}

// take encodes one tuple.
func (r *rowReader) take(tuple []byte) ([]byte, error) {
	r.tuple = tuple
	if r.columns == nil && len(r.exprs) == r.width {
		return tuple, nil
	}
	if _, _, err := batch.Fields(planv1.Encoding_ENCODING_PGCOPY, tuple, r.fields); err != nil {
		return nil, fault.Wrap(fault.Corrupt, "postgres.Read", err)
	}
	if r.hidden {
		if err := r.checkOrder(); err != nil {
			return nil, err
		}
	}
	if r.columns == nil {
		r.row = cutTuple(r.row, tuple, r.width)
		return r.row, nil
	}
	r.row = r.row[:0]
	for i := range r.columns {
		err := r.appendColumn(i)
		switch {
		case err == nil:
		case r.lossy != nil:
			r.row = batch.AppendNull(r.row)
			r.lossy(i, err)
		default:
			return nil, r.valueError(i, err)
		}
	}
	r.row = append(r.row, r.constants...)
	return r.row, nil
}

// appendColumn decodes the field of a column and appends its value to the row.
func (r *rowReader) appendColumn(i int) error {
	field, column := r.fields[i], &r.columns[i]
	if field == nil {
		r.row = batch.AppendNull(r.row)
		return nil
	}
	if n := 2*len(field) + 64; n > cap(r.scratch) && n <= maxScratch {
		r.scratch = make([]byte, 0, 2*n)
	}
	v, err := column.decode(r.scratch[:0], field)
	if column.convert != nil {
		v, err = column.convert.Apply(v, err)
	}
	switch {
	case err != nil:
		return err
	case v == nil && column.convert != nil:
		r.row = batch.AppendNull(r.row)
	default:
		r.row = batch.AppendValue(r.row, v)
	}
	return nil
}

// checkOrder sees that rows come in the order of leaf and ctid: After depends on it.
func (r *rowReader) checkOrder() error {
	position := r.fields[r.width]
	if len(r.key) > 1 {
		leaf := binary.BigEndian.Uint64(position)
		if leaf > r.lastLeaf {
			r.lastLeaf, r.lastTID = leaf, 0
		} else if leaf < r.lastLeaf {
			return fault.New(fault.Internal, "postgres.Read", "leaves came out of the order of tableoid")
		}
		position = r.fields[r.width+1]
	}
	at := uint64(binary.BigEndian.Uint32(position))<<16 | uint64(binary.BigEndian.Uint16(position[4:]))
	if at <= r.lastTID {
		return fault.New(fault.Internal, "postgres.Read", "rows came out of the order of ctid")
	}
	r.lastTID = at
	return nil
}

// currentKey computes the key of the tuple in hand.
func (r *rowReader) currentKey() (*planv1.Bound, error) {
	if len(r.key) == 0 {
		return nil, nil
	}
	// Of a large row the key's fields are held; there is no tuple.
	if r.tuple != nil {
		if _, _, err := batch.Fields(planv1.Encoding_ENCODING_PGCOPY, r.tuple, r.fields); err != nil {
			return nil, fault.Wrap(fault.Corrupt, "postgres.Read", err)
		}
	}
	out := &planv1.Bound{Values: make([][]byte, len(r.key))}
	for i, k := range r.key {
		if r.fields[k.field] == nil && r.plan.GetSource().GetKey().GetNullable() {
			return nil, nil
		}
		v, err := k.decode(nil, r.fields[k.field])
		if err != nil {
			return nil, fault.Wrap(fault.Value, "postgres.Read", fmt.Errorf("read key: %w", err))
		}
		out.Values[i] = append([]byte{}, v...)
	}
	return out, nil
}

func (r *rowReader) valueError(column int, err error) error {
	out := &fault.Error{Kind: fault.Value, Op: "postgres.Read", Column: engine.ColumnName(r.plan.GetColumns()[column], r.side), Err: err}
	if key, kerr := r.currentKey(); kerr == nil && key != nil {
		k := r.plan.GetSource().GetKey()
		out.Key = keyrange.Named(k.GetColumns(), k.GetKinds(), key)
	}
	return out
}
