package enginetest

import (
	"cmp"
	"slices"
)

// Watch looks again and again while something happens: once before Watch returns, and once
// when stop was called, however slow a look is. stop gives what was seen, each thing once
// in a row.
func Watch[T cmp.Ordered](look func() T) (stop func() []T) {
	over, seen := make(chan struct{}), make(chan []T, 1)
	first := look()
	go func() {
		out := []T{first}
		for last := false; !last; {
			select {
			case <-over:
				last = true
			default:
			}
			out = append(out, look())
		}
		seen <- slices.Compact(out)
	}()
	return func() []T { close(over); return <-seen }
}
