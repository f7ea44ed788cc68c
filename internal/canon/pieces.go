package canon

import "unicode/utf8"

// Pieces sees that a text which comes in pieces is UTF-8. The zero value is ready.
type Pieces struct {
	// rest is the beginning of a character whose end is to come.
	rest [utf8.UTFMax]byte
	n    int
}

// Add takes the next piece and tells whether all so far can be UTF-8.
func (p *Pieces) Add(piece []byte) bool {
	for p.n > 0 && len(piece) > 0 {
		p.rest[p.n], piece, p.n = piece[0], piece[1:], p.n+1
		if utf8.FullRune(p.rest[:p.n]) {
			if !utf8.Valid(p.rest[:p.n]) {
				return false
			}
			p.n = 0
		}
	}
	whole := WholeText(piece)
	if !utf8.Valid(piece[:whole]) {
		return false
	}
	if whole < len(piece) {
		p.n = copy(p.rest[:], piece[whole:])
	}
	return true
}

// Whole tells whether the text ends with a whole character.
func (p *Pieces) Whole() bool { return p.n == 0 }

// WholeText is the length of a piece of text without the beginning of a character that
// the next piece goes on with.
func WholeText(piece []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(piece); i++ {
		at := len(piece) - i
		if utf8.RuneStart(piece[at]) {
			if !utf8.FullRune(piece[at:]) {
				return at
			}
			break
		}
	}
	return len(piece)
}
