package sqlite

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// kindTypes are the declared types of new columns, by kind. Each keeps every
// value of its kind exactly, but for NaN and -0.0, which are refused:
//
//   - BOOLEAN, DATE, DATETIME, TIME and UUID have numeric affinity, which leaves
//     their values alone: 0 and 1 are integers, and no text form of the others
//     reads as a number;
//   - a decimal is TEXT: a number in SQLite has 15 digits to rely on;
//   - what has no kind of its own is TEXT.
var kindTypes = map[planv1.Kind]string{
	canon.Bool: "BOOLEAN", canon.Int: "INTEGER", canon.Uint: "TEXT", canon.Float32: "REAL", canon.Float64: "REAL", canon.Decimal: "TEXT",
	canon.Text: "TEXT", canon.Bytes: "BLOB", canon.Date: "DATE", canon.Time: "TIME", canon.TimeTZ: "TEXT", canon.Timestamp: "DATETIME",
	canon.TimestampTZ: "TEXT", canon.Interval: "TEXT", canon.UUID: "UUID", canon.JSON: "TEXT", canon.JSONValue: "TEXT", canon.Bits: "TEXT", canon.Variant: "",
}

// knownEngines are those whose types this package knows by their names.
var knownEngines = []string{"postgres", "mysql", "mariadb"}

// boundedTexts are the types whose length is the user's own.
var boundedTexts = []string{"character varying", "character", "bpchar", "varchar", "char"}

// strictTypes are all the types that a STRICT table may have.
var strictTypes = []string{"INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"}

// columnType is what a new column is declared as, and what its values travel as.
type columnType struct {
	declared string
	kind     planv1.Kind
	// scale of decimals; -1 for as they come.
	scale int32
}

// targetType gives the type of a new column: the spec's, or what the type map says;
// false where there is none.
func (d *designer) targetType(c *planv1.Column) (columnType, bool) {
	switch {
	case c.GetCast() != "":
		return castType(c.GetCast())
	case c.Constant != nil:
		return columnType{kindTypes[canon.Text], canon.Text, -1}, true
	}
	out := columnType{c.GetNativeType(), c.GetKind(), -1}
	if c.GetKind() == canon.Decimal && c.GetPrecision() > 0 {
		out.scale = max(c.GetScale(), 0)
	}
	if d.sameEngine() {
		return out, true
	}
	var ok bool
	out.declared, ok = declaredFor(d.request.Source.GetEngine(), c)
	if c.GetKind() == canon.Uint && affinityOf(out.declared) == affinityInteger && c.GetPolicy().GetAction() > planv1.Policy_ACTION_ERROR {
		// What SQLite's integers do not hold is then for the policy, where rows are read.
		out.kind = canon.Int
	}
	return out, ok
}

// castType is a declared type that says what values the column keeps.
func castType(declared string) (columnType, bool) {
	kind, told := kindOf(declared)
	out := columnType{declared, kind, -1}
	if t := parseDeclared(declared); kind == canon.Decimal && t.precision > 0 {
		out.scale = t.scale
	}
	return out, told && isTypeName(declared) && fits(kind, declared)
}

// typeName is a declared type and nothing more: words, and up to two numbers.
var typeName = regexp.MustCompile(`^[A-Za-z_]\w*( [A-Za-z_]\w*)*( ?\(\d+(, ?\d+)?\))?$`)

// constraintWords begin what may stand behind a type.
var constraintWords = []string{"CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "GENERATED", "AS"}

func isTypeName(text string) bool {
	return typeName.MatchString(text) && !slices.ContainsFunc(strings.Fields(text), func(word string) bool {
		return slices.Contains(constraintWords, strings.ToUpper(word))
	})
}

// declaredFor gives the declared type of a new column for a column of another
// engine; false where there is none. What travels as text says all there is to it in
// its text: an array, a composite, a range, an address.
func declaredFor(engineName string, c *planv1.Column) (string, bool) {
	switch {
	case c.GetKind() == canon.Uint && isMySQL(engineName):
		return kindTypes[canon.Int], true
	case c.GetKind() == canon.Text && isBounded(engineName, c):
		return fmt.Sprintf("VARCHAR(%d)", c.GetLength()), true
	}
	declared, ok := kindTypes[c.GetKind()]
	return declared, ok
}

// isBounded tells whether a text has a length that its user meant.
func isBounded(engineName string, c *planv1.Column) bool {
	return c.GetLength() > 0 && len(c.GetEnumLabels()) == 0 &&
		(!slices.Contains(knownEngines, engineName) || slices.Contains(boundedTexts, baseType(c.GetNativeType())))
}

func isMySQL(engineName string) bool { return engineName == "mysql" || engineName == "mariadb" }

// baseType is a type without its modifier: "character varying(40)" is "character
// varying".
func baseType(native string) string {
	if i := strings.IndexByte(native, '('); i >= 0 {
		_, after, _ := strings.Cut(native[i:], ")")
		native = native[:i] + after
	}
	return strings.TrimSpace(native)
}

// fits tells whether a column of a declared type keeps the values of a kind as
// stored gives them.
func fits(kind planv1.Kind, declared string) bool {
	a := affinityOf(declared)
	switch kind {
	case canon.Variant, canon.Bytes:
		return true
	case canon.Bool, canon.Int:
		return a == affinityInteger || a == affinityNumeric || a == affinityBlob
	case canon.Float32, canon.Float64:
		return a == affinityReal || a == affinityBlob
	case canon.Uint, canon.Decimal:
		return true
	case canon.Text, canon.JSON, canon.JSONValue, canon.Bits:
		return a == affinityText || a == affinityBlob
	default:
		// Texts that do not read as numbers.
		return a != affinityReal
	}
}
