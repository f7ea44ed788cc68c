package compare

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// maxExponent keeps a number from being written out over megabytes.
const maxExponent = 100_000

// readNumber writes a decimal without exponent, leading or trailing zeros.
func readNumber(text []byte) ([]byte, bool) {
	switch strings.ToLower(string(text)) {
	case "nan":
		return []byte("NaN"), true
	case "infinity", "inf", "+inf":
		return []byte("Infinity"), true
	case "-infinity", "-inf":
		return []byte("-Infinity"), true
	}
	rest, negative := bytes.CutPrefix(text, []byte{'-'})
	if !negative {
		rest = bytes.TrimPrefix(rest, []byte{'+'})
	}
	mantissa, exponent := rest, 0
	if i := bytes.IndexAny(rest, "eE"); i >= 0 {
		n, err := strconv.Atoi(string(rest[i+1:]))
		if err != nil || n > maxExponent || n < -maxExponent {
			return nil, false
		}
		mantissa, exponent = rest[:i], n
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte{'.'})
	if len(whole)+len(fraction) == 0 || !digits(whole) || !digits(fraction) {
		return nil, false
	}
	return place(negative, append(bytes.Clone(whole), fraction...), len(whole)+exponent), true
}

// place writes digits with the point behind the first n of them.
func place(negative bool, all []byte, n int) []byte {
	if n < 0 {
		all, n = append(bytes.Repeat([]byte{'0'}, -n), all...), 0
	}
	if n > len(all) {
		all = append(all, bytes.Repeat([]byte{'0'}, n-len(all))...)
	}
	whole := bytes.TrimLeft(all[:n], "0")
	fraction := bytes.TrimRight(all[n:], "0")
	var out []byte
	if negative && len(whole)+len(fraction) > 0 {
		out = append(out, '-')
	}
	if len(whole) == 0 {
		whole = []byte{'0'}
	}
	out = append(out, whole...)
	if len(fraction) > 0 {
		out = append(append(out, '.'), fraction...)
	}
	return out
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// appendFloat writes the shortest decimal that reads back as f.
func appendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	default:
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
}
