package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// report adds up all rounds.
type report struct {
	cleanBytes int64
	rounds     []round

	mu sync.Mutex
	// inflicted faults by name, and those that could not be.
	inflicted, notInflicted map[string]int
}

func newReport() *report {
	return &report{inflicted: map[string]int{}, notInflicted: map[string]int{}}
}

func (r *report) add(one round) { r.rounds = append(r.rounds, one) }

func (r *report) fault(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inflicted[name]++
}

func (r *report) failed(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notInflicted[name]++
}

func (r *report) faults() (n int) {
	for _, count := range r.inflicted {
		n += count
	}
	return n
}

// waste is what was read again, as a share of what one reading of every round takes.
func (r *report) waste() float64 {
	var read int64
	for _, one := range r.rounds {
		read += one.bytes
	}
	once := r.cleanBytes * int64(max(len(r.rounds), 1))
	return float64(read-once) / float64(max(once, 1))
}

// print writes what happened.
func (r *report) print(w io.Writer, o options) {
	fmt.Fprintf(w, "\nseed %d, from %s, %d migrations, %d faults:\n", o.seed, o.from, len(r.rounds), r.faults())
	for _, f := range faults {
		fmt.Fprintf(w, "  %5d  %s\n", r.inflicted[f.name], f.name)
	}
	for _, name := range slices.Sorted(maps.Keys(r.notInflicted)) {
		fmt.Fprintf(w, "  %5d  %s: could not be inflicted\n", r.notInflicted[name], name)
	}
	var rows, ranges, retries, duplicates, gaps, mismatches int64
	for _, one := range r.rounds {
		rows += one.rows
		ranges += int64(one.counters.GetRanges())
		retries += one.counters.GetRetries()
		duplicates += one.counters.GetDuplicatesSuppressed()
		mismatches += one.counters.GetMismatches()
		gaps += one.gaps
	}
	fmt.Fprintf(w, "%d rows in %d ranges, %d attempts beyond the first, %d gaps found, %d duplicates suppressed, %d mismatches repaired, %.1f %% of the bytes read again\n",
		rows, ranges, retries, gaps, duplicates, mismatches, 100*r.waste())
	p50, p99 := r.recovery()
	fmt.Fprintf(w, "progress after a fault: p50 %s, p99 %s\n", p50.Round(10*time.Millisecond), p99.Round(10*time.Millisecond))
}

// recovery gives percentiles of the time from a fault's end to the next progress.
func (r *report) recovery() (p50, p99 time.Duration) {
	var took []time.Duration
	for _, one := range r.rounds {
		for _, f := range one.recoveries {
			took = append(took, f.took)
		}
	}
	if len(took) == 0 {
		return 0, 0
	}
	slices.Sort(took)
	return took[len(took)/2], took[len(took)*99/100]
}

// verdict prints it, and gives the exit code.
func (r *report) verdict(w io.Writer, o options) int {
	var lost, doubled, silent, unfinished int64
	for _, one := range r.rounds {
		lost += one.lost
		doubled += one.doubled
		if one.silent() {
			silent++
		}
		if !one.complete {
			unfinished++
		}
	}
	fmt.Fprintf(w, "%d lost, %d doubled, %d silent; %d migrations did not complete\n", lost, doubled, silent, unfinished)
	switch {
	case lost > 0 || doubled > 0 || silent > 0 || unfinished > 0:
		return 1
	case r.waste() > o.maxWaste:
		fmt.Fprintf(w, "more than %.0f %% was read again\n", 100*o.maxWaste)
		return 1
	case r.faults() < o.minFaults:
		fmt.Fprintf(w, "%d faults prove nothing: %d are wanted\n", r.faults(), o.minFaults)
		return 2
	}
	return 0
}
