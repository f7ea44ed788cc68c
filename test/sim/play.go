package sim

import (
	"fmt"
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
	// Failed is the run of the lowest seed that was seen to fail; nil for none.
	Failed *Result
}

// Play runs n seeds from first on, on so many cores, and stops at the first violation.
// progress, if not nil, is told now and then how many are done.
func Play(first, n uint64, cores int, progress func(done uint64)) Summary {
	var (
		next  atomic.Uint64
		mu    sync.Mutex
		sum   Summary
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
	s.Stats.Faults += r.Stats.Faults
	s.Stats.Attempts += r.Stats.Attempts
	s.Stats.Duplicates += r.Stats.Duplicates
	s.Stats.Terms += r.Stats.Terms
	if r.Violation != nil && (s.Failed == nil || r.Seed < s.Failed.Seed) {
		s.Failed = &r
	}
}

// Replay is the command that plays a seed again and says all that happens.
func Replay(seed uint64) string {
	return fmt.Sprintf("go run ./test/cmd/simulate -seed %d -trace", seed)
}

// String sums up in a line.
func (s Summary) String() string {
	return fmt.Sprintf("%d seeds in %.1f s (%.0f/s): %d faults, %d attempts, %d batches doubled by lost answers, %d terms, %s of virtual time",
		s.Seeds, s.Took.Seconds(), float64(s.Seeds)/s.Took.Seconds(), s.Stats.Faults, s.Stats.Attempts, s.Stats.Duplicates, s.Stats.Terms, s.Virtual.Round(time.Minute))
}
