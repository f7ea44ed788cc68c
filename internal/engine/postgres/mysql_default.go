package postgres

import (
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// mysqlMoments are the functions that tell the time.
var mysqlMoments = map[string]planv1.Default_Moment{
	"now": planv1.Default_MOMENT_TIMESTAMP, "current_timestamp": planv1.Default_MOMENT_TIMESTAMP, "localtime": planv1.Default_MOMENT_TIMESTAMP,
	"localtimestamp": planv1.Default_MOMENT_TIMESTAMP, "curdate": planv1.Default_MOMENT_DATE, "current_date": planv1.Default_MOMENT_DATE,
	"curtime": planv1.Default_MOMENT_TIME, "current_time": planv1.Default_MOMENT_TIME,
}

// mysqlFunctions are other functions without arguments, by the kind of the column.
// UUID() makes version 1 in the source and version 4 here: unique all the same.
var mysqlFunctions = map[string]map[planv1.Kind]string{
	"uuid":          {canon.Text: "gen_random_uuid()::text", canon.UUID: "gen_random_uuid()"},
	"json_object":   {canon.JSON: "'{}'", canon.JSONValue: "'{}'"},
	"json_array":    {canon.JSON: "'[]'", canon.JSONValue: "'[]'"},
	"rand":          {canon.Float64: "random()"},
	"utc_timestamp": {canon.Timestamp: "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')"},
	"utc_date":      {canon.Date: "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')::date"},
}

// mysqlDefault translates the expression of a default; false where it is not sure
// that both engines mean the same.
func mysqlDefault(expr string, to targetType) (string, bool) {
	tokens := scanMySQL(unwrap(expr))
	first := tokens[0]
	switch {
	case first.kind == tokenWord && onlyCall(tokens[1:]):
		if m, ok := mysqlMoments[first.text]; ok {
			return renderMoment(mysqlName, m, to.kind)
		}
		sql, ok := mysqlFunctions[first.text][to.kind]
		return sql, ok
	case len(tokens) == 2 && first.kind == tokenBits:
		return renderLiteral(canon.Bits, first.text, to)
	case len(tokens) == 2 && (first.kind == tokenString || first.kind == tokenNumber):
		return renderLiteral(canon.Text, first.text, to)
	case len(tokens) == 3 && first.kind == tokenSymbol && first.text == "-" && tokens[1].kind == tokenNumber:
		return renderLiteral(canon.Text, "-"+tokens[1].text, to)
	default:
		return "", false
	}
}

// onlyCall tells whether nothing but the brackets of a call follow, a precision in
// them or not.
func onlyCall(rest []mysqlToken) bool {
	if rest[0].kind == tokenEnd {
		return true
	}
	var shape strings.Builder
	for _, t := range rest {
		switch t.kind {
		case tokenSymbol:
			shape.WriteString(t.text)
		case tokenNumber:
			shape.WriteString("0")
		case tokenEnd:
		default:
			return false
		}
	}
	return shape.String() == "()" || shape.String() == "(0)"
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
