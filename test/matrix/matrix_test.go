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
		{"a refused value without a cast", Type{Becomes: Targets{"all": "same"}, Sentinel: Targets{"all": "0"}, Values: []Value{{SQL: List{"1"}, Refused: "all"}}}, "0 casts that keep it"},
		{"a refused value without a sentinel", Type{Becomes: Targets{"all": "same"}, Cast: Targets{"all": "text"}, Values: []Value{{SQL: List{"1"}, Refused: "all"}}}, "0 sentinels"},
		{"a refused text of which strip leaves nobody knows what", Type{Becomes: Targets{"all": "same"}, Cast: Targets{"all": "text"}, Sentinel: Targets{"all": "0"},
			Values: []Value{{SQL: List{"1"}, Refused: "all", Strip: Targets{"all": "a"}}, {SQL: List{"2"}, Refused: "all"}}}, "0 forms after strip"},
		{"a value without SQL", Type{Becomes: Targets{"all": "same"}, Values: []Value{{Exact: "all"}}}, "without SQL"},
	} {
		t.Run(c.is, func(t *testing.T) { assert.ErrorContains(t, c.t.check("postgres"), c.says) })
	}
	complete := Type{Becomes: Targets{"all": "same"}, Cast: Targets{"mariadb": "text"}, Sentinel: Targets{"mariadb+sqlite": "0"},
		Values: []Value{{SQL: List{"1"}, Exact: "postgres+postgis+mysql", Refused: "mariadb+sqlite", Uncast: "sqlite"}}}
	assert.NoError(t, complete.check("postgres"))
}

func TestDocument_IsWhatTheMatrixSays(t *testing.T) {
	want, err := Document()
	require.NoError(t, err)
	got, err := os.ReadFile("../../docs/types.md")
	require.NoError(t, err)
	assert.Equal(t, want, string(got), "docs/types.md is not what the matrix says: make gen writes it")
}

// Every value is in one table, and what is refused in those of the policies too.
func TestTables_HoldEveryValue(t *testing.T) {
	sources, err := Load()
	require.NoError(t, err)
	for _, s := range sources {
		for _, target := range Engines {
			want := map[group]int{}
			for _, typ := range s.Types {
				_, code := typ.Planned(target)
				if !typ.GoesTo(target) || code != "" {
					continue
				}
				for _, v := range typ.Values {
					want["all"] += len(v.SQL)
					if v.Outcome(target) == Refused {
						want[refused] += len(v.SQL)
					}
				}
			}
			got := map[group]int{}
			for _, table := range s.Tables(target) {
				for _, c := range table.Columns {
					if _, code := c.Type.Planned(target); code == "" {
						got[table.Group] += len(c.Cells)
					}
				}
			}
			all := got[exact] + got[exactShown] + got[equal] + got[equalShown] + got[refused]
			assert.Equal(t, want["all"], all, "%s to %s", s.Engine, target)
			for _, g := range []group{refused, replaced, dropped} {
				assert.Equal(t, want[refused], got[g], "%s to %s in %s", s.Engine, target, g)
			}
		}
	}
}
