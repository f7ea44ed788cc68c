package postgres

import "strings"

// The catalog prints definitions whole, names of the source included. These
// functions find where the names end, so that the rest can be said of the target.

// scanIdent cuts an identifier, quoted or not, off the front of s.
func scanIdent(s string) (name, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, " .(,)")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], end > 0
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			b.WriteByte('"')
			i++
			continue
		}
		return b.String(), s[i+1:], true
	}
	return "", "", false
}

// scanQualified cuts a name in a schema off the front of s.
func scanQualified(s string) (schema, name, rest string, ok bool) {
	schema, rest, ok = scanIdent(s)
	if !ok || !strings.HasPrefix(rest, ".") {
		return "", schema, rest, ok
	}
	name, rest, ok = scanIdent(rest[1:])
	return schema, name, rest, ok
}

// indexBody gives what follows the names of "CREATE [UNIQUE] INDEX name ON
// [ONLY] table USING …".
func indexBody(definition string) (string, bool) {
	s, ok := strings.CutPrefix(definition, "CREATE UNIQUE INDEX ")
	if !ok {
		if s, ok = strings.CutPrefix(definition, "CREATE INDEX "); !ok {
			return "", false
		}
	}
	if _, s, ok = scanIdent(s); !ok {
		return "", false
	}
	if s, ok = strings.CutPrefix(s, " ON "); !ok {
		return "", false
	}
	s = strings.TrimPrefix(s, "ONLY ")
	if _, _, s, ok = scanQualified(s); !ok {
		return "", false
	}
	return strings.CutPrefix(s, " ")
}

// constraintBody gives what follows the name of "ALTER TABLE table ADD
// CONSTRAINT name …".
func constraintBody(definition string) (string, bool) {
	s, ok := strings.CutPrefix(definition, "ALTER TABLE ")
	if !ok {
		return "", false
	}
	if _, _, s, ok = scanQualified(s); !ok {
		return "", false
	}
	if s, ok = strings.CutPrefix(s, " ADD CONSTRAINT "); !ok {
		return "", false
	}
	if _, s, ok = scanIdent(s); !ok {
		return "", false
	}
	return strings.CutPrefix(s, " ")
}

// foreignKeyParts splits "FOREIGN KEY (…) REFERENCES table(…) …" around the
// table.
func foreignKeyParts(definition string) (before, after string, ok bool) {
	rest, ok := strings.CutPrefix(definition, "FOREIGN KEY (")
	if !ok {
		return "", "", false
	}
	for {
		if _, rest, ok = scanIdent(strings.TrimPrefix(rest, "PERIOD ")); !ok {
			return "", "", false
		}
		if next, more := strings.CutPrefix(rest, ", "); more {
			rest = next
			continue
		}
		break
	}
	if rest, ok = strings.CutPrefix(rest, ") REFERENCES "); !ok {
		return "", "", false
	}
	before = definition[:len(definition)-len(rest)]
	_, _, after, ok = scanQualified(rest)
	return before, after, ok
}

// typeName gives the bare, qualified name of a type that the catalog printed
// with modifier and array marks.
func typeName(printed string) (schema, name string) {
	schema, name, _, _ = scanQualified(strings.TrimRight(printed, "[]"))
	return schema, name
}
