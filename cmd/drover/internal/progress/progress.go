// Package progress shows a migration while it runs: it folds the messages of a
// watch stream into one snapshot and draws it on a terminal, as plain lines or as
// JSON. It writes to standard error only and never decides anything.
//
// Read progress.go for the snapshot; terminal.go and lines.go are the views.
package progress

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

// window is how far back rates look.
const window = 5 * time.Second

// Snapshot is a migration at one moment.
type Snapshot struct {
	Time      time.Time
	Migration *droverv1.Migration
	// Tables in the order of their numbers.
	Tables  []*droverv1.Table
	Workers *droverv1.Workers
	// Elapsed since the migration started, or since it was made.
	Elapsed time.Duration
	// Rates per second over the last few seconds.
	RowRate, ByteRate float64
	// TableRates by table name.
	TableRates map[string]float64
	// ETA is negative where nothing can be said.
	ETA time.Duration
}

// Tracker folds a watch stream.
type Tracker struct {
	migration *droverv1.Migration
	workers   *droverv1.Workers
	tables    map[string]*droverv1.Table
	rows      meter
	bytes     meter
	byTable   map[string]*meter
}

// NewTracker makes an empty tracker.
func NewTracker() *Tracker {
	return &Tracker{tables: map[string]*droverv1.Table{}, byTable: map[string]*meter{}}
}

// Apply takes a message of the stream in.
func (t *Tracker) Apply(m *droverv1.WatchMigrationResponse, now time.Time) {
	if m.GetMigration() != nil {
		t.migration = m.GetMigration()
		t.rows.add(now, t.migration.GetCounters().GetRowsLoaded())
		t.bytes.add(now, t.migration.GetCounters().GetBytesLoaded())
	}
	if m.GetWorkers() != nil {
		t.workers = m.GetWorkers()
	}
	for _, table := range m.GetTables() {
		t.tables[table.GetName()] = table
		rate, ok := t.byTable[table.GetName()]
		if !ok {
			rate = &meter{}
			t.byTable[table.GetName()] = rate
		}
		rate.add(now, table.GetCounters().GetRowsLoaded())
	}
}

// Snapshot gives what is known now.
func (t *Tracker) Snapshot(now time.Time) Snapshot {
	s := Snapshot{Time: now, Migration: t.migration, Workers: t.workers, TableRates: map[string]float64{}, ETA: -1}
	if s.Migration == nil {
		s.Migration = &droverv1.Migration{}
	}
	for name, table := range t.tables {
		s.Tables = append(s.Tables, table)
		s.TableRates[name] = t.byTable[name].rate(now)
	}
	slices.SortFunc(s.Tables, func(a, b *droverv1.Table) int { return cmp.Compare(number(a.GetName()), number(b.GetName())) })
	s.RowRate, s.ByteRate = t.rows.rate(now), t.bytes.rate(now)
	s.Elapsed = elapsed(s.Migration, now)
	if left := s.Migration.GetCounters().GetRowsEstimated() - s.Migration.GetCounters().GetRowsLoaded(); left >= 0 && s.RowRate > 0 {
		s.ETA = time.Duration(float64(left) / s.RowRate * float64(time.Second))
	}
	return s
}

// number is the last part of a resource name.
func number(name string) int {
	n, err := strconv.Atoi(name[strings.LastIndexByte(name, '/')+1:])
	if err != nil {
		return 0
	}
	return n
}

// elapsed is how long a migration has been running, or ran.
func elapsed(m *droverv1.Migration, now time.Time) time.Duration {
	start := m.GetStartTime()
	if start == nil {
		start = m.GetCreateTime()
	}
	if start == nil {
		return 0
	}
	if m.GetEndTime() != nil {
		now = m.GetEndTime().AsTime()
	}
	return max(0, now.Sub(start.AsTime()))
}

// Ended tells whether a migration will change no more by itself.
func Ended(m *droverv1.Migration) bool {
	switch m.GetState() {
	case droverv1.Migration_STATE_COMPLETE, droverv1.Migration_STATE_INCOMPLETE,
		droverv1.Migration_STATE_CANCELLED, droverv1.Migration_STATE_FAILED, droverv1.Migration_STATE_ROLLED_BACK:
		return true
	default:
		return false
	}
}

// Resting tells whether a migration has ended, or goes on only when somebody says so.
func Resting(m *droverv1.Migration) bool {
	switch m.GetState() {
	case droverv1.Migration_STATE_WAITING, droverv1.Migration_STATE_STOPPED, droverv1.Migration_STATE_CONTROL_REGRESSED:
		return true
	default:
		return Ended(m)
	}
}

// Phase words which phase a migration is in: "2/3 customers"; empty without phases.
func Phase(m *droverv1.Migration) string {
	phases := m.GetPhases()
	if len(phases) == 0 {
		return ""
	}
	at := slices.IndexFunc(phases, func(p *droverv1.PhaseStatus) bool { return p.GetState() != droverv1.PhaseStatus_STATE_COMPLETE })
	if at < 0 {
		at = len(phases) - 1
	}
	return fmt.Sprintf("%d/%d %s", at+1, len(phases), phases[at].GetName())
}

// StateName is a state for people: "COMPLETE".
func StateName(state interface{ String() string }) string {
	return strings.TrimPrefix(state.String(), "STATE_")
}

// meter measures a rate over a sliding window.
type meter struct{ samples []sample }

type sample struct {
	at    time.Time
	value int64
}

// add notes a value; what is older than the window goes, but for one to measure from.
func (m *meter) add(now time.Time, value int64) {
	m.samples = append(m.samples, sample{now, value})
	for len(m.samples) > 2 && now.Sub(m.samples[1].at) > window {
		m.samples = m.samples[1:]
	}
}

// rate is the growth per second up to now.
func (m *meter) rate(now time.Time) float64 {
	if len(m.samples) < 2 {
		return 0
	}
	first, last := m.samples[0], m.samples[len(m.samples)-1]
	seconds := now.Sub(first.at).Seconds()
	if seconds <= 0 || now.Sub(last.at) > window {
		return 0
	}
	return max(0, float64(last.value-first.value)/seconds)
}
