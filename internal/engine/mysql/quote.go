package mysql

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// maxIdentifier is the length in characters of a name.
const maxIdentifier = 64

// ident quotes an identifier. A NUL cannot be part of one.
func ident(name string) string {
	return "`" + strings.ReplaceAll(strings.ReplaceAll(name, "\x00", ""), "`", "``") + "`"
}

// idents quotes a list of identifiers.
func idents(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = ident(n)
	}
	return strings.Join(quoted, ", ")
}

// qualified quotes a name in a schema.
func qualified(schema, name string) string { return ident(schema) + "." + ident(name) }

// literal quotes a text constant, for DDL and catalog queries. sql_mode of drover's
// sessions has no NO_BACKSLASH_ESCAPES.
func literal(text string) string {
	return "'" + literalEscapes.Replace(text) + "'"
}

var literalEscapes = strings.NewReplacer("\x00", `\0`, `'`, `''`, `\`, `\\`, "\n", `\n`, "\r", `\r`, "\x1a", `\Z`)

// textConstant is a text constant whose characters are UTF-8 whatever the session
// says; it compares by the collation of the column it is compared with.
func textConstant(text []byte) string { return "_utf8mb4 x'" + hex.EncodeToString(text) + "'" }

// bytesConstant is a constant of bytes.
func bytesConstant(b []byte) string { return "x'" + hex.EncodeToString(b) + "'" }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
