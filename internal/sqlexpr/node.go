// Package sqlexpr reads the expressions of checks, defaults, generated columns and
// indexes, and writes them for another engine where both certainly mean the same by
// them; anything else is refused, and listed for whoever moves it by hand. It compares
// two expressions of one engine by what they say, however a server has printed them.
//
// Read parse.go for how an expression becomes a tree, translate.go and the files it
// names for what of it means the same where, canonical.go for the comparison.
package sqlexpr

import "errors"

// op is what a node of a tree does.
type op string

const (
	opColumn op = "column"
	opNumber op = "number"
	opText   op = "text"
	// opBytes is a constant in hexadecimal, opBits one of zeros and ones.
	opBytes op = "bytes"
	opBits  op = "bits"
	opNull  op = "null"
	opTrue  op = "true"
	opFalse op = "false"
	opCall  op = "call"
	// opCast has the type in text; opCollate the collation.
	opCast    op = "cast"
	opCollate op = "collate"
	opAnd     op = "and"
	opOr      op = "or"
	opNot     op = "not"
	opMinus   op = "minus"
	opIsNull  op = "is null"
	// opIs is IS TRUE, IS FALSE: the second operand says which.
	opIs      op = "is"
	opIn      op = "in"
	opBetween op = "between"
	opLike    op = "like"
	opGlob    op = "glob"
	// opCase has pairs of condition and value, and the value behind ELSE at its end.
	opCase  op = "case"
	opArray op = "array"
	// opOther is an operator that is only compared; its sign is in text.
	opOther op = "operator"
)

// Comparisons and arithmetic are their own signs; "<=>" takes NULLs for equal.
const (
	opEqual   op = "="
	opUnequal op = "<>"
	opSame    op = "<=>"
	opConcat  op = "||"
)

// node is an expression.
type node struct {
	op op
	// text is a name, the value of a constant, or a function in lower case.
	text string
	args []*node
}

func branch(o op, args ...*node) *node { return &node{op: o, args: args} }

// Reasons why an expression has no form in another engine.
var (
	errUnread  = errors.New("drover does not read it")
	errDiffers = errors.New("it is not sure that both engines mean the same by it")
	errTexts   = errors.New("its text compares by a collation of the source, by which other texts are equal")
	errNUL     = errors.New("SQLite takes a text for shorter that has a NUL character, and the other engine has such texts")
	errOrder   = errors.New("its text is ordered by a collation of the source")
)
