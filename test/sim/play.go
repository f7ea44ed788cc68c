package sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Summary of many runs.
type Summary struct {
	Seeds   uint64
	Virtual time.Duration
	Took    time.Duration
	Stats   Stats
	// Violations is how many runs failed. Failed is the one of the lowest seed; nil for none.
	Violations int
	Failed     *Result
}

// Play runs n seeds from first on, on so many cores, and stops at the first violation.
// progress, if not nil, is told now and then how many are done.
func Play(first, n uint64, cores int, progress func(done uint64)) Summary {
	var (
		next  atomic.Uint64
		mu    sync.Mutex
		sum   = Summary{Stats: Stats{Faults: Faults{}}}
		group sync.WaitGroup
		began = time.Now()
	)
	for range cores {
		group.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= n {
					return
				}
				r := Run(first+i, nil)
				mu.Lock()
				sum.add(r)
				if r.Violation != nil {
					next.Store(n)
				}
				if progress != nil && sum.Seeds%100 == 0 {
					progress(sum.Seeds)
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	sum.Took = time.Since(began)
	return sum
}

func (s *Summary) add(r Result) {
	s.Seeds++
	s.Virtual += r.Virtual
	s.Stats.Steps += r.Stats.Steps
	s.Stats.Records += r.Stats.Records
	for kind, n := range r.Stats.Faults {
		s.Stats.Faults[kind] += n
	}
	s.Stats.Attempts += r.Stats.Attempts
	s.Stats.Duplicates += r.Stats.Duplicates
	s.Stats.Terms += r.Stats.Terms
	s.Stats.Cuts += r.Stats.Cuts
	if r.Violation == nil {
		return
	}
	s.Violations++
	if s.Failed == nil || r.Seed < s.Failed.Seed {
		s.Failed = &r
	}
}

// Replay is the command that plays a seed again and says all that happens.
func Replay(seed uint64) string {
	return fmt.Sprintf("go run ./test/cmd/simulate -seed %d -trace", seed)
}

// String sums up in a line.
func (s Summary) String() string {
	return fmt.Sprintf("%d seeds in %.1f s (%.0f/s), %s of virtual time, %d events, %d records of control logs, %d terms, %d attempts, %d cuts, %d batches that came again after a lost answer; %d faults: %s; violations: %d",
		s.Seeds, s.Took.Seconds(), float64(s.Seeds)/s.Took.Seconds(), s.Virtual.Round(time.Minute), s.Stats.Steps, s.Stats.Records, s.Stats.Terms,
		s.Stats.Attempts, s.Stats.Cuts, s.Stats.Duplicates, s.Stats.Faults.Total(), s.Stats.Faults, s.Violations)
}

// Faults counts faults by kind.
type Faults map[string]int

// Total counts all of them.
func (f Faults) Total() int {
	n := 0
	for _, of := range f {
		n += of
	}
	return n
}

// String lists the kinds, the most frequent first.
func (f Faults) String() string {
	kinds := slices.SortedFunc(maps.Keys(f), func(a, b string) int { return cmp.Or(cmp.Compare(f[b], f[a]), cmp.Compare(a, b)) })
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("%s %d", kind, f[kind])
	}
	return strings.Join(kinds, ", ")
}
