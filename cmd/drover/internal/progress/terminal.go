package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"

	"github.com/drover-db/drover/cmd/drover/internal/output"
)

// redraw is the shortest time between two drawings.
const redraw = 200 * time.Millisecond

// Terminal redraws a few lines in place. It is a writer too: what is written
// through it (logs) appears above the drawing.
type Terminal struct {
	mu    sync.Mutex
	w     io.Writer
	hint  string
	size  func() (width, height int)
	drawn int
	last  Snapshot
	at    time.Time
}

// NewTerminal draws on w; hint says what the user can do, size tells the screen's
// columns and lines.
func NewTerminal(w io.Writer, hint string, size func() (width, height int)) *Terminal {
	return &Terminal{w: w, hint: hint, size: size}
}

// Show draws a snapshot, at most five times a second.
func (t *Terminal) Show(s Snapshot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = s
	if s.Time.Sub(t.at) < redraw && !Resting(s.Migration) {
		return
	}
	t.at = s.Time
	t.draw()
}

// Write prints above the drawing.
func (t *Terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.erase()
	n, err := t.w.Write(p)
	if t.last.Migration != nil {
		t.draw()
	}
	return n, err
}

// Close leaves the last snapshot on the screen.
func (t *Terminal) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last.Migration != nil {
		t.draw()
		t.last.Migration = nil
	}
	t.drawn = 0
}

// erase takes the drawing away: up to its first line, then clear below.
func (t *Terminal) erase() {
	if t.drawn > 0 {
		_, _ = fmt.Fprintf(t.w, "\x1b[%dA\x1b[J", t.drawn)
		t.drawn = 0
	}
}

func (t *Terminal) draw() {
	width, height := t.size()
	lines := t.render(width, height)
	for i := range lines {
		lines[i] = cut(lines[i], width-1)
	}
	t.erase()
	t.drawn = len(lines)
	_, _ = io.WriteString(t.w, strings.Join(lines, "\n")+"\n")
}

// render makes the screen's lines.
func (t *Terminal) render(width, height int) []string {
	s := t.last
	lines := []string{header(s), totals(s, width)}
	rows := visible(s.Tables, max(3, height-6))
	if len(rows) > 0 {
		lines = append(lines, tableLines(s, rows)...)
	}
	if hidden := len(s.Tables) - len(rows); hidden > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more tables", hidden))
	}
	if Ended(s.Migration) {
		return append(lines, "")
	}
	if w := s.Workers; w != nil {
		lines = append(lines, fmt.Sprintf("workers: %d extract  %d load  %d validate   jobs %d   %s",
			w.GetExtractors(), w.GetLoaders(), w.GetValidators(), w.GetJobs(), t.hint))
	}
	return append(lines, standing(s.Migration)...)
}

// standing says why a migration stands still, or what troubles it.
func standing(m *droverv1.Migration) []string {
	reason := output.Clean(m.GetReason())
	switch {
	case m.GetState() == droverv1.Migration_STATE_WAITING && reason == "":
		return []string{"waits for approval: drover approve " + output.Clean(strings.TrimPrefix(m.GetName(), "migrations/"))}
	case reason == "":
		return nil
	case Resting(m):
		return []string{reason}
	default:
		return []string{"last trouble: " + reason}
	}
}

// header names the migration and how far it is.
func header(s Snapshot) string {
	c := s.Migration.GetCounters()
	state := StateName(s.Migration.GetState())
	if phase := Phase(s.Migration); phase != "" {
		state += "   phase " + output.Clean(phase)
	}
	return fmt.Sprintf("%s  %s   tables %d/%d   ranges verified %d/%d   elapsed %s",
		output.Clean(strings.TrimPrefix(s.Migration.GetName(), "migrations/")), state,
		s.Migration.GetTablesComplete(), s.Migration.GetTables(),
		c.GetRangesVerified(), c.GetRanges(), s.Elapsed.Round(time.Second))
}

// totals is the bar with rows, rates and what is left.
func totals(s Snapshot, width int) string {
	c := s.Migration.GetCounters()
	text := "rows " + humanize.Comma(c.GetRowsLoaded())
	if c.GetRowsEstimated() >= 0 {
		text += fmt.Sprintf(" / ~%s  %s %s%%", humanize.Comma(c.GetRowsEstimated()),
			bar(share(c), min(30, max(10, width-90))), percent(c))
	}
	text += fmt.Sprintf("  %s rows/s  %s/s", humanize.Comma(int64(s.RowRate)), humanize.IBytes(uint64(s.ByteRate)))
	if s.ETA >= 0 && s.Migration.GetState() == droverv1.Migration_STATE_RUNNING {
		text += "  ETA " + s.ETA.Round(time.Second).String()
	}
	return text
}

// tableLines is one line a table.
func tableLines(s Snapshot, tables []*droverv1.Table) []string {
	g := output.NewGrid("TABLE", "STATE", ">ROWS", ">%", ">RATE", ">RANGES", ">VERIFIED", ">RETRIES")
	for _, t := range tables {
		c := t.GetCounters()
		g.Add(t.GetSource(), StateName(t.GetState()), humanize.Comma(c.GetRowsLoaded()), percent(c),
			humanize.Comma(int64(s.TableRates[t.GetName()]))+"/s",
			fmt.Sprintf("%d/%d", c.GetRangesLoaded(), c.GetRanges()),
			fmt.Sprintf("%d", c.GetRangesVerified()), fmt.Sprintf("%d", c.GetRetries()))
	}
	return g.Lines()
}

// visible chooses tables that are at work or blocked, then others, up to n.
func visible(tables []*droverv1.Table, n int) []*droverv1.Table {
	if len(tables) <= n {
		return tables
	}
	var busy, rest []*droverv1.Table
	for _, t := range tables {
		switch t.GetState() {
		case droverv1.Table_STATE_PLANNED, droverv1.Table_STATE_COMPLETE, droverv1.Table_STATE_WAITING, droverv1.Table_STATE_STAGED,
			droverv1.Table_STATE_SKIPPED:
			rest = append(rest, t)
		default:
			busy = append(busy, t)
		}
	}
	return append(busy, rest...)[:n]
}

// share is the loaded part of the estimate, from 0 to 1.
func share(c *droverv1.Counters) float64 {
	if c.GetRangesVerified() == c.GetRanges() && c.GetRanges() > 0 {
		return 1
	}
	if c.GetRowsEstimated() <= 0 {
		return 0
	}
	// An estimate may be low; only a proof makes it 100 %.
	return min(0.999, float64(c.GetRowsLoaded())/float64(c.GetRowsEstimated()))
}

func percent(c *droverv1.Counters) string {
	if c.GetRowsEstimated() < 0 && share(c) < 1 {
		return "?"
	}
	return fmt.Sprintf("%.1f", 100*share(c))
}

// bar draws a share.
func bar(share float64, width int) string {
	full := int(share * float64(width))
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", width-full) + "]"
}

// cut shortens a line to the screen, since a wrapped one could not be erased.
func cut(line string, width int) string {
	if width <= 0 || utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:width-1]) + "…"
}
