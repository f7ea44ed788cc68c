package postgres

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/testdb"
)

// oddNames are beginnings of names; a letter or a digit ends each.
var oddNames = map[string]string{
	"longest":              strings.Repeat("n", 62),
	"longest of two bytes": strings.Repeat("ü", 31),
	"quotes":               `it's "all" \ here`,
	"dots":                 "a.b..c.",
	"script":               "中文 Ünïcødé 🐑 ",
	"spaces":               " two\nlines\t%s %I $1 ",
	"reserved":             "SELECT",
	"comment":              "x'; --/* ",
}

var namePlace = regexp.MustCompile(`\{(['^]?)([a-z0-9](?:\.[a-z0-9])?)\}`)

// withNames writes a script with names of one kind: {a} is a name, {'a} a text, {'s.q} a
// qualified name as a text. {^a} is another name: PostgreSQL finds no name for the arrays of
// a range and a multirange whose first 62 bytes are the same.
func withNames(raw, begin string) string {
	return namePlace.ReplaceAllStringFunc(raw, func(place string) string {
		m := namePlace.FindStringSubmatch(place)
		schema, name, dotted := strings.Cut(m[2], ".")
		switch {
		case dotted:
			return literal(qualified(begin+schema, begin+name))
		case m[1] == "^":
			return ident("M" + clip(begin, maxIdentifier-61) + schema)
		case m[1] != "":
			return literal(begin + schema)
		default:
			return ident(begin + schema)
		}
	})
}

// Names of 63 bytes, with quotes, dots, lines, reserved words and characters of any script,
// are the same for every kind of object. PostgreSQL itself cuts a name of 64 bytes.
func TestNames_OfAllObjects(t *testing.T) {
	raw, err := os.ReadFile("testdata/names.sql")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		source, target func(testing.TB) string
		version        int
	}{"15To15": {testdb.Postgres, testdb.Postgres, 150000}, "18To18": {testdb.Postgres18, testdb.Postgres18, 180000}} {
		t.Run(name, func(t *testing.T) {
			from, to := c.source(t), c.target(t)
			for _, begin := range oddNames {
				script(t, from, withNames(string(raw), begin))
			}
			cut := strings.Repeat("c", 64)
			script(t, from, "CREATE TABLE "+ident(cut)+" ("+ident(cut)+" integer CONSTRAINT "+ident(cut)+" CHECK ("+ident(cut)+" > 0))")
			copyAll(t, openDB(t, from), openDB(t, to), wholeDesign(t, openDB(t, from), openDB(t, to), engine.DesignRequest{}))
			dump := dumpSchema(t, c.version, to)
			require.Equal(t, restored(t, c.version, from, c.target), dump)
			require.Contains(t, dump, cut[:63])
		})
	}
}
