package postgres

import (
	"strings"
)

// Kinds of tokens in an expression of MySQL or MariaDB.
const (
	tokenEnd = iota
	tokenName
	// tokenWord is a bare word: a keyword, a function or a column.
	tokenWord
	tokenNumber
	tokenString
	tokenBits
	tokenSymbol
	// tokenUnknown is anything that is not read with certainty.
	tokenUnknown
)

type mysqlToken struct {
	kind int
	// text is what the token means: a name without quotes, a word in lower case, a
	// string's value.
	text string
}

// scanMySQL cuts an expression into tokens, the last of which is tokenEnd; it stops
// at the first that is unknown.
func scanMySQL(expr string) []mysqlToken {
	var out []mysqlToken
	for rest := strings.TrimLeft(expr, " \t\n\r"); rest != ""; rest = strings.TrimLeft(rest, " \t\n\r") {
		var t mysqlToken
		t, rest = nextMySQL(rest)
		out = append(out, t)
		if t.kind == tokenUnknown {
			break
		}
	}
	return append(out, mysqlToken{kind: tokenEnd})
}

func nextMySQL(s string) (mysqlToken, string) {
	switch c := s[0]; {
	case c == '`':
		return scanQuotedName(s)
	case c == '\'' || strings.HasPrefix(s, `\'`):
		return scanString(s)
	case isDigit(c) || (c == '.' && len(s) > 1 && isDigit(s[1])):
		return scanNumber(s)
	case isWordByte(c):
		return scanWord(s)
	}
	for _, symbol := range []string{"<=>", "<=", ">=", "<>", "!=", "&&", "=", "<", ">", "(", ")", ",", "+", "-", "*", "!"} {
		if rest, ok := strings.CutPrefix(s, symbol); ok {
			return mysqlToken{tokenSymbol, symbol}, rest
		}
	}
	return mysqlToken{kind: tokenUnknown, text: s}, ""
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || isDigit(c) || (c|0x20 >= 'a' && c|0x20 <= 'z')
}

func scanQuotedName(s string) (mysqlToken, string) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '`' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '`' {
			b.WriteByte('`')
			i++
			continue
		}
		return mysqlToken{tokenName, b.String()}, s[i+1:]
	}
	return mysqlToken{kind: tokenUnknown, text: s}, ""
}

// scanWord reads a bare word; a charset in front of a string ("_utf8mb4'x'") and a b
// or a type's name belong to the string.
func scanWord(s string) (mysqlToken, string) {
	n := 0
	for n < len(s) && isWordByte(s[n]) {
		n++
	}
	word, rest := strings.ToLower(s[:n]), s[n:]
	quoted := strings.TrimLeft(rest, " ")
	if strings.HasPrefix(quoted, "'") || strings.HasPrefix(quoted, `\'`) {
		switch {
		case strings.HasPrefix(word, "_utf8") || word == "_latin1" || word == "_ascii", word == "date", word == "timestamp", word == "n":
			return scanString(quoted)
		case word == "b":
			t, rest := scanString(quoted)
			if t.kind == tokenString && strings.Trim(t.text, "01") == "" {
				t.kind = tokenBits
				return t, rest
			}
			return mysqlToken{kind: tokenUnknown, text: s}, ""
		case strings.HasPrefix(word, "_"), word == "x", word == "time":
			return mysqlToken{kind: tokenUnknown, text: s}, ""
		}
	}
	return mysqlToken{tokenWord, word}, rest
}

// scanString reads a string between quotes. The catalog of MySQL writes the quotes
// themselves with a backslash; nothing within such a string is escaped then, or it
// is unknown what it means.
func scanString(s string) (mysqlToken, string) {
	unknown := mysqlToken{kind: tokenUnknown, text: s}
	if inner, ok := strings.CutPrefix(s, `\'`); ok {
		value, rest, ok := strings.Cut(inner, `\'`)
		if !ok || strings.ContainsAny(value, `\'`) || strings.HasPrefix(rest, `\'`) {
			return unknown, ""
		}
		return mysqlToken{tokenString, value}, rest
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
			if i == len(s) || (s[i] != '\\' && s[i] != '\'' && s[i] != '"') {
				return unknown, ""
			}
			b.WriteByte(s[i])
		case s[i] != '\'':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte('\'')
			i++
		default:
			return mysqlToken{tokenString, b.String()}, s[i+1:]
		}
	}
	return unknown, ""
}

// scanNumber reads a decimal number: those with an exponent are floats, and those
// in hexadecimal may be strings.
func scanNumber(s string) (mysqlToken, string) {
	n := 0
	for n < len(s) && (isDigit(s[n]) || s[n] == '.') {
		n++
	}
	if strings.Count(s[:n], ".") > 1 || (n < len(s) && isWordByte(s[n])) {
		return mysqlToken{kind: tokenUnknown, text: s}, ""
	}
	return mysqlToken{tokenNumber, s[:n]}, s[n:]
}
