package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"

	"github.com/drover-db/drover/cmd/drover/internal/output"
)

// writeChosen lists what is not in the target, or not as in the source, because
// somebody chose so.
func writeChosen(w io.Writer, s *Summary) {
	g := output.NewGrid("TABLE", "WHAT", ">COUNT")
	for _, t := range s.Tables {
		if t.State == "SKIPPED" {
			g.Add(t.Source, "the whole table skipped", "")
		}
		if t.RangesSkipped > 0 {
			g.Add(t.Source, "ranges skipped", fmt.Sprint(t.RangesSkipped))
		}
		if t.RowsFiltered > 0 {
			g.Add(t.Source, "rows that its condition leaves behind", humanize.Comma(t.RowsFiltered))
		}
		if t.RowsRejected > 0 {
			g.Add(t.Source, "rows that the target refuses, kept in files of the loaders; the first: "+t.FirstReject, humanize.Comma(t.RowsRejected))
		}
		for _, v := range t.Touched {
			g.Add(t.Source, fmt.Sprintf("values of %s without an exact form: %s", v.Column, v.Policy), humanize.Comma(v.Values))
		}
	}
	if g.Len() == 0 {
		return
	}
	fmt.Fprintln(w, "\nBy your choice:")
	_ = g.Write(w)
}

// TouchedText words what policies changed in a table: "born set-null 12".
func TouchedText(list []*droverv1.TouchedColumn) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fmt.Sprintf("%s %s %s", v.GetColumn(), v.GetPolicy(), humanize.Comma(v.GetValues()))
	}
	return strings.Join(out, "; ")
}
