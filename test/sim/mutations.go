package sim

import "github.com/drover-db/drover/internal/guard"

// Mutations are the sets of guards that must not be taken away.
func Mutations() [][]guard.Guard {
	var out [][]guard.Guard
	for _, g := range guard.All() {
		out = append(out, []guard.Guard{g})
	}
	return out
}
