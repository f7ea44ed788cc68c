package sim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"time"
)

// World is one run.
type World struct {
	seed     uint64
	rng      *rand.Rand
	now      time.Duration
	events   eventHeap
	order    uint64
	ids      uint64
	scenario scenario
	trace    io.Writer

	// source has every row by its bytes, rows those of each table in the order of their
	// keys, ranges its ranges by number, as the log has them.
	source map[string]*row
	rows   map[uint32][]*row
	ranges map[uint32][]*sourceRange

	log          *controlLog
	stream       *stream
	target       *target
	coordinators []*coordinatorProcess
	workers      []*workerProcess
	births       int
	healed       bool
	// snapshots of the source that are held.
	snapshots map[string]*job
	check     checker
	stats     Stats
}

// Stats counts what happened in a run.
type Stats struct {
	// Faults by kind.
	Faults Faults
	// Steps are events of the world, Records those of the control logs.
	Steps, Records, Attempts, Duplicates, Terms, Cuts int
}

// Result of a run.
type Result struct {
	Seed      uint64
	Violation error
	Virtual   time.Duration
	Stats     Stats
}

// maxSteps bounds a run that does not end; no healthy one comes near it.
const maxSteps = 400_000

// Run plays one seed to its end; trace, if not nil, is told what happens.
func Run(seed uint64, trace io.Writer) Result {
	w := newWorld(seed, trace)
	w.begin()
	for w.check.violation == nil && !w.over() {
		if w.stats.Steps++; w.stats.Steps > maxSteps {
			w.violate("%d steps did not bring the migration to its end: %s", maxSteps, w.check.standing())
			break
		}
		w.step()
	}
	if w.check.violation == nil {
		w.check.atEnd()
	}
	return Result{Seed: seed, Violation: w.check.violation, Virtual: w.now, Stats: w.stats}
}

func newWorld(seed uint64, trace io.Writer) *World {
	w := &World{seed: seed, rng: rand.New(rand.NewPCG(seed, 0x5eed)), trace: trace}
	w.scenario = newScenario(w)
	w.snapshots = map[string]*job{}
	w.source, w.rows, w.ranges = map[string]*row{}, map[uint32][]*row{}, map[uint32][]*sourceRange{}
	w.log = &controlLog{w: w, logs: map[string][]record{}}
	w.stream = &stream{w: w}
	w.target = newTarget(w)
	w.check = newChecker(w)
	w.stats.Faults = Faults{}
	return w
}

// event is something that will happen; an owner that died since does not live to see it,
// and one that is paused sees it when it goes on.
type event struct {
	at    time.Duration
	order uint64
	owner *process
	life  int
	do    func()
}

// after has something happen d from now, to a process or, where it is nil, to the world.
func (w *World) after(owner *process, d time.Duration, do func()) {
	e := event{at: w.now + d, order: w.order, owner: owner, do: do}
	if owner != nil {
		e.life = owner.life
	}
	w.order++
	w.events.push(e)
}

// step lets the next event happen.
func (w *World) step() {
	e, ok := w.events.pop()
	if !ok {
		w.violate("nothing is left to happen: %s", w.check.standing())
		return
	}
	w.now = max(w.now, e.at)
	switch {
	case e.owner == nil:
	case e.owner.life != e.life:
		return
	case e.owner.pausedUntil > w.now:
		e.at = e.owner.pausedUntil
		w.events.push(e)
		return
	}
	e.do()
}

// begin puts everything into its place.
func (w *World) begin() {
	if w.trace != nil {
		w.tracef("scenario %+v", w.scenario)
	}
	w.plant()
	w.startCoordinator()
	for i := range w.scenario.extractors + w.scenario.loaders + w.scenario.validators {
		w.hire(w.scenario.role(i))
	}
	w.after(nil, w.between(0, 3*time.Second), w.strike)
	w.after(nil, w.scenario.faultsFor, w.heal)
	w.after(nil, time.Second, w.relieve)
	if w.scenario.cancel {
		w.after(nil, w.between(time.Second, 2*w.scenario.faultsFor), w.cancel)
	}
}

// over tells whether the run has come to its end: faults have stopped, and nothing is
// left to do.
func (w *World) over() bool { return w.healed && w.check.ended() }

// chance is true with a probability, as long as there are faults.
func (w *World) chance(p float64) bool { return p > 0 && !w.healed && w.rng.Float64() < p }

// fault is chance for something of a kind that goes wrong, for people with whom.
func (w *World) fault(p float64, kind, who string) bool {
	if !w.chance(p) {
		return false
	}
	w.fails(kind, who)
	return true
}

// fails notes that something goes wrong.
func (w *World) fails(kind, who string) {
	w.stats.Faults[kind]++
	w.tracef("FAULT %s %s", kind, who)
}

// between is a time in [from, to).
func (w *World) between(from, to time.Duration) time.Duration {
	return from + time.Duration(w.rng.Int64N(int64(to-from)))
}

// latency of a message: mostly short, sometimes long.
func (w *World) latency() time.Duration {
	if w.chance(w.scenario.slow) {
		return w.between(time.Second, 15*time.Second)
	}
	return w.between(100*time.Microsecond, 20*time.Millisecond)
}

// newID is a name that sorts by age.
func (w *World) newID() string {
	w.ids++
	id := strconv.FormatUint(w.ids, 10)
	return "00000000"[:max(8-len(id), 0)] + id
}

// clock is the time as production code sees it.
func (w *World) clock() time.Time { return time.Unix(1_800_000_000, 0).Add(w.now) }

func (w *World) tracef(format string, args ...any) {
	if w.trace != nil {
		fmt.Fprintf(w.trace, "%10.4f %s\n", w.now.Seconds(), fmt.Sprintf(format, args...))
	}
}

func (w *World) violate(format string, args ...any) {
	if w.check.violation == nil {
		w.check.violation = fmt.Errorf(format, args...)
		w.tracef("VIOLATION %v", w.check.violation)
	}
}

// eventHeap is a binary heap by time, then by the order of making.
type eventHeap []event

func (h eventHeap) less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].order < h[j].order
}

func (h *eventHeap) push(e event) {
	*h = append(*h, e)
	for i := len(*h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.less(i, parent) {
			return
		}
		(*h)[i], (*h)[parent] = (*h)[parent], (*h)[i]
		i = parent
	}
}

func (h *eventHeap) pop() (event, bool) {
	old := *h
	if len(old) == 0 {
		return event{}, false
	}
	top, n := old[0], len(old)-1
	old[0], old[n] = old[n], event{}
	*h = old[:n]
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < n; c++ {
			if h.less(c, least) {
				least = c
			}
		}
		if least == i {
			return top, true
		}
		(*h)[i], (*h)[least] = (*h)[least], (*h)[i]
		i = least
	}
}
