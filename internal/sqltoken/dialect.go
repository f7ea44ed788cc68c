package sqltoken

// Dialect is how one engine writes SQL.
type Dialect struct {
	// names and texts are the quotes of identifiers and of constants.
	names, texts string
	// brackets quote identifiers too: [name].
	brackets bool
	// backslashes escape in constants; behind an E alone where only escapeStrings is set.
	backslashes, escapeStrings bool
	// dollars quote constants: $tag$ … $tag$.
	dollars bool
	// hashComments begin with #; spacedDashes are a comment only before a space.
	hashComments, spacedDashes bool
	nestedComments             bool
	// readComments begin comments that the server reads as SQL.
	readComments []string
	// symbols are the operators of more than one character, the longest first.
	symbols []string
}

// The dialects that drover reads. MySQL's is MariaDB's too.
var (
	MySQL = &Dialect{names: "`", texts: `'"`, backslashes: true, hashComments: true, spacedDashes: true, readComments: []string{"/*!", "/*M!"},
		symbols: []string{"<=>", "->>", "*/", "<=", ">=", "<>", "!=", "&&", "||", "<<", ">>", "->", ":="}}
	SQLite = &Dialect{names: "\"`", texts: "'", brackets: true,
		symbols: []string{"->>", "<=", ">=", "<>", "!=", "==", "||", "<<", ">>", "->"}}
	PostgreSQL = &Dialect{names: `"`, texts: "'", escapeStrings: true, dollars: true, nestedComments: true,
		symbols: []string{"!~~*", "!~~", "!~*", "->>", "#>>", "~~*", "<=", ">=", "<>", "!=", "::", "||", "~~", "~*", "!~", "->", "#>", "@>", "<@", "<<", ">>", "&&", ":="}}
)
