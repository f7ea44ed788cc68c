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
