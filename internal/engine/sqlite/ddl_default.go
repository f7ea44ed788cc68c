package sqlite

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// defaultSQL writes a default; empty for none.
func (b *tableBuilder) defaultSQL(c *planv1.Column, t columnType) string {
	switch v := c.GetDefault().GetValue().(type) {
	case *planv1.Default_Literal:
		if text, ok := literalDefault(c.GetKind(), t, v.Literal); ok {
			return text
		}
		b.noDefault(c, literal(v.Literal))
	case *planv1.Default_Moment_:
		if text, ok := momentDefault(t.kind, v.Moment); ok {
			return text
		}
		b.noDefault(c, v.Moment.String())
	case *planv1.Default_Expression:
		if b.sameEngine() {
			return "(" + v.Expression + ")"
		}
		if text, ok := b.expressionDefault(v.Expression, t.kind); ok {
			return text
		}
		b.noDefault(c, v.Expression)
	}
	return ""
}

func (b *tableBuilder) noDefault(c *planv1.Column, text string) {
	note(b.plan, severityWarning, "DEFAULT_NOT_MOVED", c.GetName(), "the default %s has no form in SQLite: inserts must give the value", text)
}

// literalDefault writes a constant of a kind as a column of a type would store it.
func literalDefault(from planv1.Kind, t columnType, text string) (string, bool) {
	value, err := canon.Parse(from, text)
	if err != nil || strings.ContainsRune(text, 0) {
		return "", false
	}
	value, ok, err := canon.Convert(from, t.kind, int(t.scale), value)
	if err != nil || !ok {
		return "", false
	}
	if t.kind == canon.Bytes {
		return fmt.Sprintf("x'%x'", value), true
	}
	v, err := stored(t.kind, affinityOf(t.declared), value)
	if err != nil {
		return "", false
	}
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		if math.IsInf(v, 0) {
			return "", false
		}
		digits := strconv.FormatFloat(v, 'e', -1, 64)
		return digits, true
	case string:
		return literal(v), true
	default:
		return "", false
	}
}

// momentDefault writes the present moment, UTC, as a column of the kind stores it.
func momentDefault(kind planv1.Kind, m planv1.Default_Moment) (string, bool) {
	switch {
	case m == planv1.Default_MOMENT_TIMESTAMP && kind == canon.TimestampTZ:
		return "(CURRENT_TIMESTAMP || '+00')", true
	case kind == canon.Date && m != planv1.Default_MOMENT_TIME:
		return "CURRENT_DATE", true
	case kind == canon.Timestamp && m == planv1.Default_MOMENT_DATE:
		return "(CURRENT_DATE || ' 00:00:00')", true
	case kind == canon.TimeTZ:
		return "(CURRENT_TIME || '+00')", m == planv1.Default_MOMENT_TIME
	case m == planv1.Default_MOMENT_TIMESTAMP:
		return "CURRENT_TIMESTAMP", true
	case m == planv1.Default_MOMENT_DATE:
		return "CURRENT_DATE", true
	case m == planv1.Default_MOMENT_TIME:
		return "CURRENT_TIME", true
	}
	return "", false
}
