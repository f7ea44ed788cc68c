package postgres

import (
	"fmt"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// sum reads numbers with + and - between them, product with *: exact in both
// engines as decimals, where integers of one may overflow.
func (t *mysqlTranslator) sum() (mysqlOperand, error)     { return t.arithmetic(t.product, "+", "-") }
func (t *mysqlTranslator) product() (mysqlOperand, error) { return t.arithmetic(t.primary, "*") }

func (t *mysqlTranslator) arithmetic(part func() (mysqlOperand, error), symbols ...string) (mysqlOperand, error) {
	out, err := part()
	for err == nil {
		op, ok := t.take(symbols...)
		if !ok {
			break
		}
		var more mysqlOperand
		if more, err = part(); err == nil && !(isExact(out.kind) && isExact(more.kind)) {
			err = errNotCertain
		}
		out = mysqlOperand{sql: fmt.Sprintf("(%s::numeric %s %s::numeric)", out.sql, op, more.sql), kind: canon.Decimal}
	}
	return out, err
}

func isExact(k planv1.Kind) bool { return k == canon.Int || k == canon.Uint || k == canon.Decimal }

// call translates the functions that both engines have.
func (t *mysqlTranslator) call(name string) (mysqlOperand, error) {
	args, err := t.arguments()
	if err != nil {
		return mysqlOperand{}, err
	}
	one := func(kinds ...planv1.Kind) bool {
		ok := len(args) == 1 && !args[0].condition
		for _, k := range kinds {
			if ok && args[0].kind == k {
				return true
			}
		}
		return false
	}
	switch name {
	case "char_length", "character_length":
		if one(canon.Text) {
			return mysqlOperand{sql: "char_length(" + args[0].sql + ")", kind: canon.Int}, nil
		}
	case "abs":
		if one(canon.Int, canon.Decimal) {
			return mysqlOperand{sql: "abs(" + args[0].sql + ")", kind: args[0].kind}, nil
		}
	case "json_valid":
		if one(canon.JSON, canon.JSONValue) {
			// The column's type sees to that.
			return mysqlOperand{sql: "true", condition: true}, nil
		}
	case "concat":
		return concatMySQL(args)
	}
	return mysqlOperand{}, errNotCertain
}

func concatMySQL(args []mysqlOperand) (mysqlOperand, error) {
	parts := make([]string, len(args))
	out := mysqlOperand{kind: canon.Text}
	for i, a := range args {
		if a.condition || a.kind != canon.Text {
			return out, errNotCertain
		}
		parts[i], out.loose = a.sql, out.loose || a.loose
	}
	if len(parts) == 0 {
		return out, errNotCertain
	}
	out.sql = "(" + strings.Join(parts, " || ") + ")"
	return out, nil
}
