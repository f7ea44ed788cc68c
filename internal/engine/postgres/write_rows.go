package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// tupleEncoder turns the body of a batch into COPY data for one table.
type tupleEncoder struct {
	plan *planv1.TablePlan
	// types are those of the target's columns, domains by their base.
	types []storedType
	// encoders are those of the columns; fixed marks kinds whose values have one
	// width, which is checked before they are read.
	encoders []encoder
	fixed    []bool
	// asText is set where a column's type has no encoder: the table is then loaded
	// by COPY in text form, which every type has.
	asText bool
	fields [][]byte
	buf    []byte
	// scratch takes what is encoded only to see that it can be.
	scratch []byte
}

func newTupleEncoder(ctx context.Context, q querier, p *planv1.TablePlan, described []pgconn.FieldDescription) (*tupleEncoder, error) {
	out := &tupleEncoder{plan: p, fields: make([][]byte, len(p.GetColumns()))}
	for _, f := range described {
		out.types = append(out.types, storedType{oid: f.DataTypeOID, typmod: decodeTypmod(f.DataTypeOID, f.TypeModifier)})
	}
	if p.GetEncoding() == planv1.Encoding_ENCODING_PGCOPY {
		return out, nil
	}
	if err := markUserTypes(ctx, q, out.types); err != nil {
		return nil, err
	}
	out.prepare()
	return out, nil
}

// prepare chooses the encoders.
func (e *tupleEncoder) prepare() {
	for i, c := range e.plan.GetColumns() {
		encode := encoderFor(c.GetKind(), e.types[i])
		e.encoders = append(e.encoders, encode)
		e.fixed = append(e.fixed, canon.Check(c.GetKind(), nil) != nil)
		e.asText = e.asText || encode == nil
	}
}

// markUserTypes finds enums and the types of PostGIS.
func markUserTypes(ctx context.Context, q querier, types []storedType) error {
	var oids []uint32
	for _, t := range types {
		if t.oid >= firstUserOID {
			oids = append(oids, t.oid)
		}
	}
	if len(oids) == 0 {
		return nil
	}
	type userRow struct {
		OID     uint32
		Enum    bool
		Spatial bool
	}
	rows, err := collect[userRow](ctx, q, "SELECT t.oid, t.typtype = 'e', "+isSpatial+" FROM pg_type t WHERE t.oid = ANY ($1::oid[])", oids)
	for _, r := range rows {
		for i := range types {
			if types[i].oid == r.OID {
				types[i].enum, types[i].spatial = r.Enum, r.Spatial
			}
		}
	}
	return err
}

// encode gives the COPY data of a body. Tuples go through untouched.
func (e *tupleEncoder) encode(body []byte) (io.Reader, error) {
	if e.plan.GetEncoding() == planv1.Encoding_ENCODING_PGCOPY {
		return copyData(body), nil
	}
	e.buf = e.buf[:0]
	for rest := body; len(rest) > 0; {
		var err error
		if _, rest, err = batch.Fields(planv1.Encoding_ENCODING_CANONICAL, rest, e.fields); err != nil {
			return nil, fault.Wrap(fault.Corrupt, "postgres.Write", err)
		}
		if e.asText {
			err = e.appendLine()
		} else {
			err = e.appendTuple()
		}
		if err != nil {
			return nil, err
		}
	}
	if e.asText {
		return bytes.NewReader(e.buf), nil
	}
	return copyData(e.buf), nil
}

// format is the form of COPY data that encode gives.
func (e *tupleEncoder) format() string {
	if e.asText {
		return "text"
	}
	return "binary"
}

func (e *tupleEncoder) appendTuple() error {
	e.buf = binary.BigEndian.AppendUint16(e.buf, uint16(len(e.fields)))
	for i, v := range e.fields {
		if err := e.appendTupleField(i, v); err != nil {
			return err
		}
	}
	return nil
}

func (e *tupleEncoder) appendTupleField(i int, v []byte) error {
	at := len(e.buf)
	e.buf = append(e.buf, 0xff, 0xff, 0xff, 0xff)
	if v == nil {
		return nil
	}
	if err := e.check(i, v); err != nil {
		return err
	}
	var err error
	if e.buf, err = e.encoders[i](e.buf, v); err != nil {
		return e.valueError(i, err)
	}
	binary.BigEndian.PutUint32(e.buf[at:], uint32(len(e.buf)-at-4))
	return nil
}

func (e *tupleEncoder) appendLine() error {
	for i, v := range e.fields {
		if err := e.appendLineField(i, v); err != nil {
			return err
		}
	}
	e.buf = append(e.buf, '\n')
	return nil
}

func (e *tupleEncoder) appendLineField(i int, v []byte) error {
	if i > 0 {
		e.buf = append(e.buf, '\t')
	}
	if v == nil {
		e.buf = append(e.buf, '\\', 'N')
		return nil
	}
	if err := e.check(i, v); err != nil {
		return err
	}
	if e.encoders[i] != nil {
		// What the type would round or cut is refused in this form too.
		var err error
		if e.scratch, err = e.encoders[i](e.scratch[:0], v); err != nil {
			return e.valueError(i, err)
		}
	}
	if e.types[i].spatial {
		// Bytes in hex as bytea has them, but without its mark.
		e.buf = hex.AppendEncode(e.buf, v)
		return nil
	}
	var err error
	if e.buf, err = appendCopyText(e.buf, e.plan.GetColumns()[i].GetKind(), v); err != nil {
		return e.valueError(i, err)
	}
	return nil
}

// check sees that a value is one of its kind at all.
func (e *tupleEncoder) check(i int, v []byte) error {
	if !e.fixed[i] {
		return nil
	}
	return fault.Wrap(fault.Corrupt, "postgres.Write", canon.Check(e.plan.GetColumns()[i].GetKind(), v))
}

func (e *tupleEncoder) valueError(column int, err error) error {
	return &fault.Error{Kind: fault.Value, Op: "postgres.Write", Column: e.plan.GetColumns()[column].GetTarget(), Key: e.keyOf(), Err: err}
}

// keyOf writes the key of the row in hand for people.
func (e *tupleEncoder) keyOf() string {
	columns, err := engine.KeyColumns(e.plan)
	if err != nil || len(columns) == 0 {
		return ""
	}
	key := e.plan.GetSource().GetKey()
	bound := &planv1.Bound{}
	kinds := make([]planv1.Kind, len(columns))
	for i, at := range columns {
		v := e.fields[at]
		kinds[i] = e.plan.GetColumns()[at].GetKind()
		if e.plan.GetEncoding() == planv1.Encoding_ENCODING_PGCOPY {
			decode := decoderFor(e.types[at].oid, kinds[i], e.plan.GetColumns()[at].GetScale())
			if decode == nil {
				decode = decodeAsIs
			}
			if v, err = decode(nil, v); err != nil {
				return ""
			}
		}
		bound.Values = append(bound.Values, v)
	}
	return keyrange.Named(key.GetColumns(), kinds, bound)
}

// copyContext is where the server says which row of a COPY it stumbled over.
var copyContext = regexp.MustCompile(`COPY .+, line (\d+)(?:, column (.+?))?(?:: |$)`)

// locate names key and column of the row that the server refused.
func (e *tupleEncoder) locate(err error, body []byte) error {
	rest := body
	return e.locateRow(err, func() bool {
		var fieldErr error
		_, rest, fieldErr = batch.Fields(e.plan.GetEncoding(), rest, e.fields)
		return fieldErr == nil
	})
}

// locateRow is locate with the rows one by one: next puts the fields of another into
// e.fields.
func (e *tupleEncoder) locateRow(err error, next func() bool) error {
	out := fault.Find(classify("postgres.Write", err))
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || (out.Kind != fault.Value && out.Kind != fault.Exists) {
		return out
	}
	m := copyContext.FindStringSubmatch(pe.Where)
	if m == nil {
		return out
	}
	line, convErr := strconv.Atoi(m[1])
	if convErr != nil {
		return out
	}
	located := *out
	located.Column = m[2]
	if located.Column == "" {
		located.Column = pe.ColumnName
	}
	for range line {
		if !next() {
			return &located
		}
	}
	located.Key = e.keyOf()
	located.Err = fmt.Errorf("target refuses the row: %w", out.Err)
	return &located
}
