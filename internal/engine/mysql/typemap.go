package mysql

import (
	"fmt"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

const (
	maxDecimalPrecision = 65
	maxDecimalScale     = 30
	// maxVarchar is the longest VARCHAR in characters of four bytes, and in bytes.
	maxVarchar   = 16_383
	maxVarbinary = 65_532
	maxBits      = 64
)

// targetType is the type of a target's column, and how values travel into it.
type targetType struct {
	// name is the type as DDL and the catalog write it: "varchar(40)".
	name string
	kind planv1.Kind
	// scale of decimals, or the width of bits; -1 for as they come.
	scale int32
	// charset and collation of a text; empty for those of a new table.
	charset, collation string
}

// asciiType is a text of a form that drover writes.
func asciiType(name string, kind planv1.Kind) targetType {
	return targetType{name: name, kind: kind, scale: -1, charset: "ascii", collation: "ascii_bin"}
}

// kindTypes hold every value of a kind that the product has at all; for sources that
// are neither MySQL nor MariaDB.
var kindTypes = map[planv1.Kind]targetType{
	canon.Bool: {name: "tinyint(1)"}, canon.Int: {name: "bigint"}, canon.Uint: {name: "bigint unsigned"},
	canon.Float32: {name: "float"}, canon.Float64: {name: "double"}, canon.Text: {name: "longtext"}, canon.Bytes: {name: "longblob"},
	canon.Date: {name: "date"}, canon.Time: {name: "time(6)"}, canon.Timestamp: {name: "datetime(6)"},
	// Not TIMESTAMP, which ends in 2038.
	canon.TimestampTZ: {name: "datetime(6)"},
	// Longest: 24:00:00.999999+15:59:59 and P-2147483648M-2147483648DT-9223372036854.775808S.
	canon.TimeTZ: asciiType("varchar(32)", 0), canon.Interval: asciiType("varchar(64)", 0),
	// Not MariaDB's UUID: it refuses those of no RFC, and sorts the others by parts.
	canon.UUID: asciiType("char(36)", 0),
	// Text as it came: MySQL's JSON keeps none.
	canon.JSON: {name: "longtext"}, canon.Bits: {name: "longtext"},
}

// mapType gives the type for a column of another engine than MySQL and MariaDB;
// false where no type holds its values.
func (d *dialect) mapType(engineName string, c *planv1.Column) (targetType, bool) {
	out, ok := kindTypes[c.GetKind()]
	out.kind, out.scale = c.GetKind(), -1
	switch c.GetKind() {
	case canon.Int:
		out.name = integerType(engineName, c.GetNativeType())
	case canon.Decimal:
		out = decimalType(c)
	case canon.JSONValue:
		return targetType{name: "json", kind: canon.JSONValue, scale: -1}, true
	case canon.Text:
		if name, enum := enumType(c); enum {
			out.name = name
		} else if n := c.GetLength(); n > 0 && n <= maxVarchar {
			out.name = fmt.Sprintf("varchar(%d)", n)
		}
	case canon.Bytes:
		if name := c.GetGeometry(); name != "" {
			out.name = name
		} else if n := c.GetLength(); n > 0 && n <= maxVarbinary {
			out.name = fmt.Sprintf("varbinary(%d)", n)
		}
	case canon.Bits:
		// A type of varying length would get zeros in front.
		if n := c.GetLength(); n > 0 && n <= maxBits && strings.HasPrefix(c.GetNativeType(), "bit(") {
			out.name, out.scale = fmt.Sprintf("bit(%d)", n), int32(n)
		}
	}
	return out, ok || c.GetKind() == canon.Decimal
}

// integerType narrows where the source makes sure of the range: SQLite, for one,
// takes any integer into a SMALLINT.
func integerType(engineName, native string) string {
	if engineName == "postgres" {
		switch native {
		case "smallint":
			return "smallint"
		case "integer":
			return "int"
		}
	}
	return "bigint"
}

// decimalType holds what a declared precision lets in; without one, or beyond what
// the product has, the widest type holds nearly everything and the rest is refused.
func decimalType(c *planv1.Column) targetType {
	precision, scale := c.GetPrecision(), c.GetScale()
	if precision > 0 && scale < 0 {
		precision, scale = precision-scale, 0
	}
	// 0.00012 is a numeric(2,5).
	precision = max(precision, scale)
	if c.GetPrecision() <= 0 || precision > maxDecimalPrecision || scale > maxDecimalScale {
		precision, scale = maxDecimalPrecision, maxDecimalScale
	}
	return targetType{name: fmt.Sprintf("decimal(%d,%d)", precision, scale), kind: canon.Decimal, scale: scale}
}

// narrowed tells whether a decimal type holds less than the source's column may.
func narrowed(c *planv1.Column, to targetType) bool {
	return c.GetKind() == canon.Decimal && to.kind == canon.Decimal && to.name == "decimal(65,30)" && (c.GetPrecision() != maxDecimalPrecision || c.GetScale() != maxDecimalScale)
}

// enumType is an ENUM of a column's labels, where they can be told apart in one: the
// product cuts spaces behind a label.
func enumType(c *planv1.Column) (string, bool) {
	const most, longest = 65_535, 255
	labels := c.GetEnumLabels()
	if len(labels) == 0 || len(labels) > most || c.GetMultiple() {
		return "", false
	}
	quoted := make([]string, len(labels))
	for i, l := range labels {
		if strings.HasSuffix(l, " ") || len([]rune(l)) > longest || strings.ContainsRune(l, 0) {
			return "", false
		}
		quoted[i] = literal(l)
	}
	return "enum(" + strings.Join(quoted, ",") + ")", true
}

// ownType keeps the type of a column of the same product, or translates it from the
// other one.
func (d *dialect) ownType(engineName string, c *planv1.Column) targetType {
	out := targetType{name: c.GetNativeType(), kind: c.GetKind(), scale: -1, charset: c.GetCharset(), collation: c.GetCollation()}
	switch c.GetKind() {
	case canon.Decimal:
		out.scale = c.GetScale()
	case canon.Bits:
		out.scale = int32(c.GetLength())
	}
	if out.name == "json" {
		// It brings its own.
		out.charset, out.collation = "", ""
	}
	if engineName == d.name {
		return out
	}
	if translate, ok := d.target.foreignTypes[dataTypeOf(c.GetNativeType())]; ok {
		return translate(c)
	}
	return out
}
