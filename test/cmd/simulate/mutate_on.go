//go:build mutation

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/drover-db/drover/internal/guard"
	"github.com/drover-db/drover/test/sim"
)

// mutate takes guards away, one set after another, and prints the seed that finds each.
func mutate(most uint64, cores int, only string) error {
	var survived []string
	tried := 0
	for _, m := range sim.Mutations() {
		if !strings.Contains(names(m), only) {
			continue
		}
		tried++
		guard.Remove(m...)
		s := sim.Play(0, most, cores, nil)
		guard.Remove()
		name := names(m)
		if s.Failed == nil {
			survived = append(survived, name)
			fmt.Printf("%-44s SURVIVED %d seeds\n", name, s.Seeds)
			continue
		}
		fmt.Printf("%-44s seed %-6d %5.1f s  %v\n", name, s.Failed.Seed, s.Took.Round(time.Millisecond).Seconds(), s.Failed.Violation)
	}
	fmt.Printf("%d passed, %d failed\n", tried-len(survived), len(survived))
	if len(survived) > 0 {
		return fmt.Errorf("nobody would notice if these guards were gone: %s", strings.Join(survived, ", "))
	}
	return nil
}

// names of the guards of a set.
func names(set []guard.Guard) string {
	var out []string
	for _, g := range set {
		out = append(out, string(g))
	}
	return strings.Join(out, " + ")
}
