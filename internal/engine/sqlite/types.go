package sqlite

import (
	"fmt"
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
	canon.TimestampTZ: "TEXT", canon.Interval: "TEXT", canon.UUID: "UUID", canon.JSON: "TEXT", canon.Bits: "TEXT", canon.Variant: "",
}

// textTypes are types of other engines that travel as text because they are text,
// or because their text says all there is to them.
var textTypes = map[string][]string{
	"postgres": {"text", "character varying", "character", "bpchar", "name", `"char"`, "citext", "inet", "cidr", "macaddr", "macaddr8", "xml",
		"tsvector", "tsquery", "ltree", "lquery", "hstore", "jsonpath", "pg_lsn", "int4range", "int8range", "numrange", "tsrange", "tstzrange",
		"daterange", "int4multirange", "int8multirange", "nummultirange", "tsmultirange", "tstzmultirange", "datemultirange", "smallint", "integer",
		"bigint", "numeric", "real", "double precision", "boolean", "date", "time without time zone", "time with time zone",
		"timestamp without time zone", "timestamp with time zone", "interval", "uuid", "json", "jsonb", "bytea", "bit", "bit varying"},
}

// declaredFor gives the declared type of a new column for a column of another
// engine; false where there is none.
func declaredFor(engineName string, c *planv1.Column, domains []string) (string, bool) {
	if c.GetKind() != canon.Text {
		t, ok := kindTypes[c.GetKind()]
		return t, ok
	}
	base, known := textTypes[engineName]
	if known && len(c.GetEnumLabels()) == 0 && !slices.Contains(base, baseType(c.GetNativeType())) && !slices.Contains(domains, c.GetNativeType()) {
		return "", false
	}
	if c.GetLength() > 0 {
		return fmt.Sprintf("VARCHAR(%d)", c.GetLength()), true
	}
	return kindTypes[canon.Text], true
}

// baseType is a type without its modifier and its array brackets:
// "character varying(40)[]" is "character varying".
func baseType(native string) string {
	for strings.HasSuffix(native, "[]") {
		native = strings.TrimSuffix(native, "[]")
	}
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
	case canon.Text, canon.JSON, canon.Bits:
		return a == affinityText || a == affinityBlob
	default:
		// Texts that do not read as numbers.
		return a != affinityReal
	}
}
