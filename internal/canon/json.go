package canon

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/drover-db/drover/internal/loss"
)

// MaxJSONDepth is how deep arrays and objects of a JSON value may lie in each other.
const MaxJSONDepth = 1000

// NormalizeJSON gives the normal form of a JSON text, in which two texts are equal
// when their values are:
//
//   - no spaces between tokens;
//   - an object's members by the length of their keys, then by their bytes, as
//     PostgreSQL's jsonb and MySQL's JSON keep them;
//   - strings in UTF-8 with no escapes but \" \\ \b \f \n \r \t and \u00xx for the
//     other control characters;
//   - numbers by value, whatever their type was: every significant digit, no zero
//     that says nothing, an exponent from 1e+21 and below 1e-6 (as ECMAScript
//     prints them). 1, 1.0 and 10e-1 are equal; -0 is 0; no digit is ever rounded.
//
// Errors are texts that are no JSON, and values that not every engine holds as they
// are: a key that an object has twice, half a surrogate pair, an exponent beyond a
// thousand million, and what lies deeper than MaxJSONDepth. PostgreSQL's jsonb alone has
// no \u0000, which HasJSONNUL finds.
func NormalizeJSON(text []byte) ([]byte, error) {
	return AppendJSON(make([]byte, 0, len(text)), text)
}

// AppendJSON appends the normal form of a JSON text; see NormalizeJSON.
func AppendJSON(b, text []byte) ([]byte, error) {
	s := scanners.Get().(*jsonScanner)
	s.in, s.at, s.out, s.depth, s.members = text, 0, b, 0, s.members[:0]
	err := s.document()
	out := s.out
	s.in, s.out = nil, nil
	scanners.Put(s)
	if err != nil {
		return b, err
	}
	return out, nil
}

var scanners = sync.Pool{New: func() any { return &jsonScanner{} }}

// jsonScanner reads a text once from front to back and writes its normal form. Only
// objects whose members come in another order are gone over again.
type jsonScanner struct {
	in    []byte
	at    int
	out   []byte
	depth int
	// members of the objects that are open, innermost last.
	members []jsonMember
	// scratch is where members are put in order.
	scratch []byte
}

// jsonMember is where an object's member lies in the output.
type jsonMember struct {
	start, keyEnd, end int
	// key is the key without its escapes; nil where it has none.
	key []byte
}

// fail is an error at the present place; only its text is not JSON's own.
func (s *jsonScanner) fail(format string, args ...any) error {
	return loss.New(loss.JSON, "JSON at byte %d: %s", s.at+1, fmt.Sprintf(format, args...))
}

func (s *jsonScanner) document() error {
	if err := s.value(); err != nil {
		return err
	}
	s.space()
	if s.at < len(s.in) {
		return s.fail("something follows the value")
	}
	return nil
}

func (s *jsonScanner) space() {
	for s.at < len(s.in) {
		switch s.in[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// next is the next byte after spaces; 0 at the end.
func (s *jsonScanner) next() byte {
	s.space()
	if s.at == len(s.in) {
		return 0
	}
	return s.in[s.at]
}

func (s *jsonScanner) value() error {
	switch c := s.next(); {
	case c == '{':
		return s.nested(s.object)
	case c == '[':
		return s.nested(s.array)
	case c == '"':
		_, err := s.text()
		return err
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	case s.at == len(s.in):
		return s.fail("the text ends where a value should be")
	default:
		return s.fail("no value begins with %q", rune(c))
	}
}

func (s *jsonScanner) word(word string) error {
	if !bytes.HasPrefix(s.in[s.at:], []byte(word)) {
		return s.fail("not a value")
	}
	s.at += len(word)
	s.out = append(s.out, word...)
	return nil
}

// nested reads what is between brackets; the opening one is next.
func (s *jsonScanner) nested(inner func() error) error {
	if s.depth++; s.depth > MaxJSONDepth {
		return s.fail("deeper than %d levels", MaxJSONDepth)
	}
	s.out = append(s.out, s.in[s.at])
	s.at++
	err := inner()
	s.depth--
	return err
}

// more copies the separator behind an element and tells whether another follows.
func (s *jsonScanner) more(closing byte) (bool, error) {
	switch c := s.next(); c {
	case ',', closing:
		s.at++
		s.out = append(s.out, c)
		return c == ',', nil
	default:
		return false, s.fail("neither a comma nor %q", rune(closing))
	}
}

// empty copies the closing bracket where nothing comes before it.
func (s *jsonScanner) empty(closing byte) bool {
	if s.next() != closing {
		return false
	}
	s.at++
	s.out = append(s.out, closing)
	return true
}

func (s *jsonScanner) array() error {
	if s.empty(']') {
		return nil
	}
	for {
		if err := s.value(); err != nil {
			return err
		}
		if more, err := s.more(']'); err != nil || !more {
			return err
		}
	}
}

func (s *jsonScanner) object() error {
	if s.empty('}') {
		return nil
	}
	first := len(s.members)
	defer func() { s.members = s.members[:first] }()
	ordered := true
	for {
		if err := s.member(); err != nil {
			return err
		}
		if n := len(s.members); n-first > 1 && s.compare(s.members[n-2], s.members[n-1]) >= 0 {
			ordered = false
		}
		more, err := s.more('}')
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	if ordered {
		return nil
	}
	return s.order(s.members[first:])
}

// member reads a key and its value and notes where they lie.
func (s *jsonScanner) member() error {
	if s.next() != '"' {
		return s.fail("a key should be here")
	}
	m := jsonMember{start: len(s.out)}
	escaped, err := s.text()
	if err != nil {
		return err
	}
	m.keyEnd = len(s.out)
	if escaped {
		m.key = unescape(s.out[m.start+1 : m.keyEnd-1])
	}
	if s.next() != ':' {
		return s.fail("no colon behind the key")
	}
	s.at++
	s.out = append(s.out, ':')
	if err := s.value(); err != nil {
		return err
	}
	m.end = len(s.out)
	s.members = append(s.members, m)
	return nil
}

func (s *jsonScanner) key(m jsonMember) []byte {
	if m.key != nil {
		return m.key
	}
	return s.out[m.start+1 : m.keyEnd-1]
}

func (s *jsonScanner) compare(a, b jsonMember) int {
	x, y := s.key(a), s.key(b)
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	return bytes.Compare(x, y)
}

// order puts an object's members in order; the last thing written is its bracket.
func (s *jsonScanner) order(members []jsonMember) error {
	start := members[0].start
	slices.SortFunc(members, s.compare)
	s.scratch = s.scratch[:0]
	for i, m := range members {
		if i > 0 {
			if s.compare(members[i-1], m) == 0 {
				return s.fail("an object has the key %q twice", s.key(m))
			}
			s.scratch = append(s.scratch, ',')
		}
		s.scratch = append(s.scratch, s.out[m.start:m.end]...)
	}
	copy(s.out[start:], s.scratch)
	return nil
}

// text reads a string; escaped tells whether its normal form has escapes.
func (s *jsonScanner) text() (escaped bool, err error) {
	s.at++
	s.out = append(s.out, '"')
	for {
		run := s.at
		for s.at < len(s.in) && plainJSON[s.in[s.at]] {
			s.at++
		}
		s.out = append(s.out, s.in[run:s.at]...)
		switch {
		case s.at == len(s.in):
			return escaped, s.fail("a string has no end")
		case s.in[s.at] == '"':
			s.at++
			s.out = append(s.out, '"')
			return escaped, nil
		case s.in[s.at] == '\\':
			before := len(s.out)
			if err := s.escape(); err != nil {
				return escaped, err
			}
			escaped = escaped || s.out[before] == '\\'
		case s.in[s.at] < ' ':
			return escaped, s.fail("a control character in a string")
		default:
			r, size := utf8.DecodeRune(s.in[s.at:])
			if r == utf8.RuneError && size == 1 {
				return escaped, s.fail("invalid UTF-8")
			}
			s.out = append(s.out, s.in[s.at:s.at+size]...)
			s.at += size
		}
	}
}

// plainJSON are the ASCII characters that stand for themselves in strings.
var plainJSON = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()
