package sqlexpr

import (
	"fmt"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// Value is an expression, or a part of one, in the target's SQL.
type Value struct {
	SQL string
	// Kind of its values; 0 for a condition, which is true, false or unknown, and for NULL.
	Kind planv1.Kind
	// Condition is set for what is true, false or unknown.
	Condition bool
	// Scale is how many digits decimals have behind the point.
	Scale int
	// Length is how many characters a text has at most; 0 for no limit.
	Length int

	// exact is set for text that is equal in both engines where its characters are, ordered
	// for text whose order is that of its bytes.
	exact, ordered bool
	// labels are all the texts that there are, of which each is equal to itself alone.
	labels []string
	// ascii is set for text that has no other characters, plain for text whose case changes
	// for those of ASCII alone.
	ascii, plain bool
	// constant is the text of a constant.
	constant *string
	// null is set for NULL.
	null bool
	// real is set for a decimal that is compared as a double.
	real bool
}

// Translator writes expressions of one engine as those of another.
type Translator struct {
	From, To *Dialect
	// Ident and Literal are the target's quoting of names and texts.
	Ident, Literal func(string) string
	// Column gives a column of the source by its name there.
	Column func(name string) (Value, error)
}

// Condition translates the condition of a check or a partial index.
func (t *Translator) Condition(expr string) (string, error) {
	out, err := t.Value(expr)
	if err == nil && !out.Condition {
		out, err = t.truth(out)
	}
	return out.SQL, err
}

// Value translates any expression.
func (t *Translator) Value(expr string) (Value, error) {
	n, err := parse(expr, t.From)
	if err != nil {
		return Value{}, err
	}
	return t.value(n)
}

// truth is a value as a condition: of a boolean, itself.
func (t *Translator) truth(v Value) (Value, error) {
	switch {
	case v.Condition:
		return v, nil
	case v.Kind != canon.Bool:
		return v, errDiffers
	case t.To.postgres:
		return Value{SQL: v.SQL, Condition: true}, nil
	}
	return Value{SQL: v.SQL + " <> 0", Condition: true}, nil
}

func (t *Translator) value(n *node) (Value, error) {
	switch n.op {
	case opColumn:
		return t.Column(n.text)
	case opNumber, opText, opNull, opTrue, opFalse:
		return t.constant(n), nil
	case opMinus:
		return t.minus(n.args[0])
	case opCast:
		return t.cast(n)
	case opAnd, opOr:
		return t.joined(n)
	case opNot:
		return t.not(n.args[0])
	case opIsNull:
		v, err := t.value(n.args[0])
		return Value{SQL: enclosed(v) + " IS NULL", Condition: true}, err
	case opIs:
		v, err := t.condition(n.args[0])
		return Value{SQL: "(" + v.SQL + ") IS " + strings.ToUpper(string(n.args[1].op)), Condition: true}, err
	case opEqual, opUnequal, "<", "<=", ">", ">=", opSame:
		return t.comparison(n.op, n.args[0], n.args[1])
	case opBetween:
		return t.between(n)
	case opIn:
		return t.in(n)
	case opLike, opGlob:
		return t.like(n)
	case "+", "-", "*", "%":
		return t.arithmetic(n)
	case opConcat:
		return t.concatenation(n.args)
	case opCase:
		return t.caseWhen(n)
	case opCall:
		return t.call(n)
	}
	return Value{}, errDiffers
}

// enclosed puts brackets around a condition.
func enclosed(v Value) string {
	if v.Condition {
		return "(" + v.SQL + ")"
	}
	return v.SQL
}

func (t *Translator) constant(n *node) Value {
	switch n.op {
	case opNumber:
		text := n.text
		return numeral(text)
	case opText:
		text := n.text
		return Value{SQL: strings.TrimSpace(t.Literal(text)), Kind: canon.Text, Length: max(1, len([]rune(text))), constant: &text, exact: true, ordered: true,
			ascii: isASCII(text), plain: true}
	case opNull:
		return Value{SQL: "NULL", null: true}
	}
	return Value{SQL: strings.ToUpper(string(n.op)), Condition: true}
}

// numeral is a number that is a constant.
func numeral(text string) Value {
	_, fraction, decimal := strings.Cut(text, ".")
	out := Value{SQL: text, Kind: canon.Int, Scale: len(fraction), constant: &text}
	if decimal {
		out.Kind = canon.Decimal
	}
	return out
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) < 0
}

func (t *Translator) minus(n *node) (Value, error) {
	v, err := t.value(n)
	if err == nil && (!isExactNumber(v.Kind) || v.real || t.To.sqlite && v.Kind != canon.Int && v.constant == nil) {
		err = errDiffers
	}
	if v.constant != nil {
		text := negative(*v.constant)
		return Value{SQL: text, Kind: v.Kind, Scale: v.Scale, constant: &text}, err
	}
	return Value{SQL: "(- " + v.SQL + ")", Kind: v.Kind, Scale: v.Scale}, err
}

// cast takes the types that servers put to constants, and those of texts; numbers and
// times would be rounded, or cut, otherwise in each engine.
func (t *Translator) cast(n *node) (Value, error) {
	v, err := t.value(n.args[0])
	if err != nil {
		return v, err
	}
	name := n.text
	switch {
	case v.null:
		return v, nil
	case v.constant != nil:
		return t.typedConstant(v, name)
	case v.Kind == canon.Text && (name == "text" || name == "character varying" || name == "varchar") && !t.From.mysql:
		return v, nil
	case isNumber(v.Kind) && t.From.postgres && wider(name, v.Kind):
		return v, nil
	}
	return v, errDiffers
}

// wider tells whether a number of a kind is what it was as a type of PostgreSQL.
func wider(name string, kind planv1.Kind) bool {
	switch name {
	case "numeric":
		return isExactNumber(kind)
	case "bigint":
		return kind == canon.Int
	case "double precision":
		return kind == canon.Float32 || kind == canon.Float64
	}
	return false
}

// typedConstant is a constant of a type.
func (t *Translator) typedConstant(v Value, name string) (Value, error) {
	base, _, _ := strings.Cut(name, "(")
	if v.Kind == canon.Text && isNumberType(base) && isNumberText(*v.constant) {
		return numeral(*v.constant), nil
	}
	kind, ok := constantTypes[strings.TrimSpace(base)]
	switch {
	case isExactNumber(v.Kind) && isNumberType(base) && !strings.ContainsRune(name, '('):
		// An integer of a fraction would be rounded.
		if strings.Contains(base, "int") && v.Scale > 0 {
			return v, errDiffers
		}
		return v, nil
	case v.Kind == canon.Text && !ok:
		// An enum's label, perhaps; what it is compared with says.
		return v, nil
	case v.Kind != canon.Text || strings.ContainsRune(name, '('):
		return v, errDiffers
	case kind == canon.Text:
		return v, nil
	}
	parsed, err := canon.Parse(kind, *v.constant)
	if err != nil {
		return v, fmt.Errorf("%q is no constant of its type: %w", *v.constant, errDiffers)
	}
	text := canon.String(kind, parsed)
	return Value{SQL: t.Literal(text), Kind: kind, constant: &text}, nil
}

// constantTypes are the kinds of typed constants.
var constantTypes = map[string]planv1.Kind{"text": canon.Text, "character varying": canon.Text, "varchar": canon.Text, "name": canon.Text,
	"date": canon.Date, "timestamp": canon.Timestamp, "timestamp without time zone": canon.Timestamp, "timestamp with time zone": canon.TimestampTZ,
	"bpchar": canon.Bytes, "character": canon.Bytes, "char": canon.Bytes, "bytea": canon.Bytes, "citext": canon.Bytes, "binary": canon.Bytes,
	"time": canon.Bytes, "interval": canon.Bytes, "json": canon.Bytes, "jsonb": canon.Bytes, "uuid": canon.UUID, "boolean": canon.Bool}

func isNumber(k planv1.Kind) bool {
	return isExactNumber(k) || k == canon.Float32 || k == canon.Float64
}

func isExactNumber(k planv1.Kind) bool {
	return k == canon.Int || k == canon.Uint || k == canon.Decimal
}

// joined is AND and OR.
func (t *Translator) joined(n *node) (Value, error) {
	parts := make([]string, len(n.args))
	for i, a := range n.args {
		v, err := t.condition(a)
		if err != nil {
			return v, err
		}
		parts[i] = v.SQL
		if a.op == opOr || a.op == opAnd && n.op == opOr || a.op == opBetween {
			parts[i] = "(" + v.SQL + ")"
		}
	}
	return Value{SQL: strings.Join(parts, " "+strings.ToUpper(string(n.op))+" "), Condition: true}, nil
}

func (t *Translator) not(n *node) (Value, error) {
	if n.op == opIsNull {
		v, err := t.value(n.args[0])
		return Value{SQL: enclosed(v) + " IS NOT NULL", Condition: true}, err
	}
	v, err := t.condition(n)
	return Value{SQL: "NOT (" + v.SQL + ")", Condition: true}, err
}

// condition translates what must be true, false or unknown.
func (t *Translator) condition(n *node) (Value, error) {
	v, err := t.value(n)
	if err != nil {
		return v, err
	}
	return t.truth(v)
}

// Makes tells whether a column of a kind keeps what the expression gives. A constant is
// no expression of a column.
func (v Value) Makes(kind planv1.Kind) bool {
	switch {
	case v.constant != nil || v.null:
		return false
	case v.Condition:
		return kind == canon.Bool
	}
	return v.Kind == kind || isExactNumber(v.Kind) && isExactNumber(kind)
}
