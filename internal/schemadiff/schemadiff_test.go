package schemadiff

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// plan is a table of a MySQL source for PostgreSQL, with something of everything.
func plan() *planv1.TablePlan {
	return &planv1.TablePlan{
		SourceEngine: "mysql", TargetEngine: "postgres",
		Source: &planv1.Table{
			Columns: []*planv1.Column{
				{Name: "id", Identity: planv1.Identity_IDENTITY_BY_DEFAULT}, {Name: "name", Default: literal("x")}, {Name: "price", Default: literal("0.00")},
				{Name: "gone", Dropped: true}},
			Indexes: []*planv1.Index{
				{Name: "PRIMARY", Primary: true, Unique: true, Columns: columns("id")}, {Name: "by_name", Unique: true, Columns: columns("name")},
				{Name: "by_gone", Columns: columns("gone")}},
			ForeignKeys: []*planv1.ForeignKey{{Name: "f", Columns: []string{"name"}, ReferencedTable: "names", ReferencedColumns: []string{"n"}, OnDelete: "CASCADE", OnUpdate: "RESTRICT"}},
			Checks:      []*planv1.Check{{Name: "c", Expression: "price > 0"}},
		},
		Columns: []*planv1.ColumnPlan{
			{Source: "id", Target: "id", TargetType: "integer"}, {Source: "name", Target: "title", TargetType: "character varying(40)", Nullable: true},
			{Source: "price", Target: "price", TargetType: "numeric(10,2)"}},
		Statements: []*planv1.Statement{{ForeignKey: 1}},
	}
}

// there is the table as the plan makes it, in PostgreSQL's words.
func there() *planv1.Table {
	return &planv1.Table{
		Columns: []*planv1.Column{
			{Name: "id", NativeType: "integer", Identity: planv1.Identity_IDENTITY_ALWAYS},
			{Name: "title", NativeType: "varchar(40)", Nullable: true, Default: literal("x")}, {Name: "price", NativeType: "numeric(10, 2)", Default: literal("0")}},
		Indexes: []*planv1.Index{
			{Name: "pk", Primary: true, Unique: true, Columns: columns("id"), Method: "btree"}, {Name: "other_name", Unique: true, Columns: columns("title"), Method: "btree"}},
		ForeignKeys: []*planv1.ForeignKey{{Name: "g", Columns: []string{"title"}, ReferencedTable: "names", ReferencedColumns: []string{"n"}, OnDelete: "cascade", OnUpdate: "NO ACTION"}},
	}
}

func literal(s string) *planv1.Default {
	return &planv1.Default{Value: &planv1.Default_Literal{Literal: s}}
}

func columns(names ...string) (out []*planv1.IndexColumn) {
	for _, n := range names {
		out = append(out, &planv1.IndexColumn{Name: n})
	}
	return out
}

func said(found []*planv1.SchemaDifference) (out []string) {
	for _, d := range found {
		out = append(out, strings.TrimPrefix(d.GetType().String(), "TYPE_")+" "+d.GetObject()+": "+d.GetExpected()+" | "+d.GetActual())
	}
	return out
}

func TestCompare_Equal(t *testing.T) {
	require.Empty(t, said(Compare(plan(), there())))
}

func TestCompare_NamesWhatDiffers(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*planv1.TablePlan, *planv1.Table)
		want   []string
	}{
		"Type":     {func(_ *planv1.TablePlan, x *planv1.Table) { x.Columns[1].NativeType = "text" }, []string{"DIFFERENT column title: character varying(40) | text"}},
		"Nullable": {func(_ *planv1.TablePlan, x *planv1.Table) { x.Columns[2].Nullable = true }, []string{"DIFFERENT column price: numeric(10,2) NOT NULL | numeric(10, 2) NULL"}},
		"Default":  {func(_ *planv1.TablePlan, x *planv1.Table) { x.Columns[1].Default = nil }, []string{"DIFFERENT column title: default x | no default"}},
		"Identity": {func(_ *planv1.TablePlan, x *planv1.Table) { x.Columns[0].Identity = 0 }, []string{"DIFFERENT column id: makes its own values | makes no values"}},
		"Missing":  {func(_ *planv1.TablePlan, x *planv1.Table) { x.Columns = x.Columns[:2] }, []string{"MISSING column price: numeric(10,2) NOT NULL | "}},
		"Extra": {func(_ *planv1.TablePlan, x *planv1.Table) {
			x.Columns = append(x.Columns, &planv1.Column{Name: "more", NativeType: "int"})
		}, []string{"EXTRA column more:  | int NOT NULL"}},
		"PrimaryKey": {func(_ *planv1.TablePlan, x *planv1.Table) { x.Indexes = x.Indexes[1:] }, []string{"MISSING primary key: (id) | "}},
		"Index":      {func(_ *planv1.TablePlan, x *planv1.Table) { x.Indexes[1].Unique = false }, []string{"MISSING unique index on (title):  | ", "EXTRA index on (title):  | "}},
		"ForeignKey": {func(_ *planv1.TablePlan, x *planv1.Table) { x.ForeignKeys = nil }, []string{"MISSING foreign key (title) to names (n) on delete cascade:  | "}},
		"Unlinked":   {func(p *planv1.TablePlan, x *planv1.Table) { p.Statements, x.ForeignKeys = nil, nil }, nil},
		"Noted": {func(p *planv1.TablePlan, x *planv1.Table) {
			x.Indexes = x.Indexes[:1]
			p.Findings = []*planv1.Finding{{Message: "index by_name is not made"}}
		}, nil},
		"Existing": {func(p *planv1.TablePlan, x *planv1.Table) { p.TargetExists, x.Indexes, x.ForeignKeys = true, nil, nil }, nil},
		"Checks": {func(p *planv1.TablePlan, x *planv1.Table) {
			p.SourceEngine = "postgres"
			x.Checks = []*planv1.Check{{Expression: "price  >= 0"}}
		}, []string{"MISSING check price > 0:  | ", "EXTRA check price >= 0:  | "}},
	} {
		t.Run(name, func(t *testing.T) {
			p, x := plan(), there()
			c.change(p, x)
			require.Equal(t, c.want, said(Compare(p, x)))
		})
	}
	require.Equal(t, []string{"MISSING table: 3 columns | "}, said(Compare(plan(), nil)))
}

func TestSameType(t *testing.T) {
	c := &comparison{plan: proto.CloneOf(plan())}
	for _, same := range [][2]string{{"int(11)", "int"}, {"tinyint(4)", "tinyint"}, {"BIGINT(20) unsigned", "bigint unsigned"}, {"enum('a', 'b')", "enum('a','b')"},
		{"timestamp(3) without time zone", "timestamp(3) without time zone"}, {"decimal(10, 2)", "numeric(10,2)"}} {
		require.True(t, c.sameType(same[0], same[1]), same)
	}
	for _, other := range [][2]string{{"tinyint(1)", "tinyint(4)"}, {"varchar(40)", "varchar(41)"}, {"enum('a','b')", "enum('a','B')"}, {"int", "bigint"}} {
		require.False(t, c.sameType(other[0], other[1]), other)
	}
}
