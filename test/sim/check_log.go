package sim

import (
	"fmt"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/batch"
)

// What the checker makes of events of the control log.

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

// lost takes what the coordinator has found missing. A failover must be the reason, or a
// loader of a leader that was replaced, which began the range anew behind the result of
// another one that the log took late.
func (c *checker) lost(e *journalv1.TargetLost) {
	c.tables[e.GetTable()], c.blocked[e.GetTable()] = journalv1.TableStage_TABLE_STAGE_CREATED, false
	for _, n := range e.GetRanges() {
		if r := c.w.target.tables[e.GetTable()].ranges[n]; !r.lost && r.attempt == c.state(e.GetTable(), n).attempt && r.digest() == r.source.digest {
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
