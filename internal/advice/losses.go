package advice

import (
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/loss"
)

// wider names, for each kind of engine, a type that keeps what breaks a rule. A rule
// that is not there has no such type.
var wider = map[string]map[loss.Rule]string{
	"postgres": {
		loss.ImpossibleDate: "text", loss.TimeOfDay: "interval", loss.NumberRange: "numeric", loss.Digits: "numeric", loss.TooLong: "text",
		loss.Padding: "text", loss.NUL: "bytea", loss.Label: "text", loss.JSON: "json", loss.Fraction: "", loss.Conversion: "text",
	},
	"mysql": {
		loss.ImpossibleDate: "varchar(32)", loss.DateRange: "varchar(64)", loss.TimeOfDay: "varchar(32)", loss.NumberRange: "longtext", loss.Digits: "longtext",
		loss.NotFinite: "longtext", loss.NegativeZero: "longtext", loss.TooLong: "longtext", loss.Padding: "longtext", loss.Label: "longtext",
		loss.Charset: "longtext", loss.JSON: "longtext", loss.Conversion: "longtext",
	},
	"sqlite": {
		loss.ImpossibleDate: "TEXT", loss.NumberRange: "TEXT", loss.Digits: "TEXT", loss.NotFinite: "TEXT", loss.NegativeZero: "TEXT", loss.JSON: "TEXT", loss.Conversion: "TEXT",
	},
}

// keptFirst are the rules for which keeping every value in another type is what most
// people want; for the others it is a policy.
var keptFirst = []loss.Rule{loss.NumberRange, loss.Digits, loss.TooLong, loss.Padding, loss.Fraction, loss.Charset, loss.JSON, loss.TimeOfDay, loss.NegativeZero, loss.Geometry}

// unreadable are the rules by which a value is refused when it is read: another type in
// the target does not help.
var unreadable = []loss.Rule{loss.StorageClass, loss.Encoding}

// remedy gives the lines of a spec that settle a rule that a column's values break: the
// likeliest first, others behind # or.
func remedy(p *planv1.TablePlan, c *planv1.ColumnPlan, r loss.Rule) string {
	if r == loss.Null {
		return tableRule(p, "where: "+scalar(`"`+strings.ReplaceAll(c.GetSource(), `"`, `""`)+`" IS NOT NULL`))
	}
	if r == loss.TooLarge || r == loss.Packet { // a policy needs the whole value too, another type is no shorter
		return columnRule(p, c.GetSource(), []string{"{drop: true}"})
	}
	var kept, policies []string
	if to := widerType(p, c, r); to != "" {
		kept = []string{"{type: " + scalar(to) + "}"}
	}
	if !slices.Contains(p.GetSource().GetKey().GetColumns(), c.GetSource()) {
		if r == loss.NUL {
			policies = append(policies, "{invalid: strip}")
		}
		if c.GetNullable() {
			policies = append(policies, "{invalid: set-null}")
		} else if s, ok := sentinels[c.GetKind()]; ok {
			policies = append(policies, "{invalid: sentinel, sentinel: "+scalar(s)+"}")
		}
	}
	if slices.Contains(keptFirst, r) {
		return columnRule(p, c.GetSource(), append(kept, policies...))
	}
	return columnRule(p, c.GetSource(), append(policies, kept...))
}

// widerType is a type that keeps all values, or empty for none that is known.
func widerType(p *planv1.TablePlan, c *planv1.ColumnPlan, r loss.Rule) string {
	engine := p.GetTargetEngine()
	if engine == "mariadb" {
		engine = "mysql"
	}
	bytes := c.GetKind() == planv1.Kind_KIND_BYTES
	switch {
	case slices.Contains(unreadable, r):
		return ""
	case r == loss.Fraction && !strings.Contains(c.GetTargetType(), "("):
		return ""
	case r == loss.Fraction:
		open, shut := strings.IndexByte(c.GetTargetType(), '('), strings.IndexByte(c.GetTargetType(), ')')
		return c.GetTargetType()[:open] + "(6)" + c.GetTargetType()[shut+1:]
	case bytes && engine == "mysql":
		return map[loss.Rule]string{loss.TooLong: "longblob", loss.Padding: "longblob", loss.Geometry: "longblob"}[r]
	case c.GetKind() == planv1.Kind_KIND_BITS && engine == "postgres":
		return "bit varying"
	}
	to := wider[engine][r]
	if strings.EqualFold(to, c.GetTargetType()) {
		return ""
	}
	return to
}

// sentinels are values that people choose for columns that take no NULL.
var sentinels = map[planv1.Kind]string{
	planv1.Kind_KIND_BOOL: "false", planv1.Kind_KIND_INT: "0", planv1.Kind_KIND_UINT: "0", planv1.Kind_KIND_FLOAT32: "0", planv1.Kind_KIND_FLOAT64: "0",
	planv1.Kind_KIND_DECIMAL: "0", planv1.Kind_KIND_TEXT: "", planv1.Kind_KIND_DATE: "1970-01-01", planv1.Kind_KIND_TIME: "00:00:00",
	planv1.Kind_KIND_TIMESTAMP: "1970-01-01 00:00:00", planv1.Kind_KIND_TIMESTAMPTZ: "1970-01-01 00:00:00+00", planv1.Kind_KIND_JSON: "null",
	planv1.Kind_KIND_JSON_VALUE: "null", planv1.Kind_KIND_INTERVAL: "PT0S",
}
