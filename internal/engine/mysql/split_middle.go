package mysql

import (
	"math/big"
	"strings"
	"unicode/utf8"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// middle gives a constant about half way between two values of a key column; ok is
// false where there is none. It need not be exact: the server finds the keys on both
// sides of it, whatever it is, and estimates what it has divided.
type middle func(first, last []byte) (constant string, ok bool, err error)

// middleOf finds the way to halve a key column; nil where values are labels, or in an
// order that nothing is known of.
func middleOf(kind planv1.Kind, nativeType, collation string, decimals int32) middle {
	dataType := dataTypeOf(nativeType)
	switch {
	case dataType == "enum" || dataType == "set" || dataType == "inet4" || dataType == "inet6":
		return nil
	case kind == canon.Int, kind == canon.Time, kind == canon.Timestamp, kind == canon.TimestampTZ:
		return middleNumber(kind, nativeType, func(v []byte) *big.Int { return big.NewInt(canon.GetInt(v)) },
			func(n *big.Int) []byte { return canon.AppendInt(nil, n.Int64()) })
	case kind == canon.Uint:
		return middleNumber(kind, nativeType, func(v []byte) *big.Int { return new(big.Int).SetUint64(canon.GetUint(v)) },
			func(n *big.Int) []byte { return canon.AppendUint(nil, n.Uint64()) })
	case kind == canon.Date:
		return middleNumber(kind, nativeType, func(v []byte) *big.Int { return big.NewInt(int64(canon.GetDate(v))) },
			func(n *big.Int) []byte { return canon.AppendDate(nil, int32(n.Int64())) })
	case kind == canon.Decimal && decimals >= 0:
		return middleDecimal(nativeType, int(decimals))
	case kind == canon.Bytes:
		return middleBytes(nativeType)
	case kind == canon.Text:
		return middleText(collation)
	}
	return nil
}

// middleNumber halves what counts in whole steps.
func middleNumber(kind planv1.Kind, nativeType string, get func([]byte) *big.Int, put func(*big.Int) []byte) middle {
	return func(first, last []byte) (string, bool, error) {
		n, ok := halfWay(get(first), get(last))
		if !ok {
			return "", false, nil
		}
		text, err := constant(kind, nativeType, put(n))
		return text, true, err
	}
}

// halfWay is the number in the middle, above low and at most high.
func halfWay(low, high *big.Int) (*big.Int, bool) {
	if low.Cmp(high) >= 0 {
		return nil, false
	}
	n := new(big.Int).Add(low, high)
	return n.Add(n, big.NewInt(1)).Rsh(n, 1), true
}

// middleDecimal counts in the last decimal place.
func middleDecimal(nativeType string, decimals int) middle {
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
	return middleNumber(canon.Decimal, nativeType, func(v []byte) *big.Int {
		n, _ := new(big.Int).SetString(strings.Replace(string(v), ".", "", 1), 10)
		return n
	}, func(n *big.Int) []byte { return []byte(new(big.Rat).SetFrac(n, unit).FloatString(decimals)) })
}

// halvedWidth is how much of a value is looked at behind what both ends begin with.
const halvedWidth = 16

// middleBytes reads the first bytes that differ as a number.
func middleBytes(nativeType string) middle {
	return func(first, last []byte) (string, bool, error) {
		n := 0
		for n < len(first) && n < len(last) && first[n] == last[n] {
			n++
		}
		at, ok := halfWay(new(big.Int).SetBytes(padded(first[n:])), new(big.Int).SetBytes(padded(last[n:])))
		if !ok {
			return "", false, nil
		}
		text, err := constant(canon.Bytes, nativeType, at.FillBytes(append(make([]byte, 0, n+halvedWidth), first[:n]...)[n:n+halvedWidth]))
		return text, true, err
	}
}

func padded(v []byte) []byte {
	out := make([]byte, halvedWidth)
	copy(out, v)
	return out
}

// letters are the characters that nearly all keys of text are made of, in the order
// that nearly all collations have them in: without case, or as bytes.
const (
	lettersFolded = "0123456789abcdefghijklmnopqrstuvwxyz"
	lettersBytes  = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// middleText halves texts as if they were made of these letters. Where they are not,
// the pieces come out uneven.
func middleText(collation string) middle {
	letters := lettersFolded
	if strings.HasSuffix(collation, "_bin") {
		letters = lettersBytes
	}
	return func(first, last []byte) (string, bool, error) {
		n := commonPrefix(first, last)
		at, ok := halfWay(rank(first[n:], letters), rank(last[n:], letters))
		if !ok {
			return "", false, nil
		}
		return textConstant(append(append([]byte{}, first[:n]...), spell(at, letters)...)), true, nil
	}
}

// commonPrefix is the length of the characters that two texts begin with.
func commonPrefix(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) {
		n--
	}
	return n
}

// rank reads a text as a number: the end of the text and other signs count 0,
// characters beyond ASCII as the last letter.
func rank(text []byte, letters string) *big.Int {
	out, base := new(big.Int), big.NewInt(int64(len(letters)+1))
	for i := range halvedWidth {
		digit := 0
		if i < len(text) {
			c := text[i]
			if letters == lettersFolded && c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			digit = strings.IndexByte(letters, c) + 1
			if c >= utf8.RuneSelf {
				digit = len(letters)
			}
		}
		out.Mul(out, base).Add(out, big.NewInt(int64(digit)))
	}
	return out
}

// spell is the text of a rank. What counts 0 in the middle becomes the first letter.
func spell(n *big.Int, letters string) []byte {
	out, base, digit := make([]byte, halvedWidth), big.NewInt(int64(len(letters)+1)), new(big.Int)
	rest := new(big.Int).Set(n)
	for i := halvedWidth - 1; i >= 0; i-- {
		rest.DivMod(rest, base, digit)
		out[i] = letters[max(0, int(digit.Int64())-1)]
	}
	return out
}
