//go:build !mutation

package guard

// Removed tells whether a guard is to be left out; never, in this build.
func Removed(Guard) bool { return false }
