package sqltoken

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var dialects = map[string]*Dialect{"mysql": MySQL, "sqlite": SQLite, "postgres": PostgreSQL}

func texts(tokens []Token) (out []string) {
	for _, t := range tokens {
		out = append(out, map[Kind]string{Word: "w:", Name: "n:", Text: "t:", Number: "0:", Symbol: "s:"}[t.Kind]+t.Text)
	}
	return out
}

func TestCut_ReadsEachDialect(t *testing.T) {
	for _, c := range []struct {
		dialect, sql string
		want         []string
	}{
		{"mysql", "(`a``b` >= _utf8mb4'it\\'s' ) -- x\n#y\n/* z */", []string{"s:(", "n:a`b", "s:>=", "w:_utf8mb4", "t:it's", "s:)"}},
		{"mysql", "a--1", []string{"w:a", "s:-", "s:-", "0:1"}},
		{"mysql", "/*!80023 INVISIBLE */ \"a\"\"b\"", []string{"s:/*!80023", "w:INVISIBLE", "s:*/", `t:a"b`}},
		{"mysql", `'100\%'`, []string{`t:100\%`}},
		{"sqlite", "[a b] \"c\"\"d\" 'e''f' x'00' 1.5e-3 0x1F --z", []string{"n:a b", `n:c"d`, "t:e'f", "w:x", "t:00", "0:1.5e-3", "0:0x1F"}},
		{"sqlite", "a--1\n==b", []string{"w:a", "s:==", "w:b"}},
		{"postgres", `E'a\'b' 'c\' $x$it's$x$ "d"::text !~~ /* a /* b */ c */ e`, []string{"t:a'b", `t:c\`, "t:it's", "n:d", "s:::", "w:text", "s:!~~", "w:e"}},
		{"postgres", "1-2 .5 a.b", []string{"0:1", "s:-", "0:2", "0:.5", "w:a", "s:.", "w:b"}},
	} {
		require.Equal(t, c.want, texts(dialects[c.dialect].Cut(c.sql)), c.sql)
	}
	for _, open := range []string{"'a", "'a''", "\"a"} {
		for name, d := range dialects {
			tokens := d.Cut(open)
			require.True(t, tokens[len(tokens)-1].Open, "%s in %s", open, name)
		}
	}
}

func TestToken_IsAndNames(t *testing.T) {
	tokens := MySQL.Cut("Select `Select` 'select' =")
	require.True(t, tokens[0].Is("SELECT") && tokens[0].Names("select"))
	require.True(t, !tokens[1].Is("select") && tokens[1].Names("SELECT"))
	require.False(t, tokens[2].Is("select") || tokens[2].Names("select"))
	require.True(t, tokens[3].Is("=") && !tokens[3].IsName())
}

func FuzzCut(f *testing.F) {
	for _, sql := range []string{"", "a", "`a``b` = 'c\\'d' /*!80023 x */ -- y\n# z", `E'\n' $t$ x $t$ [a] "b" 1.5e+3 x'0`, "/* /* */ */", "$1 $$ $a", "\x00\xff'", "1e+", ".", "/*", "'\\"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		for name, d := range dialects {
			at := 0
			var whole strings.Builder
			for _, token := range d.Cut(sql) {
				require.GreaterOrEqual(t, token.Start, at, name)
				require.Greater(t, token.End, token.Start, name)
				require.Empty(t, d.Cut(sql[at:token.Start]), "%s: what is between tokens is space and comments", name)
				require.False(t, token.Open && token.End != len(sql), "%s: an open token is the rest", name)
				whole.WriteString(sql[at:token.Start] + sql[token.Start:token.End])
				at = token.End
			}
			require.Empty(t, d.Cut(sql[at:]), name)
			whole.WriteString(sql[at:])
			require.Equal(t, sql, whole.String(), name)
		}
	})
}
