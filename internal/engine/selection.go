package engine

import (
	"path"
	"strings"
)

// Matches tells whether a table is selected.
func (s Selection) Matches(schema, table string) bool {
	for _, glob := range s.Exclude {
		if MatchTable(glob, schema, table) {
			return false
		}
	}
	if len(s.Include) == 0 {
		return true
	}
	for _, glob := range s.Include {
		if MatchTable(glob, schema, table) {
			return true
		}
	}
	return false
}

// MatchTable tells whether a glob names a table. Without a dot it is a glob over
// table names in any schema. A malformed glob matches nothing; specs are checked
// for those before.
func MatchTable(glob, schema, table string) bool {
	schemaGlob, tableGlob, dotted := strings.Cut(glob, ".")
	if !dotted {
		schemaGlob, tableGlob = "*", glob
	}
	okSchema, err1 := path.Match(schemaGlob, schema)
	okTable, err2 := path.Match(tableGlob, table)
	return err1 == nil && err2 == nil && okSchema && okTable
}
