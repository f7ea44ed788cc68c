package sim

import (
	"flag"
	"os"
	"testing"
)

var (
	one   = flag.Int64("seed", -1, "play this seed alone")
	from  = flag.Int("from", 0, "first seed")
	seeds = flag.Int("seeds", 3000, "how many seeds to play")
	keep  = flag.Bool("keep", false, "go on")
)

func TestSimulation(t *testing.T) {
	if *one >= 0 {
		r := Run(uint64(*one), os.Stdout)
		t.Log(r.Virtual, r.Stats, r.Violation)
		return
	}
	for seed := range uint64(*seeds) {
		seed += uint64(*from)
		if r := Run(seed, nil); r.Violation != nil {
			t.Errorf("seed %d: %v", seed, r.Violation)
			if !*keep {
				return
			}
		}
	}
}
