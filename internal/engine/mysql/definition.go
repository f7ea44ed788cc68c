package mysql

import (
	"context"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/sqltoken"
)

// definition is a table as SHOW CREATE TABLE writes it, cut into its parts.
type definition struct {
	// elements are what stands between the parentheses, in order.
	elements []element
	// options are what stands behind them, and partitions the PARTITION BY clause.
	options, partitions string
}

// elementKind says what an element of CREATE TABLE makes.
type elementKind uint8

const (
	elementOther elementKind = iota
	elementColumn
	elementPrimary
	elementIndex
	elementCheck
	elementForeignKey
)

type element struct {
	kind elementKind
	// name of a column, an index or a constraint; empty for the primary key.
	name string
	// text is the element as written, name included.
	text string
}

// parseDefinition cuts a CREATE TABLE of the server; false for what is none.
func parseDefinition(sql string) (*definition, bool) {
	tokens := sqltoken.MySQL.Cut(sql)
	open := 0
	for open < len(tokens) && !tokens[open].Is("(") {
		open++
	}
	out := &definition{}
	depth, first := 0, open+1
	for i := open; i < len(tokens); i++ {
		switch t := tokens[i]; {
		case t.Is("("):
			depth++
		case t.Is(")"):
			depth--
		case !t.Is(",") || depth != 1:
			continue
		}
		if depth == 0 || tokens[i].Is(",") && depth == 1 {
			if i > first {
				out.elements = append(out.elements, elementOf(sql, tokens[first:i]))
			}
			first = i + 1
		}
		if depth == 0 {
			out.tail(sql[tokens[i].End:])
			return out, len(out.elements) > 0
		}
	}
	return nil, false
}

func elementOf(sql string, tokens []sqltoken.Token) element {
	out := element{text: sql[tokens[0].Start:tokens[len(tokens)-1].End]}
	for i, t := range tokens {
		if t.Kind == sqltoken.Name {
			out.name = t.Text
			tokens = tokens[i:]
			break
		}
		if t.Is("PRIMARY") {
			out.kind = elementPrimary
			return out
		}
		if t.Is("KEY") {
			out.kind = elementIndex
		}
		if t.Is("PERIOD") || t.Is("(") {
			return out
		}
	}
	switch {
	case out.kind == elementIndex:
	case strings.HasPrefix(out.text, "`"):
		out.kind = elementColumn
	case len(tokens) > 1 && tokens[1].Is("CHECK"):
		out.kind = elementCheck
	case len(tokens) > 1 && tokens[1].Is("FOREIGN"):
		out.kind = elementForeignKey
	}
	return out
}

// tail parts the options from the partitions, which MySQL puts into a comment that it
// reads.
func (d *definition) tail(text string) {
	tokens := sqltoken.MySQL.Cut(text)
	for i, t := range tokens {
		if t.Is("PARTITION") && i+1 < len(tokens) && tokens[i+1].Is("BY") {
			at := t.Start
			if i > 0 && strings.HasPrefix(tokens[i-1].Text, "/*!") {
				at = tokens[i-1].Start
			}
			d.options, d.partitions = strings.TrimSpace(text[:at]), strings.TrimSpace(text[at:])
			return
		}
	}
	d.options = strings.TrimSpace(text)
}

// cutClauses takes clauses out of SQL. match says how many of the tokens from the first
// one on are such a clause; 0 for none.
func cutClauses(sql string, match func(tokens []sqltoken.Token) int) (rest string, cut []string) {
	tokens := sqltoken.MySQL.Cut(sql)
	from := 0
	var b strings.Builder
	for i := 0; i < len(tokens); i++ {
		n := match(tokens[i:])
		if n == 0 {
			continue
		}
		last := tokens[i+n-1]
		cut = append(cut, sql[tokens[i].Start:last.End])
		b.WriteString(strings.TrimRight(sql[from:tokens[i].Start], " "))
		from = last.End
		i += n - 1
	}
	b.WriteString(sql[from:])
	return strings.TrimSpace(b.String()), cut
}

// requalified gives names behind one database another one.
func requalified(sql, from, to string) string {
	if from == to {
		return sql
	}
	var b strings.Builder
	at := 0
	tokens := sqltoken.MySQL.Cut(sql)
	for i, t := range tokens {
		if t.Kind == sqltoken.Name && t.Text == from && i+1 < len(tokens) && tokens[i+1].Is(".") {
			b.WriteString(sql[at:t.Start] + ident(to))
			at = t.End
		}
	}
	return b.String() + sql[at:]
}

// phrase matches words alone.
func phrase(words ...string) func(tokens []sqltoken.Token) int {
	return func(tokens []sqltoken.Token) int {
		for i, w := range words {
			if i >= len(tokens) || !tokens[i].Is(w) {
				return 0
			}
		}
		return len(words)
	}
}

// clause matches words and a value behind them, with or without a sign of equality.
func clause(words ...string) func(tokens []sqltoken.Token) int {
	return func(tokens []sqltoken.Token) int {
		n := len(words)
		if len(tokens) <= n {
			return 0
		}
		for i, w := range words {
			if !tokens[i].Is(w) {
				return 0
			}
		}
		if tokens[n].Is("=") {
			n++
		}
		return min(n+1, len(tokens))
	}
}

// addParsers gives full-text indexes the parsers that only the statement tells.
func addParsers(t *planv1.Table) {
	text, ok := parseDefinition(t.GetDefinition())
	if !ok {
		return
	}
	for _, e := range text.elements {
		_, cut := cutClauses(e.text, clause("WITH", "PARSER"))
		if e.kind != elementIndex || len(cut) == 0 {
			continue
		}
		for _, x := range t.GetIndexes() {
			if x.GetName() == e.name {
				tokens := sqltoken.MySQL.Cut(cut[0])
				x.Parser = tokens[len(tokens)-1].Text
			}
		}
	}
}

// readDefinition asks the server for a table's own statement.
func (d *database) readDefinition(ctx context.Context, schema, name string) (string, error) {
	var out string
	err := d.db.QueryRowContext(ctx, "SHOW CREATE TABLE "+qualified(schema, name)).Scan(new(string), &out)
	return out, err
}
