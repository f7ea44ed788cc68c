package engine

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/canon"
)

// visit has a column for each condition.
func visit() *planv1.Database {
	zero := &planv1.Default{Value: &planv1.Default_Expression{Expression: " '0000-00-00' "}}
	return &planv1.Database{Tables: []*planv1.Table{{Schema: "shop", Name: "visit", Key: &planv1.Key{Columns: []string{"id"}},
		Columns: []*planv1.Column{
			{Name: "id", NativeType: "int unsigned", Kind: canon.Int, Identity: planv1.Identity_IDENTITY_BY_DEFAULT},
			{Name: "day", NativeType: "date", Kind: canon.Date, Default: zero},
			{Name: "price", NativeType: "decimal(9,0)", Kind: canon.Decimal, Precision: 9, Nullable: true},
			{Name: "note", NativeType: "varchar(40)", Kind: canon.Text, Length: 40, Nullable: true,
				Default: &planv1.Default{Value: &planv1.Default_Literal{Literal: ""}}},
			{Name: "at", NativeType: "datetime", Kind: canon.Timestamp,
				Default: &planv1.Default{Value: &planv1.Default_Moment_{Moment: planv1.Default_MOMENT_TIMESTAMP}}},
		}}}}
}

func TestRules_CastConditions(t *testing.T) {
	for name, c := range map[string]struct {
		when *droverv1.CastWhen
		want []string
	}{
		"None":          {nil, []string{"id", "day", "price", "note", "at"}},
		"ZeroDate":      {&droverv1.CastWhen{Default: proto.String("0000-00-00")}, []string{"day"}},
		"EmptyDefault":  {&droverv1.CastWhen{Default: proto.String("")}, []string{"note"}},
		"Moment":        {&droverv1.CastWhen{Default: proto.String("CURRENT_TIMESTAMP")}, []string{"at"}},
		"NotNull":       {&droverv1.CastWhen{Nullable: proto.Bool(false)}, []string{"id", "day", "at"}},
		"AutoIncrement": {&droverv1.CastWhen{AutoIncrement: proto.Bool(true)}, []string{"id"}},
		"Signed":        {&droverv1.CastWhen{Unsigned: proto.Bool(false)}, []string{"day", "price", "note", "at"}},
		"NoKey":         {&droverv1.CastWhen{Key: proto.Bool(false)}, []string{"day", "price", "note", "at"}},
		"Precision":     {&droverv1.CastWhen{Precision: &droverv1.Bounds{Max: proto.Int64(9)}, Scale: &droverv1.Bounds{Max: proto.Int64(0)}}, []string{"price"}},
		"PrecisionLess": {&droverv1.CastWhen{Precision: &droverv1.Bounds{Max: proto.Int64(8)}}, nil},
		"Length":        {&droverv1.CastWhen{Length: &droverv1.Bounds{Min: proto.Int64(40)}}, []string{"note"}},
		"Several":       {&droverv1.CastWhen{Nullable: proto.Bool(true), Length: &droverv1.Bounds{Max: proto.Int64(39)}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := NewRules(nil, []*droverv1.Cast{{Match: "visit.*", When: c.when, To: "text"}})
			require.NoError(t, err)
			out, _ := r.Apply(visit())
			var got []string
			for _, column := range out.GetTables()[0].GetColumns() {
				if column.GetCast() == "text" {
					got = append(got, column.GetName())
				}
			}
			require.Equal(t, c.want, got)
			require.Equal(t, c.want == nil, len(r.Unused()) == 1)
		})
	}
}

func TestRules_CastDrops(t *testing.T) {
	r, err := NewRules(nil, []*droverv1.Cast{{Match: "shop.visit.*", Drop: []string{"default", "not-null", "auto-increment"}}})
	require.NoError(t, err)
	out, findings := r.Apply(visit())
	for _, c := range out.GetTables()[0].GetColumns() {
		require.Nil(t, c.GetDefault())
		require.True(t, c.GetNullable())
		require.Zero(t, c.GetIdentity())
		require.Empty(t, c.GetCast())
	}
	require.Len(t, findings[0], 1)
	require.Equal(t, "CAST_DROPS_KEY", findings[0][0].GetCode())
	require.Equal(t, "id", findings[0][0].GetColumn())
}

// A column's own rule goes before its cast, that before the first policy by pattern that
// can be for the column.
func TestRules_Policies(t *testing.T) {
	r, err := NewRules([]*droverv1.TableRule{{Match: "*", Columns: map[string]*droverv1.ColumnRule{"note": {Invalid: "error"}}}},
		[]*droverv1.Cast{{Match: "at", To: "text", Invalid: "sentinel", Sentinel: "never"}},
		&droverv1.PolicyRule{Match: "shop.visit.*", Invalid: "set-null"}, &droverv1.PolicyRule{From: "*", Invalid: "strip"},
		&droverv1.PolicyRule{From: "date", Invalid: "sentinel", Sentinel: "1970-01-01"}, &droverv1.PolicyRule{Match: "*.*", Invalid: "error"})
	require.NoError(t, err)
	out, findings := r.Apply(visit())
	require.Empty(t, findings[0])
	var got []planv1.Policy_Action
	for _, c := range out.GetTables()[0].GetColumns() {
		got = append(got, c.GetPolicy().GetAction())
	}
	require.Equal(t, []planv1.Policy_Action{planv1.Policy_ACTION_ERROR, planv1.Policy_ACTION_SENTINEL, planv1.Policy_ACTION_NULL,
		planv1.Policy_ACTION_ERROR, planv1.Policy_ACTION_SENTINEL}, got)
	unused := r.Unused()
	require.Len(t, unused, 1)
	require.Equal(t, "POLICY_UNUSED", unused[0].GetCode())
	require.Contains(t, unused[0].GetMessage(), "strip")

	// One that names the column is held to it.
	r, err = NewRules(nil, nil, &droverv1.PolicyRule{Match: "visit.day", Invalid: "set-null"})
	require.NoError(t, err)
	out, _ = r.Apply(visit())
	require.Equal(t, planv1.Policy_ACTION_NULL, out.GetTables()[0].GetColumns()[1].GetPolicy().GetAction())
}

func TestPlanColumn_StripIsForText(t *testing.T) {
	strip := &planv1.Policy{Action: planv1.Policy_ACTION_STRIP}
	_, err := PlanColumn(&planv1.Column{Kind: canon.Text, Policy: strip}, "text", canon.Text, -1)
	require.NoError(t, err)
	for _, c := range [][2]planv1.Kind{{canon.Int, canon.Int}, {canon.Text, canon.Int}, {canon.Int, canon.Text}, {canon.Bytes, canon.Bytes}} {
		_, err := PlanColumn(&planv1.Column{NativeType: "some type", Kind: c[0], Policy: strip}, "target type", c[1], -1)
		require.ErrorContains(t, err, "strip is for text")
	}
}
