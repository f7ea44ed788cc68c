package report

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/drover-db/drover/cmd/drover/internal/output"
)

// receiptDigits of a digest are shown: enough to tell two apart, and to find the
// whole one with `drover get tables -o wide`.
const receiptDigits = 12

// Write writes a summary for people.
func Write(w io.Writer, s *Summary, wide bool) error {
	var b strings.Builder
	writeTables(&b, s, wide)
	writeSteps(&b, s)
	writeDifferences(&b, s)
	writeChosen(&b, s)
	writeNotMoved(&b, s)
	fmt.Fprintf(&b, "\n%s\n", output.Clean(s.Verdict))
	return output.Printf(w, "%s", b.String())
}

// writeTables writes one line a table.
func writeTables(w io.Writer, s *Summary, wide bool) {
	if len(s.Tables) == 0 {
		return
	}
	g := output.NewGrid("TABLE", "STATE", ">ROWS", ">BYTES", ">RANGES", ">ATTEMPTS", ">EXTRACT", ">LOAD", ">VALIDATE", ">SCHEMA", "RECEIPT")
	for _, t := range s.Tables {
		name := t.Source
		if t.Target != t.Source {
			name += " -> " + t.Target
		}
		g.Add(name, t.State, humanize.Comma(t.Rows), humanize.IBytes(uint64(t.Bytes)),
			fmt.Sprintf("%d/%d", t.RangesVerified, t.Ranges), strconv.FormatInt(t.Attempts, 10),
			duration(t.Seconds.Extract), duration(t.Seconds.Load), duration(t.Seconds.Validate), duration(t.Seconds.Schema),
			receipt(t, wide))
	}
	_ = g.Write(w)
}

// receipt shows the digest that both sides have, or both where they differ.
func receipt(t Table, wide bool) string {
	source, target := t.SourceDigest, t.TargetDigest
	if !wide {
		source, target = source[:min(len(source), receiptDigits)], target[:min(len(target), receiptDigits)]
	}
	switch {
	case source == "" && target == "":
		return "-"
	case t.SourceDigest == t.TargetDigest:
		return source + " = both sides"
	default:
		return cmp.Or(source, "?") + " / " + cmp.Or(target, "?")
	}
}

// writeSteps writes how long each kind of work took.
func writeSteps(w io.Writer, s *Summary) {
	work := s.Seconds.Schema + s.Seconds.Extract + s.Seconds.Load + s.Seconds.Validate
	if work == 0 {
		return
	}
	fmt.Fprintln(w)
	g := output.NewGrid("STEP", ">WORK", ">SHARE", ">ROWS/S", ">BYTES/S")
	step := func(name string, seconds float64, moved bool) {
		rows, bytes := "", ""
		if moved && seconds > 0 {
			rows = humanize.Comma(int64(float64(s.Total.Rows) / seconds))
			bytes = humanize.IBytes(uint64(float64(s.Total.Bytes) / seconds))
		}
		g.Add(name, duration(seconds), fmt.Sprintf("%.0f%%", 100*seconds/work), rows, bytes)
	}
	step("extract", s.Seconds.Extract, true)
	step("load", s.Seconds.Load, true)
	step("validate", s.Seconds.Validate, true)
	step("schema, keys, indexes", s.Seconds.Schema, false)
	g.Add("wall clock", duration(s.Total.Elapsed), "", perSecond(s.Total.Rows, s.Total.Elapsed), "")
	_ = g.Write(w)
}

func perSecond(rows int64, seconds float64) string {
	if seconds <= 0 {
		return ""
	}
	return humanize.Comma(int64(float64(rows) / seconds))
}

// writeDifferences says what is wrong with each table.
func writeDifferences(w io.Writer, s *Summary) {
	for _, t := range s.Tables {
		if t.Reason != "" {
			fmt.Fprintf(w, "\n%s is %s: %s\n", output.Clean(t.Source), t.State, output.Clean(t.Reason))
		}
		writeDifferent(w, t)
	}
}

// writeDifferent names a table's rows that failed validations found.
func writeDifferent(w io.Writer, t Table) {
	if len(t.Differences) > 0 {
		fmt.Fprintf(w, "\n%s: rows that validations found different:\n", output.Clean(t.Source))
	}
	for _, d := range t.Differences {
		fmt.Fprintf(w, "  %s %s", d.Type, output.Clean(cmp.Or(d.Key, "(no key)")))
		if len(d.Columns) > 0 {
			fmt.Fprintf(w, ": %s", output.Clean(strings.Join(d.Columns, ", ")))
		}
		fmt.Fprintln(w)
	}
}

// writeNotMoved lists what stayed behind and what the plan had to say.
func writeNotMoved(w io.Writer, s *Summary) {
	if len(s.Unmoved) > 0 {
		fmt.Fprintln(w, "\nNot moved:")
		g := output.NewGrid("OBJECT", "NAME", "REASON")
		for _, u := range s.Unmoved {
			g.Add(u.Object, u.Name, u.Reason)
		}
		_ = g.Write(w)
	}
	if len(s.Findings) > 0 {
		fmt.Fprintln(w, "\nFindings:")
		_ = FindingGrid(s.Findings).Write(w)
	}
}

// FindingGrid lists findings.
func FindingGrid(findings []Finding) *output.Grid {
	g := output.NewGrid("SEVERITY", "CODE", "WHERE", "MESSAGE")
	for _, f := range findings {
		g.Add(f.Severity, f.Code, where(f), f.Message)
	}
	return g
}

// where is the place that a finding is about.
func where(f Finding) string {
	if f.Column != "" {
		return f.Table + "." + f.Column
	}
	return f.Table
}

func count(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return humanize.Comma(n) + " " + thing
}

// duration words seconds: "0.42s", "3m05s".
func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.2fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
}
