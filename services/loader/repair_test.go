package loader

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/enginetest"
	"github.com/drover-db/drover/internal/engine/memory"
	"github.com/drover-db/drover/internal/engine/memory/memorytest"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
	"github.com/drover-db/drover/internal/secret"
)

// repairBench is a loader between a source and a target that have items.
type repairBench struct {
	t       *testing.T
	engine  *memory.Engine
	service *Service
	plan    *planv1.TablePlan
}

func newRepairBench(t *testing.T, source, target map[int64]string) *repairBench {
	b := &repairBench{t: t, engine: memory.New()}
	table := enginetest.Table{Name: "item", Key: []string{"id"}, Columns: []enginetest.Column{
		{Name: "id", Kind: canon.Int}, {Name: "name", Kind: canon.Text}}}
	for name, rows := range map[string]map[int64]string{"src": source, "dst": target} {
		require.NoError(t, b.engine.Create(name, memorytest.Describe(table)))
		for id, text := range rows {
			require.NoError(t, b.engine.Insert(name, "item", map[string][]byte{"id": canon.AppendInt(nil, id), "name": []byte(text)}))
		}
	}
	service, err := New(Config{Engines: engine.Set{b.engine}, Secrets: secret.NewResolver(), Bus: bus.NewMemory(bus.Options{})})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, service.Close()) })
	b.service = service
	found, err := b.open("src").Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	design, err := b.open("dst").Design(t.Context(), engine.DesignRequest{Source: found, Existing: planv1.Existing_EXISTING_APPEND,
		Name: func(string, string) (string, string, bool) { return "", "", false }})
	require.NoError(t, err)
	b.plan = design.GetTables()[0]
	return b
}

func (b *repairBench) open(name string) engine.Database {
	db, err := b.engine.Open(b.t.Context(), engine.Config{URL: "memory://" + name})
	require.NoError(b.t, err)
	return db
}

// seen is a difference as a verification lists it: with the row that the target has.
func (b *repairBench) seen(id int64, kind planv1.Difference_Type) *planv1.RowDifference {
	key := keyrange.Of(canon.AppendInt(nil, id))
	out := &planv1.RowDifference{Key: key, Difference: &planv1.Difference{Type: kind, Key: fmt.Sprintf("id=%d", id)}}
	require.NoError(b.t, b.open("dst").Read(b.t.Context(), engine.ReadRequest{Side: engine.TargetSide, Plan: b.plan, Keys: []*planv1.Bound{key}}, func(r engine.Row) error {
		sum := batch.HashRow(r.Data).Bytes()
		out.TargetRow = sum[:]
		return nil
	}))
	return out
}

func (b *repairBench) repair(dry bool, rows ...*planv1.RowDifference) ([]string, error) {
	result, err := b.service.Handle(b.t.Context(), &workerv1.Job{Source: &planv1.Endpoint{Url: "memory://src"}, Target: &planv1.Endpoint{Url: "memory://dst"},
		Work: &workerv1.Job_Repair{Repair: &workerv1.RepairRange{Table: b.plan, Rows: rows, DryRun: dry}}}, func(*workerv1.Progress) {})
	var out []string
	for _, r := range result.GetRangeRepair().GetRows() {
		out = append(out, fmt.Sprintf("%s %s %s", r.GetKey(), r.GetAction(), r.GetOutcome()))
	}
	return out, err
}

func (b *repairBench) target() map[int64]string {
	out := map[int64]string{}
	fields := make([][]byte, 2)
	require.NoError(b.t, b.open("dst").Read(b.t.Context(), engine.ReadRequest{Side: engine.TargetSide, Plan: b.plan}, func(r engine.Row) error {
		_, _, err := batch.Fields(b.plan.GetEncoding(), r.Data, fields)
		out[canon.GetInt(fields[0])] = string(fields[1])
		return err
	}))
	return out
}

// Rows become what the source has now, those that changed since stay.
func TestRepair_RowsAsTheSourceHasThem(t *testing.T) {
	b := newRepairBench(t, map[int64]string{1: "one", 2: "two", 3: "three", 5: "five"}, map[int64]string{1: "one", 2: "TWO", 4: "four", 5: "FIVE"})
	rows := []*planv1.RowDifference{b.seen(2, planv1.Difference_TYPE_DIFFERENT), b.seen(3, planv1.Difference_TYPE_MISSING),
		b.seen(4, planv1.Difference_TYPE_EXTRA), b.seen(5, planv1.Difference_TYPE_DIFFERENT)}
	rows[3].TargetRow = make([]byte, 16) // another row than the one that is there
	before := b.target()
	planned, err := b.repair(true, rows...)
	require.NoError(t, err)
	require.Equal(t, []string{"id=4 ACTION_DELETE OUTCOME_PLANNED", "id=2 ACTION_UPDATE OUTCOME_PLANNED", "id=3 ACTION_INSERT OUTCOME_PLANNED",
		"id=5 ACTION_UPDATE OUTCOME_CHANGED"}, planned)
	require.Equal(t, before, b.target())
	done, err := b.repair(false, rows...)
	require.NoError(t, err)
	require.Equal(t, []string{"id=4 ACTION_DELETE OUTCOME_DONE", "id=2 ACTION_UPDATE OUTCOME_DONE", "id=3 ACTION_INSERT OUTCOME_DONE",
		"id=5 ACTION_UPDATE OUTCOME_CHANGED"}, done)
	require.Equal(t, map[int64]string{1: "one", 2: "two", 3: "three", 5: "FIVE"}, b.target())
	again, err := b.repair(false, rows[:3]...)
	require.NoError(t, err)
	require.Equal(t, []string{"id=4 ACTION_NONE OUTCOME_DONE", "id=2 ACTION_NONE OUTCOME_DONE", "id=3 ACTION_NONE OUTCOME_DONE"}, again)
}

// Rows that are many bytes together are repaired in several transactions.
func TestRepair_LargeRows(t *testing.T) {
	source := map[int64]string{}
	large := string(bytes.Repeat([]byte("x"), 12<<20))
	var rows []*planv1.RowDifference
	for id := range int64(5) {
		source[id] = large
	}
	b := newRepairBench(t, source, nil)
	for id := range int64(5) {
		rows = append(rows, b.seen(id, planv1.Difference_TYPE_MISSING))
	}
	done, err := b.repair(false, rows...)
	require.NoError(t, err)
	require.Len(t, done, 5)
	require.Equal(t, source, b.target())
}

func TestRepair_TableWithoutAKey(t *testing.T) {
	b := newRepairBench(t, nil, nil)
	b.plan.Source.Key = &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_NONE}
	_, err := b.repair(false)
	require.Equal(t, fault.Unsupported, fault.KindOf(err))
}
