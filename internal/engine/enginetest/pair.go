package enginetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// testCopy moves every standard table in many small ranges and batches, and
// reads each back.
func testCopy(t *testing.T, source, target Factory) {
	tables := Standard(source, target)
	flow := newFlow(t, source, target, planv1.Existing_EXISTING_FAIL, tables, nil)
	flow.prepare()
	for _, table := range tables {
		t.Run(table.Name, func(t *testing.T) {
			f := flow.on(t)
			p := f.plan(table.Name)
			f.copyTable(p, 25, 9)
			f.testValues(p, table, engine.SourceSide)
			f.testValues(p, table, engine.TargetSide)
			f.apply(p, planv1.Step_STEP_FOREIGN_KEYS)
			f.apply(p, planv1.Step_STEP_SEQUENCES)
		})
	}
	require.NoError(t, flow.target.Finish(t.Context(), flow.migration, engine.StageComplete))
}

// testResume stops a range after each batch and lets another attempt go on: rows
// with a key are neither lost nor doubled, whatever its kind.
func testResume(t *testing.T, source, target Factory) {
	tables := slices.DeleteFunc(Standard(source, target), func(t Table) bool { return len(t.Key) == 0 })
	flow := newFlow(t, source, target, planv1.Existing_EXISTING_FAIL, tables, nil)
	flow.prepare()
	for _, table := range tables {
		t.Run(table.Name, func(t *testing.T) {
			f := flow.on(t)
			p := f.plan(table.Name)
			f.apply(p, planv1.Step_STEP_CREATE)
			r := &planv1.Range{Number: 1, Label: "all"}
			for range 4 {
				n := f.nextEpoch()
				w := f.openRange(p, r, n, n, false)
				rest := batches(p, f.read(p, engine.SourceSide, r, w.Ledger().After), 11)
				for _, b := range rest[:min(2, len(rest))] {
					f.write(w, b)
				}
			}
			f.load(p, r, 11)
			require.Equal(t, digest(f.read(p, engine.SourceSide, nil, nil)), digest(f.read(p, engine.TargetSide, nil, nil)))
		})
	}
}

// schemaTables refer to each other and one to itself.
func schemaTables() []Table {
	tables := []Table{
		{Name: "artist", Key: []string{"id"}, Unique: [][]string{{"name"}}, Columns: []Column{
			{Name: "id", Kind: canon.Int, Identity: true}, {Name: "name", Kind: canon.Int}}},
		{Name: "Album", Key: []string{"id"}, References: []Reference{{Columns: []string{"artist"}, Table: "artist", To: []string{"id"}}}, Columns: []Column{
			{Name: "id", Kind: canon.Int, Identity: true}, {Name: "artist", Kind: canon.Int, Nullable: true}}},
		{Name: "person", Key: []string{"id"}, References: []Reference{{Columns: []string{"boss"}, Table: "person", To: []string{"id"}}}, Columns: []Column{
			{Name: "id", Kind: canon.Int, Identity: true}, {Name: "boss", Kind: canon.Int, Nullable: true}}},
	}
	for i := range int64(40) {
		tables[0].Rows = append(tables[0].Rows, [][]byte{canon.AppendInt(nil, i*3+1), canon.AppendInt(nil, i)})
		tables[1].Rows = append(tables[1].Rows, [][]byte{canon.AppendInt(nil, i+7), canon.AppendInt(nil, i*3+1)})
		boss := canon.AppendInt(nil, i/2+1)
		if i == 0 {
			boss = nil
		}
		tables[2].Rows = append(tables[2].Rows, [][]byte{canon.AppendInt(nil, i+1), boss})
	}
	return tables
}

// copySchema moves all tables and their schema, up to what comes after the last table.
func (f *flow) copySchema() {
	for _, p := range f.design.GetTables() {
		f.copyTable(p, 10, 7)
	}
	for _, step := range []planv1.Step{planv1.Step_STEP_FOREIGN_KEYS, planv1.Step_STEP_SEQUENCES} {
		for _, p := range f.design.GetTables() {
			f.apply(p, step)
		}
	}
}

// testSchema: keys, uniques, foreign keys and identities hold on the target as
// they did on the source.
func testSchema(t *testing.T, source, target Factory) {
	flow := newFlow(t, source, target, planv1.Existing_EXISTING_FAIL, schemaTables(), nil)
	flow.prepare()
	flow.copySchema()
	flow.testConstraints(target)
	fresh := map[string]bool{}
	for _, r := range flow.read(flow.plan("artist"), engine.TargetSide, nil, nil) {
		require.NotNil(t, r.key)
		fresh[fmt.Sprint(canon.GetInt(r.key.GetValues()[0]))] = true
	}
	require.Len(t, fresh, 42)
}

// testConstraints inserts into the copies of schemaTables as an application would.
func (f *flow) testConstraints(target Factory) {
	t := f.t
	insert := func(table string, values map[string]string) error {
		return target.Insert(t, f.targetConfig, table, values)
	}
	require.NoError(t, insert("artist", map[string]string{"name": "1000"}), "a fresh id")
	require.NoError(t, insert("artist", map[string]string{"name": "1001"}), "the next fresh id")
	require.Error(t, insert("artist", map[string]string{"name": "1000"}), "the unique constraint holds")
	require.Error(t, insert("artist", map[string]string{"id": "1", "name": "1002"}), "the primary key holds")
	require.NoError(t, insert("Album", map[string]string{"artist": "4"}))
	require.Error(t, insert("Album", map[string]string{"artist": "999999"}), "the foreign key holds")
	require.NoError(t, insert("person", map[string]string{"boss": "40"}))
	require.NoError(t, insert("person", map[string]string{"boss": "41"}), "a table's reference to itself follows it")
	require.Error(t, insert("person", map[string]string{"boss": "999999"}), "the foreign key to the table itself holds")
}
