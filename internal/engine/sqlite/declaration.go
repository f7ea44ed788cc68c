package sqlite

import (
	"strings"

	"github.com/drover-db/drover/internal/sqltoken"
)

// declaration is what only the text of a CREATE TABLE says; everything else
// SQLite's pragmas tell.
type declaration struct {
	collations    map[string]string
	generated     map[string]string
	checks        []check
	references    []reference
	autoincrement bool
	// onConflict is set where a constraint resolves conflicts in its own way.
	onConflict bool
}

type check struct{ name, expression string }

// reference is what a foreign key's declaration says beyond its pragma.
type reference struct {
	name                 string
	deferrable, deferred bool
}

// parseDeclaration reads a CREATE TABLE that SQLite has accepted.
func parseDeclaration(sql string) declaration {
	d := declaration{collations: map[string]string{}, generated: map[string]string{}}
	tokens := sqltoken.SQLite.Cut(sql)
	for len(tokens) > 0 && !tokens[0].Is("(") {
		tokens = tokens[1:]
	}
	if len(tokens) == 0 {
		return d
	}
	body, _ := group(tokens)
	for _, part := range splitCommas(body) {
		if len(part) > 0 {
			d.definition(sql, part)
		}
	}
	return d
}

// group gives the tokens within the parentheses that tokens begin with, and how
// many tokens it took with them.
func group(tokens []sqltoken.Token) (inner []sqltoken.Token, n int) {
	depth := 0
	for i, t := range tokens {
		switch {
		case t.Is("("):
			depth++
		case t.Is(")"):
			depth--
		}
		if depth == 0 {
			return tokens[1:i], i + 1
		}
	}
	return tokens[1:], len(tokens)
}

// splitCommas cuts tokens at the commas outside of parentheses.
func splitCommas(tokens []sqltoken.Token) [][]sqltoken.Token {
	var out [][]sqltoken.Token
	depth, start := 0, 0
	for i, t := range tokens {
		switch {
		case t.Is("("):
			depth++
		case t.Is(")"):
			depth--
		case t.Is(",") && depth == 0:
			out = append(out, tokens[start:i])
			start = i + 1
		}
	}
	return append(out, tokens[start:])
}

// definition reads a column or a table constraint.
func (d *declaration) definition(sql string, tokens []sqltoken.Token) {
	column := ""
	if !startsConstraint(tokens[0]) {
		column = fold(tokens[0].Text)
		tokens = tokens[1:]
	}
	name := ""
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		follows := func(word string) bool { return i+1 < len(tokens) && tokens[i+1].Is(word) }
		switch {
		case t.Is("("):
			_, n := group(tokens[i:])
			i += n - 1
		case t.Is("CONSTRAINT") && i+1 < len(tokens):
			name = tokens[i+1].Text
			i++
		case t.Is("CHECK") && follows("("):
			text, n := groupText(sql, tokens[i+1:])
			d.checks = append(d.checks, check{name, text})
			name = ""
			i += n
		case t.Is("AS") && follows("(") && column != "":
			text, n := groupText(sql, tokens[i+1:])
			d.generated[column] = text
			i += n
		case t.Is("COLLATE") && i+1 < len(tokens) && column != "":
			d.collations[column] = strings.ToUpper(tokens[i+1].Text)
			i++
		case t.Is("AUTOINCREMENT"):
			d.autoincrement = true
		case t.Is("CONFLICT"):
			d.onConflict = true
		case t.Is("REFERENCES"):
			d.references = append(d.references, reference{name: name})
			name = ""
		case t.Is("DEFERRABLE") && len(d.references) > 0:
			last := &d.references[len(d.references)-1]
			last.deferrable = i == 0 || !tokens[i-1].Is("NOT")
			last.deferred = last.deferrable && i+2 < len(tokens) && tokens[i+1].Is("INITIALLY") && tokens[i+2].Is("DEFERRED")
		case t.Is("PRIMARY"), t.Is("UNIQUE"), t.Is("NOT"), t.Is("DEFAULT"):
			name = ""
		}
	}
}

func startsConstraint(t sqltoken.Token) bool {
	for _, word := range []string{"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"} {
		if t.Is(word) {
			return true
		}
	}
	return false
}

// groupText is the text within the parentheses that tokens begin with.
func groupText(sql string, tokens []sqltoken.Token) (string, int) {
	_, n := group(tokens)
	return strings.TrimSpace(sql[tokens[0].End:tokens[n-1].Start]), n
}

// indexDeclaration is what only the text of a CREATE INDEX says.
type indexDeclaration struct {
	// columns are the texts between the commas: names or expressions.
	columns   []string
	predicate string
}

func parseIndex(sql string) (d indexDeclaration) {
	tokens := sqltoken.SQLite.Cut(sql)
	for i, t := range tokens {
		if !t.Is("(") {
			continue
		}
		inner, n := group(tokens[i:])
		for _, part := range splitCommas(inner) {
			d.columns = append(d.columns, expressionText(sql, part))
		}
		if rest := tokens[i+n:]; len(rest) > 1 && rest[0].Is("WHERE") {
			d.predicate = sql[rest[1].Start:rest[len(rest)-1].End]
		}
		return d
	}
	return d
}

// expressionText is an index column without its COLLATE and its direction.
func expressionText(sql string, tokens []sqltoken.Token) string {
	end := len(tokens)
	for end > 1 && (tokens[end-1].Is("ASC") || tokens[end-1].Is("DESC")) {
		end--
	}
	if end > 2 && tokens[end-2].Is("COLLATE") {
		end -= 2
	}
	if end == 0 {
		return ""
	}
	return sql[tokens[0].Start:tokens[end-1].End]
}
