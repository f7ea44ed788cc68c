package sim

import (
	"bytes"
	"runtime"
	"testing"
)

// Seeds that every test run plays; make simulate plays more.
const seeds = 2000

func TestPlay_NothingLostNothingDoubled(t *testing.T) {
	s := Play(0, seeds, runtime.NumCPU(), nil)
	t.Log(s)
	if s.Failed != nil {
		t.Fatalf("seed %d: %v\nsee it with: %s", s.Failed.Seed, s.Failed.Violation, Replay(s.Failed.Seed))
	}
	if s.Seeds != seeds || s.Stats.Faults.Total() < seeds || s.Stats.Duplicates == 0 {
		t.Errorf("these runs tried too little to show anything: %v", s)
	}
}

// A seed is worth something only if it does the same again.
func TestRun_IsRepeatable(t *testing.T) {
	for seed := range uint64(40) {
		var first, again bytes.Buffer
		Run(seed, &first)
		Run(seed, &again)
		if !bytes.Equal(first.Bytes(), again.Bytes()) {
			t.Fatalf("seed %d went otherwise the second time", seed)
		}
	}
}
