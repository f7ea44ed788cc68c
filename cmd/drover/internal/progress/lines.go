package progress

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

// every is how often views without a screen write.
const every = 2 * time.Second

// View shows snapshots.
type View interface {
	// Show takes a new snapshot; a view may leave some out.
	Show(Snapshot)
	// Close shows the last one and gives the screen back.
	Close()
}

// None shows nothing.
type None struct{}

// Show does nothing.
func (None) Show(Snapshot) {}

// Close does nothing.
func (None) Close() {}

// Lines writes one line every two seconds and one for every change of state.
type Lines struct {
	w      io.Writer
	format func([]field) string
	last   Snapshot
	shown  time.Time
	state  droverv1.Migration_State
}

// NewPlain writes key=value lines.
func NewPlain(w io.Writer) *Lines { return &Lines{w: w, format: plain} }

// NewJSON writes JSON lines.
func NewJSON(w io.Writer) *Lines { return &Lines{w: w, format: jsonLine} }

// Show writes a line if it is time for one.
func (l *Lines) Show(s Snapshot) {
	l.last = s
	if s.Migration.GetState() == l.state && s.Time.Sub(l.shown) < every {
		return
	}
	l.write()
}

// Close writes the last snapshot if it was not written yet.
func (l *Lines) Close() {
	if l.last.Migration != nil && !l.last.Time.Equal(l.shown) && !Resting(l.last.Migration) {
		l.write()
	}
}

func (l *Lines) write() {
	l.shown, l.state = l.last.Time, l.last.Migration.GetState()
	_, _ = io.WriteString(l.w, l.format(fields(l.last))+"\n")
}

// field is one key and value of a line.
type field struct {
	key   string
	value any
}

// fields are what a line tells, in order.
func fields(s Snapshot) []field {
	m, c := s.Migration, s.Migration.GetCounters()
	out := []field{
		{"time", s.Time.Format("15:04:05")},
		{"level", "INFO"},
		{"msg", "progress"},
		{"migration", strings.TrimPrefix(m.GetName(), "migrations/")},
		{"state", StateName(m.GetState())},
	}
	if phase := Phase(m); phase != "" {
		out = append(out, field{"phase", phase})
	}
	out = append(out, []field{
		{"tables", fmt.Sprintf("%d/%d", m.GetTablesComplete(), m.GetTables())},
		{"ranges_verified", fmt.Sprintf("%d/%d", c.GetRangesVerified(), c.GetRanges())},
		{"rows", c.GetRowsLoaded()},
		{"rows_verified", c.GetRowsVerified()},
		{"total_estimate", c.GetRowsEstimated()},
		{"rows_per_second", int64(s.RowRate)},
		{"bytes_per_second", int64(s.ByteRate)},
	}...)
	if s.ETA >= 0 {
		out = append(out, field{"eta_seconds", int64(s.ETA.Seconds())})
	}
	if c.GetRetries() > 0 {
		out = append(out, field{"retries", c.GetRetries()})
	}
	if m.GetTablesBlocked() > 0 {
		out = append(out, field{"tables_blocked", m.GetTablesBlocked()})
	}
	if m.GetTablesSkipped() > 0 {
		out = append(out, field{"tables_skipped", m.GetTablesSkipped()})
	}
	if c.GetValuesTouched() > 0 {
		out = append(out, field{"values_touched", c.GetValuesTouched()})
	}
	if c.GetRowsRejected() > 0 {
		out = append(out, field{"rows_rejected", c.GetRowsRejected()})
	}
	if m.GetReason() != "" {
		out = append(out, field{"reason", m.GetReason()})
	}
	return out
}

// plain writes "12:03:05 INFO progress migration=shop …".
func plain(list []field) string {
	parts := make([]string, len(list))
	for i, f := range list {
		text := fmt.Sprint(f.value)
		if strings.ContainsAny(text, " \"=\n") {
			text = strconv.Quote(text)
		}
		if i >= 3 {
			text = f.key + "=" + text
		}
		parts[i] = text
	}
	return strings.Join(parts, " ")
}

// jsonLine writes the same as one JSON object.
func jsonLine(list []field) string {
	m := make(map[string]any, len(list))
	for _, f := range list {
		m[f.key] = f.value
	}
	text, err := json.Marshal(m)
	if err != nil {
		return "{}"
	}
	return string(text)
}
