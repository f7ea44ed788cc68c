package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"

	"github.com/drover-db/drover/cmd/drover/internal/output"
)

// barWidth is the longest bar of a histogram.
const barWidth = 40

// writeSizes draws, for each table of more than one range, how many rows its ranges
// are expected to have.
func writeSizes(w io.Writer, tables []*droverv1.Table) {
	for _, t := range tables {
		s := t.GetRangeSizes()
		if t.GetCounters().GetRanges() < 2 || len(s.GetBuckets()) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s: %s of %s to %s expected rows, median %s\n", output.Clean(t.GetSource()), count(int64(t.GetCounters().GetRanges()), "range"),
			humanize.Comma(s.GetSmallest()), humanize.Comma(s.GetLargest()), humanize.Comma(s.GetMedian()))
		most := int32(1)
		for _, b := range s.GetBuckets() {
			most = max(most, b.GetRanges())
		}
		g := output.NewGrid(">  UP TO ROWS", ">RANGES", "")
		for _, b := range s.GetBuckets() {
			// What is there at all has a bar.
			length := min(int(b.GetRanges()), max(1, int(b.GetRanges())*barWidth/int(most)))
			g.Add(humanize.Comma(b.GetUpToRows()), fmt.Sprint(b.GetRanges()), strings.Repeat("#", length))
		}
		_ = g.Write(w)
	}
}

// writeSizing says what the migration is expected to take, and what that rests on.
func writeSizing(w io.Writer, s *droverv1.Sizing) {
	if s == nil {
		return
	}
	fmt.Fprintln(w, "\nExpected:")
	if s.GetSampledSeconds() > 0 && s.GetSampledRows() > 0 {
		speed := humanize.IBytes(uint64(float64(s.GetSampledBytes())/s.GetSampledSeconds())) + "/s"
		fmt.Fprintf(w, "  %s of rows to move, by a sample of %s (%s) that one connection read in %s\n", bytes(s.GetTravelBytes()),
			count(s.GetSampledRows(), "row"), bytes(s.GetSampledBytes()), duration(s.GetSampledSeconds()))
		fmt.Fprintf(w, "  reading alone takes about %s with %s at the measured %s each; loading and proving usually take two to three times as long\n",
			duration(s.GetReadSeconds()), count(int64(cmp.Or(s.GetExtractSlots(), 1)), "extraction"), speed)
	} else {
		fmt.Fprintln(w, "  no sample was read, so nothing can be said about time")
	}
	if s.GetStreamBytes() > 0 {
		fmt.Fprintf(w, "  up to %s of disk for rows under way, where the message server keeps its state (stream.maxBytes)\n", bytes(s.GetStreamBytes()))
	}
}

func bytes(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }
