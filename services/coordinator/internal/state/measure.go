package state

import (
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// Sample is what reading the beginning of a table amounted to.
type Sample struct {
	Rows, Bytes int64
	Seconds     float64
}

// Touched counts the values that policies changed, by position of the column.
type Touched []int64

// add gives the sum with counts of a range, or the difference with sign -1.
func (t Touched) add(counts []*planv1.Touched, sign int64) Touched {
	if len(counts) == 0 {
		return t
	}
	out := slices.Clone(t)
	for _, c := range counts {
		for len(out) <= int(c.GetColumn()) {
			out = append(out, 0)
		}
		out[c.GetColumn()] += sign * c.GetValues()
	}
	return out
}

// Proto gives the counts as messages, without the columns that have none.
func (t Touched) Proto() []*planv1.Touched {
	var out []*planv1.Touched
	for i, n := range t {
		if n != 0 {
			out = append(out, &planv1.Touched{Column: uint32(i), Values: n})
		}
	}
	return out
}

// Total of all columns.
func (t Touched) Total() int64 {
	var sum int64
	for _, n := range t {
		sum += n
	}
	return sum
}
