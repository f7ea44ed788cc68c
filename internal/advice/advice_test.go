package advice

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/loss"
	"github.com/drover-db/drover/internal/spec"
)

func people() *planv1.TablePlan {
	return &planv1.TablePlan{TargetEngine: "postgres",
		Source: &planv1.Table{Schema: "shop", Name: "peo*ple", Key: &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_PRIMARY, Columns: []string{"id"}}},
		Columns: []*planv1.ColumnPlan{
			{Source: "id", Target: "id", TargetType: "bigint", Kind: planv1.Kind_KIND_INT},
			{Source: "born", Target: "born", TargetType: "date", Kind: planv1.Kind_KIND_DATE, Nullable: true},
			{Source: "since", Target: "since", TargetType: "timestamp(3) without time zone", Kind: planv1.Kind_KIND_TIMESTAMP},
			{Source: "a, b: {c}", Target: "x", TargetType: "character varying(3)", Kind: planv1.Kind_KIND_TEXT, Nullable: true},
		}}
}

func TestLosses_SayWhatWhereAndWhatToDo(t *testing.T) {
	found := Losses(people(), 12_345, []*planv1.Loss{
		{Column: 1, Rule: string(loss.ImpossibleDate), Rows: 1_234, Keys: []string{"id=2", "id=7"}, Example: "0000-00-00 has no exact mapping: say in the spec what becomes of it"},
	})
	require.Len(t, found, 1)
	require.Equal(t, planv1.Severity_SEVERITY_ERROR, found[0].GetSeverity())
	require.Equal(t, "IMPOSSIBLE_DATE", found[0].GetCode())
	require.Equal(t, "shop.peo*ple", found[0].GetTable())
	require.Equal(t, "born", found[0].GetColumn())
	require.Equal(t, "1,234 of 12,345 rows hold a date that no calendar has, and date takes none; the first: 0000-00-00 has no exact mapping", found[0].GetMessage())
	require.EqualValues(t, 1_234, found[0].GetRows())
	require.Equal(t, []string{"id=2", "id=7"}, found[0].GetKeys())
	require.Equal(t, `tables:
  - match: shop.peo\*ple
    columns:
      born: {invalid: set-null}
      # or born: {type: text}
  - match: "*"`, found[0].GetFix())
}

// Every rule on every kind of column gives lines that a spec takes, or none.
func TestLosses_FixesAreSpecs(t *testing.T) {
	for _, engine := range []string{"postgres", "mysql", "mariadb", "sqlite"} {
		for rule := range what {
			for at := range people().GetColumns() {
				p := people()
				p.TargetEngine = engine
				f := Losses(p, 9, []*planv1.Loss{{Column: uint32(at), Rule: string(rule), Rows: 1, Example: "x"}})[0]
				if f.GetFix() != "" {
					m := parsed(t, f.GetFix())
					require.Equal(t, `shop.peo\*ple`, m.GetTables()[0].GetMatch())
				}
			}
		}
	}
}

// Key columns get no policy: a key that was replaced finds no row.
func TestLosses_KeysGetNoPolicy(t *testing.T) {
	f := Losses(people(), 1, []*planv1.Loss{{Column: 0, Rule: string(loss.NumberRange), Rows: 1}})[0]
	require.NotContains(t, f.GetFix(), "invalid")
	require.Contains(t, f.GetFix(), "id: {type: numeric}")
}

// Findings of a design have lines that a spec takes.
func TestSettle_FixesAreSpecs(t *testing.T) {
	codes := []string{"TARGET_NOT_EMPTY", "TARGET_EXISTS", "NAME_TOO_LONG", "NAME_COLLISION", "NO_TYPE_MAPPING", "TYPE_NARROWED", "IDENTITY_BY_SEQUENCE", "CANNOT_SPLIT", "SCHEMA_MAPPING_NEEDED"}
	d := &planv1.Design{Tables: []*planv1.TablePlan{people()}}
	for _, code := range codes {
		d.Tables[0].Findings = append(d.Tables[0].Findings, &planv1.Finding{Code: code, Column: "born"})
	}
	Settle(d)
	for _, f := range d.GetTables()[0].GetFindings() {
		require.NotEmpty(t, f.GetFix(), f.GetCode())
		parsed(t, f.GetFix())
	}
}

func TestMerge_MakesOneRuleATable(t *testing.T) {
	p, other := people(), people()
	other.Source.Name = "other"
	fixes := []string{"existing: truncate\n# or existing: append"}
	for _, f := range Losses(p, 9, []*planv1.Loss{{Column: 1, Rule: string(loss.ImpossibleDate)}, {Column: 1, Rule: string(loss.DateRange)}, {Column: 2, Rule: string(loss.Fraction)}}) {
		fixes = append(fixes, f.GetFix())
	}
	fixes = append(fixes, Losses(other, 9, []*planv1.Loss{{Column: 1, Rule: string(loss.Null)}, {Column: 3, Rule: string(loss.TooLong)}})[0].GetFix())
	merged := Merge(fixes)
	require.Equal(t, `existing: truncate
# or existing: append
tables:
  - match: shop.peo\*ple
    columns:
      born: {invalid: set-null}
      # or born: {type: text}
      since: {type: timestamp(6) without time zone}
      # or since: {invalid: sentinel, sentinel: "1970-01-01 00:00:00"}
  - match: shop.other
    where: '"born" IS NOT NULL'
  - match: "*"`, merged)
	require.Len(t, parsed(t, merged).GetTables(), 3)
}

// parsed reads lines as part of a spec.
func parsed(t *testing.T, lines string) *droverv1.MigrationSpec {
	t.Helper()
	m, err := spec.Load("fix.yaml", []byte("apiVersion: drover.dev/v1\nkind: Migration\nname: x\nsource: {url: 'sqlite:a.db'}\ntarget: {url: 'sqlite:b.db'}\n"+lines+"\n"))
	require.NoError(t, err, lines)
	return m
}
