package main

import (
	"context"
	"sync"
	"time"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

// poll is how often a migration is looked at.
const poll = 100 * time.Millisecond

// watch looks at a migration and measures how long after each fault it moves again.
type watch struct {
	stack *stack
	name  string

	mu sync.Mutex
	// last is the newest answer, nil before the first.
	last  *droverv1.Migration
	moved time.Time
	// waiting are faults that are over, and since when, until something moves.
	waiting []recovery
	done    []recovery
}

// recovery is the time from the end of a fault to the next progress.
type recovery struct {
	fault string
	since time.Time
	took  time.Duration
}

func newWatch(s *stack, name string) *watch {
	return &watch{stack: s, name: "migrations/" + name, moved: time.Now()}
}

// ended notes that a fault is over.
func (w *watch) ended(fault string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, recovery{fault: fault, since: time.Now()})
}

// run looks until the migration has ended, or ctx has.
func (w *watch) run(ctx context.Context) {
	for ctx.Err() == nil && !w.over() {
		w.look(ctx)
		lasts(ctx, poll)
	}
}

// look asks once; nobody may answer.
func (w *watch) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := w.stack.client.GetMigration(ctx, &droverv1.GetMigrationRequest{Name: w.name})
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !further(w.last, r.GetMigration()) {
		return
	}
	w.last, w.moved = r.GetMigration(), time.Now()
	for _, f := range w.waiting {
		f.took = w.moved.Sub(f.since)
		w.done = append(w.done, f)
	}
	w.waiting = nil
}

// further tells whether a migration has come further between two answers. A coordinator
// that follows may answer with what was.
func further(before, now *droverv1.Migration) bool {
	a, b := before.GetCounters(), now.GetCounters()
	return before == nil || now.GetState() != before.GetState() ||
		b.GetRowsLoaded() > a.GetRowsLoaded() || b.GetRangesVerified() > a.GetRangesVerified() || b.GetSchemaSeconds() > a.GetSchemaSeconds()
}

// over tells whether the migration has ended.
func (w *watch) over() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last.GetEndTime() != nil
}

// result gives the migration as it was last seen, and the recoveries.
func (w *watch) result() (*droverv1.Migration, []recovery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last, w.done
}
