package postgres

import (
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/sqltoken"
)

// mysqlMoments are the functions that tell the time.
var mysqlMoments = map[string]planv1.Default_Moment{
	"now": planv1.Default_MOMENT_TIMESTAMP, "current_timestamp": planv1.Default_MOMENT_TIMESTAMP, "localtime": planv1.Default_MOMENT_TIMESTAMP,
	"localtimestamp": planv1.Default_MOMENT_TIMESTAMP, "curdate": planv1.Default_MOMENT_DATE, "current_date": planv1.Default_MOMENT_DATE,
	"curtime": planv1.Default_MOMENT_TIME, "current_time": planv1.Default_MOMENT_TIME,
}

// mysqlFunctions are other functions without arguments, by the kind of the column.
var mysqlFunctions = map[string]map[planv1.Kind]string{
	"json_object":   {canon.JSON: "'{}'", canon.JSONValue: "'{}'"},
	"json_array":    {canon.JSON: "'[]'", canon.JSONValue: "'[]'"},
	"rand":          {canon.Float64: "random()"},
	"utc_timestamp": {canon.Timestamp: "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')"},
	"utc_date":      {canon.Date: "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')::date"},
}

// mysqlDefault translates the expression of a default; false where it is not sure
// that both engines mean the same.
func mysqlDefault(expr string, to targetType) (string, bool) {
	tokens := sqltoken.MySQL.Cut(unwrap(expr))
	if len(tokens) > 1 && tokens[0].Kind == sqltoken.Word && strings.HasPrefix(tokens[0].Text, "_utf8") && tokens[1].Kind == sqltoken.Text {
		tokens = tokens[1:]
	}
	if len(tokens) == 0 || tokens[len(tokens)-1].Open {
		return "", false
	}
	first := tokens[0]
	switch {
	case len(tokens) == 2 && first.Is("b") && tokens[1].Kind == sqltoken.Text:
		return renderLiteral(canon.Bits, tokens[1].Text, to)
	case first.Kind == sqltoken.Word && onlyCall(tokens[1:]):
		if m, ok := mysqlMoments[strings.ToLower(first.Text)]; ok {
			return renderMoment(mysqlName, m, to.kind)
		}
		sql, ok := mysqlFunctions[strings.ToLower(first.Text)][to.kind]
		return sql, ok
	case len(tokens) == 1 && (first.Kind == sqltoken.Text || first.Kind == sqltoken.Number):
		return renderLiteral(canon.Text, first.Text, to)
	case len(tokens) == 2 && first.Is("-") && tokens[1].Kind == sqltoken.Number:
		return renderLiteral(canon.Text, "-"+tokens[1].Text, to)
	default:
		return "", false
	}
}

// onlyCall tells whether nothing but the brackets of a call follow, a precision in
// them or not.
func onlyCall(rest []sqltoken.Token) bool {
	var shape strings.Builder
	for _, t := range rest {
		if t.Kind == sqltoken.Number {
			shape.WriteString("0")
		} else {
			shape.WriteString(t.Text)
		}
	}
	return shape.String() == "" || shape.String() == "()" || shape.String() == "(0)"
}

// unwrap takes brackets away that are around the whole of an expression.
func unwrap(expr string) string {
	expr = strings.TrimSpace(expr)
	for strings.HasPrefix(expr, "(") && strings.HasSuffix(expr, ")") {
		depth := 0
		for i, c := range expr {
			switch c {
			case '(':
				depth++
			case ')':
				depth--
			}
			if depth == 0 && i < len(expr)-1 {
				return expr
			}
		}
		expr = strings.TrimSpace(expr[1 : len(expr)-1])
	}
	return expr
}
