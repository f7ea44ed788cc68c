package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/drover-db/drover/internal/advice"

	"github.com/drover-db/drover/cmd/drover/internal/output"
)

// Check is what `drover check` found.
type Check struct {
	Findings []Finding `json:"findings"`
	// Tables that were scanned (--deep).
	Scanned []Scanned `json:"scanned,omitempty"`
}

// Scanned is a table all of whose rows were read.
type Scanned struct {
	Table   string          `json:"table"`
	Rows    int64           `json:"rows"`
	Columns []ScannedColumn `json:"columns"`
}

// ScannedColumn counts the values of a column that do not move as they are.
type ScannedColumn struct {
	Column string `json:"column"`
	// Lossy values have no exact form in the target; Touched are those that the
	// column's policy changes. A column without either is lossless.
	Lossy    int64 `json:"lossy"`
	Touched  int64 `json:"touched"`
	Lossless bool  `json:"lossless"`
}

// NewCheck collects what a plan says.
func NewCheck(p Plan) Check {
	out := Check{Findings: p.Findings()}
	if out.Findings == nil {
		out.Findings = []Finding{}
	}
	for _, t := range p.Tables {
		if t.GetAssessment() == nil {
			continue
		}
		s := Scanned{Table: t.GetSource(), Rows: t.GetAssessment().GetRows()}
		for _, c := range t.GetAssessment().GetColumns() {
			s.Columns = append(s.Columns, ScannedColumn{Column: c.GetColumn(), Lossy: c.GetLossy(), Touched: c.GetTouched(),
				Lossless: c.GetLossy() == 0 && c.GetTouched() == 0})
		}
		out.Scanned = append(out.Scanned, s)
	}
	return out
}

// WriteCheck writes it for people; none is said where nothing was found, wide adds a
// line a column that was scanned.
func WriteCheck(w io.Writer, c Check, none string, wide bool) error {
	var b strings.Builder
	if len(c.Findings) > 0 {
		_ = FindingGrid(c.Findings).Write(&b)
		writeRows(&b, c.Findings)
		writeFixes(&b, c.Findings)
	}
	writeScanned(&b, c.Scanned, wide)
	if len(c.Findings) == 0 {
		fmt.Fprintln(&b, output.Clean(none))
	}
	return output.Printf(w, "%s", b.String())
}

// writeRows names rows that findings are about.
func writeRows(w io.Writer, list []Finding) {
	g := output.NewGrid("CODE", "COLUMN", ">ROWS", "FIRST")
	for _, f := range list {
		if f.Rows > 0 {
			g.Add(f.Code, where(f), humanize.Comma(f.Rows), strings.Join(f.Keys, "; "))
		}
	}
	if g.Len() > 0 {
		fmt.Fprintln(w, "\nRows:")
		_ = g.Write(w)
	}
}

// writeFixes writes the lines of a spec that settle all findings.
func writeFixes(w io.Writer, list []Finding) {
	var fixes []string
	for _, f := range list {
		if f.Fix != "" {
			fixes = append(fixes, f.Fix)
		}
	}
	if len(fixes) == 0 {
		return
	}
	fmt.Fprintln(w, "\nWhat settles them in a spec (drover run -f); choose per column:")
	fmt.Fprintln(w)
	for line := range strings.Lines(advice.Merge(fixes)) {
		fmt.Fprintf(w, "  %s\n", output.Clean(strings.TrimSuffix(line, "\n")))
	}
}

// writeScanned says what a scan of all rows has proven.
func writeScanned(w *strings.Builder, list []Scanned, wide bool) {
	if len(list) == 0 {
		return
	}
	if w.Len() > 0 {
		fmt.Fprintln(w)
	}
	g := output.NewGrid("SCANNED", ">ROWS", ">COLUMNS", ">LOSSLESS", ">BY POLICY", ">LOSSY")
	if wide {
		g = output.NewGrid("SCANNED", ">ROWS", "COLUMN", ">BY POLICY", ">LOSSY")
	}
	for _, t := range list {
		var lossless, touched, lossy int
		for _, c := range t.Columns {
			switch {
			case c.Lossy > 0:
				lossy++
			case c.Touched > 0:
				touched++
			default:
				lossless++
			}
			if wide {
				g.Add(t.Table, humanize.Comma(t.Rows), c.Column, humanize.Comma(c.Touched), humanize.Comma(c.Lossy))
			}
		}
		if !wide {
			g.Add(t.Table, humanize.Comma(t.Rows), fmt.Sprint(len(t.Columns)), fmt.Sprint(lossless), fmt.Sprint(touched), fmt.Sprint(lossy))
		}
	}
	_ = g.Write(w)
}
