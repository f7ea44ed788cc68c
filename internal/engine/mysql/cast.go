package mysql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// typeAliases are the other names of types.
var typeAliases = map[string]string{"integer": "int", "bool": "tinyint", "boolean": "tinyint", "numeric": "decimal", "dec": "decimal", "fixed": "decimal",
	"double precision": "double", "real": "double", "character varying": "varchar", "character": "char", "geomcollection": "geometrycollection"}

// typeLimits say how many sizes a type takes between parentheses, the greatest of
// them, and the first one where none is written; least is the smallest.
type typeLimits struct {
	least, most, standard int
	// second is the greatest second size; -1 where there is none.
	second int
	// required says that a size must be written.
	required bool
}

var sizedTypes = map[string]typeLimits{
	"decimal": {1, maxDecimalPrecision, 10, maxDecimalScale, false}, "bit": {1, maxBits, 1, -1, false},
	"char": {0, 255, 1, -1, false}, "varchar": {0, maxVarchar, 0, -1, true}, "binary": {0, 255, 1, -1, false}, "varbinary": {0, maxVarbinary, 0, -1, true},
	"time": {0, 6, 0, -1, false}, "datetime": {0, 6, 0, -1, false}, "timestamp": {0, 6, 0, -1, false}, "vector": {1, 16_383, 2048, -1, false},
}

// integerTypes may be unsigned; a width behind them is for display and says nothing.
var integerTypes = []string{"tinyint", "smallint", "mediumint", "int", "bigint"}

// typeOf reads a type as a spec or a catalog writes it, and gives it in one form.
func (d *dialect) typeOf(text string) (targetType, error) {
	name, arguments, rest, err := typeParts(text)
	if err != nil {
		return targetType{}, err
	}
	asked := name
	if alias, ok := typeAliases[name]; ok {
		name = alias
	}
	kind, known := naturalKinds[name]
	if !known || slices.Contains(d.target.lacks, name) {
		return targetType{}, fmt.Errorf("%s has no type %q", d.product, strings.TrimSpace(text))
	}
	out := targetType{name: name, kind: kind, scale: -1}
	switch {
	case slices.Contains(integerTypes, name):
		return integerOf(out, asked, arguments, rest)
	case rest != "":
		return out, fmt.Errorf("%q behind type %s is not understood", rest, name)
	case name == "year" && arguments == "4":
		return out, nil
	case name == "json":
		out.kind = d.target.jsonKind
	case name == "enum" || name == "set":
		return labelled(out, arguments)
	case sizedTypes[name] != typeLimits{}:
		return sized(out, arguments)
	case arguments != "":
		return out, fmt.Errorf("type %s takes no size: write it without (%s)", name, arguments)
	}
	return out, nil
}

// typeParts cuts "DECIMAL (10, 2) UNSIGNED" into decimal, "10, 2" and unsigned.
func typeParts(text string) (name, arguments, rest string, err error) {
	text = strings.TrimSpace(text)
	open := strings.IndexByte(text, '(')
	if open < 0 {
		words := strings.Fields(strings.ToLower(text))
		for len(words) > 1 && slices.Contains([]string{"unsigned", "signed", "zerofill"}, words[len(words)-1]) {
			rest = words[len(words)-1] + " " + rest
			words = words[:len(words)-1]
		}
		return strings.Join(words, " "), "", strings.TrimSpace(rest), nil
	}
	at := open + 1
	for at < len(text) && text[at] != ')' {
		if _, n := quotedPrefix(text[at:]); n > 0 {
			at += n
			continue
		}
		at++
	}
	if at == len(text) {
		return "", "", "", fmt.Errorf("type %q lacks a closing parenthesis", text)
	}
	name = strings.Join(strings.Fields(strings.ToLower(text[:open])), " ")
	return name, strings.TrimSpace(text[open+1 : at]), strings.ToLower(strings.TrimSpace(text[at+1:])), nil
}

func integerOf(out targetType, asked, width, rest string) (targetType, error) {
	if width != "" {
		if n, err := strconv.Atoi(width); err != nil || n < 0 || n > 255 {
			return out, fmt.Errorf("%q is no width of type %s", width, out.name)
		}
	}
	// The one width that says something.
	if out.name == "tinyint" && (asked != "tinyint" || width == "1") {
		out.name = "tinyint(1)"
	}
	if asked == "bool" || asked == "boolean" {
		out.kind = canon.Bool
	}
	switch rest {
	case "", "signed":
	case "unsigned", "unsigned zerofill", "zerofill":
		out.name += " unsigned"
		if strings.HasPrefix(out.name, "bigint") {
			out.kind = canon.Uint
		}
	default:
		return out, fmt.Errorf("%q behind type %s is not understood", rest, out.name)
	}
	return out, nil
}

func labelled(out targetType, arguments string) (targetType, error) {
	var quoted []string
	for rest := arguments; ; {
		label, n := quotedPrefix(rest)
		if n == 0 {
			return out, fmt.Errorf("type %s needs labels, as in %s('one','two')", out.name, out.name)
		}
		quoted = append(quoted, literal(label))
		rest = strings.TrimSpace(rest[n:])
		if rest == "" {
			break
		}
		rest = strings.TrimSpace(strings.TrimPrefix(rest, ","))
	}
	out.name += "(" + strings.Join(quoted, ",") + ")"
	return out, nil
}

// sized checks what stands between the parentheses and writes it out.
func sized(out targetType, arguments string) (targetType, error) {
	limits := sizedTypes[out.name]
	if arguments == "" && limits.required {
		return out, fmt.Errorf("type %s needs a length, as in %s(100)", out.name, out.name)
	}
	sizes := []int{limits.standard, 0}
	for i, part := range strings.Split(arguments, ",") {
		if arguments == "" {
			break
		}
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || i > 1 || (i == 1 && limits.second < 0) {
			return out, fmt.Errorf("(%s) is no size of type %s", arguments, out.name)
		}
		sizes[i] = n
	}
	if sizes[0] < limits.least || sizes[0] > limits.most || sizes[1] < 0 || sizes[1] > limits.second && limits.second >= 0 || limits.second >= 0 && sizes[1] > sizes[0] {
		return out, fmt.Errorf("(%s) is beyond type %s", arguments, out.name)
	}
	switch {
	case out.name == "decimal":
		out.scale = int32(sizes[1])
		out.name = fmt.Sprintf("decimal(%d,%d)", sizes[0], sizes[1])
	case out.kind == canon.Time || out.kind == canon.Timestamp || out.kind == canon.TimestampTZ:
		if sizes[0] > 0 {
			out.name += fmt.Sprintf("(%d)", sizes[0])
		}
	default:
		if out.kind == canon.Bits {
			out.scale = int32(sizes[0])
		}
		out.name += fmt.Sprintf("(%d)", sizes[0])
	}
	return out, nil
}

// suited lets values travel by their own kind where a type holds several: a DATETIME
// takes instants too, in UTC, and a number may be a boolean.
func (t targetType) suited(source planv1.Kind) targetType {
	name := dataTypeOf(t.name)
	switch {
	case source == canon.TimestampTZ && name == "datetime", source == canon.Timestamp && name == "timestamp":
		t.kind = canon.TimestampTZ
	case source == canon.Bool && strings.HasPrefix(t.name, "tinyint(1)"):
		t.kind = canon.Bool
	case source == canon.Uint && name == "decimal":
		t.kind = canon.Decimal
	}
	return t
}
