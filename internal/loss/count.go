package loss

import (
	"cmp"
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// mostKeys is how many rows are named of a column and rule.
const mostKeys = 5

// Compare orders losses by column, rule and index.
func Compare(a, b *planv1.Loss) int {
	return cmp.Or(cmp.Compare(a.GetColumn(), b.GetColumn()), cmp.Compare(a.GetRule(), b.GetRule()), cmp.Compare(a.GetIndex(), b.GetIndex()))
}

// Merge adds losses of one part of a table to those of others. It changes neither.
func Merge(sum, more []*planv1.Loss) []*planv1.Loss {
	out := slices.Clone(sum)
	for _, l := range more {
		i, found := slices.BinarySearchFunc(out, l, Compare)
		if !found {
			out = slices.Insert(out, i, l)
			continue
		}
		was := out[i]
		keys := slices.Concat(was.GetKeys(), l.GetKeys())
		out[i] = &planv1.Loss{Column: was.GetColumn(), Rule: was.GetRule(), Index: was.GetIndex(), Rows: was.GetRows() + l.GetRows(), Example: was.GetExample(),
			Keys: keys[:min(len(keys), mostKeys)]}
	}
	return out
}
