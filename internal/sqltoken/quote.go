package sqltoken

import "strings"

// quoted reads the quoted token that sql begins with; false where it begins with none.
func (d *Dialect) quoted(sql string) (Token, bool) {
	c := sql[0]
	switch {
	case strings.IndexByte(d.names, c) >= 0:
		return d.enclosed(Name, sql, 0, false), true
	case strings.IndexByte(d.texts, c) >= 0:
		return d.enclosed(Text, sql, 0, d.backslashes), true
	case d.escapeStrings && c|0x20 == 'e' && strings.HasPrefix(sql[1:], "'"):
		return d.enclosed(Text, sql, 1, true), true
	case d.dollars && c == '$':
		return dollarQuoted(sql)
	case d.brackets && c == '[':
		if i := strings.IndexByte(sql, ']'); i > 0 {
			return Token{Kind: Name, Text: sql[1:i], End: i + 1}, true
		}
	}
	return Token{}, false
}

// enclosed reads up to the closing quote, which doubled stands for itself. The opening
// one is at a place.
func (d *Dialect) enclosed(kind Kind, sql string, at int, backslashes bool) Token {
	var b strings.Builder
	quote := sql[at]
	for i := at + 1; i < len(sql); i++ {
		switch {
		case sql[i] == '\\' && backslashes && i+1 < len(sql):
			i++
			b.WriteString(d.unescaped(sql[i]))
		case sql[i] != quote:
			b.WriteByte(sql[i])
		case i+1 < len(sql) && sql[i+1] == quote:
			b.WriteByte(quote)
			i++
		default:
			return Token{Kind: kind, Text: b.String(), End: i + 1}
		}
	}
	return Token{Kind: kind, Text: b.String(), End: len(sql), Open: true}
}

// unescaped is what a character behind a backslash stands for. MySQL leaves the
// backslash before those that are wildcards of LIKE.
func (d *Dialect) unescaped(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case 'b':
		return "\b"
	}
	if d.backslashes {
		switch c {
		case '0':
			return "\x00"
		case 'Z':
			return "\x1a"
		case '%', '_':
			return `\` + string(rune(c))
		}
	}
	return string([]byte{c})
}

// dollarQuoted reads $tag$ … $tag$.
func dollarQuoted(sql string) (Token, bool) {
	n := 1
	for n < len(sql) && sql[n] != '$' && wordByte(sql[n]) {
		n++
	}
	if n >= len(sql) || sql[n] != '$' || n > 1 && digit(sql[1]) {
		return Token{}, false
	}
	tag, body := sql[:n+1], sql[n+1:]
	i := strings.Index(body, tag)
	if i < 0 {
		return Token{Kind: Text, Text: body, End: len(sql), Open: true}, true
	}
	return Token{Kind: Text, Text: body[:i], End: len(tag) + i + len(tag)}, true
}
