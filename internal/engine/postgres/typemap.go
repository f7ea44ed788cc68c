package postgres

import (
	"fmt"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

const (
	maxNumericPrecision = 1000
	maxVarcharLength    = 10485760
)

// kindTypes are the types that hold every value of a kind, for sources that are
// not PostgreSQL. A column of PostgreSQL keeps its own type.
var kindTypes = map[planv1.Kind]string{
	canon.Bool: "boolean", canon.Int: "bigint", canon.Uint: "numeric(20,0)", canon.Float32: "real", canon.Float64: "double precision",
	canon.Decimal: "numeric", canon.Text: "text", canon.Bytes: "bytea", canon.Date: "date", canon.Time: "time without time zone",
	canon.TimeTZ: "time with time zone", canon.Timestamp: "timestamp without time zone", canon.TimestampTZ: "timestamp with time zone",
	canon.Interval: "interval", canon.UUID: "uuid", canon.JSON: "json", canon.Bits: "bit varying",
}

// smallIntegers are declared types that an engine enforces.
var smallIntegers = map[string]string{"tinyint": "smallint", "smallint": "smallint", "mediumint": "integer", "int": "integer", "integer": "integer", "year": "smallint"}

// mapType gives the target type of a column of another engine; false where no
// type holds its values.
func mapType(engineName string, c *planv1.Column) (string, bool) {
	switch c.GetKind() {
	case canon.Int:
		return integerType(engineName, c), true
	case canon.Decimal:
		if p, s := c.GetPrecision(), c.GetScale(); p > 0 && p <= maxNumericPrecision && s >= 0 && s <= p {
			return fmt.Sprintf("numeric(%d,%d)", p, s), true
		}
		return "numeric", true
	case canon.Text:
		if n := c.GetLength(); n > 0 && n <= maxVarcharLength {
			return fmt.Sprintf("character varying(%d)", n), true
		}
		return "text", true
	}
	t, ok := kindTypes[c.GetKind()]
	return t, ok
}

// integerType narrows where the source makes sure of the range: SQLite, for one,
// takes any integer into a SMALLINT.
func integerType(engineName string, c *planv1.Column) string {
	if engineName == "mysql" || engineName == "mariadb" {
		declared, _, _ := strings.Cut(strings.ToLower(c.GetNativeType()), "(")
		declared, _, _ = strings.Cut(declared, " ")
		if t, ok := smallIntegers[declared]; ok && !strings.Contains(strings.ToLower(c.GetNativeType()), "unsigned") {
			return t
		}
	}
	return "bigint"
}

// renderDefault writes a default in SQL; false where only the source could.
func renderDefault(engineName string, c *planv1.Column, targetType string) (string, bool) {
	switch v := c.GetDefault().GetValue().(type) {
	case *planv1.Default_Expression:
		return v.Expression, engineName == Name
	case *planv1.Default_Moment_:
		return renderMoment(engineName, v.Moment, c.GetKind())
	case *planv1.Default_Literal:
		if c.GetKind() != canon.Variant {
			if _, err := canon.Parse(c.GetKind(), v.Literal); err != nil || strings.Contains(v.Literal, "\x00") {
				return "", false
			}
		}
		return literal(v.Literal) + "::" + targetType, true
	default:
		return "", false
	}
}

// renderMoment writes the present moment as the source would have stored it:
// SQLite means UTC.
func renderMoment(engineName string, m planv1.Default_Moment, kind planv1.Kind) (string, bool) {
	now, today, clock := "LOCALTIMESTAMP", "CURRENT_DATE", "LOCALTIME"
	if engineName == "sqlite" {
		now = "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')"
		today, clock = now+"::date", now+"::time(0)"
	}
	switch kind {
	case canon.TimestampTZ:
		return "CURRENT_TIMESTAMP", m == planv1.Default_MOMENT_TIMESTAMP
	case canon.Timestamp:
		return now, m == planv1.Default_MOMENT_TIMESTAMP
	case canon.Date:
		return today, m == planv1.Default_MOMENT_DATE
	case canon.Time:
		return clock, m == planv1.Default_MOMENT_TIME
	case canon.TimeTZ:
		return "CURRENT_TIME", m == planv1.Default_MOMENT_TIME
	case canon.Text:
		format := map[planv1.Default_Moment]string{planv1.Default_MOMENT_TIMESTAMP: "YYYY-MM-DD HH24:MI:SS",
			planv1.Default_MOMENT_DATE: "YYYY-MM-DD", planv1.Default_MOMENT_TIME: "HH24:MI:SS"}[m]
		return "to_char(" + now + ", " + literal(format) + ")", format != ""
	default:
		return "", false
	}
}
