package engine

import "github.com/drover-db/drover/internal/glob"

// Matches tells whether a table is selected.
func (s Selection) Matches(schema, table string) bool {
	for _, pattern := range s.Exclude {
		if glob.Table(pattern, schema, table) {
			return false
		}
	}
	if len(s.Include) == 0 {
		return true
	}
	for _, pattern := range s.Include {
		if glob.Table(pattern, schema, table) {
			return true
		}
	}
	return false
}
