package sqlexpr

import (
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// randomUUID makes one of version 4 as text.
const randomUUID = "(lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || " +
	"substr('89AB', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))))"

// uuids are the functions that make a UUID that nobody has: of a version that each engine
// chooses, unique all the same.
var uuids = []string{"gen_random_uuid", "uuid_generate_v4", "uuidv4", "uuid"}

// Default translates the expression of a default that makes its value anew: a UUID, an
// empty JSON; or one of constants alone. The kind is the column's in the target.
func (t *Translator) Default(expr string, kind planv1.Kind) (string, bool) {
	n, err := parse(expr, t.From)
	if err != nil {
		return "", false
	}
	text := n.op == opCast && (n.text == "text" || strings.HasPrefix(n.text, "character varying"))
	if text {
		n = n.args[0]
	}
	if n.op == opCall && len(n.args) == 0 {
		return t.generated(n.text, kind)
	}
	t.Column = func(string) (Value, error) { return Value{}, errDiffers }
	v, err := t.value(n)
	if err != nil || v.constant != nil || v.Condition || v.Kind != kind {
		return "", false
	}
	return "(" + v.SQL + ")", true
}

// generated is a default that a function without arguments makes.
func (t *Translator) generated(name string, kind planv1.Kind) (string, bool) {
	isJSON := kind == canon.JSON || kind == canon.JSONValue
	switch {
	case t.isUUID(name) && (kind == canon.UUID || kind == canon.Text):
		return t.uuid(kind), true
	case name == "json_object" && isJSON:
		return "('{}')", true
	case name == "json_array" && isJSON:
		return "('[]')", true
	}
	return "", false
}

// isUUID tells whether a function of the source makes UUIDs.
func (t *Translator) isUUID(name string) bool {
	for _, f := range uuids {
		if name == f {
			return (f == "uuid") == t.From.mysql
		}
	}
	return false
}

func (t *Translator) uuid(kind planv1.Kind) string {
	switch {
	case t.To.sqlite:
		return randomUUID
	case t.To.mysql:
		return "(uuid())"
	case kind == canon.UUID:
		return "gen_random_uuid()"
	}
	return "gen_random_uuid()::text"
}
