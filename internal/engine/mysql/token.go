package mysql

import "strings"

// tokenKind classes a token of SQL.
type tokenKind uint8

const (
	tokenWord tokenKind = iota
	// tokenName is an identifier in backticks.
	tokenName
	// tokenText is a constant in quotes.
	tokenText
	// tokenOther is a single character, or the begin or end of a comment that the server
	// reads as SQL: /*!80023 and */.
	tokenOther
)

// token is one token of SQL and where it stands.
type token struct {
	kind tokenKind
	// text is a word as it stands, or what stands between quotes.
	text       string
	start, end int
}

// is tells whether a token is this keyword or character.
func (t token) is(word string) bool {
	return (t.kind == tokenWord || t.kind == tokenOther) && strings.EqualFold(t.text, word)
}

// names tells whether a token is a name, quoted or not, in whatever case.
func (t token) names(name string) bool {
	return (t.kind == tokenWord || t.kind == tokenName) && strings.EqualFold(t.text, name)
}

// tokenize cuts SQL that the server has accepted, as it prints it: names in backticks,
// and comments left out but for those that it reads.
func tokenize(sql string) []token {
	var out []token
	for i := 0; i < len(sql); {
		if n := skipped(sql[i:]); n > 0 {
			i += n
			continue
		}
		t := nextToken(sql[i:])
		t.start, t.end = i, i+t.end
		out = append(out, t)
		i = t.end
	}
	return out
}

// skipped is the length of the space or comment that sql begins with.
func skipped(sql string) int {
	switch {
	case strings.IndexByte(" \t\n\r\f\v", sql[0]) >= 0:
		return 1
	case sql[0] == '#', strings.HasPrefix(sql, "--") && (len(sql) == 2 || sql[2] <= ' '):
		if i := strings.IndexByte(sql, '\n'); i >= 0 {
			return i + 1
		}
		return len(sql)
	case strings.HasPrefix(sql, "/*!"), strings.HasPrefix(sql, "/*M!"), !strings.HasPrefix(sql, "/*"):
		return 0
	}
	if i := strings.Index(sql[2:], "*/"); i >= 0 {
		return i + 4
	}
	return len(sql)
}

// nextToken reads the token that sql begins with; end is its length.
func nextToken(sql string) token {
	switch c := sql[0]; {
	case c == '`':
		text, n := doubledPrefix(sql)
		return token{kind: tokenName, text: text, end: n}
	case c == '\'' || c == '"':
		text, n := textPrefix(sql, c)
		return token{kind: tokenText, text: text, end: n}
	case strings.HasPrefix(sql, "/*"):
		n := strings.IndexByte(sql, '!') + 1
		for n < len(sql) && sql[n] >= '0' && sql[n] <= '9' {
			n++
		}
		return token{kind: tokenOther, text: sql[:n], end: n}
	case strings.HasPrefix(sql, "*/"):
		return token{kind: tokenOther, text: "*/", end: 2}
	case wordByte(c):
		n := 1
		for n < len(sql) && wordByte(sql[n]) {
			n++
		}
		return token{kind: tokenWord, text: sql[:n], end: n}
	}
	return token{kind: tokenOther, text: sql[:1], end: 1}
}

// doubledPrefix reads a quoted name off the front of sql: a quote within it is doubled.
func doubledPrefix(sql string) (text string, n int) {
	var b strings.Builder
	for i := 1; i < len(sql); i++ {
		if sql[i] == sql[0] {
			if i+1 == len(sql) || sql[i+1] != sql[0] {
				return b.String(), i + 1
			}
			i++
		}
		b.WriteByte(sql[i])
	}
	return b.String(), len(sql)
}

// textPrefix reads a constant off the front of sql, to the end where it has none.
func textPrefix(sql string, quote byte) (text string, n int) {
	for i := 1; i < len(sql); i++ {
		switch {
		case sql[i] == '\\':
			i++
		case sql[i] != quote:
		case i+1 < len(sql) && sql[i+1] == quote:
			i++
		default:
			return sql[1:i], i + 1
		}
	}
	return sql[1:], len(sql)
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
}
