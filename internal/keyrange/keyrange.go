// Package keyrange works on ranges of a table's key: half-open intervals
// [lower, upper) over tuples of canonical values. It compares only kinds that
// every engine orders alike; collated text is compared by its database alone.
package keyrange

import (
	"bytes"
	"fmt"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// Of makes a bound of canonical values.
func Of(values ...[]byte) *planv1.Bound { return &planv1.Bound{Values: values} }

// Clone copies a bound, whose values may point into a reused buffer.
func Clone(b *planv1.Bound) *planv1.Bound {
	if b == nil {
		return nil
	}
	out := &planv1.Bound{Values: make([][]byte, len(b.GetValues()))}
	for i, v := range b.GetValues() {
		out.Values[i] = bytes.Clone(v)
	}
	return out
}

// Equal tells whether two bounds are the same key.
func Equal(a, b *planv1.Bound) bool {
	if (a == nil) != (b == nil) || len(a.GetValues()) != len(b.GetValues()) {
		return false
	}
	for i, v := range a.GetValues() {
		if !bytes.Equal(v, b.GetValues()[i]) {
			return false
		}
	}
	return true
}

// Compare orders two keys of portable kinds, first column first.
func Compare(kinds []planv1.Kind, a, b *planv1.Bound) int {
	for i, kind := range kinds {
		if c := canon.Compare(kind, a.GetValues()[i], b.GetValues()[i]); c != 0 {
			return c
		}
	}
	return 0
}

// Contains tells whether lower <= key < upper; an absent bound holds everything.
func Contains(kinds []planv1.Kind, r *planv1.Range, key *planv1.Bound) bool {
	if r.GetLower() != nil && Compare(kinds, key, r.GetLower()) < 0 {
		return false
	}
	return r.GetUpper() == nil || Compare(kinds, key, r.GetUpper()) < 0
}

// Whole tells whether a range is its whole table.
func Whole(r *planv1.Range) bool {
	return r.GetLower() == nil && r.GetUpper() == nil && r.GetNullKeys() == planv1.NullKeys_NULL_KEYS_UNSPECIFIED
}

// Ordered tells whether a range's rows have keys and come in their order.
func Ordered(r *planv1.Range) bool { return r.GetNullKeys() != planv1.NullKeys_NULL_KEYS_ONLY }

// WithNulls takes the ranges of a nullable key's keys and adds the range of rows that
// have none, of about so many rows.
func WithNulls(ranges []*planv1.Range, rows int64) []*planv1.Range {
	for _, r := range ranges {
		r.NullKeys = planv1.NullKeys_NULL_KEYS_EXCLUDED
	}
	return append(ranges, &planv1.Range{Number: uint32(len(ranges) + 1), NullKeys: planv1.NullKeys_NULL_KEYS_ONLY, EstimatedRows: rows, Label: labelNulls})
}

// labelNulls is the label of the rows whose key has a NULL.
const labelNulls = "NULL"

// FromBoundaries makes the len(cuts)+1 ranges that the sorted, distinct cuts
// divide a table into: the first has no lower bound, the last no upper one, so
// that no key is outside all of them.
func FromBoundaries(kinds []planv1.Kind, cuts []*planv1.Bound, rows, bytes int64) []*planv1.Range {
	return Divide(kinds, &planv1.Range{EstimatedRows: rows, EstimatedBytes: bytes}, cuts)
}

// Divide makes the len(cuts)+1 ranges that sorted, distinct cuts inside of a part of
// a table divide it into. They are numbered from 1 and share its estimates evenly.
func Divide(kinds []planv1.Kind, part *planv1.Range, cuts []*planv1.Bound) []*planv1.Range {
	n := int64(len(cuts) + 1)
	out := make([]*planv1.Range, 0, n)
	lower := part.GetLower()
	for i := range n {
		upper := part.GetUpper()
		if i < n-1 {
			upper = cuts[i]
		}
		r := &planv1.Range{Number: uint32(i + 1), Lower: lower, Upper: upper, NullKeys: part.GetNullKeys(),
			EstimatedRows: share(part.GetEstimatedRows(), n), EstimatedBytes: share(part.GetEstimatedBytes(), n)}
		r.Label = Label(kinds, r)
		out = append(out, r)
		lower = upper
	}
	return out
}

func share(total, n int64) int64 {
	if total < 0 {
		return -1
	}
	return (total + n - 1) / n
}

// Label writes a range for people: "[1, 250001)", "(-∞, +∞)".
func Label(kinds []planv1.Kind, r *planv1.Range) string {
	if !Ordered(r) {
		return labelNulls
	}
	lower, upper := "(-∞", "+∞)"
	if r.GetLower() != nil {
		lower = "[" + Key(kinds, r.GetLower())
	}
	if r.GetUpper() != nil {
		upper = Key(kinds, r.GetUpper()) + ")"
	}
	return lower + ", " + upper
}

// Key writes a key for people: "42", or "(7, abc)" of several columns.
func Key(kinds []planv1.Kind, b *planv1.Bound) string {
	parts := make([]string, 0, len(b.GetValues()))
	for i, v := range b.GetValues() {
		kind := canon.Bytes
		if i < len(kinds) {
			kind = kinds[i]
		}
		parts = append(parts, printable(canon.String(kind, v)))
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// Named writes a key with its columns: "album_id=7, n=2".
func Named(columns []string, kinds []planv1.Kind, b *planv1.Bound) string {
	parts := make([]string, 0, len(columns))
	for i, v := range b.GetValues() {
		if i < len(columns) && i < len(kinds) {
			parts = append(parts, columns[i]+"="+printable(canon.String(kinds[i], v)))
		}
	}
	return strings.Join(parts, ", ")
}

// printable keeps a key on one line and of a bearable length.
func printable(s string) string {
	const most = 80
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) {
		s = fmt.Sprintf("%q", s)
	}
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
