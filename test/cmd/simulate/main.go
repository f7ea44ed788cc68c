// Command simulate moves migrations in virtual time while everything goes wrong, a seed
// a run.
//
//	simulate -seeds 1000000          play seeds, from -from on, on all cores
//	simulate -seed 4711 -trace       play one seed and say all that happens
//	simulate -mutations              take each guard away and find the damage; needs
//	                                 the build tag "mutation"
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"github.com/drover-db/drover/test/sim"
)

func main() {
	var (
		seeds     = flag.Uint64("seeds", 1_000_000, "how many seeds to play")
		from      = flag.Uint64("from", 0, "the first of them")
		seed      = flag.Int64("seed", -1, "play this seed alone")
		trace     = flag.Bool("trace", false, "with -seed: say all that happens")
		mutations = flag.Bool("mutations", false, "take guards away, up to -seeds seeds each")
		only      = flag.String("only", "", "with -mutations: only the sets that name this guard")
		cores     = flag.Int("cores", runtime.NumCPU(), "how many runs at once")
		profile   = flag.String("cpuprofile", "", "write a CPU profile to this file")
	)
	flag.Parse()
	// Runs are short and make much garbage: it is collected a hundred MiB at a time.
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(128 << 20)
	stop, err := profiled(*profile)
	if err != nil {
		fmt.Fprintln(os.Stderr, "simulate:", err)
		os.Exit(1)
	}
	switch {
	case *mutations:
		err = mutate(*seeds, *cores, *only)
	case *seed >= 0:
		err = one(uint64(*seed), *trace)
	default:
		err = many(*from, *seeds, *cores)
	}
	if err = errors.Join(err, stop()); err != nil {
		fmt.Fprintln(os.Stderr, "simulate:", err)
		os.Exit(1)
	}
}

// profiled writes a CPU profile to a file, if one is named, until stop.
func profiled(file string) (stop func() error, err error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// one plays a seed.
func one(seed uint64, trace bool) error {
	var r sim.Result
	if trace {
		r = sim.Run(seed, os.Stdout)
	} else {
		r = sim.Run(seed, nil)
	}
	if r.Violation != nil {
		return fmt.Errorf("seed %d: %w", seed, r.Violation)
	}
	fmt.Printf("seed %d: complete after %s of virtual time and %d steps, %d faults, %d attempts\n",
		seed, r.Virtual.Round(time.Millisecond), r.Stats.Steps, r.Stats.Faults.Total(), r.Stats.Attempts)
	return nil
}

// many plays seeds, and tells how to see the first that fails.
func many(from, n uint64, cores int) error {
	began, told := time.Now(), time.Now()
	s := sim.Play(from, n, cores, func(done uint64) {
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			fmt.Printf("%d of %d seeds, %.0f/s\n", done, n, float64(done)/time.Since(began).Seconds())
		}
	})
	fmt.Println(s)
	if s.Failed != nil {
		return fmt.Errorf("seed %d: %w\nsee it with: %s", s.Failed.Seed, s.Failed.Violation, sim.Replay(s.Failed.Seed))
	}
	fmt.Println("verdict: nothing lost, nothing doubled, nothing wrong, everything came to its end")
	return nil
}
