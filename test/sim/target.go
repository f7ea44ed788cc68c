package sim

import (
	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/guard"
)

// target is the target database: rows and the ledger, with transactions and row locks.
// What its methods do is the contract of engine.Target, a guard a line; target_range.go has
// what it promises of ranges.
type target struct {
	w *World
	migrationRow
	tables   map[uint32]*targetTable
	sessions []*session
	// undo takes back what was committed since the last durable commit, newest last.
	undo []func()
	// behind takes back what a replica may not have yet, durable or not, newest last.
	behind []func()
}

// migrationRow is the migration's row in the ledger.
type migrationRow struct {
	lock
	prepared bool
	term     uint64
	stage    string
}

// targetTable is a table and its row in the ledger.
type targetTable struct {
	lock
	number  uint32
	created bool
	epoch   uint64
	ranges  map[uint32]*targetRange
	numbers []uint32
}

// targetRange is a range's row in the ledger, and its rows.
type targetRange struct {
	lock
	source *sourceRange
	table  *targetTable
	// exists tells that a loader has made the row, complete that all of an attempt is there.
	exists, complete bool
	attempt, epoch   uint64
	ledger           engine.Ledger
	// spoilt: somebody else changed rows of it, which drover has to find. lost: so did a
	// failover.
	spoilt, lost bool
	// writer is the epoch that wrote last.
	writer uint64
}

func newTarget(w *World) *target {
	t := &target{w: w, tables: map[uint32]*targetTable{}}
	t.stage = engine.StageCopy
	return t
}

// add gives a table another range.
func (t *targetTable) add(r *sourceRange) {
	t.ranges[r.plan.GetNumber()] = &targetRange{source: r, table: t}
	t.numbers = append(t.numbers, r.plan.GetNumber())
}

// change notes how to take a commit back that touches a range.
func (t *target) change(r *targetRange) {
	before, rows := *r, r.source.rows
	have := make([]int, len(rows))
	for i, row := range rows {
		have[i] = row.have
	}
	back := func() {
		r.exists, r.complete, r.attempt, r.epoch, r.ledger, r.spoilt, r.writer =
			before.exists, before.complete, before.attempt, before.epoch, before.ledger, before.spoilt, 0
		for i, row := range rows {
			row.have = have[i]
		}
	}
	t.undo = append(t.undo, back)
	if t.behind = append(t.behind, func() { back(); r.lost = true }); len(t.behind) > mostBehind {
		t.behind = t.behind[1:]
	}
}

// mostBehind is how many commits a replica lacks at most.
const mostBehind = 12

// crash ends every connection and loses the newest commits that were not durable.
func (t *target) crash() { t.goBack(t.undo) }

// failOver ends every connection and goes on with a replica that lacks the newest commits.
// What a target loses when nothing moves any more comes too late for anybody to see.
func (t *target) failOver() {
	if t.w.check.outcome != 0 {
		return
	}
	for i := range t.w.scenario.tables {
		if number := uint32(i + 1); !t.w.check.blocked[number] && t.w.check.tables[number] != journalv1.TableStage_TABLE_STAGE_COMPLETE {
			t.goBack(t.behind)
			return
		}
	}
}

func (t *target) goBack(commits []func()) {
	for len(t.sessions) > 0 {
		t.sessions[0].kill()
	}
	for n := t.w.rng.IntN(len(commits) + 1); n > 0; n-- {
		commits[len(commits)-1]()
		commits = commits[:len(commits)-1]
	}
	t.undo, t.behind = nil, nil
}

// enter holds the migration's row in share, and checks that the migration copies.
func (t *target) enter(tx *transaction, term uint64, then func(error)) {
	tx.acquire(&t.migrationRow.lock, false, func() {
		if guard.Removed(guard.LedgerStageLock) {
			tx.release(&t.migrationRow.lock)
		}
		switch {
		case !t.prepared:
			then(fault.New(fault.NotFound, "sim.enter", "migration is not prepared"))
		case t.stage != engine.StageCopy && !guard.Removed(guard.LedgerStage):
			then(fault.New(fault.Fenced, "sim.enter", "migration has ended in the target"))
		case term < t.term && !guard.Removed(guard.LedgerTerm):
			then(fault.New(fault.Fenced, "sim.enter", "a later coordinator leads"))
		default:
			then(nil)
		}
	})
}

// prepare makes the migration's row.
func (t *target) prepare(tx *transaction, term uint64, then func(error)) {
	tx.acquire(&t.migrationRow.lock, true, func() {
		if t.prepared && (t.stage != engine.StageCopy || term < t.term) {
			then(fault.New(fault.Fenced, "sim.prepare", "migration has ended in the target, or a later coordinator leads it"))
			return
		}
		tx.writes = append(tx.writes, func() { t.prepared, t.term = true, term })
		then(nil)
	})
}

// finish sets the migration's stage, after batches that are being written.
func (t *target) finish(tx *transaction, term uint64, stage string, then func(error)) {
	tx.acquire(&t.migrationRow.lock, true, func() {
		if t.stage != engine.StageCopy && t.stage != stage || term < t.term && !guard.Removed(guard.LedgerTerm) {
			then(fault.New(fault.Fenced, "sim.finish", "migration has ended in the target, or a later coordinator leads it"))
			return
		}
		tx.writes = append(tx.writes, func() { t.stage = stage })
		then(nil)
	})
}

// create makes a table.
func (t *target) create(tx *transaction, term uint64, number uint32, then func(error)) {
	t.enter(tx, term, func(err error) {
		if err == nil {
			tx.writes = append(tx.writes, func() { t.w.check.changing(); t.tables[number].created = true })
		}
		then(err)
	})
}

// empty removes a table's rows and gives its ranges an epoch.
func (t *target) empty(tx *transaction, term uint64, number uint32, epoch uint64, then func(error)) {
	t.enter(tx, term, func(err error) {
		if err != nil {
			then(err)
			return
		}
		table := t.tables[number]
		tx.acquire(&table.lock, true, func() { t.emptyRanges(tx, table, table.numbers, epoch, then) })
	})
}

func (t *target) emptyRanges(tx *transaction, table *targetTable, rest []uint32, epoch uint64, then func(error)) {
	if len(rest) > 0 {
		tx.acquire(&table.ranges[rest[0]].lock, true, func() { t.emptyRanges(tx, table, rest[1:], epoch, then) })
		return
	}
	late := table.epoch > epoch
	for _, r := range table.ranges {
		late = late || r.epoch > epoch
	}
	if late && !guard.Removed(guard.EmptyEpoch) {
		then(fault.New(fault.Fenced, "sim.empty", "a later loader has begun to fill the table"))
		return
	}
	tx.writes = append(tx.writes, func() {
		t.w.check.changing()
		t.w.check.emptying(table, epoch)
		table.epoch = epoch
		for _, n := range table.numbers {
			r := table.ranges[n]
			t.change(r)
			t.w.check.removing(r, epoch)
			if r.exists {
				r.epoch = epoch
			}
			r.clear(r.source.rows)
		}
	})
	then(nil)
}

// clear removes the rows of a part of the table, and forgets the range's sums.
func (r *targetRange) clear(rows []*row) {
	r.ledger, r.complete, r.spoilt = engine.Ledger{}, false, false
	for _, row := range rows {
		row.have = 0
	}
}

// digest adds up the rows of a range that are here.
func (r *targetRange) digest() batch.Digest { return digestOf(r.source.rows) }

// digestOf adds up those of some rows that are in the target.
func digestOf(rows []*row) (d batch.Digest) {
	for _, row := range rows {
		for range row.have {
			d.AddHash(row.hash)
		}
	}
	return d
}

// page reads a page of the ledger; pages are short here, so that there are some.
func (t *target) page(q *workerv1.ReadLedger) *workerv1.LedgerPage {
	out := &workerv1.LedgerPage{Last: true}
	for i := range t.w.scenario.tables {
		table := t.tables[uint32(i+1)]
		for _, n := range table.numbers {
			r := table.ranges[n]
			read := q.AfterTable != nil && (table.number < q.GetAfterTable() || table.number == q.GetAfterTable() && n <= q.GetAfterNumber())
			switch {
			case read || !r.exists:
			case len(out.Ranges) == 2:
				out.Last = false
			default:
				out.Ranges = append(out.Ranges, &workerv1.LedgerRange{Table: table.number, Number: n, Loaded: r.complete, Attempt: r.attempt, Digest: r.ledger.Digest.Proto()})
			}
		}
		out.Tables = append(out.Tables, &workerv1.LedgerTable{Number: table.number, Made: table.created, Finished: true})
	}
	if !out.Last {
		out.Tables = nil
	}
	return out
}
