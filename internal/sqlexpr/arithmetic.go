package sqlexpr

import (
	"fmt"
	"strings"

	"github.com/drover-db/drover/internal/canon"
)

// maxScale is how many digits behind the point MySQL's arithmetic keeps.
const maxScale = 30

// arithmetic is of whole numbers and decimals. What might overflow in one engine alone
// is counted in decimals; SQLite counts whole numbers only. A remainder is that of a
// number which is not 0.
func (t *Translator) arithmetic(n *node) (Value, error) {
	a, b, err := t.pair(n.args[0], n.args[1])
	if err != nil {
		return a, err
	}
	if !isExactNumber(a.Kind) || !isExactNumber(b.Kind) || a.real || b.real || a.constant != nil && b.constant != nil {
		return a, errDiffers
	}
	whole := isWhole(a) && isWhole(b)
	if n.op == "%" && !(whole && b.constant != nil && strings.Trim(*b.constant, "-0") != "") || (t.To.sqlite || t.From.sqlite) && !whole {
		return a, errDiffers
	}
	out := Value{Kind: canon.Decimal, Scale: max(a.Scale, b.Scale)}
	if n.op == "*" {
		out.Scale = a.Scale + b.Scale
	}
	if whole {
		out.Kind = canon.Int
	}
	if (t.To.mysql || t.From.mysql) && out.Scale > maxScale {
		return a, errDiffers
	}
	left, right := t.counted(a, n.op), t.counted(b, n.op)
	out.SQL = fmt.Sprintf("(%s %s %s)", left, n.op, right)
	return out, nil
}

func isWhole(v Value) bool {
	return v.Kind == canon.Int || v.Kind == canon.Uint
}

// counted is a number that does not overflow where the source's does not.
func (t *Translator) counted(v Value, o op) string {
	switch {
	case v.constant != nil || o == "%":
		return v.SQL
	case t.To.postgres:
		return v.SQL + "::numeric"
	case t.To.mysql && t.From.sqlite:
		return "CAST(" + v.SQL + " AS DECIMAL(65))"
	}
	return v.SQL
}

// concatenation is NULL where one of its texts is.
func (t *Translator) concatenation(args []*node) (Value, error) {
	out := Value{Kind: canon.Text, exact: true, ordered: true, ascii: true, plain: true}
	var parts []string
	unlimited := len(args) == 0
	for _, a := range args {
		v, err := t.value(a)
		if err == nil && (v.Condition || v.Kind != canon.Text) {
			err = errDiffers
		}
		if err != nil {
			return out, err
		}
		out.exact, out.ordered, out.ascii, out.plain = out.exact && v.exact, out.ordered && v.ordered, out.ascii && v.ascii, out.plain && v.plain
		unlimited = unlimited || v.Length == 0
		out.Length += v.Length
		parts = append(parts, v.SQL)
	}
	if unlimited {
		out.Length = 0
	}
	switch {
	case len(parts) == 0:
		return out, errDiffers
	case t.To.mysql:
		out.SQL = "CONCAT(" + strings.Join(parts, ", ") + ")"
	default:
		out.SQL = "(" + strings.Join(parts, " || ") + ")"
	}
	return out, nil
}

// caseWhen chooses among values of one kind.
func (t *Translator) caseWhen(n *node) (Value, error) {
	var values []Value
	sql := "CASE"
	for i := 0; i < len(n.args); i += 2 {
		if i+1 == len(n.args) {
			v, err := t.value(n.args[i])
			if err != nil {
				return v, err
			}
			values, sql = append(values, v), sql+" ELSE "+v.SQL
			break
		}
		when, err := t.condition(n.args[i])
		if err != nil {
			return when, err
		}
		then, err := t.value(n.args[i+1])
		if err != nil {
			return then, err
		}
		values, sql = append(values, then), sql+" WHEN "+when.SQL+" THEN "+then.SQL
	}
	out, err := together(values)
	out.SQL = sql + " END"
	return out, err
}

// together is what values have in common, of which one is the result.
func together(values []Value) (Value, error) {
	out := Value{exact: true, ordered: true, ascii: true, plain: true}
	known := false
	for _, v := range values {
		if v.null {
			continue
		}
		if known && !alike(out, v) {
			return out, errDiffers
		}
		if !known {
			out.Kind, out.Condition, out.Length, known = v.Kind, v.Condition, v.Length, true
		}
		if v.Kind == canon.Decimal {
			out.Kind = canon.Decimal
		}
		if out.Length > 0 {
			out.Length = max(out.Length, v.Length)
		}
		if v.Length == 0 {
			out.Length = 0
		}
		out.Scale = max(out.Scale, v.Scale)
		out.exact, out.ordered = out.exact && v.exact, out.ordered && v.ordered
		out.ascii, out.plain, out.real = out.ascii && v.ascii, out.plain && v.plain, out.real || v.real
	}
	if !known {
		return out, errDiffers
	}
	return out, nil
}

// alike tells whether values are of one kind; exact numbers are.
func alike(a, b Value) bool {
	return a.Condition == b.Condition && (a.Kind == b.Kind || isExactNumber(a.Kind) && isExactNumber(b.Kind))
}
