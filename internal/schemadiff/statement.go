package schemadiff

import (
	"slices"
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/sqltoken"
)

// declared is what a plan's statements say of a table beyond its columns' types: what
// becomes of the source's expressions is in their words alone.
type declared struct {
	checks []*planv1.Check
	// defaults and generated are expressions by the column's name in the target.
	defaults, generated map[string]string
	indexes             []*planv1.Index
}

// statement is a statement as its tokens.
type statement struct {
	sql    string
	tokens []sqltoken.Token
}

// read takes the statements that make a table apart.
func read(p *planv1.TablePlan, dialect *sqltoken.Dialect) *declared {
	out := &declared{defaults: map[string]string{}, generated: map[string]string{}}
	for _, s := range p.GetStatements() {
		switch st := (statement{s.GetSql(), dialect.Cut(s.GetSql())}); {
		case st.begins("CREATE") && st.has("TABLE", "INDEX"):
			out.table(st)
		case st.begins("CREATE") && st.has("INDEX", "ON"):
			out.index(st, "")
		case st.begins("ALTER", "TABLE") && st.has("ADD", "ADD"):
			i := slices.IndexFunc(st.tokens, func(t sqltoken.Token) bool { return t.Is("ADD") })
			out.element(st.cut(i+1, len(st.tokens)))
		}
	}
	return out
}

func (s statement) begins(words ...string) bool {
	for i, w := range words {
		if i >= len(s.tokens) || !s.tokens[i].Is(w) {
			return false
		}
	}
	return true
}

// has tells whether a word comes before the first bracket, and before another word.
func (s statement) has(word, before string) bool {
	for _, t := range s.tokens {
		switch {
		case t.Is(word):
			return true
		case t.Is("("), t.Is(before):
			return false
		}
	}
	return false
}

func (s statement) cut(from, to int) statement { return statement{s.sql, s.tokens[from:to]} }

// text is the statement as it is written.
func (s statement) text() string {
	if len(s.tokens) == 0 {
		return ""
	}
	return s.sql[s.tokens[0].Start:s.tokens[len(s.tokens)-1].End]
}

// find gives the place of a token outside of brackets; -1 for none.
func (s statement) find(word string) int {
	depth := 0
	for i, t := range s.tokens {
		if depth == 0 && t.Is(word) {
			return i
		}
		depth += nesting(t)
	}
	return -1
}

func nesting(t sqltoken.Token) int {
	switch {
	case t.Is("("):
		return 1
	case t.Is(")"):
		return -1
	}
	return 0
}

// brackets gives what is in the first brackets, and behind them.
func (s statement) brackets() (inner, rest statement) {
	from := s.find("(")
	if from < 0 {
		return s.cut(0, 0), s.cut(0, 0)
	}
	depth := 0
	for i := from; i < len(s.tokens); i++ {
		if depth += nesting(s.tokens[i]); depth == 0 {
			return s.cut(from+1, i), s.cut(i+1, len(s.tokens))
		}
	}
	return s.cut(from+1, len(s.tokens)), s.cut(0, 0)
}

// commas cuts at the commas outside of brackets.
func (s statement) commas() []statement {
	var out []statement
	for {
		i := s.find(",")
		if i < 0 {
			return append(out, s)
		}
		out, s = append(out, s.cut(0, i)), s.cut(i+1, len(s.tokens))
	}
}

func (d *declared) table(s statement) {
	body, _ := s.brackets()
	for _, e := range body.commas() {
		d.element(e)
	}
}

// element is a column, a constraint or an index of a table.
func (d *declared) element(s statement) {
	name := ""
	if s.begins("CONSTRAINT") && len(s.tokens) > 2 {
		name, s = s.tokens[1].Text, s.cut(2, len(s.tokens))
	}
	switch {
	case len(s.tokens) == 0, s.begins("PRIMARY"), s.begins("FOREIGN"):
	case s.begins("CHECK"):
		condition, _ := s.brackets()
		d.checks = append(d.checks, &planv1.Check{Name: name, Expression: condition.text()})
	case s.tokens[0].Kind == sqltoken.Name:
		d.column(s.tokens[0].Text, s.cut(1, len(s.tokens)))
	case s.has("UNIQUE", "("), s.has("KEY", "("), s.has("INDEX", "("):
		d.index(s, name)
	}
}

// columnClauses are words that end a default.
var columnClauses = []string{"NOT", "NULL", "ON", "COMMENT", "GENERATED", "CHECK", "INVISIBLE", "COLLATE", "PRIMARY", "AUTO_INCREMENT", "UNIQUE"}

// column reads what stands behind a column's name.
func (d *declared) column(name string, s statement) {
	for i := 0; i < len(s.tokens); i++ {
		rest := s.cut(i, len(s.tokens))
		switch {
		case rest.begins("("):
			inner, _ := rest.brackets()
			i += len(inner.tokens) + 1
		case rest.begins("GENERATED", "BY"), rest.begins("AS", "IDENTITY"):
			i++
			if rest.begins("GENERATED", "BY") {
				i++
			}
		case rest.begins("AS", "("):
			inner, _ := rest.brackets()
			d.generated[name] = inner.text()
		case rest.begins("CHECK", "("):
			inner, _ := rest.brackets()
			d.checks = append(d.checks, &planv1.Check{Expression: inner.text()})
		case rest.begins("DEFAULT"):
			value := rest.value()
			d.defaults[name] = value.text()
			i += len(value.tokens)
		}
	}
}

// value is what stands behind DEFAULT, up to the next clause.
func (s statement) value() statement {
	depth := 0
	for i, t := range s.tokens[1:] {
		if i > 0 && depth == 0 && slices.ContainsFunc(columnClauses, t.Is) {
			return s.cut(1, i+1)
		}
		depth += nesting(t)
	}
	return s.cut(1, len(s.tokens))
}

// index reads an index from its kind, or its name, on; one that a constraint makes has
// that one's name.
func (d *declared) index(s statement, name string) {
	out := &planv1.Index{Name: name, Unique: s.has("UNIQUE", "(")}
	list, rest := s.brackets()
	head := s.cut(0, max(0, s.find("(")))
	for i, t := range head.tokens {
		switch {
		case t.Is("FULLTEXT"), t.Is("SPATIAL"):
			out.Method = strings.ToLower(t.Text)
		case t.Is("USING") && i+1 < len(head.tokens):
			out.Method = strings.ToLower(head.tokens[i+1].Text)
		case t.Kind == sqltoken.Name && out.GetName() == "":
			out.Name = t.Text
		}
	}
	for _, part := range list.commas() {
		out.Columns = append(out.Columns, indexColumn(part))
	}
	if i := rest.find("WHERE"); i >= 0 {
		out.Predicate = rest.cut(i+1, len(rest.tokens)).text()
	}
	d.indexes = append(d.indexes, out)
}

func indexColumn(s statement) *planv1.IndexColumn {
	out := &planv1.IndexColumn{}
	if n := len(s.tokens); n > 1 && (s.tokens[n-1].Is("DESC") || s.tokens[n-1].Is("ASC")) {
		out.Descending = s.tokens[n-1].Is("DESC")
		s = s.cut(0, n-1)
	}
	if n := len(s.tokens); n == 0 || s.tokens[0].Kind != sqltoken.Name || n != 1 && !(n == 4 && s.tokens[2].Kind == sqltoken.Number) {
		out.Expression = s.text()
		return out
	}
	out.Name = s.tokens[0].Text
	if len(s.tokens) == 4 {
		length, _ := strconv.ParseInt(s.tokens[2].Text, 10, 32) // a number that a statement of drover has
		out.Prefix = int32(length)
	}
	return out
}
