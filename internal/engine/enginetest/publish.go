package enginetest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// testPublish: tables that are loaded into a staging place appear under their
// final names in one step, or leave nothing.
func testPublish(t *testing.T, source, target Factory) {
	from := source.New(t, schemaTables()...)
	for name, test := range map[string]func(*publishTest){
		"OneStep": (*publishTest).oneStep, "MadeSince": (*publishTest).madeSince, "There": (*publishTest).there,
		"Discard": (*publishTest).discard, "DiscardBeforeTables": (*publishTest).discardBeforeTables, "AgainAfterDiscard": (*publishTest).againAfterDiscard,
		"OlderTerm": (*publishTest).olderTerm, "NotStaged": (*publishTest).notStaged,
	} {
		t.Run(name, func(t *testing.T) {
			f := flowBetween(t, source, target, planv1.Existing_EXISTING_APPEND, from, target.New(t, bystander()))
			// On a server a stage may be a database, and tests share the server.
			f.stage = fmt.Sprintf("drover_stage_%08x", rand.Uint32())
			f.redesign()
			test(&publishTest{f, target})
		})
	}
}

// bystander is a table of the target that no migration names.
func bystander() Table {
	t := Table{Name: "bystander", Key: []string{"id"}, Columns: []Column{{Name: "id", Kind: canon.Int}, {Name: "v", Kind: canon.Text, Nullable: true}}}
	for i := range int64(10) {
		t.Rows = append(t.Rows, [][]byte{canon.AppendInt(nil, i), []byte("kept")})
	}
	return t
}

// publishTest is a migration into a staging place.
type publishTest struct {
	*flow
	factory Factory
}

// visible lists the tables that the target shows under names of no stage.
func (p *publishTest) visible() []string {
	d, err := p.target.Describe(p.ctx, engine.Selection{})
	require.NoError(p.t, err)
	out := []string{}
	for _, t := range d.GetTables() {
		if p.stage == "" || t.GetSchema() != p.stage {
			out = append(out, t.GetName())
		}
	}
	return out
}

func (p *publishTest) before() {
	p.t.Helper()
	require.Equal(p.t, []string{"bystander"}, p.visible())
	require.Error(p.t, p.factory.Insert(p.t, p.targetConfig, "artist", map[string]string{"name": "5000"}), "the final name is nobody's yet")
}

func (p *publishTest) all() []*planv1.TablePlan { return p.design.GetTables() }

func (p *publishTest) publish() error { return p.target.Publish(p.ctx, p.migration, p.all()) }

func (p *publishTest) discarded() error {
	return p.target.Discard(p.ctx, p.migration, p.all(), p.design.GetStatements())
}

func (p *publishTest) refused(kind fault.Kind, err error) {
	p.t.Helper()
	require.Error(p.t, err)
	require.Equal(p.t, kind, fault.KindOf(err), "%v", err)
}

// other is another migration, not staged, into the same target.
func (p *publishTest) other() *flow {
	g := *p.flow
	g.stage, g.migration.UID = "", "01OTHERMIGRATION"
	g.redesign()
	return &g
}

func (p *publishTest) oneStep() {
	for _, plan := range p.all() {
		require.Equal(p.t, plan.GetSource().GetName(), plan.GetPublishName())
		require.NotEqual(p.t, [2]string{plan.GetPublishSchema(), plan.GetPublishName()}, [2]string{plan.GetTargetSchema(), plan.GetTargetName()})
		require.False(p.t, plan.GetTargetExists())
	}
	p.prepare()
	p.copySchema()
	p.before()
	for range 2 {
		require.NoError(p.t, p.publish())
	}
	require.ElementsMatch(p.t, []string{"bystander", "artist", "Album", "person"}, p.visible())
	p.refused(fault.Unsupported, p.discarded())
	require.NoError(p.t, p.target.Finish(p.ctx, p.migration, engine.StageComplete))
	require.NoError(p.t, p.publish())
	p.refused(fault.Unsupported, p.discarded())
	p.testConstraints(p.factory)
	p.published(map[string]int{"bystander": 10, "artist": 42, "Album": 41, "person": 42})
}

// published counts the rows under the final names, as another session's source.
func (p *publishTest) published(want map[string]int) {
	db := open(p.t, p.factory, p.targetConfig)
	d, err := db.Describe(p.ctx, engine.Selection{})
	require.NoError(p.t, err)
	for _, t := range d.GetTables() {
		n, err := db.Count(p.ctx, &planv1.TablePlan{Source: t})
		require.NoError(p.t, err)
		require.EqualValues(p.t, want[t.GetName()], n.Rows, t.GetName())
	}
	require.Len(p.t, d.GetTables(), len(want))
}

// madeSince: a name that was taken after the design stops all tables.
func (p *publishTest) madeSince() {
	p.prepare()
	p.copySchema()
	other := p.other()
	require.NoError(p.t, other.target.Prepare(p.ctx, other.prepareRequest()))
	for _, step := range []planv1.Step{planv1.Step_STEP_CREATE, planv1.Step_STEP_KEY} {
		other.apply(other.plan("Album"), step)
	}
	p.refused(fault.Exists, p.publish())
	require.ElementsMatch(p.t, []string{"Album", "bystander"}, p.visible(), "nothing has moved")
	require.NoError(p.t, p.discarded())
	require.ElementsMatch(p.t, []string{"Album", "bystander"}, p.visible(), "the other's table stays")
}

// there: a table under a final name is an error in the plan, even where its rows
// might be added to.
func (p *publishTest) there() {
	other := p.other()
	other.prepare()
	other.apply(other.plan("artist"), planv1.Step_STEP_CREATE)
	p.redesign()
	var found []string
	for _, f := range p.plan("artist").GetFindings() {
		if f.GetSeverity() == planv1.Severity_SEVERITY_ERROR {
			found = append(found, f.GetCode())
		}
	}
	require.Equal(p.t, []string{"TARGET_EXISTS"}, found)
}

func (p *publishTest) discard() {
	p.prepare()
	p.copySchema()
	plan := p.plan("artist")
	w := p.openRange(plan, &planv1.Range{Number: 77}, p.nextEpoch(), p.nextEpoch(), false)
	for range 2 {
		require.NoError(p.t, p.discarded())
	}
	p.before()
	_, err := w.Write(p.ctx, engine.Batch{Encoding: plan.GetEncoding()})
	require.Error(p.t, err, "the migration has ended")
	require.Error(p.t, p.target.Apply(p.ctx, p.migration, plan, planv1.Step_STEP_CREATE))
	require.Error(p.t, p.publish())
	p.before()
	p.published(map[string]int{"bystander": 10})
}

// discardBeforeTables: a migration may end before it made any table, or some.
func (p *publishTest) discardBeforeTables() {
	require.NoError(p.t, p.discarded(), "it was never prepared")
	p.prepare()
	p.apply(p.plan("artist"), planv1.Step_STEP_CREATE)
	require.NoError(p.t, p.discarded())
	p.before()
	p.published(map[string]int{"bystander": 10})
}

func (p *publishTest) againAfterDiscard() {
	p.prepare()
	p.copySchema()
	require.NoError(p.t, p.discarded())
	p.migration.UID = "01SECONDMIGRATION"
	p.redesign()
	p.prepare()
	p.copySchema()
	require.NoError(p.t, p.publish())
	p.testConstraints(p.factory)
}

func (p *publishTest) olderTerm() {
	p.prepare()
	p.copySchema()
	p.migration.Term--
	p.refused(fault.Fenced, p.publish())
	p.refused(fault.Fenced, p.discarded())
	p.migration.Term++
	require.NoError(p.t, p.publish())
}

// notStaged: what was loaded under its final name is neither published nor removed.
func (p *publishTest) notStaged() {
	p.stage = ""
	p.redesign()
	p.prepare()
	p.copySchema()
	p.refused(fault.Unsupported, p.publish())
	p.refused(fault.Unsupported, p.discarded())
	require.ElementsMatch(p.t, []string{"bystander", "artist", "Album", "person"}, p.visible())
}
