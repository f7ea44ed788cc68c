package state

import (
	"time"

	"github.com/hashicorp/go-memdb"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
)

// RangeState is where a range stands. Who is working on it is not part of it:
// leases live and die with the coordinator.
type RangeState uint8

// The states; see the diagram in package coordinator.
const (
	RangePending RangeState = iota
	RangeLoaded
	RangeVerified
	RangeBlocked
	// RangeSkipped: given up; rows of it may still be in the target.
	RangeSkipped
	// RangeEmptied: given up, and the target has no row of it.
	RangeEmptied
)

// Range is one range of a table.
type Range struct {
	Migration     string
	Table, Number uint32
	Plan          *planv1.Range
	State         RangeState
	// Reset: the next attempt removes the range's rows first.
	Reset bool
	// Assessed: its rows were read for the plan.
	Assessed bool
	// Failures that count against the limit of attempts.
	Failures int
	// Attempt that loaded it, and what it amounts to.
	Attempt uint64
	// Done is the newest attempt that ever loaded it: its result, or that of an earlier
	// one, may still come again.
	Done    uint64
	Digest  batch.Digest
	Actual  batch.Digest
	Bytes   int64
	Touched Touched
	// Rejected are the hashes of the rows that the target refused.
	Rejected batch.Hashes
	// Replay: the rejected rows are to be written.
	Replay   bool
	Problem  Problem
	Verified time.Time
}

// GivenUp tells whether somebody has skipped the range.
func (r *Range) GivenUp() bool { return r.State == RangeSkipped || r.State == RangeEmptied }

// InTarget tells whether all rows of the range were loaded, confirmed or not.
func (r *Range) InTarget() bool {
	return r != nil && (r.State == RangeLoaded || r.State == RangeVerified)
}

func rangeKey(migration string, table, number uint32) tuple {
	return tableKey(migration, table).number(number)
}

func rangeStateKey(migration string, table uint32, s RangeState) tuple {
	return append(tableKey(migration, table), byte(s))
}

func rangeSchema() *memdb.TableSchema {
	return &memdb.TableSchema{Name: tableRanges, Indexes: map[string]*memdb.IndexSchema{
		indexID: index(indexID, true, func(r *Range) tuple { return rangeKey(r.Migration, r.Table, r.Number) }),
		indexState: index(indexState, true, func(r *Range) tuple {
			return rangeStateKey(r.Migration, r.Table, r.State).number(r.Number)
		}),
	}}
}

// Range gives a range, or nil.
func (v View) Range(migration string, table, number uint32) *Range {
	return first[*Range](v.txn, tableRanges, indexID, rangeKey(migration, table, number))
}

// Ranges visits a table's ranges by number until fn returns false.
func (v View) Ranges(migration string, table uint32, fn func(*Range) bool) {
	each(v.txn, tableRanges, indexID, tableKey(migration, table), fn)
}

// RangesIn visits a table's ranges of one state by number until fn returns false.
func (v View) RangesIn(migration string, table uint32, s RangeState, fn func(*Range) bool) {
	each(v.txn, tableRanges, indexState, rangeStateKey(migration, table, s), fn)
}
