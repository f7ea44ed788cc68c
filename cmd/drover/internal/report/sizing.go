package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/spec"

	"github.com/drover-db/drover/cmd/drover/internal/output"
)

// barWidth is the longest bar of a histogram.
const barWidth = 40

// writeSizes says, for each table of more than one range, how many rows its ranges
// are expected to have, and draws how they spread.
func writeSizes(w io.Writer, tables []*droverv1.Table) {
	for _, t := range tables {
		s, ranges := t.GetRangeSizes(), count(int64(t.GetCounters().GetRanges()), "range")
		switch {
		case t.GetCounters().GetRanges() < 2 || len(s.GetBuckets()) == 0:
		case s.GetSmallest() == s.GetLargest():
			fmt.Fprintf(w, "\n%s: %s of about %s expected rows each\n", output.Clean(t.GetSource()), ranges, humanize.Comma(s.GetMedian()))
		default:
			fmt.Fprintf(w, "\n%s: %s of %s to %s expected rows, median %s\n", output.Clean(t.GetSource()), ranges,
				humanize.Comma(s.GetSmallest()), humanize.Comma(s.GetLargest()), humanize.Comma(s.GetMedian()))
			_ = histogram(s.GetBuckets()).Write(w)
		}
	}
}

// histogram draws buckets, without the empty ones before the first.
func histogram(buckets []*droverv1.RangeSizes_Bucket) *output.Grid {
	most := int32(1)
	for _, b := range buckets {
		most = max(most, b.GetRanges())
	}
	g := output.NewGrid(">  UP TO ROWS", ">RANGES", "")
	for _, b := range buckets {
		if g.Len() == 0 && b.GetRanges() == 0 {
			continue
		}
		length := int(b.GetRanges())
		if most > barWidth && length > 0 {
			length = max(1, length*barWidth/int(most)) // what is there at all has a bar
		}
		g.Add(humanize.Comma(b.GetUpToRows()), fmt.Sprint(b.GetRanges()), strings.Repeat("#", length))
	}
	return g
}

// writeSizing says what the migration is expected to take, and what that rests on.
func writeSizing(w io.Writer, m *droverv1.Migration) {
	s := m.GetSizing()
	fmt.Fprintln(w, "\nExpected:")
	if s.GetSampledSeconds() > 0 && s.GetSampledRows() > 0 {
		speed := humanize.IBytes(uint64(float64(s.GetSampledBytes())/s.GetSampledSeconds())) + "/s"
		fmt.Fprintf(w, "  %s of rows to move, by a sample of %s (%s) that one connection read in %s\n", bytes(s.GetTravelBytes()),
			count(s.GetSampledRows(), "row"), bytes(s.GetSampledBytes()), duration(s.GetSampledSeconds()))
		fmt.Fprintln(w, "  "+pace(m, count(int64(cmp.Or(s.GetExtractSlots(), 1)), "extraction")+" at the measured "+speed+" each"))
	} else {
		fmt.Fprintln(w, "  no sample was read, so nothing can be said about time")
	}
	fmt.Fprintf(w, "  up to %s of disk for rows under way, where the message server keeps its state (stream.maxBytes)\n", bytes(streamBytes(m)))
}

// pace says how long reading takes, and whether that rests on its speed or on a limit.
func pace(m *droverv1.Migration, speed string) string {
	took, limit := about(m.GetSizing().GetReadSeconds()), m.GetSizing().GetReadLimit()
	if limit == "" {
		return "reading alone takes " + took + " with " + speed + "; loading and proving usually take two to three times as long"
	}
	most := map[string]string{"limits.rows": m.GetLimits().GetRows(), "limits.bytes": m.GetLimits().GetBytes()}[limit]
	return "reading takes " + took + ", for " + limit + " allows " + most + "; without it, " + speed + " would read faster"
}

// about words an estimate of seconds.
func about(seconds float64) string {
	if seconds < 1 {
		return "less than a second"
	}
	return "about " + (time.Duration(math.Round(seconds)) * time.Second).String()
}

// streamBytes is the disk that rows under way may take; without a sample, what the
// spec allows.
func streamBytes(m *droverv1.Migration) int64 {
	if n := m.GetSizing().GetStreamBytes(); n > 0 {
		return n
	}
	stream := spec.WithDefaults(m.GetSpec()).GetStream()
	limit, err := spec.ParseSize(stream.GetMaxBytes())
	if err != nil {
		return 0
	}
	return limit * int64(stream.GetReplicas())
}

func bytes(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }
