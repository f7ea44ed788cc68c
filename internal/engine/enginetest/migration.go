package enginetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// testMigration holds an engine to the migration's row: terms, identities, stages.
func testMigration(t *testing.T, f Factory) {
	source := f.New(t, intTable())
	start := func(t *testing.T) *flow {
		return flowBetween(t, f, f, planv1.Existing_EXISTING_FAIL, source, f.New(t))
	}
	t.Run("DesignChangesNothing", func(t *testing.T) {
		flow := start(t)
		flow.redesign()
		after, err := flow.target.Describe(t.Context(), engine.Selection{})
		require.NoError(t, err)
		require.Empty(t, after.GetTables())
	})
	t.Run("PrepareTwice", func(t *testing.T) {
		flow := start(t)
		flow.prepare()
		flow.prepare()
		flow.migration.Term++
		flow.prepare()
	})
	t.Run("OlderTerm", func(t *testing.T) {
		flow := start(t)
		flow.prepare()
		flow.migration.Term--
		err := flow.target.Prepare(t.Context(), flow.prepareRequest())
		require.Equal(t, fault.Fenced, fault.KindOf(err), "%v", err)
	})
	t.Run("OtherTarget", func(t *testing.T) {
		flow := start(t)
		r := flow.prepareRequest()
		r.TargetIdentity = "another database"
		err := flow.target.Prepare(t.Context(), r)
		require.Equal(t, fault.Changed, fault.KindOf(err), "%v", err)
	})
	t.Run("NotPrepared", func(t *testing.T) {
		flow := start(t)
		flow.prepare()
		flow.migration.UID = "another migration"
		require.Error(t, flow.target.Apply(t.Context(), flow.migration, flow.plan("by_int"), planv1.Step_STEP_CREATE))
	})
	t.Run("LedgerIsNoTable", func(t *testing.T) {
		flow := start(t)
		flow.prepare()
		after, err := flow.target.Describe(t.Context(), engine.Selection{})
		require.NoError(t, err)
		require.Empty(t, after.GetTables(), "the ledger's own tables are not the user's")
	})
}

// testExisting: what happens to tables that are there before drover is.
func testExisting(t *testing.T, f Factory) {
	there := Table{Name: "by_int", Key: []string{"id"}, Columns: intTable().Columns}
	held := there
	held.Rows = intTable().Rows[:20]
	source := intTable()
	source.Rows = source.Rows[20:]
	from := f.New(t, source)
	start := func(t *testing.T, existing planv1.Existing, there Table) (*flow, *planv1.TablePlan) {
		flow := flowBetween(t, f, f, existing, from, f.New(t, there))
		require.True(t, flow.plan("by_int").GetTargetExists())
		return flow, flow.plan("by_int")
	}
	t.Run("FailWithRows", func(t *testing.T) {
		flow, p := start(t, planv1.Existing_EXISTING_FAIL, held)
		require.NotZero(t, errorsIn(flow.design, p), "rows in an existing table are an error")
	})
	t.Run("FailWithRowsSinceDesign", func(t *testing.T) {
		flow, p := start(t, planv1.Existing_EXISTING_FAIL, there)
		flow.prepare()
		require.NoError(t, f.Insert(t, flow.targetConfig, "by_int", map[string]string{"id": "5"}))
		err := flow.target.Apply(t.Context(), flow.migration, p, planv1.Step_STEP_CREATE)
		require.Equal(t, fault.Exists, fault.KindOf(err), "%v", err)
		require.Len(t, flow.read(p, engine.TargetSide, nil, nil), 1)
	})
	t.Run("Empty", func(t *testing.T) {
		flow, p := start(t, planv1.Existing_EXISTING_FAIL, there)
		flow.prepare()
		flow.copyTable(p, 40, 10)
		// The rows are drover's own now, so creating again neither refuses nor empties.
		flow.apply(p, planv1.Step_STEP_CREATE)
		require.Len(t, flow.read(p, engine.TargetSide, nil, nil), len(source.Rows))
	})
	t.Run("Truncate", func(t *testing.T) {
		flow, p := start(t, planv1.Existing_EXISTING_TRUNCATE, held)
		flow.prepare()
		flow.copyTable(p, 40, 10)
		flow.apply(p, planv1.Step_STEP_CREATE)
		require.Len(t, flow.read(p, engine.TargetSide, nil, nil), len(source.Rows))
	})
	t.Run("Append", func(t *testing.T) {
		flow, p := start(t, planv1.Existing_EXISTING_APPEND, held)
		flow.prepare()
		flow.apply(p, planv1.Step_STEP_CREATE)
		want := digest(flow.read(p, engine.TargetSide, nil, nil))
		require.EqualValues(t, len(held.Rows), want.Rows)
		for _, r := range flow.split(p, 40) {
			want.Merge(flow.load(p, r, 10))
		}
		require.Equal(t, want, digest(flow.read(p, engine.TargetSide, nil, nil)))
	})
	t.Run("OtherColumns", func(t *testing.T) {
		other := Table{Name: "by_int", Key: []string{"id"}, Columns: there.Columns[:2]}
		flow, p := start(t, planv1.Existing_EXISTING_FAIL, other)
		require.NotZero(t, errorsIn(flow.design, p), "a column that the target's table lacks is an error")
	})
}

// errorsIn counts the errors that concern a table.
func errorsIn(d *planv1.Design, p *planv1.TablePlan) (n int) {
	for _, list := range [][]*planv1.Finding{d.GetFindings(), p.GetFindings()} {
		for _, f := range list {
			if f.GetSeverity() == planv1.Severity_SEVERITY_ERROR {
				n++
			}
		}
	}
	return n
}
