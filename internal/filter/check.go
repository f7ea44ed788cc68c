package filter

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// Check resolves names and types against a table's columns, as the source has them;
// constants of a spec are none of them. Errors are fault.Invalid and say where, what
// the column is and what fits.
func (e *Expression) Check(columns []*planv1.Column) error {
	e.checked = false
	if err := e.root.check(&checker{condition: e.text, columns: columns}); err != nil {
		return err
	}
	e.checked = true
	return nil
}

type checker struct {
	condition string
	columns   []*planv1.Column
}

func (c *checker) problem(at int, format string, args ...any) error {
	return problem(c.condition, at, format, args...)
}

// kinds says of each kind that can be compared what it is and what fits.
var kinds = map[planv1.Kind]struct {
	noun, example string
	classes       []class
}{
	canon.Bool:        {"true or false", "TRUE", []class{booleanClass}},
	canon.Int:         {"an integer of 64 bits", "42", []class{numberClass}},
	canon.Uint:        {"an unsigned integer of 64 bits", "42", []class{numberClass}},
	canon.Float32:     {"a number", "12.5", []class{numberClass}},
	canon.Float64:     {"a number", "12.5", []class{numberClass}},
	canon.Decimal:     {"a number", "12.50", []class{numberClass}},
	canon.Text:        {"text", "'abc'", []class{textClass}},
	canon.Bytes:       {"bytes", "X'00ff'", []class{binaryClass}},
	canon.Date:        {"a date", "DATE '2024-01-31'", []class{dateClass, timestampClass, textClass}},
	canon.Time:        {"a time", "'12:30:00'", []class{textClass}},
	canon.Timestamp:   {"a timestamp", "TIMESTAMP '2024-01-31 12:30:00'", []class{dateClass, timestampClass, textClass}},
	canon.TimestampTZ: {"an instant", "TIMESTAMP '2024-01-31 12:30:00+00'", []class{dateClass, timestampClass, textClass}},
	canon.UUID:        {"a UUID", "'123e4567-e89b-12d3-a456-426614174000'", []class{textClass}},
	canon.Bits:        {"bits", "'0101'", []class{textClass}},
}

// classNouns say what constants are.
var classNouns = map[class]string{numberClass: "a number", textClass: "text", booleanClass: "true or false", dateClass: "a date",
	timestampClass: "a timestamp", binaryClass: "bytes"}

// resolve finds the column that an operand names: by its exact name or, where it is
// not quoted, in any case if only one fits.
func (c *checker) resolve(o *operand) error {
	var loose []*planv1.Column
	for _, col := range c.columns {
		switch {
		case col.Constant != nil:
			if col.GetName() == o.text {
				return c.problem(o.at, "%s is a constant of the spec, not a column of the source", o.written)
			}
		case col.GetName() == o.text:
			o.name, o.kind = col.GetName(), col.GetKind()
			return nil
		case !o.quoted && strings.EqualFold(col.GetName(), o.text):
			loose = append(loose, col)
		}
	}
	switch len(loose) {
	case 1:
		o.name, o.kind = loose[0].GetName(), loose[0].GetKind()
		return nil
	case 0:
		return c.problem(o.at, "the table has no column %s%s", o.written, c.hint(o.text))
	default:
		return c.problem(o.at, "%s may be %s or %s: quote the name", o.written, loose[0].GetName(), loose[1].GetName())
	}
}

// hint names the nearest column, or all where there are few.
func (c *checker) hint(name string) string {
	var names []string
	best, distance := "", len(name)/2+1
	for _, col := range c.columns {
		if col.Constant != nil {
			continue
		}
		names = append(names, col.GetName())
		if d := edits(strings.ToLower(name), strings.ToLower(col.GetName())); d < distance {
			best, distance = col.GetName(), d
		}
	}
	switch {
	case best != "":
		return ": did you mean " + best + "?"
	case len(names) > 0 && len(names) <= 12:
		return "; it has " + strings.Join(names, ", ")
	default:
		return ""
	}
}

// edits is the Levenshtein distance of two names.
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := diagonal
			if x[i] != y[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}

// compared resolves a column and what it is compared with.
func (c *checker) compared(col *operand, others ...*operand) error {
	if err := c.resolve(col); err != nil {
		return err
	}
	what, ok := kinds[col.kind]
	if !ok {
		return c.problem(col.at, "column %s is %s, of which only IS NULL and IS NOT NULL can be asked", col.name, kindNoun(col.kind))
	}
	for _, o := range others {
		if o.class == columnClass {
			if err := c.resolve(o); err != nil {
				return err
			}
			if o.kind != col.kind {
				return c.problem(o.at, "column %s is %s and column %s is %s: only columns of one kind compare", col.name, what.noun, o.name, kindNoun(o.kind))
			}
			continue
		}
		if !slices.Contains(what.classes, o.class) {
			return c.problem(o.at, "column %s is %s, %s is %s: compare it with something like %s", col.name, what.noun, o.written, classNouns[o.class], what.example)
		}
		value, err := constant(o, col.kind)
		if err != nil {
			return c.problem(o.at, "column %s is %s, which %s is not: %s (compare it with something like %s)", col.name, what.noun, o.written, err, what.example)
		}
		o.kind, o.value = col.kind, value
	}
	return nil
}

// kindNoun says what a column is.
func kindNoun(kind planv1.Kind) string {
	if what, ok := kinds[kind]; ok {
		return what.noun
	}
	switch kind {
	case canon.JSON, canon.JSONValue:
		return "JSON"
	case canon.Interval:
		return "an interval"
	case canon.TimeTZ:
		return "a time with a zone"
	default:
		return "of no declared type"
	}
}

// constant gives a constant as a canonical value of a kind, exactly.
func constant(o *operand, kind planv1.Kind) ([]byte, error) {
	switch o.class {
	case binaryClass:
		v, err := hex.DecodeString(o.text)
		if err != nil {
			return nil, fmt.Errorf("between the quotes of X'…' are pairs of hexadecimal digits")
		}
		return v, nil
	case dateClass:
		return moment(canon.Date, kind, o.text)
	case timestampClass:
		return moment(canon.Timestamp, kind, o.text)
	case textClass:
		if kind == canon.Date || kind == canon.Timestamp || kind == canon.TimestampTZ {
			return moment(canon.Timestamp, kind, o.text)
		}
	}
	v, _, err := canon.Convert(canon.Text, kind, -1, []byte(o.text))
	return v, err
}

// moment reads a date or a timestamp as what the column is. A timestamp with a zone
// is an instant; without one it counts as UTC where the column has instants.
func moment(from, kind planv1.Kind, text string) ([]byte, error) {
	v, err := canon.Parse(from, text)
	if err != nil && from == canon.Timestamp && kind == canon.TimestampTZ {
		return canon.Parse(kind, text)
	}
	if err != nil {
		return nil, err
	}
	out, _, err := canon.Convert(from, kind, -1, v)
	return out, err
}

func (g *group) check(c *checker) error {
	for _, t := range g.terms {
		if err := t.check(c); err != nil {
			return err
		}
	}
	return nil
}

func (n *negation) check(c *checker) error   { return n.inner.check(c) }
func (n *comparison) check(c *checker) error { return c.compared(n.column, n.other) }
func (n *nullTest) check(c *checker) error   { return c.resolve(n.column) }
func (n *membership) check(c *checker) error { return c.compared(n.column, n.list...) }
func (n *between) check(c *checker) error    { return c.compared(n.column, n.low, n.high) }
