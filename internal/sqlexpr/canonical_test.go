package sqlexpr

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What drover writes and what servers print of it have one form.
func TestCanonical_SameHoweverItIsPrinted(t *testing.T) {
	for _, c := range []struct {
		engine string
		forms  []string
	}{
		{"postgres", []string{`"price" > 0`, "(price > (0)::numeric)", `("price" > '0'::numeric)`}},
		{"postgres", []string{`"a" BETWEEN 1 AND 2`, "((a >= 1) AND (a <= 2))"}},
		{"postgres", []string{`"s" IN ('a', 'b')`, "(s = ANY (ARRAY['a'::text, 'b'::text]))", "((s)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))"}},
		{"postgres", []string{`NOT ("s" IN ('a', 'b'))`, "(s <> ALL (ARRAY['a'::text, 'b'::text]))"}},
		{"postgres", []string{`"s" IN ('a')`, "(s = 'a'::text)"}},
		{"postgres", []string{`"s" LIKE 'a\_%'`, `(s ~~ 'a\_%'::text)`}},
		{"postgres", []string{`("a"::numeric + "b"::numeric) <> -1`, "(((a)::numeric + (b)::numeric) <> ('-1'::integer)::numeric)"}},
		{"postgres", []string{`NOT ("a" > 1 OR "b" IS NULL)`, "(NOT ((a > 1) OR (b IS NULL)))", "((a <= 1) AND (b IS NOT NULL))"}},
		{"postgres", []string{`("a" || '-' || "b")`, "(((a)::text || '-'::text) || (b)::text)"}},
		{"postgres", []string{`left("bio", 20)`, `"left"(bio, 20)`}},
		{"postgres", []string{`CASE WHEN "a" > 0 THEN 'x' ELSE 'y' END`, "\nCASE\n    WHEN (a > 0) THEN 'x'::text\n    ELSE 'y'::text\nEND"}},
		{"postgres", []string{"LOCALTIMESTAMP", "now()", "CURRENT_TIMESTAMP(3)"}},
		{"postgres", []string{`"a" IS NOT DISTINCT FROM 3`, "(NOT (a IS DISTINCT FROM 3))"}},
		{"postgres", []string{`(lower("s" COLLATE "C"))`, `lower((s COLLATE "C"))`}},
		{"mysql", []string{"`a` BETWEEN 1 AND 2", "(`a` between 1 and 2)"}},
		{"mysql", []string{"NOT (`a` IN (1, 2))", "(`a` not in (1,2))"}},
		{"mysql", []string{"`s` <> 'it''s'", "(`s` <> _utf8mb4'it\\'s')"}},
		{"mysql", []string{"`a` > -1", "(`a` > -(1))"}},
		{"mysql", []string{"CONCAT(`a`, '-')", "concat(`a`,_utf8mb4'-')"}},
		{"mysql", []string{"`d` < DATE '2024-01-01'", "(`d` < DATE'2024-01-01')"}},
		{"mariadb", []string{"(`a` % 2) = 0", "`a` MOD 2 = 0"}},
		{"sqlite", []string{`"a" >= 0`, "a>=0", "(a >= 0)"}},
		{"sqlite", []string{`"a" IS NOT NULL`, "a NOTNULL", "NOT a IS NULL"}},
	} {
		want := Canonical(c.forms[0], DialectOf(c.engine))
		for _, form := range c.forms[1:] {
			require.Equal(t, want, Canonical(form, DialectOf(c.engine)), "%s: %s", c.engine, form)
		}
	}
}

func TestCanonical_TellsApart(t *testing.T) {
	for _, c := range [][3]string{{"postgres", "a > 0", "a >= 0"}, {"postgres", "a + b * c > 0", "(a + b) * c > 0"}, {"postgres", `"A" > 0`, "a > 0"}, {"mysql", "`s` = 'a'", "`s` = 'A'"},
		{"postgres", "a IN (1, 2)", "a IN (1, 3)"}, {"sqlite", "a OR b AND c", "(a OR b) AND c"}, {"postgres", "lower(a)", "upper(a)"}, {"postgres", "NOT (a AND b)", "NOT a AND b"},
		{"mysql", "date_add(`a`,interval 1 day) > 0", "date_add(`a`,interval 2 day) > 0"}} {
		require.NotEqual(t, Canonical(c[1], DialectOf(c[0])), Canonical(c[2], DialectOf(c[0])), c)
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"", "a > 0 and not (b in (1,2))", "((((", "case when a then b end", "x'00' || b'1' ->> 'c'", "a is not distinct from b", "substring(a from 1 for 2)", "cast(a as decimal(1,2))", "a = any (array['x'::text])", "- - -1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		for _, engine := range []string{"postgres", "mysql", "mariadb", "sqlite"} {
			d := DialectOf(engine)
			require.Equal(t, Canonical(expr, d), Canonical(" "+expr+"\n", d), engine)
		}
	})
}
