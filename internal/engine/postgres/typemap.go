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
	canon.Interval: "interval", canon.UUID: "uuid", canon.JSON: "json", canon.JSONValue: "jsonb", canon.Bits: "bit varying",
}

// mapType gives the target type of a column of another engine; false where no
// type holds its values.
func mapType(engineName string, c *planv1.Column) (targetType, bool) {
	if engineName == mysqlName || engineName == mariadbName {
		return mapMySQLType(c)
	}
	out := targetType{kind: c.GetKind(), scale: -1}
	switch c.GetKind() {
	case canon.Decimal:
		return numeric(c.GetPrecision(), c.GetScale()), true
	case canon.Text:
		out.name = "text"
		if n := c.GetLength(); n > 0 && n <= maxVarcharLength {
			out.name = fmt.Sprintf("character varying(%d)", n)
		}
		return out, true
	}
	// Nothing narrower than bigint: SQLite, for one, takes any integer into a SMALLINT.
	name, ok := kindTypes[c.GetKind()]
	out.name = name
	return out, ok
}

// renderDefault writes a default in SQL; false where only the source could.
func renderDefault(engineName string, c *planv1.Column, to targetType) (string, bool) {
	if own := c.GetDefault().GetDefinition(); own != "" && engineName == Name && c.GetCast() == "" {
		return own, true
	}
	switch v := c.GetDefault().GetValue().(type) {
	case *planv1.Default_Expression:
		if engineName != Name {
			return translateDefault(engineName, v.Expression, to)
		}
		return v.Expression, c.GetCast() == ""
	case *planv1.Default_Moment_:
		return renderMoment(engineName, v.Moment, to.kind)
	case *planv1.Default_Literal:
		return renderLiteral(c.GetKind(), v.Literal, to)
	default:
		return "", false
	}
}

// renderLiteral writes a constant of the source as one of the target's type.
func renderLiteral(from planv1.Kind, text string, to targetType) (string, bool) {
	if strings.Contains(text, "\x00") {
		return "", false
	}
	if from == canon.Bits && to.kind == canon.Bits && len(text) < int(to.scale) {
		text = strings.Repeat("0", int(to.scale)-len(text)) + text
	}
	if from != canon.Variant {
		v, err := canon.Parse(from, text)
		if err != nil {
			return "", false
		}
		if from != to.kind {
			var ok bool
			if v, ok, err = canon.Convert(from, to.kind, int(to.scale), v); !ok || err != nil {
				return "", false
			}
			text = canon.String(to.kind, v)
		}
	}
	return literal(text) + "::" + to.name, true
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
