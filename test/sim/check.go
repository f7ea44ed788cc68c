package sim

import (
	"fmt"
	"strings"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
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

// logged takes an event that was appended.
func (c *checker) logged(log string, e *journalv1.Event) {
	if e.GetTerm() < c.newest[log] {
		c.w.violate("log %s has an event of term %d behind one of term %d", log, e.GetTerm(), c.newest[log])
	}
	c.newest[log] = max(c.newest[log], e.GetTerm())
	switch b := e.GetBody().(type) {
	case *journalv1.Event_TermStarted:
		if n := b.TermStarted.GetTerm(); log == "cluster" {
			if c.terms[n] {
				c.w.violate("term %d began twice", n)
			}
			c.terms[n] = true
		}
	case *journalv1.Event_TableAdvanced:
		c.advanced(b.TableAdvanced)
	case *journalv1.Event_TableVerified:
		for _, r := range c.w.ranges[b.TableVerified.GetTable()] {
			c.verified(b.TableVerified.GetTable(), r.plan.GetNumber(), e.GetTerm())
		}
	case *journalv1.Event_TableRestarted:
		c.tables[b.TableRestarted.GetTable()] = journalv1.TableStage_TABLE_STAGE_CREATED
		c.blocked[b.TableRestarted.GetTable()] = false
		for _, r := range c.w.ranges[b.TableRestarted.GetTable()] {
			*c.state(b.TableRestarted.GetTable(), r.plan.GetNumber()) = rangeState{}
		}
	case *journalv1.Event_TargetLost:
		c.lost(b.TargetLost)
	case *journalv1.Event_TableBlocked:
		c.blocked[b.TableBlocked.GetTable()] = true
		c.mayBlock(b.TableBlocked.GetTable(), 0, b.TableBlocked.GetReason())
	case *journalv1.Event_RangeLoaded:
		c.loaded(b.RangeLoaded)
	case *journalv1.Event_RangeVerified:
		c.verified(b.RangeVerified.GetTable(), b.RangeVerified.GetRange(), e.GetTerm())
	case *journalv1.Event_RangeCut:
		c.w.cut(b.RangeCut)
	case *journalv1.Event_RangeFailed:
		*c.state(b.RangeFailed.GetTable(), b.RangeFailed.GetRange()) = rangeState{}
	case *journalv1.Event_RangeBlocked:
		*c.state(b.RangeBlocked.GetTable(), b.RangeBlocked.GetRange()) = rangeState{blocked: true}
		c.mayBlock(b.RangeBlocked.GetTable(), b.RangeBlocked.GetRange(), b.RangeBlocked.GetReason())
	case *journalv1.Event_MigrationEnded:
		c.outcome = b.MigrationEnded.GetOutcome()
		c.cancelled = c.cancelled || c.outcome == journalv1.MigrationEnded_OUTCOME_CANCELLED
	case *journalv1.Event_MigrationFailed:
		c.failed = true
		c.w.violate("the migration failed: %s", b.MigrationFailed.GetReason())
	case *journalv1.Event_TargetPrepared:
		c.prepared = true
	case *journalv1.Event_TargetFinished:
		c.finished = true
	}
}

// advanced takes a table's step. Somebody may change rows between the load and the
// validation, which has to find it.
func (c *checker) advanced(e *journalv1.TableAdvanced) {
	c.tables[e.GetTable()] = e.GetStage()
	if e.GetStage() == journalv1.TableStage_TABLE_STAGE_LOADED && !c.w.scenario.tables[e.GetTable()-1].byRange {
		c.spoil(e.GetTable(), c.w.ranges[e.GetTable()][0].plan.GetNumber())
	}
}

// loaded takes a range that the log calls loaded: so many rows were in the target. They
// may be gone since, removed by an attempt that a replaced leader gave out; then the
// validator has to find it.
func (c *checker) loaded(e *journalv1.RangeLoaded) {
	s := c.state(e.GetTable(), e.GetRange())
	s.loaded, s.attempt = true, e.GetAttempt()
	r := c.w.target.tables[e.GetTable()].ranges[e.GetRange()]
	d, err := batch.DigestOf(e.GetDigest())
	if err != nil || d != r.source.digest {
		c.w.violate("table %d range %d is loaded with %d rows, the source has %d", e.GetTable(), e.GetRange(), d.Rows, r.source.digest.Rows)
	}
	if c.w.scenario.tables[e.GetTable()-1].byRange {
		c.spoil(e.GetTable(), e.GetRange())
	}
}

// spoil removes a row from the target, once, as somebody else might.
func (c *checker) spoil(table, number uint32) {
	r := c.w.target.tables[table].ranges[number]
	if !c.w.scenario.spoil || len(r.source.rows) == 0 || c.w.healed {
		return
	}
	c.w.scenario.spoil = false
	c.w.fails("row deleted by somebody else", fmt.Sprintf("table %d range %d", table, number))
	r.source.rows[c.w.rng.IntN(len(r.source.rows))].have = 0
	r.spoilt = true
}

// verified takes a range that the log calls verified.
func (c *checker) verified(table, number uint32, term uint64) {
	if term > c.w.target.term {
		c.w.violate("table %d range %d is verified in term %d, and the target is at term %d: an earlier leader could still have it emptied", table, number, term, c.w.target.term)
	}
	c.state(table, number).verified = true
	r := c.w.target.tables[table].ranges[number]
	if r.digest() != r.source.digest && !r.lost { // else between the validator's look and its word
		c.w.violate("table %d range %d is verified with %d rows, the source has %d", table, number, r.digest().Rows, r.source.digest.Rows)
	}
}

// lost takes what the coordinator has found missing; a failover must be the reason.
func (c *checker) lost(e *journalv1.TargetLost) {
	c.tables[e.GetTable()], c.blocked[e.GetTable()] = journalv1.TableStage_TABLE_STAGE_CREATED, false
	for _, n := range e.GetRanges() {
		if r := c.w.target.tables[e.GetTable()].ranges[n]; !r.lost && r.digest() == r.source.digest {
			c.w.violate("table %d range %d is called lost, and the target has lost nothing of it", e.GetTable(), n)
		}
		*c.state(e.GetTable(), n) = rangeState{}
	}
}

// mayBlock checks a block: only a row that the target refuses is a reason.
func (c *checker) mayBlock(table, number uint32, reason string) {
	if p := c.poisoned; p == nil || p.table != table || number != 0 && number != p.rng {
		c.w.violate("table %d range %d is blocked although nothing is wrong with it: %s", table, number, reason)
	}
}

// ended tells whether the migration has come to its end.
func (c *checker) ended() bool {
	switch {
	case c.failed:
		return true
	case c.cancelled:
		return c.finished || !c.prepared
	default:
		return c.outcome != 0
	}
}

// atEnd checks what is left when a run is over.
func (c *checker) atEnd() {
	if c.cancelled {
		return
	}
	for number, table := range c.w.target.tables {
		for _, n := range table.numbers {
			r := table.ranges[n]
			whole := c.poisoned != nil && c.poisoned.table == number
			refused := whole && c.poisoned.rng == n
			switch s := c.state(number, n); {
			case refused && !s.blocked:
				c.w.violate("table %d range %d has a row that the target refuses, and is not blocked", number, n)
			case refused, whole && !c.w.scenario.tables[number-1].byRange:
			case !s.verified:
				c.w.violate("the migration ended, and table %d range %d is not verified", number, n)
			case r.digest() != r.source.digest:
				c.w.violate("the migration ended, and table %d range %d has %d rows of %d", number, n, r.digest().Rows, r.source.digest.Rows)
			}
		}
	}
	want := journalv1.MigrationEnded_OUTCOME_COMPLETE
	if c.poisoned != nil {
		want = journalv1.MigrationEnded_OUTCOME_INCOMPLETE
	}
	if c.outcome != want {
		c.w.violate("the migration ended as %s, not as %s", c.outcome, want)
	}
}

// standing says how far a run is, for people.
func (c *checker) standing() string {
	var parts []string
	for i := range c.w.scenario.tables {
		number := uint32(i + 1)
		text := fmt.Sprintf("table %d %s:", number, strings.TrimPrefix(c.tables[number].String(), "TABLE_STAGE_"))
		for _, r := range c.w.ranges[number] {
			s, have := c.state(number, r.plan.GetNumber()), c.w.target.tables[number].ranges[r.plan.GetNumber()].digest().Rows
			text += fmt.Sprintf(" %d/%d", have, len(r.rows))
			switch {
			case s.verified:
				text += " verified"
			case s.loaded:
				text += " loaded"
			case s.blocked:
				text += " blocked"
			}
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}
