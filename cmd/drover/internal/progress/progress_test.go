package progress

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

var start = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// at is a watch message some seconds after the start.
func at(rows int64) *droverv1.WatchMigrationResponse {
	counters := &droverv1.Counters{RowsEstimated: 1000, RowsLoaded: rows, BytesLoaded: rows * 100, Ranges: 4, RangesLoaded: 2, RangesVerified: 1}
	return &droverv1.WatchMigrationResponse{
		Migration: &droverv1.Migration{Name: "migrations/shop", State: droverv1.Migration_STATE_RUNNING, Tables: 2,
			StartTime: timestamppb.New(start), Counters: counters},
		Tables: []*droverv1.Table{
			{Name: "migrations/shop/tables/10", Source: "main.b\x1b[2J", State: droverv1.Table_STATE_PLANNED, Counters: &droverv1.Counters{RowsEstimated: -1}},
			{Name: "migrations/shop/tables/2", Source: "main.a", State: droverv1.Table_STATE_COPYING, Counters: counters},
		},
		Workers: &droverv1.Workers{Extractors: 1, Loaders: 2, Validators: 3, Jobs: 4},
	}
}

func TestTracker(t *testing.T) {
	tr := NewTracker()
	require.NotNil(t, tr.Snapshot(start).Migration)
	tr.Apply(at(0), start)
	tr.Apply(at(200), start.Add(2*time.Second))
	s := tr.Snapshot(start.Add(2 * time.Second))
	require.InDelta(t, 100, s.RowRate, 0.01)
	require.InDelta(t, 10000, s.ByteRate, 0.01)
	require.InDelta(t, 100, s.TableRates["migrations/shop/tables/2"], 0.01)
	require.Equal(t, 8*time.Second, s.ETA)
	require.Equal(t, 2*time.Second, s.Elapsed)
	require.Equal(t, "main.a", s.Tables[0].GetSource(), "tables come by number, not by name")
	require.Zero(t, tr.Snapshot(start.Add(time.Minute)).RowRate, "an old rate is none")

	// Messages after the first hold only what changed.
	tr.Apply(&droverv1.WatchMigrationResponse{Migration: at(300).Migration}, start.Add(3*time.Second))
	require.Len(t, tr.Snapshot(start.Add(3*time.Second)).Tables, 2)
}

func TestLines(t *testing.T) {
	var b bytes.Buffer
	view := NewPlain(&b)
	tr := NewTracker()
	for i := range 5 {
		now := start.Add(time.Duration(i) * time.Second)
		tr.Apply(at(int64(i)*100), now)
		view.Show(tr.Snapshot(now))
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	require.Len(t, lines, 3, "one line every two seconds")
	require.Equal(t, "03:04:07 INFO progress migration=shop state=RUNNING tables=0/2 ranges_verified=1/4 rows=200 rows_verified=0 "+
		"total_estimate=1000 rows_per_second=100 bytes_per_second=10000 eta_seconds=8", lines[1])

	b.Reset()
	view = NewJSON(&b)
	view.Show(tr.Snapshot(start.Add(4 * time.Second)))
	var got map[string]any
	require.NoError(t, json.Unmarshal(b.Bytes(), &got))
	require.Equal(t, "RUNNING", got["state"])
	require.EqualValues(t, 400, got["rows"])
}

func TestTerminal(t *testing.T) {
	var b bytes.Buffer
	view := NewTerminal(&b, "Ctrl-C pauses", func() (int, int) { return 80, 24 })
	tr := NewTracker()
	tr.Apply(at(100), start)
	view.Show(tr.Snapshot(start))
	first := b.String()
	require.Contains(t, first, "shop  RUNNING   tables 0/2")
	require.Contains(t, first, "10.0%")
	require.NotContains(t, first, "\x1b[2J", "a table's name cannot clear the screen")
	for line := range strings.SplitSeq(first, "\n") {
		require.LessOrEqual(t, len([]rune(line)), 79, line)
	}
	drawn := strings.Count(first, "\n")

	b.Reset()
	view.Show(tr.Snapshot(start.Add(time.Millisecond)))
	require.Empty(t, b.String(), "not more often than five times a second")

	_, err := view.Write([]byte("a log line\n"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(b.String(), "\x1b["+string(rune('0'+drawn))+"A\x1b[Ja log line\n"), "%q", b.String())
}

func phased(state droverv1.Migration_State) *droverv1.WatchMigrationResponse {
	m := at(100)
	m.Migration.State = state
	m.Migration.Phases = []*droverv1.PhaseStatus{
		{Name: "reference", State: droverv1.PhaseStatus_STATE_COMPLETE}, {Name: "customers", State: droverv1.PhaseStatus_STATE_WAITING}, {Name: "rest"}}
	return m
}

func TestPhase(t *testing.T) {
	require.Empty(t, Phase(at(0).Migration))
	m := phased(droverv1.Migration_STATE_RUNNING).Migration
	require.Equal(t, "2/3 customers", Phase(m))
	for _, p := range m.Phases {
		p.State = droverv1.PhaseStatus_STATE_COMPLETE
	}
	require.Equal(t, "3/3 rest", Phase(m), "the last one when all are complete")
}

func TestViews_Phased(t *testing.T) {
	tr := NewTracker()
	waiting := phased(droverv1.Migration_STATE_WAITING)
	waiting.Migration.TablesSkipped, waiting.Migration.Counters.ValuesTouched = 1, 7
	tr.Apply(waiting, start)
	var b bytes.Buffer
	NewPlain(&b).Show(tr.Snapshot(start))
	require.Contains(t, b.String(), `state=WAITING phase="2/3 customers" tables=0/2 `)
	require.Contains(t, b.String(), ` tables_skipped=1 values_touched=7`)

	b.Reset()
	NewTerminal(&b, "", func() (int, int) { return 120, 24 }).Show(tr.Snapshot(start))
	require.Contains(t, b.String(), "shop  WAITING   phase 2/3 customers   tables 0/2")
	require.Contains(t, b.String(), "waits for approval: drover approve shop")

	stopped := phased(droverv1.Migration_STATE_STOPPED)
	stopped.Migration.Reason = "phase \"customers\" stopped: main.a is blocked"
	tr.Apply(stopped, start)
	b.Reset()
	NewTerminal(&b, "", func() (int, int) { return 120, 24 }).Show(tr.Snapshot(start))
	require.Contains(t, b.String(), "\nphase \"customers\" stopped: main.a is blocked")
}

func TestResting(t *testing.T) {
	for state, want := range map[droverv1.Migration_State][2]bool{
		droverv1.Migration_STATE_RUNNING: {false, false}, droverv1.Migration_STATE_PAUSED: {false, false}, droverv1.Migration_STATE_WAITING: {false, true},
		droverv1.Migration_STATE_STOPPED: {false, true}, droverv1.Migration_STATE_ROLLED_BACK: {true, true}, droverv1.Migration_STATE_COMPLETE: {true, true},
	} {
		m := &droverv1.Migration{State: state}
		require.Equal(t, want, [2]bool{Ended(m), Resting(m)}, state)
	}
}
