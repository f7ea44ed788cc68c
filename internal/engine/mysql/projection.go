package mysql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-mysql-org/go-mysql/mysql"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
	"github.com/drover-db/drover/internal/loss"
)

// projection is what is selected of a table and how its fields become values.
type projection struct {
	request engine.ReadRequest
	columns []*column
	// key has the place and the reading of each key column; empty where there is none.
	key []keyField
}

// column is one column of the plan that the side's table has.
type column struct {
	plan *planv1.ColumnPlan
	name string
	form form
	stored
	// convert is nil where values travel as they are read.
	convert *engine.Conversion
	// asText keeps impossible dates as text, because the column travels as text.
	asText bool
	// noLabel says that an empty text is no label of the enum.
	noLabel bool
	// marks is the place of the field that counts the question marks which the column
	// really has; 0 where none is lost on the way.
	marks int
}

type keyField struct {
	at int
	stored
	kind planv1.Kind
	name string
}

// project decides what to select.
func project(r engine.ReadRequest) *projection {
	out := &projection{request: r}
	for _, c := range engine.Stored(r.Plan, r.Side) {
		out.columns = append(out.columns, &column{plan: c, name: engine.ColumnName(c, r.Side)})
	}
	if r.Side == engine.TargetSide {
		return out
	}
	more := len(out.columns)
	for _, c := range out.columns {
		if s := engine.SourceColumn(r.Plan, c.name); s != nil && losesCharacters(s.GetCharset()) && !keepsBytes(c.plan) {
			c.marks, more = more, more+1
		}
	}
	return out
}

// wideCharsets have no character that Unicode, as the server knows it, lacks. From
// others the server sends a ? for what it cannot convert, and says nothing.
var wideCharsets = []string{"", "utf8mb4", "utf8mb3", "utf8", "latin1", "ucs2", "utf16", "utf16le", "utf32", "binary"}

func losesCharacters(charset string) bool { return !slices.Contains(wideCharsets, charset) }

// marksOf counts the question marks that a column really has. For some characters the
// server sends U+FFFD instead, which only GB18030 has itself: then no count is right.
func marksOf(column, charset string) string {
	out := fmt.Sprintf("char_length(%[1]s) - char_length(replace(%[1]s, '?', ''))", ident(column))
	if charset != "gb18030" {
		out += fmt.Sprintf(" + 4294967296 * (locate(%s, CONVERT(%s USING utf8mb4)) > 0)", textConstant([]byte("\uFFFD")), ident(column))
	}
	return out
}

// list is the SELECT list.
func (p *projection) list() string {
	var out []string
	for _, c := range p.columns {
		if keepsBytes(c.plan) {
			out = append(out, "CAST("+ident(c.name)+" AS BINARY)")
			continue
		}
		out = append(out, ident(c.name))
	}
	for _, c := range p.columns {
		if c.marks > 0 {
			out = append(out, marksOf(c.name, engine.SourceColumn(p.request.Plan, c.name).GetCharset()))
		}
	}
	if len(out) == 0 {
		return "1"
	}
	return strings.Join(out, ", ")
}

// bind finds a way for each field that the server will send.
func (p *projection) bind(fields []*mysql.Field) error {
	for i, c := range p.columns {
		if err := p.bindColumn(i, c, fields[i]); err != nil {
			return &fault.Error{Kind: fault.Unsupported, Op: "mysql.Read", Column: c.name, Err: err}
		}
	}
	return p.bindKey(fields)
}

func (p *projection) bindColumn(at int, c *column, f *mysql.Field) (err error) {
	c.form = formOf(f)
	kind := c.plan.GetKind()
	if p.request.Side == engine.SourceSide {
		s := engine.SourceColumn(p.request.Plan, c.name)
		if s == nil {
			return fmt.Errorf("the plan has no such column of the source")
		}
		c.noLabel = len(s.GetEnumLabels()) > 0 && !s.GetMultiple() && !slices.Contains(s.GetEnumLabels(), "")
		if s.GetKind() != kind && !keepsBytes(c.plan) || c.plan.GetPolicy().GetAction() > planv1.Policy_ACTION_ERROR {
			if c.convert, err = engine.NewConversion(p.request, at); err != nil {
				return err
			}
			c.asText = kind == canon.Text
			kind = s.GetKind()
		}
	}
	c.stored, err = storedAs(kind, c.form, scaleOf(c, kind), int(f.ColumnLength))
	if c.convert == nil && (p.request.Side == engine.TargetSide || isFamily(p.request.Plan.GetTargetEngine())) {
		c.keepImpossible()
	}
	return err
}

// keepImpossible takes dates that no calendar has for values like others: the other side
// is MySQL or MariaDB too. Those of a key are refused all the same.
func (c *column) keepImpossible() {
	switch c.form {
	case formDate:
		c.decode = decodeAnyDate
	case formDateTime, formTimestamp:
		c.decode = decodeAnyDateTime
	}
}

// scaleOf is the scale that decimals of a column are read with.
func scaleOf(c *column, kind planv1.Kind) int32 {
	if kind == c.plan.GetKind() {
		return c.plan.GetScale()
	}
	return -1
}

// bindKey reads the key from the columns' own fields: on the source by its natural
// kinds, on the target by those of the plan.
func (p *projection) bindKey(fields []*mysql.Field) error {
	at, err := engine.KeyColumns(p.request.Plan)
	if err != nil {
		return fault.Wrap(fault.Invalid, "mysql.Read", err)
	}
	for n, i := range at {
		c := p.columns[i]
		kind := c.plan.GetKind()
		if p.request.Side == engine.SourceSide {
			kind = p.request.Plan.GetSource().GetKey().GetKinds()[n]
		}
		s, err := storedAs(kind, c.form, c.plan.GetScale(), int(fields[i].ColumnLength))
		if err != nil {
			return &fault.Error{Kind: fault.Unsupported, Op: "mysql.Read", Column: c.name, Err: err}
		}
		p.key = append(p.key, keyField{at: i, stored: s, kind: kind, name: c.name})
	}
	return nil
}

// query is the statement of a read.
func (p *projection) query() (string, error) {
	terms, err := keyTermsOf(p.request.Plan, p.request.Side)
	if err != nil {
		return "", err
	}
	rows, err := fromRows(p.request, terms)
	if err != nil {
		return "", err
	}
	out := "SELECT " + p.list() + rows
	if len(terms.names) > 0 && keyrange.Ordered(p.request.Range) {
		out += " ORDER BY " + terms.order("")
	}
	return out, nil
}

// fromRows is FROM and WHERE of a request's rows.
func fromRows(r engine.ReadRequest, terms keyTerms) (string, error) {
	schema, name := engine.TableName(r.Plan, r.Side)
	conditions, err := terms.bounds(r.Range, r.After)
	if err != nil {
		return "", err
	}
	if r.Keys != nil {
		only, err := terms.anyOf(r.Keys)
		if err != nil {
			return "", err
		}
		conditions = append(conditions, only)
	}
	out := " FROM " + qualified(schema, name)
	if r.Side == engine.SourceSide {
		if keyrange.Ordered(r.Range) {
			out += forceIndex(r.Plan.GetSource())
		}
		moved, err := whereSQL(r.Plan.GetSource())
		if err != nil {
			return "", err
		}
		if moved != "" {
			conditions = append(conditions, moved)
		}
	}
	return out + where(conditions), nil
}

// forceIndex makes the server walk the key's index: it would rather sort a large
// part of a table, and send nothing until it has.
func forceIndex(t *planv1.Table) string { return indexHint("FORCE", t) }

// indexHint names the key's index in FROM; nothing where there is none.
func indexHint(verb string, t *planv1.Table) string {
	for _, i := range t.GetIndexes() {
		if i.GetUnique() && slices.EqualFunc(i.GetColumns(), t.GetKey().GetColumns(), func(c *planv1.IndexColumn, name string) bool {
			return c.GetName() == name && c.GetPrefix() == 0
		}) {
			return " " + verb + " INDEX (" + ident(i.GetName()) + ")"
		}
	}
	return ""
}

var errNoLabel = loss.New(loss.Label, "holds the number 0, which is none of its labels: it stands for a value that was refused once; "+
	"correct the row, or say in the spec what becomes of it, as {invalid: set-null} or {invalid: sentinel, sentinel: …}")

var errLostCharacters = loss.New(loss.Encoding, "holds bytes that are no characters of its character set: correct the row, or change the column to the character set that it really holds")
