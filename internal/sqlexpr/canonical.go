package sqlexpr

import (
	"strconv"
	"strings"

	"github.com/drover-db/drover/internal/sqltoken"
)

// Canonical gives an expression in a form that is the same however one engine prints it:
// without the casts and character sets that servers put around constants, with BETWEEN,
// IN and NOT in one shape each, and names in lower case where their case says nothing.
// Two expressions of one engine with one form mean the same, but for casts. What
// drover does not read is given as its tokens without brackets.
func Canonical(expr string, d *Dialect) string {
	n, err := parse(expr, d)
	if err != nil {
		return tokenText(expr, d)
	}
	var b strings.Builder
	c := canonical{d, &b}
	c.write(c.normal(n))
	return b.String()
}

// tokenText is an expression as its tokens.
func tokenText(expr string, d *Dialect) string {
	var out []string
	for _, t := range d.tokens.Cut(expr) {
		switch {
		case t.Is("("), t.Is(")"), t.Kind == sqltoken.Word && strings.HasPrefix(t.Text, "_utf8"):
		case t.Kind == sqltoken.Text:
			out = append(out, "'"+t.Text+"'")
		default:
			out = append(out, strings.ToLower(t.Text))
		}
	}
	return strings.Join(out, " ")
}

type canonical struct {
	*Dialect
	out *strings.Builder
}

// normal gives an equal tree in which what has more than one form has one.
func (c canonical) normal(n *node) *node {
	args := make([]*node, len(n.args))
	for i, a := range n.args {
		args[i] = c.normal(a)
	}
	out := &node{op: n.op, text: n.text, args: args}
	switch n.op {
	case opColumn:
		if !c.postgres {
			out.text = strings.ToLower(out.text)
		}
	case opCast:
		return uncast(n.text, args[0])
	case opMinus:
		if args[0].op == opNumber {
			return &node{op: opNumber, text: negative(args[0].text)}
		}
	case opNot:
		return negated(args[0])
	case opBetween:
		return branch(opAnd, branch(">=", args[0], args[1]), branch("<=", args[0], args[2]))
	case opIn:
		return choice(args)
	case opAnd, opOr:
		out.args = flat(n.op, args)
	case opConcat:
		return &node{op: opCall, text: opConcatCall, args: flat(opConcat, args)}
	case opCall:
		if c.postgres && out.text == "localtime" {
			out.text = "current_time"
		}
		return called(out)
	}
	return out
}

const opConcatCall = "concatenation"

// uncast leaves a cast out; a constant becomes one of the type.
func uncast(typeName string, n *node) *node {
	if n.op == opText && isNumberType(typeName) && isNumberText(n.text) {
		return &node{op: opNumber, text: plainNumber(n.text)}
	}
	return n
}

func isNumberType(name string) bool {
	for _, prefix := range []string{"int", "bigint", "smallint", "numeric", "decimal", "double", "real"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func isNumberText(text string) bool {
	return text != "" && strings.Trim(text, "-0123456789.") == "" && strings.ContainsAny(text, "0123456789")
}

// plainNumber is a decimal number without zeros that say nothing.
func plainNumber(text string) string {
	sign := ""
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		sign, text = "-", rest
	}
	whole, fraction, _ := strings.Cut(text, ".")
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if whole == "0" {
		return whole
	}
	return sign + whole
}

func negative(text string) string {
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		return rest
	}
	return "-" + text
}

// opposites are comparisons that are true where their key is false.
var opposites = map[op]op{opEqual: opUnequal, opUnequal: opEqual, "<": ">=", ">=": "<", ">": "<=", "<=": ">"}

// negated takes NOT as far into an expression as it goes.
func negated(n *node) *node {
	switch n.op {
	case opNot:
		return n.args[0]
	case opAnd, opOr:
		args := make([]*node, len(n.args))
		for i, a := range n.args {
			args[i] = negated(a)
		}
		return branch(map[op]op{opAnd: opOr, opOr: opAnd}[n.op], args...)
	}
	if o, ok := opposites[n.op]; ok {
		return branch(o, n.args...)
	}
	return branch(opNot, n)
}

// choice is IN: of one value it is an equality.
func choice(args []*node) *node {
	if len(args) == 2 {
		return branch(opEqual, args...)
	}
	return branch(opIn, args...)
}

// flat takes the operands of operands of the same operator for its own.
func flat(o op, args []*node) []*node {
	var out []*node
	for _, a := range args {
		if a.op == o || o == opConcat && a.op == opCall && a.text == opConcatCall {
			out = append(out, a.args...)
		} else {
			out = append(out, a)
		}
	}
	return out
}

// synonyms are functions that have more than one name.
var synonyms = map[string]string{"now": "current_timestamp", "localtimestamp": "current_timestamp", "localtime": "current_timestamp", "transaction_timestamp": "current_timestamp",
	"curdate": "current_date", "curtime": "current_time", "ceil": "ceiling", "lcase": "lower", "ucase": "upper", "btrim": "trim", "substring": "substr", "mid": "substr",
	"character_length": "char_length", "ifnull": "coalesce"}

func called(n *node) *node {
	if name, ok := synonyms[n.text]; ok {
		n.text = name
	}
	switch n.text {
	case "current_timestamp", "current_date", "current_time":
		n.args = nil // how many digits it has, the column says
	case "mod":
		if len(n.args) == 2 {
			return branch("%", n.args...)
		}
	}
	return n
}

// write prints a tree with every bracket.
func (c canonical) write(n *node) {
	switch n.op {
	case opColumn:
		c.out.WriteString(n.text)
	case opNumber:
		c.out.WriteString(plainNumber(n.text))
	case opText:
		c.out.WriteString("'" + strings.ReplaceAll(n.text, "'", "''") + "'")
	case opBits:
		c.out.WriteString("'" + n.text + "'")
	case opBytes:
		c.out.WriteString(`'\x` + n.text + "'")
	case opNull, opTrue, opFalse:
		c.out.WriteString(string(n.op))
	case opCall:
		c.list(n.text, ", ", n.args)
	case opAnd, opOr:
		c.list("", " "+string(n.op)+" ", n.args)
	default:
		name := string(n.op)
		if n.text != "" {
			name += " " + strconv.Quote(n.text)
		}
		if len(n.args) == 2 && opposites[n.op] != "" || len(n.args) == 2 && strings.Contains("+-*/%", name) {
			c.list("", " "+name+" ", n.args)
			return
		}
		c.list(name, ", ", n.args)
	}
}

func (c canonical) list(before, between string, args []*node) {
	c.out.WriteString(before + "(")
	for i, a := range args {
		if i > 0 {
			c.out.WriteString(between)
		}
		c.write(a)
	}
	c.out.WriteString(")")
}
