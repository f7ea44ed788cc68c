package engine

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// part is a column of an index; a name with brackets is an expression.
func part(name string) *planv1.IndexColumn {
	if name[0] == '(' {
		return &planv1.IndexColumn{Expression: name}
	}
	return &planv1.IndexColumn{Name: name}
}

func unique(names ...string) *planv1.Index {
	out := &planv1.Index{Name: "k", Unique: true}
	for _, n := range names {
		out.Columns = append(out.Columns, part(n))
	}
	return out
}

// A key of the target needs no comparison only if one of the source's says that no two
// rows can be one in it.
func TestComparedKeys(t *testing.T) {
	prefixed := func(n int32) *planv1.Index { x := unique("v"); x.Columns[0].Prefix = n; return x }
	partial := func(where string) *planv1.Index { x := unique("v"); x.Predicate = where; return x }
	nulls := func() *planv1.Index { x := unique("v"); x.NullsNotDistinct = true; return x }
	for name, c := range map[string]struct {
		source, target *planv1.Index
		// change the plan; coarse columns are named so.
		change   func(p *planv1.TablePlan)
		compared bool
	}{
		"Same":              {source: unique("v"), target: unique("v")},
		"Coarse":            {source: unique("coarse"), target: unique("coarse"), compared: true},
		"MoreColumns":       {source: unique("v"), target: unique("coarse", "v")},
		"FewerColumns":      {source: unique("v", "w"), target: unique("v"), compared: true},
		"OtherOrder":        {source: unique("v", "w"), target: unique("w", "v")},
		"NotUniqueInSource": {source: &planv1.Index{Name: "k", Columns: []*planv1.IndexColumn{part("v")}}, target: unique("v"), compared: true},
		"Expression":        {source: unique("v"), target: unique("(lower(v))"), compared: true},
		"OwnExpression":     {source: unique("(lower(v))"), target: unique("(lower(v))"), change: func(p *planv1.TablePlan) { p.SourceEngine = "postgres" }},
		"OthersExpression":  {source: unique("(lower(v))"), target: unique("(lower(v))"), compared: true},
		"Prefix":            {source: unique("v"), target: prefixed(3), compared: true},
		"ShorterPrefix":     {source: prefixed(2), target: prefixed(3)},
		"LongerPrefix":      {source: prefixed(4), target: prefixed(3), compared: true},
		"WholeOfPrefix":     {source: prefixed(4), target: unique("v")},
		"Partial":           {source: unique("v"), target: partial("v > 0")},
		"SourcePartial":     {source: partial("v > 0"), target: unique("v"), compared: true},
		"NullsNotDistinct":  {source: unique("v"), target: nulls(), compared: true},
		"NeverNull":         {source: unique("v"), target: nulls(), change: func(p *planv1.TablePlan) { p.Source.Columns[0].Nullable = false }},
		"Policy": {source: unique("v"), target: unique("v"), compared: true,
			change: func(p *planv1.TablePlan) { p.Columns[0].Policy = &planv1.Policy{Action: planv1.Policy_ACTION_SENTINEL} }},
		"TextAsUUID":  {source: unique("v"), target: unique("v"), compared: true, change: func(p *planv1.TablePlan) { p.Columns[0].Kind = canon.UUID }},
		"NumberWider": {source: unique("n"), target: unique("n"), change: func(p *planv1.TablePlan) { p.Columns[3].Kind = canon.Decimal }},
		"SQLiteTime":  {source: unique("d"), target: unique("d"), compared: true, change: func(p *planv1.TablePlan) { p.SourceEngine = "sqlite" }},
		"Time":        {source: unique("d"), target: unique("d")},
		"NotCopied":   {source: unique("v"), target: unique("gone")},
	} {
		t.Run(name, func(t *testing.T) {
			p := &planv1.TablePlan{SourceEngine: "mysql", TargetEngine: "postgres", Source: &planv1.Table{Indexes: []*planv1.Index{c.source}}}
			for _, name := range []string{"v", "w", "coarse", "n", "d"} {
				kind := map[string]planv1.Kind{"n": canon.Int, "d": canon.Date}[name]
				if kind == 0 {
					kind = canon.Text
				}
				p.Source.Columns = append(p.Source.Columns, &planv1.Column{Name: name, Kind: kind, Nullable: true})
				p.Columns = append(p.Columns, &planv1.ColumnPlan{Source: name, Target: name, Kind: kind})
			}
			if c.change != nil {
				c.change(p)
			}
			got := ComparedKeys(p, []*planv1.Index{c.target}, func(_ *planv1.IndexColumn, c *planv1.ColumnPlan) bool { return c.GetTarget() == "coarse" })
			require.Equal(t, c.compared, len(got) == 1)
		})
	}
}

// What a comparison reads are the key's columns, those of its expressions, and those that
// name rows.
func TestKeyOnly(t *testing.T) {
	p := &planv1.TablePlan{Source: &planv1.Table{Key: &planv1.Key{Columns: []string{"id"}}}}
	for _, name := range []string{"id", "v", "w", `q"x`, "rest"} {
		p.Columns = append(p.Columns, &planv1.ColumnPlan{Source: name, Target: name})
	}
	key := unique("w", `(lower("q""x"))`)
	key.Predicate = "V > 0"
	var names []string
	for _, c := range KeyOnly(p, key).GetColumns() {
		names = append(names, c.GetTarget())
	}
	require.Equal(t, []string{"id", "v", "w", `q"x`}, names)
}
