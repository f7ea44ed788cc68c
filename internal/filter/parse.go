package filter

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/drover-db/drover/internal/fault"
)

// reserved words are no columns unless they are quoted.
var reserved = []string{"AND", "OR", "NOT", "IN", "IS", "NULL", "BETWEEN", "TRUE", "FALSE", "LIKE", "ILIKE", "EXISTS", "SELECT", "CASE"}

// Parse reads a condition. Errors are fault.Invalid and say where; whether the
// columns exist and fit, Check says.
func Parse(text string) (*Expression, error) {
	const op = "filter.Parse"
	switch {
	case len(text) > maxLength:
		return nil, fault.New(fault.Invalid, op, "the condition is longer than %d bytes", maxLength)
	case !utf8.ValidString(text):
		return nil, fault.New(fault.Invalid, op, "the condition is not valid UTF-8")
	}
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	p := &parser{condition: text, tokens: tokens}
	root, err := p.or()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != endToken {
		return nil, p.unexpected(t, "AND, OR or the end")
	}
	return &Expression{text: text, root: root}, nil
}

type parser struct {
	condition string
	tokens    []token
	depth     int
}

func (p *parser) peek() token { return p.tokens[0] }

// take removes the next token; the end stays.
func (p *parser) take() token {
	t := p.tokens[0]
	if t.kind != endToken {
		p.tokens = p.tokens[1:]
	}
	return t
}

// keyword takes a keyword if it is next.
func (p *parser) keyword(word string) bool {
	if !p.peek().is(word) {
		return false
	}
	p.take()
	return true
}

// symbol takes a symbol, which must be next.
func (p *parser) symbol(s string) error {
	if t := p.take(); !t.symbol(s) {
		return p.unexpected(t, s)
	}
	return nil
}

func (p *parser) problem(at int, format string, args ...any) error {
	return problem(p.condition, at, format, args...)
}

func (p *parser) unexpected(t token, want string) error {
	switch {
	case t.is("LIKE"), t.is("ILIKE"), t.is("EXISTS"), t.is("SELECT"), t.is("CASE"):
		return p.problem(t.at, "conditions have no %s: they compare columns with constants and with each other", strings.ToUpper(t.text))
	case t.symbol("-"):
		return p.problem(t.at, "conditions do not calculate: %s should be here", want)
	default:
		return p.problem(t.at, "%s should be here, not %s", want, t)
	}
}

// or reads terms joined by OR.
func (p *parser) or() (node, error) { return p.joined("OR", p.and) }

// and reads terms joined by AND.
func (p *parser) and() (node, error) { return p.joined("AND", p.term) }

func (p *parser) joined(word string, read func() (node, error)) (node, error) {
	first, err := read()
	if err != nil || !p.peek().is(word) {
		return first, err
	}
	g := &group{or: word == "OR", terms: []node{first}}
	for p.keyword(word) {
		t, err := read()
		if err != nil {
			return nil, err
		}
		g.terms = append(g.terms, t)
	}
	return g, nil
}

// term reads NOT, parentheses or a test of a column.
func (p *parser) term() (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.problem(p.peek().at, "more than %d levels of parentheses and NOT", maxDepth)
	}
	defer func() { p.depth-- }()
	switch t := p.peek(); {
	case t.is("NOT"):
		p.take()
		inner, err := p.term()
		return &negation{inner}, err
	case t.symbol("("):
		p.take()
		inner, err := p.or()
		if err != nil {
			return nil, err
		}
		return inner, p.symbol(")")
	default:
		return p.test()
	}
}

// test reads what is said of a column.
func (p *parser) test() (node, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	t := p.take()
	if _, ok := flipped[t.text]; ok && t.kind == symbolToken {
		return p.comparison(left, t)
	}
	not := t.is("NOT")
	if t.is("IS") {
		not = p.keyword("NOT")
	} else if not {
		t = p.take()
	}
	if left.class != columnClass {
		return nil, p.unexpected(t, "= <> < <= > or >= behind a constant")
	}
	switch {
	case t.is("IS"):
		if null := p.take(); !null.is("NULL") {
			return nil, p.unexpected(null, "NULL")
		}
		return &nullTest{left, not}, nil
	case t.is("IN"):
		return p.membership(left, not)
	case t.is("BETWEEN"):
		return p.between(left, not)
	case t.symbol("("):
		return nil, p.problem(left.at, "conditions have no functions, so %s( cannot be", left.written)
	case not:
		return nil, p.unexpected(t, "IN or BETWEEN")
	case t.is("AND"), t.is("OR"), t.symbol(")"), t.kind == endToken:
		return nil, p.problem(left.at, "column %s alone is no condition: write %s = TRUE, or %s IS NOT NULL", left.written, left.written, left.written)
	default:
		return nil, p.unexpected(t, "= <> < <= > >= IS, IN or BETWEEN")
	}
}

// comparison puts the column to the left.
func (p *parser) comparison(left *operand, op token) (node, error) {
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	switch {
	case left.class == columnClass:
		return &comparison{left, op.text, right}, nil
	case right.class == columnClass:
		return &comparison{right, flipped[op.text], left}, nil
	default:
		return nil, p.problem(left.at, "%s and %s are both constants: one side must be a column", left.written, right.written)
	}
}

func (p *parser) membership(left *operand, not bool) (node, error) {
	m := &membership{column: left, not: not}
	if err := p.symbol("("); err != nil {
		return nil, err
	}
	for {
		item, err := p.operand()
		if err != nil {
			return nil, err
		}
		if item.class == columnClass {
			return nil, p.problem(item.at, "%s is a column: IN has a list of constants", item.written)
		}
		m.list = append(m.list, item)
		switch t := p.take(); {
		case t.symbol(")"):
			return m, nil
		case !t.symbol(","):
			return nil, p.unexpected(t, ", or )")
		}
	}
}

func (p *parser) between(left *operand, not bool) (node, error) {
	low, err := p.operand()
	if err != nil {
		return nil, err
	}
	if t := p.take(); !t.is("AND") {
		return nil, p.unexpected(t, "AND and the upper end of BETWEEN")
	}
	high, err := p.operand()
	return &between{left, low, high, not}, err
}

// operand reads a column or a constant.
func (p *parser) operand() (*operand, error) {
	t := p.take()
	out := &operand{at: t.at, written: t.written, text: t.text}
	switch {
	case t.kind == numberToken:
		out.class = numberClass
	case t.symbol("-") && p.peek().kind == numberToken:
		n := p.take()
		out.class, out.text, out.written = numberClass, "-"+n.text, "-"+n.text
	case t.kind == textToken:
		out.class = textClass
	case t.kind == bytesToken:
		out.class = binaryClass
	case t.is("TRUE"), t.is("FALSE"):
		out.class = booleanClass
	case t.is("DATE") && p.peek().kind == textToken:
		out.class, out.text = dateClass, p.prefixed(out)
	case t.is("TIMESTAMP") && p.peek().kind == textToken:
		out.class, out.text = timestampClass, p.prefixed(out)
	case t.kind == nameToken:
		out.quoted = true
	case t.is("NULL"):
		return nil, p.problem(t.at, "nothing is equal to NULL: write IS NULL or IS NOT NULL")
	case t.kind == wordToken && !slices.Contains(reserved, strings.ToUpper(t.text)):
	default:
		return nil, p.unexpected(t, "a column or a constant")
	}
	return out, nil
}

// prefixed takes the text behind DATE or TIMESTAMP.
func (p *parser) prefixed(o *operand) string {
	t := p.take()
	o.written += " " + t.written
	return t.text
}
