package postgres

import (
	"errors"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// mysqlOperand is a part of an expression, in the target's SQL.
type mysqlOperand struct {
	sql  string
	kind planv1.Kind
	// value is set for constants: the text of a string or a number.
	value *string
	// loose is set for text that compares without case, accents or trailing blanks.
	loose bool
	// condition is set for what is true, false or unknown.
	condition bool
}

var (
	errNotCertain = errors.New("it is not sure that PostgreSQL means the same by it")
	errLoose      = errors.New("its text compares without case or trailing blanks in the source, and PostgreSQL would refuse rows that pass there")
)

// mysqlTranslator writes an expression of MySQL or MariaDB as one of PostgreSQL, as
// far as both certainly mean the same by it.
type mysqlTranslator struct {
	tokens []mysqlToken
	// column gives a column of the table.
	column func(name string) (mysqlOperand, error)
}

// translateCondition translates a CHECK's condition.
func translateCondition(expr string, column func(string) (mysqlOperand, error)) (string, error) {
	out, err := translateMySQL(expr, column)
	if err == nil && !out.condition {
		err = errNotCertain
	}
	return out.sql, err
}

func translateMySQL(expr string, column func(string) (mysqlOperand, error)) (mysqlOperand, error) {
	t := &mysqlTranslator{tokens: scanMySQL(expr), column: column}
	out, err := t.or()
	if err == nil && t.tokens[0].kind != tokenEnd {
		err = errNotCertain
	}
	return out, err
}

func (t *mysqlTranslator) next() mysqlToken {
	out := t.tokens[0]
	if out.kind != tokenEnd {
		t.tokens = t.tokens[1:]
	}
	return out
}

// take takes the next token if it is one of these words or symbols.
func (t *mysqlTranslator) take(texts ...string) (string, bool) {
	for _, text := range texts {
		if n := t.tokens[0]; (n.kind == tokenWord || n.kind == tokenSymbol) && n.text == text {
			t.next()
			return text, true
		}
	}
	return "", false
}

func (t *mysqlTranslator) or() (mysqlOperand, error)  { return t.joined(t.and, "OR", "or") }
func (t *mysqlTranslator) and() (mysqlOperand, error) { return t.joined(t.not, "AND", "and", "&&") }

// joined reads conditions with a word between them.
func (t *mysqlTranslator) joined(part func() (mysqlOperand, error), word string, texts ...string) (mysqlOperand, error) {
	out, err := part()
	for err == nil {
		if _, ok := t.take(texts...); !ok {
			break
		}
		var more mysqlOperand
		if more, err = part(); err == nil && !(out.condition && more.condition) {
			err = errNotCertain
		}
		out.sql += " " + word + " " + more.sql
	}
	return out, err
}

func (t *mysqlTranslator) not() (mysqlOperand, error) {
	word, ok := t.take("not", "!")
	if !ok {
		return t.predicate()
	}
	// "!" binds tighter than comparisons do.
	if word == "!" && t.tokens[0].text != "(" {
		return mysqlOperand{}, errNotCertain
	}
	out, err := t.not()
	if err == nil && !out.condition {
		err = errNotCertain
	}
	out.sql = "NOT " + out.sql
	return out, err
}

// predicate reads an operand and what is said of it.
func (t *mysqlTranslator) predicate() (mysqlOperand, error) {
	left, err := t.sum()
	if err != nil || left.condition {
		return left, err
	}
	if _, ok := t.take("is"); ok {
		return t.isNull(left)
	}
	if op, ok := t.take("<=>", "<=", ">=", "<>", "!=", "=", "<", ">"); ok {
		right, err := t.sum()
		if err != nil {
			return left, err
		}
		return compareMySQL(left, op, right)
	}
	_, negated := t.take("not")
	if _, ok := t.take("between"); ok {
		return t.between(left, negated)
	}
	if _, ok := t.take("in"); ok {
		return t.in(left, negated)
	}
	if negated {
		return left, errNotCertain
	}
	return left, nil
}

func (t *mysqlTranslator) isNull(left mysqlOperand) (mysqlOperand, error) {
	word := " IS NULL"
	if _, ok := t.take("not"); ok {
		word = " IS NOT NULL"
	}
	if _, ok := t.take("null"); !ok {
		return left, errNotCertain
	}
	return mysqlOperand{sql: left.sql + word, condition: true}, nil
}

var mysqlComparisons = map[string]string{"<=>": "IS NOT DISTINCT FROM", "!=": "<>"}

func compareMySQL(left mysqlOperand, op string, right mysqlOperand) (mysqlOperand, error) {
	if to, ok := mysqlComparisons[op]; ok {
		op = to
	}
	a, b, err := comparable(left, right)
	return mysqlOperand{sql: a + " " + op + " " + b, condition: true}, err
}

// comparable gives two operands that both engines compare alike.
func comparable(a, b mysqlOperand) (sqlA, sqlB string, err error) {
	switch {
	case a.condition || b.condition:
		return "", "", errNotCertain
	case isNumber(a.kind) && isNumber(b.kind):
		return a.sql, b.sql, nil
	case a.kind == canon.Text && b.kind == canon.Text:
		if a.loose || b.loose {
			return "", "", errLoose
		}
		return a.sql, b.sql, nil
	case isTemporal(a.kind) && a.kind == b.kind:
		return a.sql, b.sql, nil
	case isTemporal(a.kind) && b.value != nil && b.kind == canon.Text:
		v, err := canon.Parse(a.kind, *b.value)
		if err != nil {
			return "", "", errNotCertain
		}
		return a.sql, literal(canon.String(a.kind, v)) + "::" + kindTypes[a.kind], nil
	case isTemporal(b.kind) && a.value != nil:
		sqlB, sqlA, err = comparable(b, a)
		return sqlA, sqlB, err
	default:
		return "", "", errNotCertain
	}
}

func isNumber(k planv1.Kind) bool {
	return k == canon.Int || k == canon.Uint || k == canon.Decimal || k == canon.Float32 || k == canon.Float64
}

func isTemporal(k planv1.Kind) bool {
	return k == canon.Date || k == canon.Timestamp || k == canon.TimestampTZ
}

func (t *mysqlTranslator) between(left mysqlOperand, negated bool) (mysqlOperand, error) {
	low, err := t.sum()
	if err != nil {
		return left, err
	}
	if _, ok := t.take("and"); !ok {
		return left, errNotCertain
	}
	high, err := t.sum()
	if err != nil {
		return left, err
	}
	sql, sqlLow, err := comparable(left, low)
	if err != nil {
		return left, err
	}
	_, sqlHigh, err := comparable(left, high)
	word := " BETWEEN "
	if negated {
		word = " NOT BETWEEN "
	}
	return mysqlOperand{sql: sql + word + sqlLow + " AND " + sqlHigh, condition: true}, err
}

func (t *mysqlTranslator) in(left mysqlOperand, negated bool) (mysqlOperand, error) {
	list, err := t.arguments()
	if err == nil && len(list) == 0 {
		err = errNotCertain
	}
	if err != nil {
		return left, err
	}
	parts := make([]string, len(list))
	for i, one := range list {
		if _, parts[i], err = comparable(left, one); err != nil {
			return left, err
		}
	}
	word := " IN ("
	if negated {
		word = " NOT IN ("
	}
	return mysqlOperand{sql: left.sql + word + strings.Join(parts, ", ") + ")", condition: true}, nil
}

// arguments reads a list in brackets.
func (t *mysqlTranslator) arguments() ([]mysqlOperand, error) {
	if _, ok := t.take("("); !ok {
		return nil, errNotCertain
	}
	var out []mysqlOperand
	if _, ok := t.take(")"); ok {
		return out, nil
	}
	for {
		one, err := t.or()
		if err != nil {
			return nil, err
		}
		out = append(out, one)
		if _, ok := t.take(","); ok {
			continue
		}
		if _, ok := t.take(")"); ok {
			return out, nil
		}
		return nil, errNotCertain
	}
}

func (t *mysqlTranslator) primary() (mysqlOperand, error) {
	switch n := t.next(); n.kind {
	case tokenNumber:
		return mysqlOperand{sql: n.text, kind: canon.Decimal, value: &n.text}, nil
	case tokenString:
		return mysqlOperand{sql: strings.TrimSpace(literal(n.text)), kind: canon.Text, value: &n.text}, nil
	case tokenName:
		return t.column(n.text)
	case tokenWord:
		if t.tokens[0].kind == tokenSymbol && t.tokens[0].text == "(" {
			return t.call(n.text)
		}
		return t.word(n.text)
	case tokenSymbol:
		switch n.text {
		case "(":
			return t.bracketed()
		case "-":
			return t.negative()
		}
	}
	return mysqlOperand{}, errNotCertain
}

func (t *mysqlTranslator) word(word string) (mysqlOperand, error) {
	switch word {
	case "true", "false":
		return mysqlOperand{sql: word, condition: true}, nil
	case "null", "case", "interval", "binary", "cast", "current_timestamp", "current_date", "current_time", "localtime", "localtimestamp":
		return mysqlOperand{}, errNotCertain
	}
	return t.column(word)
}

func (t *mysqlTranslator) bracketed() (mysqlOperand, error) {
	out, err := t.or()
	if _, ok := t.take(")"); !ok && err == nil {
		err = errNotCertain
	}
	if out.condition {
		out.sql = "(" + out.sql + ")"
	}
	return out, err
}

func (t *mysqlTranslator) negative() (mysqlOperand, error) {
	out, err := t.primary()
	if err == nil && !isExact(out.kind) {
		err = errNotCertain
	}
	if out.value != nil {
		text := "-" + *out.value
		return mysqlOperand{sql: text, kind: out.kind, value: &text}, err
	}
	return mysqlOperand{sql: "(- " + out.sql + ")", kind: out.kind}, err
}
