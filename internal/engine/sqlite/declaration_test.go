package sqlite

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

func TestParseDeclaration(t *testing.T) {
	d := parseDeclaration(`CREATE TABLE "odd (name" ( -- a comment, with (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		[a, b] TEXT COLLATE "nocase" DEFAULT ')' CHECK ("a, b" <> 'it''s, (odd'),
		"c" NUMERIC(10, 2) NOT NULL CONSTRAINT positive CHECK (c > 0 AND c IN (1, 2)) ON CONFLICT IGNORE,
		g INT GENERATED ALWAYS AS (c * 2) STORED, ` + "`h`" + ` AS (g /* ) */ + 1),
		p INT CONSTRAINT fk1 REFERENCES t (id) NOT DEFERRABLE REFERENCES u DEFERRABLE INITIALLY DEFERRED,
		CONSTRAINT both CHECK (g > h),
		CONSTRAINT fk3 FOREIGN KEY (p) REFERENCES v (id) ON DELETE CASCADE,
		"check" TEXT,
		CHECK (1)) STRICT`)
	require.Equal(t, []check{{"", `"a, b" <> 'it''s, (odd'`}, {"positive", "c > 0 AND c IN (1, 2)"}, {"both", "g > h"}, {"", "1"}}, d.checks)
	require.Equal(t, map[string]string{"a, b": "NOCASE"}, d.collations)
	require.Equal(t, map[string]string{"g": "c * 2", "h": "g /* ) */ + 1"}, d.generated)
	require.Equal(t, []reference{{name: "fk1"}, {deferrable: true, deferred: true}, {name: "fk3"}}, d.references)
	require.True(t, d.autoincrement)
	require.True(t, d.onConflict)
}

func TestParseIndex(t *testing.T) {
	d := parseIndex(`CREATE UNIQUE INDEX IF NOT EXISTS "i (" ON "t" ("a, b" COLLATE nocase DESC, lower(c || ','), d ASC) WHERE d > (1) -- end`)
	require.Equal(t, []string{`"a, b"`, `lower(c || ',')`, "d"}, d.columns)
	require.Equal(t, "d > (1)", d.predicate)
}

func TestParseDefault(t *testing.T) {
	for _, c := range []struct {
		declared, text, want string
	}{
		{"INTEGER", "7", "literal 7"},
		{"INTEGER", "- 7", "literal -7"},
		{"INTEGER", "0x10", "literal 16"},
		{"INTEGER", "(1 + 1)", "expression (1 + 1)"},
		{"TEXT", "'it''s'", "literal it's"},
		{"TEXT", `"double"`, "literal double"},
		{"TEXT", "12", "literal 12"},
		{"TEXT", "1.50", "expression 1.50"},
		{"", "12", "expression 12"},
		{"DECIMAL(10,2)", "(1.50)", "literal 1.50"},
		{"REAL", "1e3", "literal 1000"},
		{"BOOLEAN", "TRUE", "literal true"},
		{"BOOLEAN", "0", "literal false"},
		{"BLOB", "x'00ff'", `literal \x00ff`},
		{"BLOB", "'text'", "expression 'text'"},
		{"DATE", "'2024-01-31'", "literal 2024-01-31"},
		{"DATE", "'soon'", "expression 'soon'"},
		{"DATETIME", "current_timestamp", "moment MOMENT_TIMESTAMP"},
		{"DATETIME", "( datetime ( 'now' ) )", "moment MOMENT_TIMESTAMP"},
		{"DATE", "CURRENT_DATE", "moment MOMENT_DATE"},
		{"TEXT", "NULL", "none"},
	} {
		kind, _ := kindOf(c.declared)
		got := "none"
		switch v := parseDefault(c.text, kind, affinityOf(c.declared)).GetValue().(type) {
		case *planv1.Default_Literal:
			got = "literal " + v.Literal
		case *planv1.Default_Expression:
			got = "expression " + v.Expression
		case *planv1.Default_Moment_:
			got = "moment " + v.Moment.String()
		}
		require.Equal(t, c.want, got, "%s DEFAULT %s", c.declared, c.text)
	}
}

// The five rules of https://www.sqlite.org/datatype3.html, in their order, and
// what drover reads out of names beyond them.
func TestKindOf(t *testing.T) {
	for declared, want := range map[string]struct {
		affinity affinity
		kind     planv1.Kind
	}{
		"INT": {affinityInteger, canon.Int}, "UNSIGNED BIG INT": {affinityInteger, canon.Int}, "FLOATING POINT": {affinityInteger, canon.Int},
		"VARCHAR(10)": {affinityText, canon.Text}, "native character(70)": {affinityText, canon.Text}, "CLOB": {affinityText, canon.Text},
		"BLOB": {affinityBlob, canon.Bytes}, "double precision": {affinityReal, canon.Float64}, "FLOAT": {affinityReal, canon.Float64},
		"NUMERIC(10,5)": {affinityNumeric, canon.Decimal}, "boolean": {affinityNumeric, canon.Bool}, "DATE": {affinityNumeric, canon.Date},
		"datetime": {affinityNumeric, canon.Timestamp}, "timestamp  with time zone": {affinityNumeric, canon.TimestampTZ},
		"json": {affinityNumeric, canon.JSON}, "uuid": {affinityNumeric, canon.UUID},
	} {
		kind, told := kindOf(declared)
		require.True(t, told, declared)
		require.Equal(t, want.affinity, affinityOf(declared), declared)
		require.Equal(t, want.kind, kind, declared)
	}
	for _, declared := range []string{"", "ANY", "STRING"} {
		_, told := kindOf(declared)
		require.False(t, told, declared)
	}
}
