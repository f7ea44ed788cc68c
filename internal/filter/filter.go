// Package filter is the condition that a spec's where puts on a table's rows: a
// small typed expression over the source's columns, written as SQL for each engine.
//
//	status <> 'deleted' AND (created_at >= DATE '2024-01-01' OR id IN (1, 2, 3))
//
// It knows OR, AND, NOT, = <> < <= > >=, IS [NOT] NULL, [NOT] IN, [NOT] BETWEEN,
// parentheses, columns (bare, "quoted" or `quoted`) and constants: numbers, 'texts'
// with ” for a quote, TRUE, FALSE, DATE '…', TIMESTAMP '…' and X'…'. A column
// compares with constants and with columns of its kind. There are no functions and no
// subqueries: what the source evaluates, Match can too.
//
// The way of a condition: Parse (parse.go, token.go), Check against a table
// (check.go), then SQL (sql.go) or Match (match.go).
package filter

import (
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
)

const (
	// maxLength of a condition in bytes.
	maxLength = 64 << 10
	// maxDepth of parentheses and NOTs.
	maxDepth = 100
)

// Expression is a parsed condition. Check changes it; the rest only reads.
type Expression struct {
	text    string
	root    node
	checked bool
}

// Dialect writes names and values in an engine's SQL.
type Dialect interface {
	// Ident quotes a column's name.
	Ident(name string) string
	// Literal writes a canonical value of a kind as a constant that compares exactly
	// with columns of the kind.
	Literal(kind planv1.Kind, value []byte) (string, error)
}

// node is a part of a condition that is true, false or unknown.
type node interface {
	check(*checker) error
	sql(*writer) error
	match(value func(column string) []byte) truth
}

// group is terms joined by AND or OR.
type group struct {
	or    bool
	terms []node
}

// negation is NOT.
type negation struct{ inner node }

// comparison of a column with an operand.
type comparison struct {
	column *operand
	op     string
	other  *operand
}

// nullTest is IS [NOT] NULL.
type nullTest struct {
	column *operand
	not    bool
}

// membership is [NOT] IN.
type membership struct {
	column *operand
	list   []*operand
	not    bool
}

// between is [NOT] BETWEEN: both ends are included.
type between struct {
	column    *operand
	low, high *operand
	not       bool
}

// operand is a column or a constant.
type operand struct {
	// at is where it begins in the text, written how it stands there.
	at      int
	written string
	class   class
	// text is a column's name, or what is between a constant's quotes.
	text   string
	quoted bool

	// Set by Check: the column's own name, its kind, and a constant in the kind of
	// the column that it is compared with.
	name  string
	kind  planv1.Kind
	value []byte
}

// class is what an operand is as far as the text tells.
type class uint8

const (
	columnClass class = iota
	numberClass
	textClass
	booleanClass
	dateClass
	timestampClass
	binaryClass
)

// flipped is the operator for swapped sides.
var flipped = map[string]string{"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// SQL writes a checked condition for an engine, in parentheses. Texts compare there by
// the column's own collation.
func (e *Expression) SQL(d Dialect) (string, error) {
	if !e.checked {
		return "", fault.New(fault.Internal, "filter.SQL", "the condition was not checked: %s", e.text)
	}
	w := &writer{dialect: d}
	if err := e.root.sql(w); err != nil {
		return "", fault.Wrap(fault.KindOf(err), "filter.SQL", err)
	}
	return w.out.String(), nil
}

// Match evaluates a checked condition on one row: value gives a column's canonical
// value, nil for NULL. Unknown is false, as in WHERE. Texts compare by their bytes.
func (e *Expression) Match(value func(column string) []byte) (bool, error) {
	if !e.checked {
		return false, fault.New(fault.Internal, "filter.Match", "the condition was not checked: %s", e.text)
	}
	return e.root.match(value) == yes, nil
}
