package report_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"

	"github.com/drover-db/drover/cmd/drover/internal/progress"
	"github.com/drover-db/drover/cmd/drover/internal/report"
)

var update = flag.Bool("update", false, "write the golden files")

const digest = "3f9c0a12b7e5d4c1a0998877665544ff"

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func migration(state droverv1.Migration_State) *droverv1.Migration {
	return &droverv1.Migration{
		Name: "migrations/shop", State: state, SourceEngine: "sqlite", SourceVersion: "3.50.4", TargetEngine: "postgres", TargetVersion: "18.1",
		Spec: &droverv1.MigrationSpec{Name: "shop",
			Source: &droverv1.EndpointSpec{Url: "sqlite:///data/shop.db"},
			Target: &droverv1.EndpointSpec{Url: "postgres://u@h/shop"}},
		Counters: &droverv1.Counters{Ranges: 3, ExtractSeconds: 1.5, LoadSeconds: 2.25, ValidateSeconds: 1.25, SchemaSeconds: 0.1},
		Tables:   2, TablesComplete: 2,
		Unmoved:  []*planv1.Unmoved{{Object: "view", Name: "main.turnover", Reason: "views are not moved"}},
		Findings: []*planv1.Finding{{Severity: planv1.Severity_SEVERITY_INFO, Code: "WAL", Message: "source is in WAL mode"}},
	}
}

func tables() []*droverv1.Table {
	plan := &planv1.TablePlan{
		Source: &planv1.Table{Key: &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_PRIMARY, Columns: []string{"id"}}},
		Columns: []*planv1.ColumnPlan{
			{Source: "id", Target: "id", SourceType: "INTEGER", TargetType: "bigint", Kind: planv1.Kind_KIND_INT},
			{Source: "Name", Target: "name", SourceType: "TEXT", TargetType: "text", Kind: planv1.Kind_KIND_TEXT, Nullable: true}},
		Recomputed: []string{"total"}, ValidateByRange: true,
		Statements: []*planv1.Statement{{Step: planv1.Step_STEP_CREATE, Object: "table public.orders", Sql: "CREATE TABLE \"public\".\"orders\" (\n\t\"id\" bigint\n);"}},
		Findings:   []*planv1.Finding{{Severity: planv1.Severity_SEVERITY_WARNING, Code: "DEFAULT_NOT_MOVED", Table: "main.orders", Column: "name", Message: "its default is an expression of SQLite"}},
	}
	return []*droverv1.Table{
		{Name: "migrations/shop/tables/1", Source: "main.orders", Target: "public.orders", State: droverv1.Table_STATE_COMPLETE,
			Encoding: planv1.Encoding_ENCODING_CANONICAL, SourceDigest: digest, TargetDigest: digest, SourceRows: 301_200, Plan: plan,
			Counters: &droverv1.Counters{RowsEstimated: 300_000, BytesEstimated: 64 << 20, RowsLoaded: 301_200, RowsVerified: 301_200, BytesLoaded: 70 << 20,
				Ranges: 2, RangesLoaded: 2, RangesVerified: 2, Retries: 1, Mismatches: 1, ExtractSeconds: 1.5, LoadSeconds: 2.25, ValidateSeconds: 1.25, SchemaSeconds: 0.1},
			Differences: []*planv1.Difference{{Type: planv1.Difference_TYPE_DIFFERENT, Key: "id=42", Columns: []string{"name"}}}},
		{Name: "migrations/shop/tables/2", Source: "main.empty", Target: "main.empty", State: droverv1.Table_STATE_COMPLETE,
			Counters: &droverv1.Counters{RowsEstimated: -1, BytesEstimated: -1, Ranges: 1, RangesLoaded: 1, RangesVerified: 1}},
	}
}

func TestWrite(t *testing.T) {
	s := report.New(progress.Snapshot{Migration: migration(droverv1.Migration_STATE_COMPLETE), Tables: tables(), Elapsed: 65 * time.Second}, report.TableFindings(tables()))
	require.EqualValues(t, 4, s.Total.Attempts, "attempts are ranges and retries")
	var b strings.Builder
	require.NoError(t, report.Write(&b, s, false))
	golden(t, "complete", b.String())
}

func TestWrite_Incomplete(t *testing.T) {
	m := migration(droverv1.Migration_STATE_INCOMPLETE)
	m.TablesComplete, m.TablesBlocked = 1, 1
	list := tables()
	list[0].State, list[0].Reason, list[0].TargetDigest = droverv1.Table_STATE_BLOCKED, "1 of 2 ranges blocked", "00"+digest[2:]
	var b strings.Builder
	require.NoError(t, report.Write(&b, report.New(progress.Snapshot{Migration: m, Tables: list}, nil), true))
	golden(t, "incomplete", b.String())
}

func TestWritePlan(t *testing.T) {
	var b strings.Builder
	require.NoError(t, report.WritePlan(&b, report.Plan{Migration: migration(droverv1.Migration_STATE_PLANNED), Tables: tables()}, true))
	golden(t, "plan", b.String())
}

func TestNew_KeepsFindingsOfTheMigration(t *testing.T) {
	m := migration(droverv1.Migration_STATE_COMPLETE)
	report.New(progress.Snapshot{Migration: m}, report.TableFindings(tables()))
	require.Len(t, m.GetFindings(), 1)
}

// chosen is a migration with everything that a spec can choose.
func chosen(state droverv1.Migration_State) (*droverv1.Migration, []*droverv1.Table) {
	m, list := migration(state), tables()
	m.TablesSkipped, m.TablesComplete = 1, 1
	m.Phases = []*droverv1.PhaseStatus{{Name: "reference", State: droverv1.PhaseStatus_STATE_COMPLETE}, {Name: "rest"}}
	m.Spec.Publish = "atomic"
	m.Spec.Phases = []*droverv1.Phase{{Name: "reference"}, {Name: "rest", Approve: "manual"}}
	m.Sizing = &droverv1.Sizing{SampledRows: 20_000, SampledBytes: 8 << 20, SampledSeconds: 0.25, TravelBytes: 3 << 30, ReadSeconds: 48, ExtractSlots: 2, StreamBytes: 1 << 30}
	t := list[0]
	t.Differences, t.Phase = nil, "reference"
	t.RangesSkipped, t.Counters.RowsFiltered = 1, 4321
	t.Touched = []*droverv1.TouchedColumn{{Column: "born", Policy: "set-null", Values: 12}, {Column: "joined", Policy: "sentinel 1970-01-01", Values: 1_003}}
	t.RangeSizes = &droverv1.RangeSizes{Smallest: 10, Median: 100_000, Largest: 240_000, Buckets: []*droverv1.RangeSizes_Bucket{
		{UpToRows: 1_000, Ranges: 1}, {UpToRows: 100_000, Ranges: 90}, {UpToRows: 250_000, Ranges: 45}}}
	constant := []byte("eu")
	t.Plan.Source.Where = "paid = TRUE"
	t.Plan.Source.Columns = []*planv1.Column{{Name: "legacy", NativeType: "BLOB", Dropped: true}}
	t.Plan.PublishSchema, t.Plan.PublishName = "public", "final_orders"
	t.Plan.Columns = append(t.Plan.Columns, &planv1.ColumnPlan{Source: "born", Target: "born", SourceType: "DATE", TargetType: "date", Kind: planv1.Kind_KIND_DATE, Nullable: true,
		Policy: &planv1.Policy{Action: planv1.Policy_ACTION_NULL}},
		&planv1.ColumnPlan{Target: "region", TargetType: "text", Kind: planv1.Kind_KIND_TEXT, Constant: constant})
	list[1].Counters.Ranges = 3
	list[1].RangeSizes = &droverv1.RangeSizes{Smallest: 500, Median: 500, Largest: 500, Buckets: []*droverv1.RangeSizes_Bucket{{UpToRows: 500, Ranges: 3}}}
	list[1].State, list[1].Phase = droverv1.Table_STATE_SKIPPED, "rest"
	return m, list
}

func TestWrite_Chosen(t *testing.T) {
	m, list := chosen(droverv1.Migration_STATE_COMPLETE)
	var b strings.Builder
	require.NoError(t, report.Write(&b, report.New(progress.Snapshot{Migration: m, Tables: list}, nil), false))
	golden(t, "chosen", b.String())
}

func TestWritePlan_Chosen(t *testing.T) {
	m, list := chosen(droverv1.Migration_STATE_PLANNED)
	var b strings.Builder
	require.NoError(t, report.WritePlan(&b, report.Plan{Migration: m, Tables: list}, false))
	golden(t, "plan_chosen", b.String())
	m.Limits = &droverv1.LimitSpec{Rows: "5000/s"}
	m.Sizing.ReadSeconds, m.Sizing.ReadLimit = 7200, "limits.rows"
	b.Reset()
	require.NoError(t, report.WritePlan(&b, report.Plan{Migration: m, Tables: list}, false))
	require.Contains(t, b.String(), "reading takes about 2h0m0s, for limits.rows allows 5000/s; without it, 2 extractions at the measured 32 MiB/s each would read faster")
	m.Sizing = &droverv1.Sizing{StreamBytes: 1 << 30}
	b.Reset()
	require.NoError(t, report.WritePlan(&b, report.Plan{Migration: m, Tables: list}, false))
	require.Contains(t, b.String(), "no sample was read")
}

func TestVerdict(t *testing.T) {
	for state, want := range map[droverv1.Migration_State]string{
		droverv1.Migration_STATE_WAITING:     "WAITING: shop: phase 2/2 rest waits for approval; 1 of 2 tables complete and verified.",
		droverv1.Migration_STATE_STOPPED:     "STOPPED: shop in phase 2/2 rest: 1 of 2 tables complete and verified, 1 blocked, 1 skipped (see above); later phases have not begun.",
		droverv1.Migration_STATE_INCOMPLETE:  "INCOMPLETE: shop: 1 of 2 tables complete and verified, 1 blocked, 1 skipped (see above).",
		droverv1.Migration_STATE_ROLLED_BACK: "ROLLED_BACK: shop: nothing was published and the target is as it was: main.orders is blocked.",
		droverv1.Migration_STATE_FAILED:      "FAILED: shop: main.orders is blocked.",
	} {
		m, list := chosen(state)
		m.TablesBlocked, m.Reason = 1, "main.orders is blocked."
		require.Equal(t, want, report.New(progress.Snapshot{Migration: m, Tables: list}, nil).Verdict)
	}
}

func TestWriteTable(t *testing.T) {
	_, list := chosen(droverv1.Migration_STATE_STOPPED)
	blocked := list[0]
	blocked.State, blocked.Reason, blocked.ReasonSide, blocked.ReasonKind = droverv1.Table_STATE_BLOCKED, "column born: row id=42: 2024-02-30 is no date", "source", "value"
	blocked.Attempts, blocked.SourceDigest, blocked.TargetDigest = 5, "", ""
	blocked.Counters.RangesVerified, blocked.Counters.RangesBlocked = 1, 1
	blocked.Differences = []*planv1.Difference{{Type: planv1.Difference_TYPE_MISSING, Key: "id=7"}}
	var b strings.Builder
	require.NoError(t, report.WriteTable(&b, blocked, []*droverv1.Range{
		{Name: "migrations/shop/tables/1/ranges/2", Label: "[100, +∞)", State: droverv1.Range_STATE_BLOCKED, Attempts: 5, Reason: "column born: row id=42: 2024-02-30 is no date"},
		{Name: "migrations/shop/tables/1/ranges/3", Label: "(-∞, 1)", State: droverv1.Range_STATE_SKIPPED}}))
	golden(t, "table_blocked", b.String())

	_, list = chosen(droverv1.Migration_STATE_COMPLETE)
	b.Reset()
	require.NoError(t, report.WriteTable(&b, list[0], nil))
	golden(t, "table_complete", b.String())
}
