package sqlexpr

import (
	"slices"
	"strings"

	"github.com/drover-db/drover/internal/sqltoken"
)

// operand reads what stands before, between and behind operators.
func (p *parser) operand() (*node, error) {
	t := p.next()
	if t.Open {
		return nil, errUnread
	}
	switch t.Kind {
	case sqltoken.Number:
		return number(t.Text)
	case sqltoken.Text:
		return &node{op: opText, text: t.Text}, nil
	case sqltoken.Name:
		return p.name(t)
	case sqltoken.Word:
		return p.word(t)
	}
	switch t.Text {
	case "(":
		out, err := p.expression(0)
		if err == nil && !p.take(")") {
			err = errUnread
		}
		return out, err
	case "-":
		out, err := p.expression(powerUnary)
		return branch(opMinus, out), err
	case "+":
		return p.expression(powerUnary)
	case "!":
		out, err := p.expression(powerUnary)
		return branch(opNot, out), err
	}
	return nil, errUnread
}

// number reads a number without an exponent; others are floats, or text in hexadecimal.
func number(text string) (*node, error) {
	if strings.Trim(text, "0123456789.") != "" || strings.Count(text, ".") > 1 {
		return nil, errUnread
	}
	return &node{op: opNumber, text: text}, nil
}

// name reads a column, the last of names with points between them, or a function.
func (p *parser) name(t sqltoken.Token) (*node, error) {
	for p.peek().Is(".") {
		p.next()
		if t = p.next(); !t.IsName() {
			return nil, errUnread
		}
	}
	if p.peek().Is("(") {
		return p.call(strings.ToLower(t.Text))
	}
	return &node{op: opColumn, text: t.Text}, nil
}

// clocks are functions that may go without brackets.
var clocks = []string{"current_timestamp", "current_date", "current_time", "localtime", "localtimestamp"}

// unreadable are words that begin what is no simple expression.
var unreadable = []string{"select", "exists", "interval", "row", "any", "all", "some", "distinct", "with", "values", "over", "filter"}

func (p *parser) word(t sqltoken.Token) (*node, error) {
	word := strings.ToLower(t.Text)
	if n := p.peek(); n.Kind == sqltoken.Text && !n.Open {
		if out, ok, err := p.prefixed(word, n.Start == t.End); ok || err != nil {
			return out, err
		}
	}
	switch word {
	case "null":
		return branch(opNull), nil
	case "true":
		return branch(opTrue), nil
	case "false":
		return branch(opFalse), nil
	case "not":
		out, err := p.expression(powerNot)
		return branch(opNot, out), err
	case "case":
		return p.caseWhen()
	case "array":
		if !p.take("[") {
			return nil, errUnread
		}
		items, err := p.until("]")
		return branch(opArray, items...), err
	case "cast":
		return p.cast()
	case "binary":
		out, err := p.expression(powerUnary)
		return &node{op: opCast, text: "binary", args: []*node{out}}, err
	}
	switch {
	case slices.Contains(clocks, word) && !p.peek().Is("("):
		return &node{op: opCall, text: word}, nil
	case slices.Contains(unreadable, word):
		return nil, errUnread
	}
	return p.name(t)
}

// prefixed reads a constant with its type or character set in front; false where the
// word is none.
func (p *parser) prefixed(word string, adjacent bool) (*node, bool, error) {
	if (word == "date" || word == "timestamp" || word == "time") && !p.sqlite {
		return &node{op: opCast, text: word, args: []*node{{op: opText, text: p.next().Text}}}, true, nil
	}
	if strings.HasPrefix(word, "_") && p.mysql || word == "n" && adjacent {
		text := p.next().Text
		if !strings.HasPrefix(word, "_utf8") && strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) >= 0 {
			return nil, false, errUnread
		}
		return &node{op: opText, text: text}, true, nil
	}
	if !adjacent {
		return nil, false, nil
	}
	switch text := p.peek().Text; {
	case word == "x" && strings.Trim(strings.ToLower(text), "0123456789abcdef") == "":
		return &node{op: opBytes, text: strings.ToLower(p.next().Text)}, true, nil
	case word == "b" && strings.Trim(text, "01") == "":
		return &node{op: opBits, text: p.next().Text}, true, nil
	}
	return nil, false, errUnread
}

// call reads the arguments of a function. Those with words between them become plain
// ones.
func (p *parser) call(name string) (*node, error) {
	out := &node{op: opCall, text: name}
	if !p.take("(") {
		return nil, errUnread
	}
	if name == "trim" {
		p.take("both")
		p.take("from")
	}
	if p.take("distinct") || p.take("*") {
		return nil, errUnread
	}
	for !p.take(")") {
		one, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		out.args = append(out.args, one)
		words := name == "substring" && (p.take("from") || p.take("for"))
		if !words && !p.take(",") && !p.peek().Is(")") {
			return nil, errUnread
		}
	}
	if p.peek().Is("over") || p.peek().Is("filter") {
		return nil, errUnread
	}
	return out, nil
}

// caseWhen reads CASE; one that compares an operand becomes one with conditions.
func (p *parser) caseWhen() (*node, error) {
	out := branch(opCase)
	var subject *node
	if !p.peek().Is("when") {
		var err error
		if subject, err = p.expression(0); err != nil {
			return nil, err
		}
	}
	for p.take("when") {
		when, err := p.expression(0)
		if err == nil && !p.take("then") {
			err = errUnread
		}
		if err != nil {
			return nil, err
		}
		if subject != nil {
			when = branch(opEqual, subject, when)
		}
		then, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		out.args = append(out.args, when, then)
	}
	if p.take("else") {
		otherwise, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		out.args = append(out.args, otherwise)
	}
	if !p.take("end") || len(out.args) == 0 {
		return nil, errUnread
	}
	return out, nil
}

func (p *parser) cast() (*node, error) {
	if !p.take("(") {
		return nil, errUnread
	}
	out, err := p.expression(0)
	if err == nil && !p.take("as") {
		err = errUnread
	}
	if err != nil {
		return nil, err
	}
	name, err := p.typeName()
	if err == nil && !p.take(")") {
		err = errUnread
	}
	return &node{op: opCast, text: name, args: []*node{out}}, err
}

// typeWords are words that a type's name goes on with.
var typeWords = []string{"with", "without", "time", "zone", "varying", "precision", "charset", "character", "set", "unsigned", "signed", "integer", "utf8mb4"}

// typeName reads a type: words, numbers in brackets, and the brackets of an array.
func (p *parser) typeName() (string, error) {
	first := p.next()
	if !first.IsName() {
		return "", errUnread
	}
	out := strings.ToLower(first.Text)
	for {
		switch t := p.peek(); {
		case t.Is("."):
			p.next()
			out = strings.ToLower(p.next().Text)
		case t.Kind == sqltoken.Word && slices.Contains(typeWords, strings.ToLower(t.Text)):
			out += " " + strings.ToLower(p.next().Text)
		case t.Is("("):
			for !p.take(")") {
				if len(p.tokens) == 0 {
					return "", errUnread
				}
				out += p.next().Text
			}
			out += ")"
		case p.take("[", "]"):
			out += "[]"
		default:
			return out, nil
		}
	}
}
