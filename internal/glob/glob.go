// Package glob matches tables by the globs of a spec.
package glob

import (
	"path"
	"strings"
)

// Table tells whether a glob over schema.table (path.Match, each side of the dot
// for itself) names a table. Without a dot it is a glob over table names in any
// schema. A malformed glob matches nothing; specs are checked for those before.
func Table(glob, schema, table string) bool {
	schemaGlob, tableGlob, dotted := strings.Cut(glob, ".")
	if !dotted {
		schemaGlob, tableGlob = "*", glob
	}
	okSchema, err1 := path.Match(schemaGlob, schema)
	okTable, err2 := path.Match(tableGlob, table)
	return err1 == nil && err2 == nil && okSchema && okTable
}
