package canon

import (
	"bytes"
	"strconv"

	"github.com/drover-db/drover/internal/loss"
)

// maxJSONExponent keeps exponents countable.
const maxJSONExponent = 1_000_000_000

// jsonNumber is a decimal number: 0.DIGITS times ten to the power of point, with no
// zero at either end of the digits; zero has none.
type jsonNumber struct {
	negative bool
	digits   []byte
	point    int
}

// number reads a number and writes its normal form.
func (s *jsonScanner) number() error {
	n, err := s.decimal()
	if err != nil {
		return err
	}
	s.out = n.append(s.out)
	return nil
}

// run moves over digits and gives how many there were.
func (s *jsonScanner) run() int {
	from := s.at
	for s.at < len(s.in) && s.in[s.at] >= '0' && s.in[s.at] <= '9' {
		s.at++
	}
	return s.at - from
}

func (s *jsonScanner) decimal() (n jsonNumber, err error) {
	if s.in[s.at] == '-' {
		n.negative = true
		s.at++
	}
	from := s.at
	whole := s.run()
	if whole == 0 || whole > 1 && s.in[from] == '0' {
		return n, s.fail("not a number")
	}
	n.digits, n.point = s.in[from:s.at], whole
	if s.at < len(s.in) && s.in[s.at] == '.' {
		s.at++
		fraction := s.at
		if s.run() == 0 {
			return n, s.fail("not a number")
		}
		n.digits = append(append(make([]byte, 0, s.at-from), n.digits...), s.in[fraction:s.at]...)
	}
	exponent, err := s.exponent()
	if err != nil {
		return n, err
	}
	n.point += exponent
	n.trim()
	if len(n.digits) > 0 && (exponent > maxJSONExponent || exponent < -maxJSONExponent) {
		return n, s.fail("a number beyond every database")
	}
	return n, nil
}

// exponent reads an exponent, if there is one; beyond the limit it says no more
// than that.
func (s *jsonScanner) exponent() (int, error) {
	if s.at == len(s.in) || s.in[s.at]|0x20 != 'e' {
		return 0, nil
	}
	s.at++
	sign := 1
	if s.at < len(s.in) && (s.in[s.at] == '+' || s.in[s.at] == '-') {
		if s.in[s.at] == '-' {
			sign = -1
		}
		s.at++
	}
	from := s.at
	if s.run() == 0 {
		return 0, s.fail("not a number")
	}
	out := 0
	for _, c := range s.in[from:s.at] {
		if out = out*10 + int(c-'0'); out > maxJSONExponent {
			out = maxJSONExponent + 1
			break
		}
	}
	return sign * out, nil
}

// trim takes zeros away at both ends.
func (n *jsonNumber) trim() {
	for len(n.digits) > 0 && n.digits[0] == '0' {
		n.digits = n.digits[1:]
		n.point--
	}
	for len(n.digits) > 0 && n.digits[len(n.digits)-1] == '0' {
		n.digits = n.digits[:len(n.digits)-1]
	}
}

// append writes the normal form.
func (n jsonNumber) append(b []byte) []byte {
	const most, least = 21, -6 // where ECMAScript's exponents begin
	count := len(n.digits)
	if count == 0 {
		return append(b, '0')
	}
	if n.negative {
		b = append(b, '-')
	}
	switch {
	case n.point > most || n.point <= least:
		b = append(b, n.digits[0])
		if count > 1 {
			b = append(append(b, '.'), n.digits[1:]...)
		}
		if b = append(b, 'e'); n.point > 0 {
			b = append(b, '+')
		}
		return strconv.AppendInt(b, int64(n.point)-1, 10)
	case n.point <= 0:
		b = appendZeros(append(b, '0', '.'), -n.point)
		return append(b, n.digits...)
	case count <= n.point:
		return appendZeros(append(b, n.digits...), n.point-count)
	default:
		b = append(append(b, n.digits[:n.point]...), '.')
		return append(b, n.digits[n.point:]...)
	}
}

func appendZeros(b []byte, n int) []byte {
	for range n {
		b = append(b, '0')
	}
	return b
}

// CheckJSONDoubles tells whether every number of a normal form survives an engine
// that keeps whole numbers of 64 bits as they are and all others as doubles. The
// error names the first that does not.
func CheckJSONDoubles(v []byte) error {
	for at := 0; at < len(v); {
		switch c := v[at]; {
		case c == '"':
			at = jsonStringEnd(v, at)
		case c == '-' || c >= '0' && c <= '9':
			from := at
			for at < len(v) && isNumberByte(v[at]) {
				at++
			}
			if !doubleKeeps(v[from:at]) {
				return loss.New(loss.JSON, "the number %s has more digits than a double keeps", v[from:at])
			}
		default:
			at++
		}
	}
	return nil
}

// jsonStringEnd is the place behind a string.
func jsonStringEnd(v []byte, at int) int {
	for at++; at < len(v) && v[at] != '"'; at++ {
		if v[at] == '\\' {
			at++
		}
	}
	return at + 1
}

func isNumberByte(c byte) bool {
	return c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e'
}

// doubleKeeps tells whether a number in normal form is a 64-bit integer, or what a
// double prints as.
func doubleKeeps(text []byte) bool {
	if len(text) <= 15 && bytes.IndexByte(text, 'e') < 0 { // so many digits always survive
		return true
	}
	if _, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return true
	}
	if _, err := strconv.ParseUint(string(text), 10, 64); err == nil {
		return true
	}
	return floatIs(string(text), 64)
}

// floatIs tells whether the shortest digits that mean the same float mean exactly
// what text says.
func floatIs(text string, bits int) bool {
	f, err := strconv.ParseFloat(text, bits)
	if err != nil {
		return false
	}
	want, err := NormalizeJSON([]byte(text))
	if err != nil { // a decimal that JSON writes otherwise: "+.5"
		plain, err := NormalizeDecimal(text, -1)
		if err != nil {
			return false
		}
		if want, err = NormalizeJSON(plain); err != nil {
			return false
		}
	}
	got, err := NormalizeJSON(strconv.AppendFloat(nil, f, 'e', -1, bits))
	return err == nil && string(got) == string(want)
}
