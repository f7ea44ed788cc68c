// Package spec owns the way from what a user writes (a YAML or JSON file, or two
// URLs) to a drover.v1.MigrationSpec that may be stored and sent: every field
// checked, every error with its place in the file, no password in it.
//
// It never connects to anything and never logs. Read load.go first; endpoint.go
// has everything about URLs; check.go, tables.go and phases.go the rules that the proto
// cannot say.
package spec

// API version and kind of every spec.
const (
	APIVersion = "drover.dev/v1"
	Kind       = "Migration"
)
