package sim

import (
	"fmt"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/engine"
)

// checker watches a run. It knows both databases and the log, and shares nothing with
// the code that it judges. What it checks changes only when the target commits, an event
// is appended or a job is granted; it looks each time.
type checker struct {
	w         *World
	violation error
	// poisoned is the row that the target refuses; nil for none.
	poisoned *row
	// states of ranges as the log has them.
	states map[rangeKey]*rangeState
	tables map[uint32]journalv1.TableStage
	// restarted tables were to be emptied by the log.
	blocked map[uint32]bool
	terms   map[uint64]bool
	newest  map[string]uint64
	// leases by the attempts and epochs that they were given.
	attempts, epochs map[uint64]string
	outcome          journalv1.MigrationEnded_Outcome
	// prepared: the log knows that the target has the migration.
	prepared, failed, finished bool
	cancelled                  bool
}

type rangeKey struct{ table, number uint32 }

// rangeState is a range as the log has it.
type rangeState struct {
	loaded, verified, blocked bool
	attempt                   uint64
}

func newChecker(w *World) checker {
	return checker{w: w, states: map[rangeKey]*rangeState{}, tables: map[uint32]journalv1.TableStage{}, blocked: map[uint32]bool{},
		terms: map[uint64]bool{}, newest: map[string]uint64{}, attempts: map[uint64]string{}, epochs: map[uint64]string{}}
}

func (c *checker) state(table, number uint32) *rangeState {
	key := rangeKey{table, number}
	if c.states[key] == nil {
		c.states[key] = &rangeState{}
	}
	return c.states[key]
}

// granted takes a job that a worker is told of: no number is given twice.
func (c *checker) granted(j *workerv1.Job) {
	l := j.GetLoad()
	if l == nil {
		return
	}
	c.w.stats.Attempts++
	for _, n := range []struct {
		what string
		by   map[uint64]string
		is   uint64
	}{{"attempt", c.attempts, l.GetAttempt()}, {"epoch", c.epochs, l.GetEpoch()}} {
		if lease, twice := n.by[n.is]; twice && lease != j.GetLease() {
			c.w.violate("%s %d was given to leases %s and %s", n.what, n.is, lease, j.GetLease())
		}
		n.by[n.is] = j.GetLease()
	}
}

// advancing checks a batch's change of the ledger before it is made.
func (c *checker) advancing(r *targetRange, q engine.RangeRequest, next engine.Ledger) {
	name := fmt.Sprintf("table %d range %d", q.Plan.GetNumber(), q.Range.GetNumber())
	switch {
	case q.Epoch != r.epoch:
		c.w.violate("%s: the loader of epoch %d writes, and epoch %d has the range", name, q.Epoch, r.epoch)
	case q.Epoch < r.writer:
		c.w.violate("%s: the loader of epoch %d writes behind the one of epoch %d", name, q.Epoch, r.writer)
	case q.Epoch == r.writer && next.NextSequence <= r.ledger.NextSequence:
		c.w.violate("%s: the ledger goes from batch %d to %d in one attempt", name, r.ledger.NextSequence, next.NextSequence)
	case c.w.target.stage != engine.StageCopy:
		c.w.violate("%s: a batch is committed although the migration has ended in the target", name)
	}
}

// inserted takes a row that was committed.
func (c *checker) inserted(row *row) {
	row.have++
	if row.have > 1 {
		c.w.violate("row %d of table %d is in the target %d times", row.key, row.table, row.have)
	}
}

// batchIn checks every ledger after a batch was committed: it says what is there.
func (c *checker) batchIn() {
	for number, table := range c.w.target.tables {
		for _, n := range table.numbers {
			r := table.ranges[n]
			if !r.spoilt && r.digest() != r.ledger.Digest {
				c.w.violate("table %d range %d: the ledger says %d rows, %d rows are there that add up to something else", number, n, r.ledger.Digest.Rows, r.digest().Rows)
			}
		}
	}
}

// fencing takes a takeover of a range: epochs and terms only rise.
func (c *checker) fencing(r *targetRange, q engine.RangeRequest) {
	number, n := r.table.number, r.source.plan.GetNumber()
	switch {
	case r.exists && q.Epoch < r.epoch:
		c.w.violate("epoch %d takes table %d range %d from epoch %d", q.Epoch, number, n, r.epoch)
	case q.Epoch < r.table.epoch:
		c.w.violate("epoch %d takes table %d range %d, and the table was emptied by epoch %d", q.Epoch, number, n, r.table.epoch)
	case q.Migration.Term < c.w.target.term:
		c.w.violate("a loader of term %d takes table %d range %d, and the target is at term %d", q.Migration.Term, number, n, c.w.target.term)
	}
}

// changing takes any change of what the migration has in the target.
func (c *checker) changing() {
	if c.w.target.stage != engine.StageCopy {
		c.w.violate("the target is changed although the migration has ended in it: %s", c.w.target.stage)
	}
}

// emptying takes the emptying of a table: epochs only rise.
func (c *checker) emptying(table *targetTable, epoch uint64) {
	if epoch < table.epoch {
		c.w.violate("epoch %d empties table %d, which was emptied by epoch %d", epoch, table.number, table.epoch)
	}
}

// removing takes the removal of a range's rows by an epoch.
func (c *checker) removing(r *targetRange, epoch uint64) {
	number, n := r.table.number, r.source.plan.GetNumber()
	switch {
	case len(r.source.rows) == 0:
	case c.state(number, n).verified:
		c.w.violate("the rows of table %d range %d are removed although it is verified", number, n)
	case r.exists && epoch < r.epoch:
		c.w.violate("epoch %d removes the rows of table %d range %d, which epoch %d has", epoch, number, n, r.epoch)
	}
}

// within takes rows that are removed with a range: they must be its own.
func (c *checker) within(r *targetRange, rows []*row) {
	for _, row := range rows {
		if row.rng != r.source.plan.GetNumber() && row.have > 0 {
			c.w.violate("row %d of table %d range %d is removed with range %d", row.key, row.table, row.rng, r.source.plan.GetNumber())
		}
	}
}
