package enginetest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// casts: text of an integer, integers of text.
func (r *ruleTest) casts() {
	p := r.follow("id > 10 AND id < 17", map[string]*droverv1.ColumnRule{"n": {Type: r.types[canon.Text]}},
		&droverv1.Cast{Match: "*.ruled.digits", To: r.types[canon.Int]})
	require.Equal(r.t, canon.Text, p.GetColumns()[1].GetKind())
	require.Equal(r.t, canon.Int, p.GetColumns()[2].GetKind())
	rows, touched := r.copied(p)
	require.Empty(r.t, touched)
	require.Len(r.t, rows, 6)
	for _, fields := range rows {
		id := r.number(p, 0, fields)
		if id%11 == 0 {
			require.Nil(r.t, fields[2])
		} else {
			require.Equal(r.t, id*3, r.number(p, 2, fields))
		}
		if id%5 == 0 {
			require.Nil(r.t, fields[1])
		} else {
			require.Equal(r.t, fmt.Sprint(id*7-100), string(fields[1]))
		}
	}
}

// castKey: a key of another kind is ordered otherwise, so ranges mean nothing there.
func (r *ruleTest) castKey() {
	p := r.follow("", map[string]*droverv1.ColumnRule{"id": {Type: r.types[canon.Text]}})
	require.False(r.t, p.GetValidateByRange())
	rows, _ := r.copied(p)
	require.Len(r.t, rows, 60)
}

func (r *ruleTest) setNull() {
	p := r.follow("", map[string]*droverv1.ColumnRule{"digits": {Type: r.types[canon.Int], Invalid: "set-null"}, "secret": {Into: "note"}})
	rows, touched := r.copied(p)
	r.equalTouched(engine.Touched{2: refusedRows()}, touched)
	for _, fields := range rows {
		if id := r.number(p, 0, fields); id%7 == 3 || id%11 == 0 {
			require.Nil(r.t, fields[2], "row %d", id)
		} else {
			require.Equal(r.t, id*3, r.number(p, 2, fields))
		}
	}
}

// sentinel: the column's place in the plan counts, not in the source.
func (r *ruleTest) sentinel() {
	p := r.follow("", map[string]*droverv1.ColumnRule{"digits": {Type: r.types[canon.Int], Invalid: "sentinel", Sentinel: "-1"}, "n": {Drop: true}})
	rows, touched := r.copied(p)
	r.equalTouched(engine.Touched{1: refusedRows()}, touched)
	require.Len(r.t, rows, 60)
	for _, fields := range rows {
		switch id := r.number(p, 0, fields); {
		case id%7 == 3:
			require.EqualValues(r.t, -1, r.number(p, 1, fields))
		case id%11 == 0:
			require.Nil(r.t, fields[1], "NULL is no value that a policy replaces")
		default:
			require.Equal(r.t, id*3, r.number(p, 1, fields))
		}
	}
}

// refused: without a policy the value stops the table, by name, and the row that
// holds it is not given.
func (r *ruleTest) refused() {
	for _, invalid := range []string{"", "error"} {
		p := r.follow("", map[string]*droverv1.ColumnRule{"digits": {Type: r.types[canon.Int], Invalid: invalid}})
		rows, err := r.tryRead(p, engine.SourceSide, nil, nil)
		require.Equal(r.t, fault.Value, fault.KindOf(err), "%v", err)
		require.Equal(r.t, "digits", fault.Find(err).Column)
		require.Equal(r.t, "id=3", fault.Find(err).Key)
		require.NotContains(r.t, err.Error(), "s3cr3t")
		require.Len(r.t, rows, 3)
		require.Empty(r.t, touchedIn(rows))
	}
}

// random copies by rules made by chance: no row is lost, and policies are counted
// where they apply.
func (r *ruleTest) random(chance *rand.Rand) {
	seven := "7"
	rules := map[string]*droverv1.ColumnRule{"added": {Const: &seven, Type: r.types[[]planv1.Kind{canon.Text, canon.Int}[chance.IntN(2)]]}}
	for _, name := range []string{"n", "digits", "secret"} {
		rule := &droverv1.ColumnRule{Drop: chance.IntN(4) == 0}
		if chance.IntN(2) == 0 {
			rule.Into = "To " + name
		}
		if chance.IntN(2) == 0 {
			rule.Type = r.types[canon.Text]
		}
		rules[name] = rule
	}
	counted := !rules["digits"].GetDrop() && chance.IntN(2) == 0
	if counted {
		rules["digits"].Type, rules["digits"].Invalid = r.types[canon.Int], "set-null"
	}
	least := chance.Int64N(60)
	p := r.follow(fmt.Sprintf("id >= %d", least), rules)
	r.count(p, 60-least, least)
	rows, touched := r.copied(p)
	require.EqualValues(r.t, 60-least, len(rows))
	var want engine.Touched
	for i := least; i < 60 && counted; i++ {
		if i%7 == 3 {
			at := slices.IndexFunc(p.GetColumns(), func(c *planv1.ColumnPlan) bool { return c.GetSource() == "digits" })
			want.Add(engine.Touched{uint32(at): 1})
		}
	}
	r.equalTouched(want, touched)
}

func (r *ruleTest) castImpossible() {
	for column, rule := range map[string]*droverv1.ColumnRule{
		"n":      {Type: "no such thing"},
		"id":     {Type: r.types[canon.Text], Invalid: "set-null"},
		"digits": {Type: r.types[canon.Int], Invalid: "sentinel", Sentinel: "none"},
	} {
		p := r.follow("", map[string]*droverv1.ColumnRule{column: rule})
		var found []string
		for _, f := range p.GetFindings() {
			if f.GetSeverity() == planv1.Severity_SEVERITY_ERROR && f.GetColumn() == column {
				found = append(found, f.GetCode())
			}
		}
		require.Equal(r.t, []string{"CAST_IMPOSSIBLE"}, found, "%s: %v", column, p.GetFindings())
	}
}
