package filter

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/drover-db/drover/internal/fault"
)

// token is a word of the condition.
type token struct {
	at   int
	kind tokenKind
	// text is the word, the name or constant without its quotes, or the symbol;
	// written is how it stands in the condition.
	text, written string
}

type tokenKind uint8

const (
	endToken tokenKind = iota
	wordToken
	nameToken // a quoted name
	numberToken
	textToken
	bytesToken
	symbolToken
)

// is tells whether a token is a keyword, in any case.
func (t token) is(keyword string) bool {
	return t.kind == wordToken && strings.EqualFold(t.text, keyword)
}

// symbol tells whether a token is a symbol.
func (t token) symbol(s string) bool { return t.kind == symbolToken && t.text == s }

// String is a token in a message.
func (t token) String() string {
	if t.kind == endToken {
		return "the end"
	}
	return t.written
}

// problem is an error at a place of the condition, counted in characters from 1.
func problem(condition string, at int, format string, args ...any) error {
	return fault.New(fault.Invalid, "filter.Parse", "at character %d: %s",
		utf8.RuneCountInString(condition[:at])+1, fmt.Sprintf(format, args...))
}

// tokenize cuts a condition into words; the last is the end.
func tokenize(condition string) ([]token, error) {
	var out []token
	for at := 0; ; {
		for at < len(condition) && strings.IndexByte(" \t\r\n", condition[at]) >= 0 {
			at++
		}
		if at == len(condition) {
			return append(out, token{at: at}), nil
		}
		t, size, err := next(condition, at)
		if err != nil {
			return nil, err
		}
		t.at, t.written = at, condition[at:at+size]
		out = append(out, t)
		at += size
	}
}

// next reads the token that begins at a place, and tells its size.
func next(condition string, at int) (token, int, error) {
	rest := condition[at:]
	first, _ := utf8.DecodeRuneInString(rest)
	switch {
	case first == '\'':
		return quoted(condition, at, '\'', textToken, "text")
	case first == '"', first == '`':
		return quoted(condition, at, rest[0], nameToken, "name")
	case (first == 'x' || first == 'X') && strings.HasPrefix(rest[1:], "'"):
		t, size, err := quoted(condition, at+1, '\'', bytesToken, "constant")
		return t, size + 1, err
	case first >= '0' && first <= '9', first == '.':
		return numeral(condition, at)
	case first == '_', unicode.IsLetter(first):
		size := len(rest)
		if end := strings.IndexFunc(rest, func(r rune) bool { return !wordRune(r) }); end >= 0 {
			size = end
		}
		return token{kind: wordToken, text: rest[:size]}, size, nil
	}
	for _, s := range []string{"<=", ">=", "<>", "!=", "=", "<", ">", "(", ")", ",", "-"} {
		if strings.HasPrefix(rest, s) {
			return token{kind: symbolToken, text: strings.Replace(s, "!=", "<>", 1)}, len(s), nil
		}
	}
	return token{}, 0, problem(condition, at, "%q has no meaning in a condition", first)
}

func wordRune(r rune) bool { return r == '_' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// quoted reads what is between two quotes, where two in a row stand for one.
func quoted(condition string, at int, quote byte, kind tokenKind, what string) (token, int, error) {
	var b strings.Builder
	for i := at + 1; i < len(condition); i++ {
		if condition[i] != quote {
			b.WriteByte(condition[i])
			continue
		}
		if i+1 == len(condition) || condition[i+1] != quote {
			return token{kind: kind, text: b.String()}, i + 1 - at, nil
		}
		b.WriteByte(quote)
		i++
	}
	return token{}, 0, problem(condition, at, "the %s that begins here has no end", what)
}

// numeral reads digits with or without a point.
func numeral(condition string, at int) (token, int, error) {
	rest := condition[at:]
	size := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	digits := size
	if strings.HasPrefix(rest[size:], ".") {
		fraction := rest[size+1:]
		more := len(fraction) - len(strings.TrimLeft(fraction, "0123456789"))
		size, digits = size+1+more, min(digits, more)
	}
	if following, _ := utf8.DecodeRuneInString(rest[size:]); digits == 0 || size < len(rest) && (wordRune(following) || following == '.') {
		return token{}, 0, problem(condition, at, "a number is digits, with a point and digits behind it or without: 42, 12.50")
	}
	return token{kind: numberToken, text: rest[:size]}, size, nil
}
