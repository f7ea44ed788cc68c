package sqlite

import "strings"

// ident quotes an identifier.
func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// idents quotes a list of identifiers.
func idents(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = ident(n)
	}
	return strings.Join(quoted, ", ")
}

// literal quotes a text. SQLite has no escapes but the doubled quote.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// mainTable names a table of the file, never one of the connection's own.
func mainTable(name string) string { return mainSchema + "." + ident(name) }

// fold brings a name to the form in which SQLite compares names: ASCII letters
// without case.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}
