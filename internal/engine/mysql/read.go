package mysql

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// Read streams a range: one statement, and so one view of the table. A source's
// table is held against changes of its definition from before its fingerprint is
// taken to the last row.
func (d *database) Read(ctx context.Context, r engine.ReadRequest, row engine.RowFunc) error {
	side := fault.Source
	if r.Side == engine.TargetSide {
		side = fault.Target
	}
	reader := &rowReader{projection: project(r), emit: row}
	err := d.read(ctx, reader)
	switch {
	case reader.stopped != nil:
		return reader.stopped
	case err != nil && ctx.Err() != nil:
		err = fault.Wrap(fault.KindOf(ctx.Err()), "mysql.Read", ctx.Err())
	}
	return fault.At(classify("mysql.Read", err), side, engine.Label(r.Plan, r.Side))
}

func (d *database) read(ctx context.Context, r *rowReader) error {
	query, err := r.query()
	if err != nil {
		return err
	}
	conn, err := d.readers.take(ctx)
	if err != nil {
		return err
	}
	clean := false
	defer func() { d.readers.give(conn, clean) }()
	// The client knows no contexts: a deadline of long ago ends what it waits for.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if r.request.Side == engine.SourceSide {
		if err := d.hold(ctx, conn, r.request.Plan); err != nil {
			return err
		}
	}
	err = r.run(conn, query)
	if err != nil || r.stopped != nil {
		d.kill(ctx, conn)
		return err
	}
	if r.request.Side == engine.SourceSide {
		err = conn.Commit()
	}
	clean = err == nil && stop()
	return err
}

// hold begins a transaction that keeps the table's definition as it is, and compares
// it with the plan's.
func (d *database) hold(ctx context.Context, conn *readerConn, p *planv1.TablePlan) error {
	schema, name := engine.TableName(p, engine.SourceSide)
	for _, statement := range []string{"START TRANSACTION READ ONLY", "SELECT 1 FROM " + qualified(schema, name) + " LIMIT 0"} {
		if _, err := conn.Execute(statement); err != nil {
			return err
		}
	}
	found, err := d.fingerprintOf(ctx, schema, name)
	if fault.Is(err, fault.NotFound) || errorCode(err) == codeNoSuchTable {
		return fault.New(fault.Changed, "mysql.Read", "table is gone: it was there when the migration was planned")
	}
	if err != nil {
		return err
	}
	if found != p.GetSource().GetFingerprint() {
		return fault.New(fault.Changed, "mysql.Read", "table is not what was planned: its columns or its key changed; plan the migration again")
	}
	return nil
}

// kill ends a statement whose rows nobody reads any more: the server would notice
// only at the next one that it sends.
func (d *database) kill(ctx context.Context, conn *readerConn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	// The connection is closed in any case.
	_ = killStatement(ctx, d.db, uint64(conn.GetConnectionID()))
}

// buffers of streams, which last longer than one.
var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, streamBuffer) }}

// rowReader turns packets into canonical rows.
type rowReader struct {
	*projection
	emit engine.RowFunc
	// stopped is the caller's own error.
	stopped error
	// fields are those of the row in hand, in wire form; nil for NULL.
	fields [][]byte
	row    []byte
	// scratch is where values are made that are not written right into the row.
	scratch []byte
	// marksLater is set while a large row is read: the counts of question marks come at
	// its end.
	marksLater bool
}

func (r *rowReader) run(conn *readerConn, query string) error {
	buffer := buffers.Get().(*bufio.Reader)
	defer func() {
		buffer.Reset(nil)
		buffers.Put(buffer)
	}()
	s, err := conn.openStream(query, buffer)
	if err != nil {
		return err
	}
	if err := r.bind(s.fields); err != nil {
		return err
	}
	forms := make([]form, len(s.fields))
	for i, f := range s.fields {
		forms[i] = formOf(f)
	}
	r.fields = make([][]byte, len(forms))
	// One bound method for all rows: a closure a row would be an allocation a row.
	key := r.currentKey
	s.pieces = r.request.Pieces
	for {
		packet, err := s.next()
		if errors.Is(err, errLargeRow) {
			if err := r.large(s, forms); err != nil || r.stopped != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if packet == nil {
			return s.close()
		}
		if err := cutFields(packet, forms, r.fields); err != nil {
			return err
		}
		if err := r.encode(); err != nil {
			return err
		}
		if r.stopped = r.emit(engine.Row{Data: r.row, Key: key}); r.stopped != nil {
			return nil
		}
	}
}

var errShortRow = fault.New(fault.Corrupt, "mysql.Read", "server sent a row that is cut short")

// emptyField is a value of no bytes, which is not NULL.
var emptyField = []byte{}

// cutFields cuts a row of the binary protocol into its fields.
func cutFields(packet []byte, forms []form, fields [][]byte) error {
	nulls := packet[1:]
	at := 1 + (len(forms)+7+2)/8
	if at > len(packet) {
		return errShortRow
	}
	for i, f := range forms {
		if nulls[(i+2)/8]&(1<<((i+2)%8)) != 0 {
			fields[i] = nil
			continue
		}
		n := f.width()
		if n == 0 {
			size, width := lengthOf(packet[at:])
			if width == 0 || size > uint64(len(packet)) {
				return errShortRow
			}
			n, at = int(size), at+width
		}
		if at+n > len(packet) {
			return errShortRow
		}
		fields[i] = packet[at : at+n : at+n]
		if n == 0 {
			fields[i] = emptyField
		}
		at += n
	}
	return nil
}

// lengthOf reads a length in front of a field, and how many bytes it takes; 0 where
// it is cut short.
func lengthOf(p []byte) (n uint64, width int) {
	if len(p) == 0 {
		return 0, 0
	}
	switch first := p[0]; {
	case first < 0xfb:
		return uint64(first), 1
	case first == 0xfc && len(p) >= 3:
		return uint64(binary.LittleEndian.Uint16(p[1:])), 3
	case first == 0xfd && len(p) >= 4:
		return uint64(p[1]) | uint64(p[2])<<8 | uint64(p[3])<<16, 4
	case first == 0xfe && len(p) >= 9:
		return binary.LittleEndian.Uint64(p[1:]), 9
	}
	return 0, 0
}

// encode makes the canonical row of the fields in hand.
func (r *rowReader) encode() (err error) {
	row := r.row[:0]
	for i, c := range r.columns {
		before := row
		row, err = r.appendColumn(row, c, r.fields[i])
		switch {
		case err == nil:
		case r.request.Lossy != nil:
			r.request.Lossy(i, err)
			row = batch.AppendNull(before)
		default:
			return r.refuse(c.name, err)
		}
	}
	if r.request.Side == engine.SourceSide {
		row = engine.AppendConstants(row, r.request.Plan)
	}
	r.row = row
	return nil
}

// appendColumn appends the value of a column's field.
func (r *rowReader) appendColumn(row []byte, c *column, field []byte) (_ []byte, err error) {
	switch {
	case field == nil:
		return batch.AppendNull(row), nil
	case c.convert != nil:
		return r.appendConverted(row, c, field)
	case c.decode == nil:
		if err := r.checked(c, field); err != nil {
			return row, err
		}
		return append(batch.AppendHead(row, len(field)), field...), nil
	case c.size > 0:
		return c.decode(batch.AppendHead(row, c.size), field)
	}
	if r.scratch, err = c.decode(r.scratch[:0], field); err != nil {
		return row, err
	}
	return batch.AppendValue(row, r.scratch), nil
}

// checked tells whether a field is a value as it is.
func (r *rowReader) checked(c *column, field []byte) error {
	if err := c.check(field); err != nil {
		return err
	}
	if c.noLabel && len(field) == 0 {
		return errNoLabel
	}
	if c.marks > 0 && !r.marksLater {
		if n, _ := integer(formInt64, r.fields[c.marks]); n != uint64(bytes.Count(field, []byte{'?'})) {
			return errLostCharacters
		}
	}
	return nil
}

// appendConverted takes a value to the kind of the plan, or does with it what its
// policy says. NULL has been dealt with.
func (r *rowReader) appendConverted(row []byte, c *column, field []byte) ([]byte, error) {
	v, err := field, error(nil)
	if c.decode == nil {
		err = r.checked(c, field)
	} else if v, err = c.decode(r.scratch[:0], field); v != nil {
		r.scratch = v
	}
	var impossible *impossibleDate
	if c.asText && errors.As(err, &impossible) {
		return batch.AppendValue(row, []byte(impossible.text)), nil
	}
	if v, err = c.convert.Apply(v, err); err != nil {
		return row, err
	}
	if v == nil {
		return batch.AppendNull(row), nil
	}
	return batch.AppendValue(row, v), nil
}

// currentKey computes the key of the row in hand.
func (r *rowReader) currentKey() (*planv1.Bound, error) {
	if len(r.key) == 0 {
		return nil, nil
	}
	out := &planv1.Bound{Values: make([][]byte, len(r.key))}
	for i, k := range r.key {
		if r.fields[k.at] == nil && r.request.Plan.GetSource().GetKey().GetNullable() {
			return nil, nil
		}
		v, err := k.value(r.fields[k.at])
		if err != nil {
			return nil, r.refuse(k.name, err)
		}
		out.Values[i] = v
	}
	return out, nil
}

// value is a key column's value in memory of its own.
func (k keyField) value(field []byte) ([]byte, error) {
	if field == nil {
		return nil, errNullKey
	}
	if k.decode != nil {
		return k.decode([]byte{}, field)
	}
	if err := k.check(field); err != nil {
		return nil, err
	}
	return append([]byte{}, field...), nil
}

// refuse names the row and column of a value that does not fit.
func (r *rowReader) refuse(column string, err error) error {
	out := &fault.Error{Kind: fault.Value, Op: "mysql.Read", Column: column, Err: err}
	key := &planv1.Bound{}
	var names []string
	var kinds []planv1.Kind
	for _, k := range r.key {
		// A key column that is the one at fault has no value to show.
		if v, err := k.value(r.fields[k.at]); err == nil {
			names, kinds, key.Values = append(names, k.name), append(kinds, k.kind), append(key.GetValues(), v)
		}
	}
	out.Key = keyrange.Named(names, kinds, key)
	return out
}
