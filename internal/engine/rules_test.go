package engine

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/fault"
)

func TestRules_FirstMatchNames(t *testing.T) {
	r, err := NewRules([]*droverv1.TableRule{
		{Match: "sales.order_*", Into: "archive.{table}_old"},
		{Match: "sales.plain"},
		{Match: "sales.*", Into: "{schema}_{table}"},
		{Match: "staff", Into: "{schema}.people"},
	}, nil)
	require.NoError(t, err)
	for _, c := range []struct {
		schema, table, toSchema, toTable string
		ok                               bool
	}{
		{"sales", "order_2020", "archive", "order_2020_old", true},
		{"sales", "customer", "", "sales_customer", true},
		{"hr", "staff", "hr", "people", true},
		{"sales", "a.b", "", "sales_a.b", true},
		{"sales", "plain", "", "", false},
		{"hr", "room", "", "", false},
	} {
		schema, table, ok := r.Name(c.schema, c.table)
		require.Equal(t, c.ok, ok, c.table)
		require.Equal(t, []string{c.toSchema, c.toTable}, []string{schema, table})
	}
}

// A placeholder's text is not looked into for placeholders.
func TestRules_FillOnce(t *testing.T) {
	r, err := NewRules([]*droverv1.TableRule{{Match: "*", Into: "{schema}_{table}"}}, nil)
	require.NoError(t, err)
	_, table, _ := r.Name("{table}", "x")
	require.Equal(t, "{table}_x", table)
}

func TestRules_RefuseEmptyNames(t *testing.T) {
	for _, into := range []string{".", "a.", ".b"} {
		_, err := NewRules([]*droverv1.TableRule{{Match: "*", Into: into}}, nil)
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%q", into)
	}
}

func person() *planv1.Database {
	return &planv1.Database{Tables: []*planv1.Table{{Schema: "shop", Name: "person", Key: &planv1.Key{Columns: []string{"id"}},
		Columns: []*planv1.Column{
			{Name: "id", NativeType: "int", Kind: canon.Int},
			{Name: "active", NativeType: "TINYINT(1)", Kind: canon.Int},
			{Name: "born", NativeType: "date", Kind: canon.Date, Nullable: true},
		}}}}
}

func apply(t *testing.T, rule *droverv1.TableRule, casts ...*droverv1.Cast) (*planv1.Table, []string) {
	t.Helper()
	rule.Match = "shop.*"
	r, err := NewRules([]*droverv1.TableRule{rule}, casts)
	require.NoError(t, err)
	db := person()
	out, findings := r.Apply(db)
	require.True(t, proto.Equal(person(), db), "the description itself stays as it is")
	var codes []string
	for _, f := range findings[0] {
		require.Equal(t, planv1.Severity_SEVERITY_ERROR, f.GetSeverity())
		require.Equal(t, "shop.person", f.GetTable())
		codes = append(codes, f.GetCode()+" "+f.GetColumn())
	}
	return out.GetTables()[0], codes
}

func TestRules_Columns(t *testing.T) {
	got, wrong := apply(t, &droverv1.TableRule{Columns: map[string]*droverv1.ColumnRule{
		"born":   {Into: "birth", Invalid: "sentinel", Sentinel: "1900-01-01"},
		"active": {Drop: true},
		"region": {Const: proto.String("eu"), Type: "text"},
	}})
	require.Empty(t, wrong)
	require.True(t, got.GetColumns()[1].GetDropped())
	require.Equal(t, "birth", TargetColumn(got.GetColumns()[2]))
	require.Equal(t, planv1.Policy_ACTION_SENTINEL, got.GetColumns()[2].GetPolicy().GetAction())
	require.Equal(t, "eu", got.GetColumns()[3].GetConstant())
	require.Equal(t, "text", got.GetColumns()[3].GetCast())
}

func TestRules_RefuseWhatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		columns map[string]*droverv1.ColumnRule
		want    string
	}{
		"Unknown":       {map[string]*droverv1.ColumnRule{"bron": {Drop: true}}, "RULE_COLUMN_UNKNOWN bron"},
		"ConstantTaken": {map[string]*droverv1.ColumnRule{"born": {Const: proto.String("x")}}, "RULE_COLUMN_EXISTS born"},
		"DropsKey":      {map[string]*droverv1.ColumnRule{"id": {Drop: true}}, "RULE_DROPS_KEY id"},
		"OneName":       {map[string]*droverv1.ColumnRule{"born": {Into: "active"}}, "RULE_NAME_COLLISION born"},
	} {
		t.Run(name, func(t *testing.T) {
			_, wrong := apply(t, &droverv1.TableRule{Columns: c.columns})
			require.Equal(t, []string{c.want}, wrong)
		})
	}
}

// The first cast that matches decides, a column's own rule before any.
func TestRules_Casts(t *testing.T) {
	got, wrong := apply(t, &droverv1.TableRule{Columns: map[string]*droverv1.ColumnRule{"id": {Type: "bigint"}}},
		&droverv1.Cast{From: "tinyint(1)", To: "boolean", Invalid: "set-null"}, &droverv1.Cast{Match: "shop.*.id", To: "text"},
		&droverv1.Cast{From: "tinyint*", To: "int"}, &droverv1.Cast{From: "date", Match: "other.*.*", To: "text"}, &droverv1.Cast{Match: "born", To: "timestamp"})
	require.Empty(t, wrong)
	var casts []string
	for _, c := range got.GetColumns() {
		casts = append(casts, c.GetCast())
	}
	require.Equal(t, []string{"bigint", "boolean", "timestamp"}, casts)
	require.Equal(t, planv1.Policy_ACTION_NULL, got.GetColumns()[1].GetPolicy().GetAction())
}

// Rows may refer to some that a condition leaves behind.
func TestRules_WarnOfFilteredReferences(t *testing.T) {
	db := person()
	db.Tables = append(db.Tables, &planv1.Table{Schema: "shop", Name: "bill", ForeignKeys: []*planv1.ForeignKey{
		{Name: "bill_person", ReferencedSchema: "shop", ReferencedTable: "person"}}})
	r, err := NewRules([]*droverv1.TableRule{{Match: "shop.person", Where: "id > 3"}}, nil)
	require.NoError(t, err)
	_, findings := r.Apply(db)
	require.Empty(t, findings[0])
	require.Len(t, findings[1], 1)
	require.Equal(t, "FOREIGN_KEY_FILTERED", findings[1][0].GetCode())
	require.Equal(t, planv1.Severity_SEVERITY_WARNING, findings[1][0].GetSeverity())
}

func TestRules_WarnOfWhatTakesNothing(t *testing.T) {
	r, err := NewRules([]*droverv1.TableRule{{Match: "shop.person"}, {Match: "shop.persons"}, {Match: "shop.p*"}, {Match: "other.*", Skip: true}},
		[]*droverv1.Cast{{From: "int", To: "bigint"}, {From: "integer", To: "bigint"}})
	require.NoError(t, err)
	r.Apply(person())
	var codes []string
	for _, f := range r.Unused() {
		codes = append(codes, f.GetCode()+" "+f.GetMessage())
	}
	require.Len(t, codes, 3)
	require.Contains(t, codes[0], "RULE_UNUSED the rule for shop.persons")
	require.Contains(t, codes[1], "RULE_UNUSED the rule for shop.p*")
	require.Contains(t, codes[2], `CAST_UNUSED the cast from "integer"`)
}
