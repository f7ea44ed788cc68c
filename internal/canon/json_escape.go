package canon

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// shortEscapes are the characters that have an escape of two bytes, by its letter.
var shortEscapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads an escape and writes the character.
func (s *jsonScanner) escape() error {
	if s.at+1 == len(s.in) {
		return s.fail("a string has no end")
	}
	letter := s.in[s.at+1]
	if letter != 'u' {
		c, ok := shortEscapes[letter]
		if !ok {
			return s.fail("no escape \\%c", letter)
		}
		s.at += 2
		s.out = appendJSONRune(s.out, rune(c))
		return nil
	}
	r, err := s.unit()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(r) {
		low, err := s.unit()
		if err != nil || utf16.DecodeRune(r, low) == utf8.RuneError {
			return s.fail("half a surrogate pair, which no UTF-8 text can hold")
		}
		r = utf16.DecodeRune(r, low)
	}
	s.out = appendJSONRune(s.out, r)
	return nil
}

// unit reads \uXXXX.
func (s *jsonScanner) unit() (rune, error) {
	if len(s.in)-s.at < 6 || s.in[s.at] != '\\' || s.in[s.at+1] != 'u' {
		return 0, s.fail("not four hexadecimal digits behind \\u")
	}
	var r rune
	for _, c := range s.in[s.at+2 : s.at+6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, s.fail("not four hexadecimal digits behind \\u")
		}
		r = r<<4 | rune(c)
	}
	s.at += 6
	return r, nil
}

// appendJSONRune writes a character of a string in its normal form.
func appendJSONRune(b []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	if r < ' ' {
		return append(b, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
	}
	return utf8.AppendRune(b, r)
}

// HasJSONNUL tells whether a value in normal form has the character U+0000 in a string.
func HasJSONNUL(v []byte) bool {
	for {
		at := bytes.IndexByte(v, '\\')
		if at < 0 || at+1 == len(v) {
			return false
		}
		if bytes.HasPrefix(v[at+1:], []byte("u0000")) {
			return true
		}
		v = v[at+2:]
	}
}

// unescape takes the escapes out of the normal form of a string's inside.
func unescape(text []byte) []byte {
	s := jsonScanner{in: text}
	out := make([]byte, 0, len(text))
	for s.at < len(text) {
		switch {
		case text[s.at] != '\\':
			out = append(out, text[s.at])
			s.at++
		case text[s.at+1] == 'u':
			r, _ := s.unit() // the scanner wrote it
			out = append(out, byte(r))
		default:
			out = append(out, shortEscapes[text[s.at+1]])
			s.at += 2
		}
	}
	return out
}
