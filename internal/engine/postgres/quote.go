package postgres

import (
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/fault"
)

// maxIdentifier is the length in bytes that PostgreSQL keeps of a name.
const maxIdentifier = 63

// ident quotes an identifier. A NUL cannot be part of one; the server would see
// the end of the statement.
func ident(name string) string {
	return `"` + strings.ReplaceAll(strings.ReplaceAll(name, "\x00", ""), `"`, `""`) + `"`
}

// qualified quotes a name in a schema.
func qualified(schema, name string) string { return ident(schema) + "." + ident(name) }

// literal quotes a text constant; it does not depend on standard_conforming_strings.
func literal(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\x00", ""), `'`, `''`)
	if strings.Contains(s, `\`) {
		return ` E'` + strings.ReplaceAll(s, `\`, `\\`) + `'`
	}
	return `'` + s + `'`
}

// constant writes a canonical value as a constant of a type. typeName is DDL as
// the catalog or the design wrote it.
func constant(kind planv1.Kind, value []byte, typeName string) (string, error) {
	text, err := canon.AppendText(nil, kind, value)
	if err != nil {
		return "", fault.New(fault.Invalid, "postgres.constant", "write key value: %w", err)
	}
	return literal(string(text)) + "::" + typeName, nil
}

func identList(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = ident(n)
	}
	return strings.Join(quoted, ", ")
}

// clip cuts a name to what PostgreSQL keeps, at a character's edge, leaving room
// for a suffix.
func clip(name string, room int) string {
	most := maxIdentifier - room
	if len(name) <= most {
		return name
	}
	for most > 0 && name[most]&0xC0 == 0x80 {
		most--
	}
	return name[:most]
}
