package postgres

import (
	"slices"
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

// reserved are the words that are no name without quotes.
var reserved = strings.Fields(`all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create
	current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc distinct do else end except
	false fetch for foreign from grant group having in initially intersect into lateral leading limit localtime localtimestamp not null offset
	on only or order placing primary references returning select session_user some symmetric system_user table then to trailing true union
	unique user using variadic when where window with authorization binary collation concurrently cross current_schema freeze full ilike inner
	is isnull join left like natural notnull outer overlaps right similar tablesample verbose`)

// bareIdent quotes an identifier only where it must be.
func bareIdent(name string) string {
	if name == "" || slices.Contains(reserved, name) {
		return ident(name)
	}
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < 'a' || c > 'z') && (i == 0 || (c < '0' || c > '9') && c != '$') {
			return ident(name)
		}
	}
	return name
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
