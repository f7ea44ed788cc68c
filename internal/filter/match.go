package filter

import (
	"cmp"
	"math"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// truth is SQL's: AND takes the least, OR the greatest, NOT turns the sign.
type truth int8

const (
	no      truth = -1
	unknown truth = 0
	yes     truth = 1
)

func truthOf(is bool) truth {
	if is {
		return yes
	}
	return no
}

// negated turns a truth round if not is set.
func negated(t truth, not bool) truth {
	if not {
		return -t
	}
	return t
}

func (g *group) match(value func(string) []byte) truth {
	if g.or {
		out := no
		for _, t := range g.terms {
			out = max(out, t.match(value))
		}
		return out
	}
	out := yes
	for _, t := range g.terms {
		out = min(out, t.match(value))
	}
	return out
}

func (n *negation) match(value func(string) []byte) truth { return -n.inner.match(value) }

func (n *comparison) match(value func(string) []byte) truth {
	return compare(n.column, n.op, n.other, value)
}

func (n *nullTest) match(value func(string) []byte) truth {
	return negated(truthOf(value(n.column.name) == nil), n.not)
}

func (n *membership) match(value func(string) []byte) truth {
	out := no
	for _, item := range n.list {
		out = max(out, compare(n.column, "=", item, value))
	}
	return negated(out, n.not)
}

func (n *between) match(value func(string) []byte) truth {
	within := min(compare(n.column, ">=", n.low, value), compare(n.column, "<=", n.high, value))
	return negated(within, n.not)
}

// compare compares two operands of one kind; NULL makes it unknown.
func compare(left *operand, op string, right *operand, value func(string) []byte) truth {
	a, b := value(left.name), right.value
	if right.class == columnClass {
		b = value(right.name)
	}
	if a == nil || b == nil {
		return unknown
	}
	order := ordered(left.kind, a, b)
	switch op {
	case "=":
		return truthOf(order == 0)
	case "<>":
		return truthOf(order != 0)
	case "<":
		return truthOf(order < 0)
	case "<=":
		return truthOf(order <= 0)
	case ">":
		return truthOf(order > 0)
	default:
		return truthOf(order >= 0)
	}
}

// ordered compares values as databases do: NaN is equal to itself and greater than
// every number.
func ordered(kind planv1.Kind, a, b []byte) int {
	switch kind {
	case canon.Float32:
		return floats(float64(canon.GetFloat32(a)), float64(canon.GetFloat32(b)))
	case canon.Float64:
		return floats(canon.GetFloat64(a), canon.GetFloat64(b))
	case canon.Decimal:
		if x, y := specials[string(a)], specials[string(b)]; x != 0 || y != 0 {
			return cmp.Compare(x, y)
		}
	}
	return canon.Compare(kind, a, b)
}

// specials are decimals that are no numbers, by their place in the order.
var specials = map[string]int{"-Infinity": -1, "Infinity": 1, "NaN": 2}

func floats(a, b float64) int {
	switch {
	case math.IsNaN(a) && math.IsNaN(b):
		return 0
	case math.IsNaN(a):
		return 1
	case math.IsNaN(b):
		return -1
	default:
		return cmp.Compare(a, b)
	}
}
