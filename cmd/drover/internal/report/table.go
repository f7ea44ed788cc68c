package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"

	"github.com/drover-db/drover/cmd/drover/internal/output"
	"github.com/drover-db/drover/cmd/drover/internal/progress"
)

// WriteTable writes everything that is known of where a table stands: what is proven,
// what is not and why, and what is left out or changed by choice. Ranges are those
// that are blocked or skipped.
func WriteTable(w io.Writer, t *droverv1.Table, ranges []*droverv1.Range) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s -> %s  (%s)\n", output.Clean(t.GetSource()), output.Clean(targetText(t)), output.Clean(t.GetName()))
	line := func(title, format string, args ...any) {
		fmt.Fprintf(&b, "  %-10s %s\n", title, output.Clean(fmt.Sprintf(format, args...)))
	}
	line("state", "%s", progress.StateName(t.GetState()))
	if t.GetPhase() != "" {
		line("phase", "%s", t.GetPhase())
	}
	if t.GetReason() != "" {
		line("why", "%s", whyText(t))
	}
	c := t.GetCounters()
	line("proven", "%d of %s, %s of %s in the target read back and equal", c.GetRangesVerified(), count(int64(c.GetRanges()), "range"),
		humanize.Comma(c.GetRowsVerified()), count(c.GetRowsLoaded(), "row"))
	if t.GetSourceDigest() != "" {
		line("receipt", "%s", receipt(Table{SourceDigest: t.GetSourceDigest(), TargetDigest: t.GetTargetDigest()}, true))
	}
	if t.GetAttempts() > 0 || c.GetRetries() > 0 {
		line("tries", "%d of what failed last; %d beyond the first in all", t.GetAttempts(), c.GetRetries())
	}
	if where := t.GetPlan().GetSource().GetWhere(); where != "" {
		line("filtered", "%s behind: only those move where %s", leftText(t), where)
	}
	for _, v := range t.GetTouched() {
		line("by policy", "%s of %s: %s", count(v.GetValues(), "value"), v.GetColumn(), v.GetPolicy())
	}
	if c.GetRowsRejected() > 0 {
		line("rejected", "%s that the target refuses; the first: %s", count(c.GetRowsRejected(), "row"), t.GetFirstReject())
	}
	if t.GetRangesSkipped() > 0 {
		line("skipped", "%s: their rows are not in the target", count(int64(t.GetRangesSkipped()), "range"))
	}
	writeRanges(&b, ranges)
	writeDifferent(&b, table(t))
	if p := t.GetPlan(); p != nil {
		fmt.Fprintf(&b, "\n  KEY %s, rows travel as %s\n", output.Clean(KeyText(p.GetSource().GetKey())), encodingText(t))
		_ = columnGrid(p).Write(&b)
	}
	writeNext(&b, t)
	return output.Printf(w, "%s", b.String())
}

// whyText is a table's reason with the side and the kind of it.
func whyText(t *droverv1.Table) string {
	out := t.GetReason()
	if side := t.GetReasonSide(); side != "" && !strings.HasPrefix(out, side) {
		out = side + ": " + out
	}
	if t.GetReasonKind() != "" {
		out += " (" + t.GetReasonKind() + ")"
	}
	return out
}

// leftText counts what a table's condition leaves behind, which is known at the end.
func leftText(t *droverv1.Table) string {
	if t.GetState() != droverv1.Table_STATE_COMPLETE && t.GetCounters().GetRowsFiltered() == 0 {
		return "rows stay"
	}
	n := t.GetCounters().GetRowsFiltered()
	if n == 1 {
		return "1 row stays"
	}
	return humanize.Comma(n) + " rows stay"
}

func encodingText(t *droverv1.Table) string {
	return strings.ToLower(strings.TrimPrefix(t.GetEncoding().String(), "ENCODING_"))
}

// writeRanges lists ranges that are not as they should be.
func writeRanges(w io.Writer, ranges []*droverv1.Range) {
	if len(ranges) == 0 {
		return
	}
	fmt.Fprintln(w)
	g := output.NewGrid(">  RANGE", "KEYS", "STATE", ">TRIES", "REASON")
	for _, r := range ranges {
		g.Add(r.GetName()[strings.LastIndexByte(r.GetName(), '/')+1:], r.GetLabel(), progress.StateName(r.GetState()), fmt.Sprint(r.GetAttempts()), r.GetReason())
	}
	_ = g.Write(w)
}

// writeNext says what can be done about a table that is blocked.
func writeNext(w io.Writer, t *droverv1.Table) {
	if t.GetState() != droverv1.Table_STATE_BLOCKED {
		return
	}
	migration, _, _ := strings.Cut(strings.TrimPrefix(t.GetName(), "migrations/"), "/")
	arguments := output.Clean(migration + " --table " + cmp.Or(t.GetSource(), t.GetTarget()))
	fmt.Fprintf(w, "\nWhen the cause is gone: drover retry %s\nTo go on without it:    drover skip %s\n", arguments, arguments)
}
