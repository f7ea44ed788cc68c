// Package sqltoken cuts SQL into tokens. What differs between dialects is data: quotes,
// comments, escapes and operators. It reads what a server has accepted or printed, and
// takes anything else without complaint: where a quote is not closed the token says so.
//
// Tokens and what lies between them, which is space and comments, are the whole of the
// input in its order.
package sqltoken

import "strings"

// Kind classes a token.
type Kind uint8

// Kinds of tokens.
const (
	// Word is a bare word: a keyword, a function, a name.
	Word Kind = iota
	// Name is an identifier in quotes.
	Name
	// Text is a constant in quotes.
	Text
	// Number is a number without its sign.
	Number
	// Symbol is an operator or a bracket; in MySQL also the begin and the end of a comment
	// that the server reads as SQL: "/*!80023" and "*/".
	Symbol
)

// Token is one token and where it stands.
type Token struct {
	Kind Kind
	// Text is a word, number or symbol as it stands, and of what is quoted what it means:
	// without quotes and escapes.
	Text string
	// Start and End are positions in bytes; End is behind the token.
	Start, End int
	// Open is set where the closing quote is missing: the token is the rest of the input.
	Open bool
}

// Is tells whether a token is this keyword, in whatever case, or this symbol.
func (t Token) Is(word string) bool {
	return (t.Kind == Word || t.Kind == Symbol) && strings.EqualFold(t.Text, word)
}

// Names tells whether a token is this name, quoted or not, in whatever case.
func (t Token) Names(name string) bool { return t.IsName() && strings.EqualFold(t.Text, name) }

// IsName tells whether a token may be a name: a word, or an identifier in quotes.
func (t Token) IsName() bool { return t.Kind == Word || t.Kind == Name }

// Cut gives the tokens of SQL.
func (d *Dialect) Cut(sql string) []Token {
	var out []Token
	for i := 0; i < len(sql); {
		if n := d.skipped(sql[i:]); n > 0 {
			i += n
			continue
		}
		t := d.next(sql[i:])
		t.Start, t.End = i, i+t.End
		out = append(out, t)
		i = t.End
	}
	return out
}

// skipped is the length of the space or comment that sql begins with.
func (d *Dialect) skipped(sql string) int {
	switch {
	case strings.IndexByte(" \t\n\r\f\v", sql[0]) >= 0:
		return 1
	case sql[0] == '#' && d.hashComments, strings.HasPrefix(sql, "--") && (!d.spacedDashes || len(sql) == 2 || sql[2] <= ' '):
		if i := strings.IndexByte(sql, '\n'); i >= 0 {
			return i + 1
		}
		return len(sql)
	case !strings.HasPrefix(sql, "/*"), d.readComment(sql) > 0:
		return 0
	}
	return d.commentLength(sql)
}

// readComment is the length of the begin of a comment that the server reads as SQL; 0
// for any other.
func (d *Dialect) readComment(sql string) int {
	for _, begin := range d.readComments {
		if strings.HasPrefix(sql, begin) {
			n := len(begin)
			for n < len(sql) && digit(sql[n]) {
				n++
			}
			return n
		}
	}
	return 0
}

// commentLength is the length of the comment that sql begins with, to the end where it
// has none.
func (d *Dialect) commentLength(sql string) int {
	depth := 0
	for i := 0; i+1 < len(sql); i++ {
		switch sql[i : i+2] {
		case "/*":
			if depth++; depth > 1 && !d.nestedComments {
				depth = 1
			}
			i++
		case "*/":
			if depth--; depth == 0 {
				return i + 2
			}
			i++
		}
	}
	return len(sql)
}

// next reads the token that sql begins with; End is its length.
func (d *Dialect) next(sql string) Token {
	c := sql[0]
	if t, ok := d.quoted(sql); ok {
		return t
	}
	switch {
	case digit(c), c == '.' && len(sql) > 1 && digit(sql[1]):
		n := numberLength(sql)
		return Token{Kind: Number, Text: sql[:n], End: n}
	case wordByte(c):
		n := 1
		for n < len(sql) && wordByte(sql[n]) {
			n++
		}
		return Token{Kind: Word, Text: sql[:n], End: n}
	}
	if n := d.readComment(sql); n > 0 {
		return Token{Kind: Symbol, Text: sql[:n], End: n}
	}
	for _, s := range d.symbols {
		if strings.HasPrefix(sql, s) {
			return Token{Kind: Symbol, Text: s, End: len(s)}
		}
	}
	return Token{Kind: Symbol, Text: sql[:1], End: 1}
}

// numberLength is the length of a number: digits with a point and an exponent, or digits
// to another base. Letters behind it are a part of it, for no name begins with a digit
// but in MySQL, which prints such in quotes.
func numberLength(sql string) int {
	n := 0
	for n < len(sql) && (wordByte(sql[n]) || sql[n] == '.' || exponentSign(sql, n)) {
		n++
	}
	return n
}

// exponentSign tells whether the sign at a place belongs to an exponent: "1e-5".
func exponentSign(sql string, at int) bool {
	if sql[at] != '+' && sql[at] != '-' || at < 1 || sql[at-1]|0x20 != 'e' || at+1 >= len(sql) || !digit(sql[at+1]) {
		return false
	}
	return strings.Trim(sql[:at-1], "0123456789.") == ""
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c|0x20 >= 'a' && c|0x20 <= 'z' || digit(c)
}
