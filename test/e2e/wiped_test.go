package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// wipe ends the NATS server, removes all that it kept, and starts it again after a while.
func (c *cluster) wipe(away time.Duration) {
	c.t.Helper()
	c.down("nats-0")
	if err := os.RemoveAll(filepath.Join(c.drover.Dir, "nats-0")); err != nil {
		c.t.Fatal(err)
	}
	time.Sleep(away)
	c.up("nats-0")
}

// logged tells how many lines of a member's log have some words.
func (c *cluster) logged(name, words string) int {
	c.t.Helper()
	raw, err := os.ReadFile(c.member(name).log)
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.Count(string(raw), words)
}

// The whole store of NATS is lost in the middle of a migration, control log and snapshots
// with it: the coordinator that leads writes down again what it knows, and the migration
// goes on by itself.
func TestProcesses_NATSStoreWiped(t *testing.T) {
	for _, x := range []struct {
		name         string
		coordinators int
		away         time.Duration
	}{
		{"OneCoordinator", 1, 200 * time.Millisecond},
		{"OneCoordinatorLongAway", 1, 9 * time.Second},
		{"TwoCoordinators", 2, 200 * time.Millisecond},
		{"TwoCoordinatorsLongAway", 2, 9 * time.Second},
	} {
		t.Run(x.name, func(t *testing.T) {
			source, target := smallSource(t, 60_000)
			c := newClusterOf(t, layout{nats: 1, coordinators: x.coordinators}, append(secrets(t, source, target), slow)...)
			c.apply(source, target, "ranges: {targetRows: 1000}")
			c.until("under way", func(s status) bool { return s.Counters.RangesVerified >= 15 })
			before, _ := c.status()
			begin := time.Now()
			c.wipe(x.away)
			c.until("going on", func(s status) bool { return s.Counters.RangesVerified >= before.Counters.RangesVerified+5 })
			t.Logf("five more ranges verified %s after the store was lost", time.Since(begin).Round(100*time.Millisecond))
			c.complete()
			equal(t, source, target)
			said := 0
			for i := range x.coordinators {
				said += c.logged("coordinator-"+strconv.Itoa(i), "control log written down again from memory")
			}
			if said != 1 {
				t.Errorf("coordinators say %d times that they wrote the log down again", said)
			}
			r := c.drover.Run(t, "get", "events", "-m", "e2e", "--server", c.address)
			for _, kind := range []string{"control_restored", "control_confirmed"} {
				if strings.Count(r.Stdout, kind) != 1 {
					t.Errorf("the events tell of %d times %s:\n%s%s", strings.Count(r.Stdout, kind), kind, r.Stdout, r.Stderr)
				}
			}
		})
	}
}
