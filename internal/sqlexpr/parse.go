package sqlexpr

import (
	"slices"
	"strings"

	"github.com/drover-db/drover/internal/sqltoken"
)

// maxDepth is how deep brackets and operators may be nested.
const maxDepth = 200

// parser reads one expression.
type parser struct {
	*Dialect
	tokens []sqltoken.Token
	depth  int
}

// parse reads an expression as the catalog of an engine prints it.
func parse(expr string, d *Dialect) (*node, error) {
	p := &parser{Dialect: d, tokens: d.tokens.Cut(expr)}
	out, err := p.expression(0)
	if err == nil && len(p.tokens) > 0 {
		err = errUnread
	}
	return out, err
}

func (p *parser) peek() sqltoken.Token {
	if len(p.tokens) == 0 {
		return sqltoken.Token{Kind: sqltoken.Symbol}
	}
	return p.tokens[0]
}

func (p *parser) next() sqltoken.Token {
	out := p.peek()
	if len(p.tokens) > 0 {
		p.tokens = p.tokens[1:]
	}
	return out
}

// take takes the next tokens if they are these words or symbols.
func (p *parser) take(words ...string) bool {
	for i, w := range words {
		if i >= len(p.tokens) || !p.tokens[i].Is(w) {
			return false
		}
	}
	p.tokens = p.tokens[len(words):]
	return true
}

// sign is the operator that comes next, without the NOT before it.
func (p *parser) sign() string {
	t := p.peek()
	if t.Is("not") && len(p.tokens) > 1 {
		t = p.tokens[1]
		if !slices.ContainsFunc([]string{"in", "between", "like", "ilike", "glob", "regexp", "rlike", "similar", "match"}, t.Is) {
			return ""
		}
	}
	if t.Kind != sqltoken.Word && t.Kind != sqltoken.Symbol {
		return ""
	}
	return strings.ToLower(t.Text)
}

// expression reads operands and the operators between them that bind tighter than a
// power.
func (p *parser) expression(than int) (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errUnread
	}
	defer func() { p.depth-- }()
	left, err := p.operand()
	for err == nil {
		sign := p.sign()
		power := p.power(sign)
		if power <= than {
			break
		}
		not := p.take("not")
		p.next()
		if left, err = p.operator(left, sign, power); err == nil && not {
			left = branch(opNot, left)
		}
	}
	return left, err
}

// operator reads what stands behind an operator.
func (p *parser) operator(left *node, sign string, power int) (*node, error) {
	switch sign {
	case "is":
		return p.is(left)
	case "isnull":
		return branch(opIsNull, left), nil
	case "notnull":
		return branch(opNot, branch(opIsNull, left)), nil
	case "in":
		list, err := p.list()
		return branch(opIn, append([]*node{left}, list...)...), err
	case "between":
		return p.between(left)
	case "like", "glob", "~~":
		return p.like(left, sign)
	case "!~~":
		out, err := p.like(left, sign)
		return branch(opNot, out), err
	case "collate":
		name := p.next()
		return &node{op: opCollate, text: name.Text, args: []*node{left}}, nil
	case "::":
		name, err := p.typeName()
		return &node{op: opCast, text: name, args: []*node{left}}, err
	case "at":
		if !p.take("time", "zone") {
			return nil, errUnread
		}
		sign = "at time zone"
	}
	if strings.Contains("= <> !=", sign) && (p.peek().Is("any") || p.peek().Is("all")) {
		return p.quantified(left, sign)
	}
	right, err := p.expression(power)
	return binary(sign, left, right), err
}

// binary is an operator with an operand on each side.
func binary(sign string, left, right *node) *node {
	switch sign {
	case "==":
		sign = "="
	case "!=":
		sign = "<>"
	case "&&":
		sign = "and"
	case "mod":
		sign = "%"
	}
	switch sign {
	case "=", "<>", "<", "<=", ">", ">=", "<=>", "+", "-", "*", "/", "%", "||", "and", "or":
		return branch(op(sign), left, right)
	}
	return &node{op: opOther, text: sign, args: []*node{left, right}}
}

// is reads what stands behind IS.
func (p *parser) is(left *node) (*node, error) {
	not := p.take("not")
	var out *node
	switch {
	case p.take("null"):
		out = branch(opIsNull, left)
	case p.take("true"):
		out = branch(opIs, left, branch(opTrue))
	case p.take("false"):
		out = branch(opIs, left, branch(opFalse))
	default:
		distinct := p.take("distinct", "from")
		if !distinct && !p.sqlite {
			return nil, errUnread
		}
		right, err := p.expression(powerCompare)
		if err != nil {
			return nil, err
		}
		not, out = not != distinct, branch(opSame, left, right)
	}
	if not {
		out = branch(opNot, out)
	}
	return out, nil
}

func (p *parser) between(left *node) (*node, error) {
	low, err := p.expression(powerCompare + 5)
	if err == nil && !p.take("and") {
		err = errUnread
	}
	if err != nil {
		return nil, err
	}
	high, err := p.expression(powerCompare + 5)
	return branch(opBetween, left, low, high), err
}

// like reads a pattern and what escapes in it.
func (p *parser) like(left *node, sign string) (*node, error) {
	pattern, err := p.expression(powerCompare + 6)
	if err != nil {
		return nil, err
	}
	out := branch(opLike, left, pattern)
	if sign == "glob" {
		out.op = opGlob
	}
	if p.take("escape") {
		escape, err := p.expression(powerCompare + 6)
		if err != nil {
			return nil, err
		}
		out.args = append(out.args, escape)
	}
	return out, nil
}

// quantified reads = ANY (ARRAY[…]) and <> ALL (ARRAY[…]), which is how PostgreSQL
// prints lists.
func (p *parser) quantified(left *node, sign string) (*node, error) {
	all := p.next().Is("all")
	if all == (sign == "=") || !p.take("(") {
		return nil, errUnread
	}
	list, err := p.expression(0)
	if err == nil && !p.take(")") {
		err = errUnread
	}
	if err != nil {
		return nil, err
	}
	items, err := elements(list)
	out := branch(opIn, append([]*node{left}, items...)...)
	if all {
		out = branch(opNot, out)
	}
	return out, err
}

// elements are those of an array, each cast to what the array is cast to.
func elements(list *node) ([]*node, error) {
	if list.op == opCast {
		inner, err := elements(list.args[0])
		element, array := strings.CutSuffix(list.text, "[]")
		if !array {
			return nil, errUnread
		}
		out := make([]*node, len(inner))
		for i, e := range inner {
			out[i] = &node{op: opCast, text: element, args: []*node{e}}
		}
		return out, err
	}
	if list.op != opArray {
		return nil, errUnread
	}
	return list.args, nil
}

// list reads expressions in brackets.
func (p *parser) list() ([]*node, error) {
	if !p.take("(") {
		return nil, errUnread
	}
	return p.until(")")
}

// until reads expressions up to a bracket.
func (p *parser) until(end string) ([]*node, error) {
	var out []*node
	if p.take(end) {
		return out, nil
	}
	for {
		one, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
		switch {
		case p.take(","):
		case p.take(end):
			return out, nil
		default:
			return nil, errUnread
		}
	}
}
