package sqlexpr

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/drover-db/drover/internal/canon"
)

// call translates the functions that both engines have, under whatever names.
func (t *Translator) call(n *node) (Value, error) {
	name := n.text
	if other, ok := synonyms[name]; ok {
		name = other
	}
	switch {
	case name == "concat" && t.From.mysql:
		return t.concatenation(n.args)
	case name == "mod" && len(n.args) == 2:
		return t.arithmetic(branch("%", n.args...))
	case name == "if" && t.From.mysql && len(n.args) == 3, name == "iif" && t.From.sqlite && len(n.args) == 3:
		return t.caseWhen(branch(opCase, n.args...))
	case name == "json_valid" && t.From.mysql && len(n.args) == 1:
		v, err := t.value(n.args[0])
		if err == nil && v.Kind != canon.JSON && v.Kind != canon.JSONValue {
			err = errDiffers
		}
		// The column's type sees to that.
		return Value{SQL: "true", Condition: true}, err
	}
	args := make([]Value, len(n.args))
	for i, a := range n.args {
		v, err := t.value(a)
		if err != nil {
			return v, err
		}
		args[i] = v
	}
	if f, ok := functions[name]; ok {
		return f(t, name, args)
	}
	return Value{}, errDiffers
}

// functions are those that mean the same for the values that their entry takes.
var functions = map[string]func(t *Translator, name string, args []Value) (Value, error){
	"char_length": (*Translator).charLength, "length": (*Translator).charLength, "octet_length": (*Translator).octetLength,
	"lower": (*Translator).letterCase, "upper": (*Translator).letterCase,
	"trim": (*Translator).trim, "ltrim": (*Translator).trim, "rtrim": (*Translator).trim,
	"substr": (*Translator).substr, "left": (*Translator).left, "replace": (*Translator).replace,
	"coalesce": (*Translator).coalesce, "nullif": (*Translator).nullif,
	"abs": (*Translator).abs, "round": (*Translator).round, "floor": (*Translator).wholePart, "ceiling": (*Translator).wholePart,
}

// isTextCall tells whether the first argument is a text, and how many there are.
func isTextCall(args []Value, count int) bool {
	return len(args) == count && args[0].Kind == canon.Text && !args[0].Condition
}

// cutsAtNUL tells whether some functions of SQLite, which read a text to its first NUL,
// meet an engine that has texts with one. PostgreSQL has none.
func (t *Translator) cutsAtNUL() bool {
	return t.From.sqlite && t.To.mysql || t.From.mysql && t.To.sqlite
}

// charLength counts characters. LENGTH counts bytes in MySQL.
func (t *Translator) charLength(name string, args []Value) (Value, error) {
	if name == "length" && t.From.mysql {
		return t.octetLength(name, args)
	}
	if name == "length" && len(args) == 1 && args[0].Kind == canon.Bytes {
		return t.octetLength(name, args)
	}
	if !isTextCall(args, 1) || name == "char_length" && t.From.sqlite {
		return Value{}, errDiffers
	}
	if t.cutsAtNUL() {
		return Value{}, errNUL
	}
	if t.To.sqlite {
		return Value{SQL: "length(" + args[0].SQL + ")", Kind: canon.Int}, nil
	}
	return Value{SQL: "char_length(" + args[0].SQL + ")", Kind: canon.Int}, nil
}

// octetLength counts bytes: of text, only where it has one for each character whatever
// the encoding is.
func (t *Translator) octetLength(_ string, args []Value) (Value, error) {
	if len(args) != 1 || args[0].Kind != canon.Bytes && !(args[0].Kind == canon.Text && args[0].ascii && !t.cutsAtNUL()) {
		return Value{}, errDiffers
	}
	if t.To.sqlite {
		return Value{SQL: "length(" + args[0].SQL + ")", Kind: canon.Int}, nil
	}
	return Value{SQL: "octet_length(" + args[0].SQL + ")", Kind: canon.Int}, nil
}

// letterCase changes letters of ASCII alone in SQLite, and in PostgreSQL where the
// collation is "C"; elsewhere each engine has its own idea of the others.
func (t *Translator) letterCase(name string, args []Value) (Value, error) {
	if !isTextCall(args, 1) || !args[0].plain && !args[0].ascii {
		return Value{}, errDiffers
	}
	if t.To.mysql && !args[0].ascii {
		return Value{}, errDiffers
	}
	out := args[0]
	out.constant, out.labels, out.SQL = nil, nil, name+"("+args[0].SQL+")"
	if t.To.postgres {
		out.SQL = name + "(" + args[0].SQL + ` COLLATE "C")`
	}
	return out, nil
}

// trim takes spaces away, and nothing else.
func (t *Translator) trim(name string, args []Value) (Value, error) {
	if !isTextCall(args, 1) {
		return Value{}, errDiffers
	}
	if name == "trim" && t.To.postgres {
		name = "btrim"
	}
	return rewritten(args[0], name+"("+args[0].SQL+")"), nil
}

// rewritten is a text that a function has made of another.
func rewritten(v Value, sql string) Value {
	v.SQL, v.constant, v.labels = sql, nil, nil
	return v
}

// count is an argument that is a whole number, no less than a least one.
func count(v Value, least int) (int, bool) {
	if v.constant == nil || v.Kind != canon.Int {
		return 0, false
	}
	n, err := strconv.Atoi(*v.constant)
	return n, err == nil && n >= least
}

func (t *Translator) substr(_ string, args []Value) (Value, error) {
	if len(args) != 2 && len(args) != 3 || args[0].Kind != canon.Text {
		return Value{}, errDiffers
	}
	if t.cutsAtNUL() {
		return Value{}, errNUL
	}
	from, ok := count(args[1], 1)
	sql := fmt.Sprintf("substr(%s, %d", args[0].SQL, from)
	out := args[0]
	if len(args) == 3 {
		n, counted := count(args[2], 0)
		ok = ok && counted
		sql += fmt.Sprintf(", %d", n)
		out.Length = max(n, 1)
	}
	if !ok {
		return Value{}, errDiffers
	}
	return rewritten(out, sql+")"), nil
}

func (t *Translator) left(_ string, args []Value) (Value, error) {
	if !isTextCall(args, 2) || t.From.sqlite {
		return Value{}, errDiffers
	}
	n, ok := count(args[1], 0)
	if !ok {
		return Value{}, errDiffers
	}
	if t.cutsAtNUL() {
		return Value{}, errNUL
	}
	out := args[0]
	out.Length = max(n, 1)
	if t.To.sqlite {
		return rewritten(out, fmt.Sprintf("substr(%s, 1, %d)", args[0].SQL, n)), nil
	}
	return rewritten(out, fmt.Sprintf("left(%s, %d)", args[0].SQL, n)), nil
}

// replace looks for a constant, with its case, in every engine.
func (t *Translator) replace(_ string, args []Value) (Value, error) {
	if !isTextCall(args, 3) || args[1].constant == nil || *args[1].constant == "" || args[2].constant == nil ||
		args[1].Kind != canon.Text || args[2].Kind != canon.Text || !args[0].exact {
		return Value{}, errDiffers
	}
	out := args[0]
	out.ascii, out.Length = out.ascii && args[2].ascii, 0
	return rewritten(out, fmt.Sprintf("replace(%s, %s, %s)", args[0].SQL, args[1].SQL, args[2].SQL)), nil
}

func (t *Translator) coalesce(_ string, args []Value) (Value, error) {
	out, err := together(args)
	if err != nil || len(args) < 2 {
		return out, errDiffers
	}
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = a.SQL
	}
	out.SQL = "coalesce(" + strings.Join(parts, ", ") + ")"
	return out, nil
}

func (t *Translator) nullif(_ string, args []Value) (Value, error) {
	if len(args) != 2 {
		return Value{}, errDiffers
	}
	a, b, err := t.comparable(args[0], args[1], false)
	out := args[0]
	out.SQL, out.constant = "nullif("+a+", "+b+")", nil
	return out, err
}

func (t *Translator) abs(_ string, args []Value) (Value, error) {
	if len(args) != 1 || !isExactNumber(args[0].Kind) || args[0].real || (t.To.sqlite || t.From.sqlite) && args[0].Kind != canon.Int {
		return Value{}, errDiffers
	}
	return Value{SQL: "abs(" + args[0].SQL + ")", Kind: args[0].Kind, Scale: args[0].Scale}, nil
}

// round takes halves away from zero, of decimals that are no floats.
func (t *Translator) round(_ string, args []Value) (Value, error) {
	if len(args) != 1 && len(args) != 2 || args[0].Kind != canon.Decimal || args[0].constant != nil || t.To.sqlite || t.From.sqlite {
		return Value{}, errDiffers
	}
	digits := 0
	if len(args) == 2 {
		n, ok := count(args[1], 0)
		if !ok || n > maxScale {
			return Value{}, errDiffers
		}
		digits = n
	}
	return Value{SQL: fmt.Sprintf("round(%s, %d)", args[0].SQL, digits), Kind: canon.Decimal, Scale: digits}, nil
}

// wholePart is the next whole number below or above.
func (t *Translator) wholePart(name string, args []Value) (Value, error) {
	if len(args) != 1 || args[0].Kind != canon.Decimal || args[0].constant != nil || t.To.sqlite || t.From.sqlite {
		return Value{}, errDiffers
	}
	return Value{SQL: name + "(" + args[0].SQL + ")", Kind: canon.Decimal}, nil
}
