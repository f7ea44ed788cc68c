package mysql

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// defaultSQL writes a column's default; false where only the source could.
func (b *tableBuilder) defaultSQL(c *plannedColumn) (string, bool) {
	switch v := c.source.GetDefault().GetValue().(type) {
	case *planv1.Default_Expression:
		if !b.family() {
			return b.expressionDefault(v.Expression, c.to.kind)
		}
		if !b.asWritten(v.Expression) {
			return "", false
		}
		if _, constant := unquoted(v.Expression); constant {
			return v.Expression, true
		}
		return "(" + b.translated(v.Expression) + ")", true
	case *planv1.Default_Moment_:
		return b.momentSQL(c, v.Moment)
	case *planv1.Default_Literal:
		return literalDefault(c.source.GetKind(), v.Literal, c.to)
	}
	return "", false
}

// literalDefault writes a constant of the source as one of the target's type.
func literalDefault(from planv1.Kind, text string, to targetType) (string, bool) {
	value := []byte(text)
	if from != canon.Variant {
		v, err := canon.Parse(from, text)
		if err != nil {
			return "", false
		}
		var ok bool
		if value, ok, err = canon.Convert(from, to.kind, int(to.scale), v); !ok || err != nil {
			return "", false
		}
	} else if to.kind != canon.Text {
		return "", false
	}
	out, ok := defaultConstant(to.kind, value)
	switch name := dataTypeOf(to.name); {
	case name == "json", isGeometry(name), strings.HasSuffix(name, "text"), strings.HasSuffix(name, "blob"):
		// Long columns take expressions only.
		out = "(" + out + ")"
	}
	return out, ok
}

func defaultConstant(kind planv1.Kind, v []byte) (string, bool) {
	if canon.Check(kind, v) != nil {
		return "", false
	}
	switch kind {
	case canon.Bool:
		return strconv.Itoa(int(v[0])), true
	case canon.Int, canon.Uint:
		return canon.String(kind, v), true
	case canon.Decimal:
		text := canon.String(kind, v)
		return text, strings.Trim(text, "-.0123456789") == ""
	case canon.Float32, canon.Float64:
		text := canon.String(kind, v)
		return text, strings.Trim(text, "-+.e0123456789") == ""
	case canon.Bytes:
		return bytesConstant(v), true
	case canon.Bits:
		return "b'" + string(v) + "'", true
	case canon.TimestampTZ:
		kind = canon.Timestamp
	}
	text := canon.String(kind, v)
	if kind == canon.Date || kind == canon.Timestamp {
		return literal(text), !strings.Contains(text, "infinity") && !strings.Contains(text, "BC") && len(text) <= len("2024-01-01 00:00:00.000000")
	}
	return literal(text), !strings.ContainsRune(text, 0)
}

// fraction is the part of a type behind its name: "(6)" of "datetime(6)".
func fraction(typeName string) string { return strings.TrimPrefix(typeName, dataTypeOf(typeName)) }

// momentSQL writes the present moment as the source would have stored it: in UTC
// where the column holds instants, and where the source is SQLite.
func (b *tableBuilder) momentSQL(c *plannedColumn, m planv1.Default_Moment) (string, bool) {
	utc := b.source.GetEngine() == "sqlite" || c.to.kind == canon.TimestampTZ && dataTypeOf(c.to.name) == "datetime"
	digits := fraction(c.to.name)
	switch c.to.kind {
	case canon.Timestamp, canon.TimestampTZ:
		if utc {
			return "(UTC_TIMESTAMP" + cmp.Or(digits, "()") + ")", m == planv1.Default_MOMENT_TIMESTAMP
		}
		return "CURRENT_TIMESTAMP" + digits, m == planv1.Default_MOMENT_TIMESTAMP
	case canon.Date:
		if utc {
			return "(UTC_DATE())", m == planv1.Default_MOMENT_DATE
		}
		return "(CURRENT_DATE())", m == planv1.Default_MOMENT_DATE || m == planv1.Default_MOMENT_TIMESTAMP
	case canon.Time:
		if utc {
			return "(UTC_TIME" + cmp.Or(digits, "()") + ")", m == planv1.Default_MOMENT_TIME
		}
		return "(CURRENT_TIME" + cmp.Or(digits, "()") + ")", m == planv1.Default_MOMENT_TIME
	case canon.Text:
		format := map[planv1.Default_Moment]string{planv1.Default_MOMENT_TIMESTAMP: "%Y-%m-%d %H:%i:%s",
			planv1.Default_MOMENT_DATE: "%Y-%m-%d", planv1.Default_MOMENT_TIME: "%H:%i:%s"}[m]
		now := "CURRENT_TIMESTAMP()"
		if utc {
			now = "UTC_TIMESTAMP()"
		}
		return "(DATE_FORMAT(" + now + ", " + literal(format) + "))", format != ""
	}
	return "", false
}

// probeExpressions asks this product which expressions of the other one it takes: it
// prepares, and never runs, a query over the table's columns.
func (d *designer) probeExpressions(ctx context.Context) error {
	d.accepted = map[string]bool{}
	if !d.family() || d.sameEngine() {
		return nil
	}
	for _, t := range d.source.GetTables() {
		var names, expressions []string
		for _, c := range t.GetColumns() {
			names = append(names, "NULL AS "+ident(c.GetName()))
			if e := c.GetDefault().GetExpression(); e != "" {
				expressions = append(expressions, e)
			}
		}
		for _, c := range t.GetChecks() {
			expressions = append(expressions, c.GetExpression())
		}
		for _, e := range expressions {
			stmt, err := d.db.db.PrepareContext(ctx, "SELECT ("+d.translated(e)+") FROM (SELECT "+strings.Join(names, ", ")+") AS t")
			if err == nil {
				d.accepted[e] = true
				err = stmt.Close()
			}
			if err != nil && errorCode(err) == 0 {
				return err
			}
		}
	}
	return nil
}

// translated is an expression of the source as this product reads it.
func (d *designer) translated(expression string) string {
	if d.sameEngine() {
		return expression
	}
	return d.dialect.target.expression(expression)
}
