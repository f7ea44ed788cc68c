package sqlexpr

import (
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// comparison is of two values.
func (t *Translator) comparison(o op, a, b *node) (Value, error) {
	left, right, err := t.pair(a, b)
	if err != nil {
		return left, err
	}
	l, r, err := t.comparable(left, right, o != opEqual && o != opUnequal && o != opSame)
	sign := string(o)
	if o == opSame {
		sign = map[bool]string{true: "IS NOT DISTINCT FROM", false: "IS"}[t.To.postgres]
		if t.To.mysql {
			sign = "<=>"
		}
	}
	return Value{SQL: l + " " + sign + " " + r, Condition: true}, err
}

// pair translates two operands.
func (t *Translator) pair(a, b *node) (left, right Value, err error) {
	if left, err = t.value(a); err == nil {
		right, err = t.value(b)
	}
	return left, right, err
}

// comparable gives two operands that both engines compare alike; ordered where it
// matters which is the greater.
func (t *Translator) comparable(a, b Value, ordered bool) (left, right string, err error) {
	switch {
	case a.constant != nil && b.constant != nil, a.null, b.null:
		return "", "", errDiffers
	case isBoolean(a) && isBoolean(b) && !ordered:
		return enclosed(a), enclosed(b), nil
	case a.Condition || b.Condition:
		return "", "", errDiffers
	case isNumber(a.Kind) && isNumber(b.Kind):
		return t.numbers(a, b)
	case a.Kind == canon.Text && b.Kind == canon.Text:
		return t.texts(a, b, ordered)
	case isTemporal(a.Kind) && b.constant != nil:
		right, err = t.moment(a.Kind, *b.constant)
		return a.SQL, right, err
	case isTemporal(b.Kind) && a.constant != nil:
		left, err = t.moment(b.Kind, *a.constant)
		return left, b.SQL, err
	case isTemporal(a.Kind) && a.Kind == b.Kind && t.sameOrder(a.Kind):
		return a.SQL, b.SQL, nil
	}
	return "", "", errDiffers
}

func isBoolean(v Value) bool { return v.Condition || v.Kind == canon.Bool }

func isTemporal(k planv1.Kind) bool {
	return k == canon.Date || k == canon.Timestamp || k == canon.TimestampTZ
}

// exactDigits are those that a double keeps of a decimal number.
const exactDigits = 15

// numbers compares by value. SQLite keeps decimals of others as text, and its own as
// doubles: those of few digits are told apart, and ordered, as the decimals are.
func (t *Translator) numbers(a, b Value) (left, right string, err error) {
	if a.real || b.real || t.From.sqlite {
		for _, v := range []Value{a, b} {
			if v.constant != nil && len(strings.Trim(strings.ReplaceAll(*v.constant, ".", ""), "-0")) > exactDigits {
				return "", "", errDiffers
			}
		}
	}
	return a.SQL, b.SQL, nil
}

// texts compares texts where both engines look at their bytes.
func (t *Translator) texts(a, b Value, ordered bool) (left, right string, err error) {
	switch {
	case ordered && !(a.ordered && b.ordered):
		return "", "", errOrder
	case ordered && t.To.postgres:
		return a.SQL + ` COLLATE "C"`, b.SQL, nil
	case a.exact && b.exact, isLabel(a, b), isLabel(b, a):
		return a.SQL, b.SQL, nil
	}
	return "", "", errTexts
}

// isLabel tells whether a constant is one of the labels that the other operand can be.
func isLabel(column, constant Value) bool {
	return constant.constant != nil && slices.Contains(column.labels, *constant.constant)
}

// sameOrder tells whether the target orders times as the source does. In SQLite they are
// text: as long as years have four digits, which is sure of those of MySQL.
func (t *Translator) sameOrder(k planv1.Kind) bool {
	return !t.From.sqlite && (!t.To.sqlite || t.From.mysql && k != canon.TimestampTZ)
}

// moment writes a constant to compare a date or a time with.
func (t *Translator) moment(k planv1.Kind, text string) (string, error) {
	if !t.sameOrder(k) || k == canon.TimestampTZ && !t.To.postgres {
		return "", errDiffers
	}
	v, err := canon.Parse(k, text)
	if err != nil {
		return "", errDiffers
	}
	text = canon.String(k, v)
	switch {
	case strings.ContainsAny(text, "iB"): // infinity, BC
		return "", errDiffers
	case t.To.postgres:
		return t.Literal(text) + "::" + map[planv1.Kind]string{canon.Date: "date", canon.Timestamp: "timestamp", canon.TimestampTZ: "timestamptz"}[k], nil
	case t.To.mysql:
		return map[planv1.Kind]string{canon.Date: "DATE ", canon.Timestamp: "TIMESTAMP "}[k] + t.Literal(text), nil
	}
	return t.Literal(text), nil
}

func (t *Translator) between(n *node) (Value, error) {
	var parts []string
	for i, bound := range n.args[1:] {
		v, w, err := t.pair(n.args[0], bound)
		if err != nil {
			return v, err
		}
		l, r, err := t.comparable(v, w, true)
		if err != nil {
			return v, err
		}
		if i == 0 {
			parts = append(parts, l+" BETWEEN")
		}
		parts = append(parts, r)
	}
	return Value{SQL: parts[0] + " " + parts[1] + " AND " + parts[2], Condition: true}, nil
}

func (t *Translator) in(n *node) (Value, error) {
	subject := ""
	var parts []string
	for _, item := range n.args[1:] {
		v, w, err := t.pair(n.args[0], item)
		if err != nil {
			return v, err
		}
		l, r, err := t.comparable(v, w, false)
		if err != nil {
			return v, err
		}
		subject, parts = l, append(parts, r)
	}
	if len(parts) == 0 {
		return Value{}, errDiffers
	}
	return Value{SQL: subject + " IN (" + strings.Join(parts, ", ") + ")", Condition: true}, nil
}

// like matches a pattern that is a constant. SQLite's LIKE takes letters of ASCII in
// any case, its GLOB tells them apart.
func (t *Translator) like(n *node) (Value, error) {
	v, pattern, err := t.pair(n.args[0], n.args[1])
	switch {
	case err != nil:
		return v, err
	case v.Kind != canon.Text || pattern.constant == nil || len(n.args) > 2:
		return v, errDiffers
	case !v.exact || n.op == opLike && t.From.sqlite:
		return v, errTexts
	case t.cutsAtNUL():
		return v, errNUL
	}
	read := readLike
	if n.op == opGlob {
		read = readGlob
	}
	parts, ok := read(*pattern.constant)
	if !ok {
		return v, errDiffers
	}
	if t.To.sqlite {
		return Value{SQL: v.SQL + " GLOB " + t.Literal(writePattern(parts, "*", "?", map[rune]string{'*': "[*]", '?': "[?]", '[': "[[]"})), Condition: true}, nil
	}
	text := strings.TrimSpace(t.Literal(writePattern(parts, "%", "_", map[rune]string{'%': `\%`, '_': `\_`, '\\': `\\`})))
	return Value{SQL: v.SQL + " LIKE " + text, Condition: true}, nil
}

// pattern is a character, or a wildcard: any texts, or any one character.
type pattern struct {
	char     rune
	any, one bool
}

// readLike reads a pattern of LIKE, in which a backslash escapes.
func readLike(text string) ([]pattern, bool) {
	var out []pattern
	escaped := false
	for _, r := range text {
		switch {
		case !escaped && r == '\\':
			escaped = true
			continue
		case !escaped && r == '%':
			out = append(out, pattern{any: true})
		case !escaped && r == '_':
			out = append(out, pattern{one: true})
		default:
			out = append(out, pattern{char: r})
		}
		escaped = false
	}
	return out, !escaped
}

// readGlob reads a pattern of GLOB without classes of characters.
func readGlob(text string) ([]pattern, bool) {
	var out []pattern
	for _, r := range text {
		switch r {
		case '[':
			return nil, false
		case '*':
			out = append(out, pattern{any: true})
		case '?':
			out = append(out, pattern{one: true})
		default:
			out = append(out, pattern{char: r})
		}
	}
	return out, true
}

func writePattern(parts []pattern, all, one string, escaped map[rune]string) string {
	var b strings.Builder
	for _, p := range parts {
		switch text, special := escaped[p.char]; {
		case p.any:
			b.WriteString(all)
		case p.one:
			b.WriteString(one)
		case special:
			b.WriteString(text)
		default:
			b.WriteRune(p.char)
		}
	}
	return b.String()
}
