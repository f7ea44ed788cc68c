package sqlite

import "strings"

// tokenKind classes a token of SQL.
type tokenKind uint8

const (
	tokenWord tokenKind = iota
	// tokenQuoted is an identifier in double quotes, brackets or backticks.
	tokenQuoted
	tokenText
	tokenNumber
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

// tokenize cuts SQL that SQLite has accepted; comments and space are left out.
func tokenize(sql string) []token {
	var out []token
	for i := 0; i < len(sql); {
		if n := skipped(sql[i:]); n > 0 {
			i += n
			continue
		}
		t := next(sql[i:])
		t.start, t.end = i, i+t.end
		out = append(out, t)
		i = t.end
	}
	return out
}

// skipped is the length of the space or comment that sql begins with.
func skipped(sql string) int {
	switch {
	case strings.IndexByte(" \t\n\r\f", sql[0]) >= 0:
		return 1
	case strings.HasPrefix(sql, "--"):
		if i := strings.IndexByte(sql, '\n'); i >= 0 {
			return i + 1
		}
		return len(sql)
	case strings.HasPrefix(sql, "/*"):
		if i := strings.Index(sql[2:], "*/"); i >= 0 {
			return i + 4
		}
		return len(sql)
	}
	return 0
}

// next reads the token that sql begins with; end is its length.
func next(sql string) token {
	c := sql[0]
	switch {
	case c == '\'' || c == '"' || c == '`':
		text, n := quoted(sql, c)
		if c == '\'' {
			return token{kind: tokenText, text: text, end: n}
		}
		return token{kind: tokenQuoted, text: text, end: n}
	case c == '[':
		if i := strings.IndexByte(sql, ']'); i > 0 {
			return token{kind: tokenQuoted, text: sql[1:i], end: i + 1}
		}
	case c >= '0' && c <= '9':
		n := 1
		for n < len(sql) && (wordByte(sql[n]) || sql[n] == '.') {
			n++
		}
		return token{kind: tokenNumber, text: sql[:n], end: n}
	case wordByte(c):
		n := 1
		for n < len(sql) && wordByte(sql[n]) {
			n++
		}
		return token{kind: tokenWord, text: sql[:n], end: n}
	}
	return token{kind: tokenOther, text: sql[:1], end: 1}
}

// quoted reads up to the closing quote, which doubled stands for itself.
func quoted(sql string, quote byte) (text string, n int) {
	var b strings.Builder
	for i := 1; i < len(sql); i++ {
		if sql[i] == quote {
			if i+1 == len(sql) || sql[i+1] != quote {
				return b.String(), i + 1
			}
			i++
		}
		b.WriteByte(sql[i])
	}
	return b.String(), len(sql)
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || (c|0x20 >= 'a' && c|0x20 <= 'z') || (c >= '0' && c <= '9')
}
