//go:build mutation

package guard

import "sync/atomic"

var removed atomic.Pointer[map[Guard]bool]

// Remove leaves these guards out from now on, and puts all others back.
func Remove(guards ...Guard) {
	set := make(map[Guard]bool, len(guards))
	for _, g := range guards {
		set[g] = true
	}
	removed.Store(&set)
}

// Removed tells whether a guard is to be left out.
func Removed(g Guard) bool {
	set := removed.Load()
	return set != nil && (*set)[g]
}
