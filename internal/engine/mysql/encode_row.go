package mysql

import (
	"errors"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// rowEncoder turns the rows of a batch into the text of LOAD DATA and of INSERT: one
// text form of each value, quoted in two ways.
type rowEncoder struct {
	plan    *planv1.TablePlan
	columns []*columnEncoder
	fields  [][]byte
	value   []byte
}

func newRowEncoder(d *dialect, p *planv1.TablePlan, there []columnRow) (*rowEncoder, error) {
	out := &rowEncoder{plan: p, fields: make([][]byte, len(p.GetColumns()))}
	for _, c := range p.GetColumns() {
		i := slices.IndexFunc(there, func(r columnRow) bool { return strings.EqualFold(r.name, c.GetTarget()) })
		if i < 0 {
			return nil, fault.New(fault.Changed, "mysql.OpenRange", "there is no column %s any more: plan the migration again", c.GetTarget())
		}
		e, err := newColumnEncoder(d, c, there[i])
		if err != nil {
			return nil, &fault.Error{Kind: fault.Unsupported, Op: "mysql.OpenRange", Column: c.GetTarget(), Err: err}
		}
		out.columns = append(out.columns, e)
	}
	return out, nil
}

// next cuts a row off body and gives what follows.
func (e *rowEncoder) next(body []byte) (rest []byte, err error) {
	_, rest, err = batch.Fields(planv1.Encoding_ENCODING_CANONICAL, body, e.fields)
	return rest, fault.Wrap(fault.Corrupt, "mysql.Write", err)
}

// text is the text form of a field that is not NULL; valid until the next call.
func (e *rowEncoder) text(i int) ([]byte, error) {
	c := e.columns[i]
	v := e.fields[i]
	if c.check != nil {
		if err := c.check(v); err != nil {
			return nil, e.refuse(i, err)
		}
	}
	if c.encode == nil {
		return v, nil
	}
	var err error
	if e.value, err = c.encode(e.value[:0], v); err != nil {
		return nil, e.refuse(i, err)
	}
	return e.value, nil
}

// refuse names the row in hand and the column of a value that has no place there.
func (e *rowEncoder) refuse(column int, err error) error {
	kind := fault.Value
	if errors.Is(err, errMalformed) {
		kind = fault.Corrupt
	}
	return &fault.Error{Kind: kind, Op: "mysql.Write", Column: e.plan.GetColumns()[column].GetTarget(), Key: e.key(), Err: err}
}

// key writes the key of the row in hand for people.
func (e *rowEncoder) key() string {
	at, err := engine.KeyColumns(e.plan)
	if err != nil || len(at) == 0 {
		return ""
	}
	bound := &planv1.Bound{}
	var kinds []planv1.Kind
	for _, i := range at {
		bound.Values = append(bound.Values, e.fields[i])
		kinds = append(kinds, e.plan.GetColumns()[i].GetKind())
	}
	return keyrange.Named(e.plan.GetSource().GetKey().GetColumns(), kinds, bound)
}

// targets lists the target's columns, quoted.
func (e *rowEncoder) targets() []string {
	out := make([]string, len(e.plan.GetColumns()))
	for i, c := range e.plan.GetColumns() {
		out[i] = ident(c.GetTarget())
	}
	return out
}

// appendLine appends the row in hand as LOAD DATA reads it.
func (e *rowEncoder) appendLine(b []byte) ([]byte, error) {
	var err error
	for i := range e.fields {
		if i > 0 {
			b = append(b, '\t')
		}
		if b, err = e.appendLineField(b, i); err != nil {
			return b, err
		}
	}
	return append(b, '\n'), nil
}

func (e *rowEncoder) appendLineField(b []byte, i int) ([]byte, error) {
	if e.fields[i] == nil {
		return append(b, '\\', 'N'), nil
	}
	text, err := e.text(i)
	if err != nil {
		return b, err
	}
	if e.columns[i].quoting <= quoted {
		return append(b, text...), nil
	}
	return appendEscaped(b, text, &lineEscapes), nil
}

// appendTuple appends the row in hand as INSERT reads it.
func (e *rowEncoder) appendTuple(b []byte) ([]byte, error) {
	var err error
	for i := range e.fields {
		b = append(b, "(,"[min(i, 1)])
		if b, err = e.appendConstant(b, i); err != nil {
			return b, err
		}
	}
	return append(b, ')'), nil
}

// appendConstant appends a field of the row in hand as a constant of SQL.
func (e *rowEncoder) appendConstant(b []byte, i int) ([]byte, error) {
	if e.fields[i] == nil {
		return append(b, "NULL"...), nil
	}
	text, err := e.text(i)
	if err != nil {
		return b, err
	}
	switch e.columns[i].quoting {
	case bare:
		return append(b, text...), nil
	case quoted:
		b = append(append(b, '\''), text...)
	case bytesQuoted:
		b = appendEscaped(append(b, "_binary'"...), text, &constantEscapes)
	default:
		b = appendEscaped(append(b, '\''), text, &constantEscapes)
	}
	return append(b, '\''), nil
}

// escapes gives the character behind the backslash for each byte that needs one.
type escapes [256]byte

var (
	// lineEscapes are for LOAD DATA with tabs between fields and a line a row.
	lineEscapes = escapes{0: '0', '\t': 't', '\n': 'n', '\\': '\\'}
	// constantEscapes are for constants of SQL.
	constantEscapes = escapes{0: '0', '\'': '\'', '\\': '\\', '\n': 'n', '\r': 'r', 0x1a: 'Z'}
)

// appendEscaped copies runs of bytes that need no escape at once. No byte of a
// character of several in UTF-8 is one of those that do.
func appendEscaped(b, text []byte, escape *escapes) []byte {
	from := 0
	for i, c := range text {
		if e := escape[c]; e != 0 {
			b = append(append(b, text[from:i]...), '\\', e)
			from = i + 1
		}
	}
	return append(b, text[from:]...)
}
