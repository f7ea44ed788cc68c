package sqlite

import (
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/sqltoken"
)

// moments are the expressions for the present moment, spelt without space.
var moments = map[string]planv1.Default_Moment{
	"current_timestamp": planv1.Default_MOMENT_TIMESTAMP, "current_date": planv1.Default_MOMENT_DATE, "current_time": planv1.Default_MOMENT_TIME,
	"datetime('now')": planv1.Default_MOMENT_TIMESTAMP, "date('now')": planv1.Default_MOMENT_DATE, "time('now')": planv1.Default_MOMENT_TIME,
	"datetime()": planv1.Default_MOMENT_TIMESTAMP, "date()": planv1.Default_MOMENT_DATE, "time()": planv1.Default_MOMENT_TIME,
}

// parseDefault reads a default's expression: a constant that fits the column's
// kind, the present moment, or an expression that only SQLite understands.
func parseDefault(text string, kind planv1.Kind, a affinity) *planv1.Default {
	expression := &planv1.Default{Value: &planv1.Default_Expression{Expression: text}}
	bare := unwrapped(text)
	if strings.EqualFold(bare, "NULL") {
		return nil
	}
	if m, ok := moments[strings.ToLower(strings.Join(strings.Fields(bare), ""))]; ok {
		return &planv1.Default{Value: &planv1.Default_Moment_{Moment: m}}
	}
	tokens := sqltoken.SQLite.Cut(bare)
	sign := ""
	if len(tokens) == 2 && (tokens[0].Is("-") || tokens[0].Is("+")) && tokens[1].Kind == sqltoken.Number {
		sign, tokens = strings.TrimPrefix(tokens[0].Text, "+"), tokens[1:]
	}
	if len(tokens) == 2 && tokens[0].Is("x") && tokens[1].Kind == sqltoken.Text && kind == canon.Bytes {
		return constant(kind, tokens[1].Text, expression)
	}
	if len(tokens) != 1 {
		return expression
	}
	switch t := tokens[0]; {
	case t.Kind == sqltoken.Text || t.Kind == sqltoken.Name:
		if kind == canon.Bytes {
			return expression
		}
		return constant(kind, t.Text, expression)
	case t.Kind == sqltoken.Number:
		if kind == canon.Text && a != affinityText {
			return expression // it stays a number
		}
		return number(kind, sign+t.Text, expression)
	case t.Kind == sqltoken.Word && kind == canon.Bool:
		return constant(kind, t.Text, expression)
	}
	return expression
}

// unwrapped takes off the parentheses around all of an expression.
func unwrapped(text string) string {
	for {
		text = strings.TrimSpace(text)
		tokens := sqltoken.SQLite.Cut(text)
		if len(tokens) < 2 || !tokens[0].Is("(") {
			return text
		}
		if _, n := group(tokens); n != len(tokens) {
			return text
		}
		text = text[tokens[0].End:tokens[len(tokens)-1].Start]
	}
}

// number is a numeric constant. In a column that keeps text it would be written
// as SQLite writes numbers, which is plain for integers alone.
func number(kind planv1.Kind, text string, otherwise *planv1.Default) *planv1.Default {
	if n, err := strconv.ParseInt(text, 0, 64); err == nil && strings.ContainsAny(text, "xX") {
		text = strconv.FormatInt(n, 10)
	}
	switch kind {
	case canon.Bool, canon.Int, canon.Float64, canon.Decimal:
		return constant(kind, text, otherwise)
	case canon.Text:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
			return constant(kind, text, otherwise)
		}
	}
	return otherwise
}

func constant(kind planv1.Kind, text string, otherwise *planv1.Default) *planv1.Default {
	v, err := canon.Parse(kind, text)
	if err != nil {
		return otherwise
	}
	return &planv1.Default{Value: &planv1.Default_Literal{Literal: canon.String(kind, v)}}
}
