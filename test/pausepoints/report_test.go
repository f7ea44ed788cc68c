package pausepoints

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// result is how a case went that came to a good end.
type result struct {
	took time.Duration
	// retries are the attempts at ranges beyond the first, met is how often the run came
	// to the point.
	retries int64
	met     int
}

// report collects results.
type report struct {
	mu      sync.Mutex
	results map[trial]result
}

func (r *report) add(c trial, out result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.results == nil {
		r.results = map[trial]result{}
	}
	r.results[c] = out
}

// String is the table: a line for each point, a column for each fault, in which a case
// that came to a good end has its seconds and the attempts that it cost.
func (r *report) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nSCENARIO\tPOINT\tAT\tMET\t%s\n", strings.ToUpper(strings.Join(names(faults), "\t")))
	for _, row := range matrix() {
		cells, times, any := "", 0, false
		for _, f := range faults {
			out, ok := r.results[trial{row, f}]
			cell := "-"
			if ok {
				cell, any = fmt.Sprintf("ok %.1fs +%d", out.took.Seconds(), out.retries), true
				times += out.met
			}
			cells += "\t" + cell
		}
		if any {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d%s\n", row.scenario, row.point, row.match, times, cells)
		}
	}
	_ = w.Flush() // into memory
	fmt.Fprintf(&text, "%d cases came to a good end\n", len(r.results))
	return text.String()
}

func names(list []fault) []string {
	var out []string
	for _, f := range list {
		out = append(out, string(f))
	}
	return slices.Clip(out)
}
