package matrix

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A cell without an expectation fails.
func TestLoad_EveryCellHasOneExpectation(t *testing.T) {
	sources, err := Load()
	require.NoError(t, err)
	for _, s := range sources {
		assert.NotEmpty(t, s.Types)
	}
}

func TestCheck_FindsWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		is   string
		t    Type
		says string
	}{
		{"no values", Type{Becomes: Targets{"all": "same"}}, "no values"},
		{"a target without a type", Type{Becomes: Targets{"mysql+mariadb+sqlite": "same"}, Values: []Value{{SQL: List{"1"}, Exact: "all"}}}, "0 planned types in postgres"},
		{"a target with two types", Type{Becomes: Targets{"all": "same", "sqlite": "TEXT"}, Values: []Value{{SQL: List{"1"}, Exact: "all"}}}, "2 planned types in sqlite"},
		{"a cell without an outcome", Type{Becomes: Targets{"all": "same"}, Values: []Value{{SQL: List{"1"}, Exact: "postgres+mysql+sqlite"}}}, "0 outcomes in mariadb"},
		{"a cell with two outcomes", Type{Becomes: Targets{"all": "same"}, Values: []Value{{SQL: List{"1"}, Exact: "all", Refused: "mysql"}}}, "2 outcomes in mysql"},
		{"a value without SQL", Type{Becomes: Targets{"all": "same"}, Values: []Value{{Exact: "all"}}}, "without SQL"},
	} {
		t.Run(c.is, func(t *testing.T) { assert.ErrorContains(t, c.t.check("postgres"), c.says) })
	}
	complete := Type{Becomes: Targets{"all": "same"}, Values: []Value{{SQL: List{"1"}, Exact: "postgres+mysql", Refused: "mariadb+sqlite"}}}
	assert.NoError(t, complete.check("postgres"))
}

func TestDocument_IsWhatTheMatrixSays(t *testing.T) {
	want, err := Document()
	require.NoError(t, err)
	got, err := os.ReadFile("../../docs/types.md")
	require.NoError(t, err)
	assert.Equal(t, want, string(got), "docs/types.md is not what the matrix says: make gen writes it")
}
