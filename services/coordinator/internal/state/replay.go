package state

import (
	"fmt"

	"github.com/hashicorp/go-memdb"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
)

// Replay applies many events of one migration at once: readers see all of them, or none.
// What events change one by one is put into the store together, since most of them
// change the same few objects. One replay is under way at a time.
type Replay struct {
	store   *Store
	uid     string
	txn     *memdb.Txn
	pending pending
	// failed: an event did not fit, and may have left half of itself behind.
	failed error
}

// pending is what events have changed and the transaction does not have yet.
type pending struct {
	migration *Migration
	tables    map[uint32]*Table
	ranges    map[rangeNumber]*Range
}

type rangeNumber struct{ table, number uint32 }

// Replay begins; Commit or Abort ends it.
func (s *Store) Replay(migration string) *Replay {
	return &Replay{store: s, uid: migration, txn: s.db.Txn(true), pending: pending{tables: map[uint32]*Table{}, ranges: map[rangeNumber]*Range{}}}
}

// Apply takes the next event. Behind one that does not fit nothing of the replay counts.
func (r *Replay) Apply(seq uint64, e *journalv1.Event) error {
	if r.failed != nil {
		return r.failed
	}
	if err := (&apply{Replay: r, event: e}).run(seq); err != nil {
		r.failed = fmt.Errorf("apply event %d (%T) of %s: %w", seq, e.GetBody(), r.uid, err)
	}
	return r.failed
}

// Commit lets readers see what was applied. It does nothing behind Abort.
func (r *Replay) Commit() error {
	defer r.Abort()
	if r.failed == nil {
		r.failed = r.flush()
	}
	if r.failed == nil {
		r.txn.Commit()
		r.store.publish()
	}
	return r.failed
}

// Abort forgets what was applied. It does nothing behind Commit.
func (r *Replay) Abort() { r.txn.Abort() }

// flush puts what is pending into the transaction.
func (r *Replay) flush() error {
	p := &r.pending
	for _, x := range p.ranges {
		if err := r.txn.Insert(tableRanges, x); err != nil {
			return err
		}
	}
	for _, t := range p.tables {
		if err := r.txn.Insert(tableTables, t); err != nil {
			return err
		}
	}
	if p.migration != nil {
		if err := r.txn.Insert(tableMigrations, p.migration); err != nil {
			return err
		}
	}
	clear(p.ranges)
	clear(p.tables)
	p.migration = nil
	return nil
}

// view reads the store as it is with every event so far.
func (r *Replay) view() View {
	if err := r.flush(); err != nil {
		panic("state: " + err.Error()) // an index of this package that cannot take its own objects
	}
	return View{txn: r.txn}
}

// currentMigration gives the replay's migration, or nil.
func (r *Replay) currentMigration() *Migration {
	if m := r.pending.migration; m != nil {
		return m
	}
	return View{txn: r.txn}.Migration(r.uid)
}

// currentTable gives a table, or nil.
func (r *Replay) currentTable(number uint32) *Table {
	if t := r.pending.tables[number]; t != nil {
		return t
	}
	return View{txn: r.txn}.Table(r.uid, number)
}

// currentRange gives a range, or nil.
func (r *Replay) currentRange(table, number uint32) *Range {
	if x := r.pending.ranges[rangeNumber{table, number}]; x != nil {
		return x
	}
	return View{txn: r.txn}.Range(r.uid, table, number)
}

// insert puts an object in, in the place of the one with its key.
func (r *Replay) insert(table string, object any) error {
	if err := r.flush(); err != nil {
		return err
	}
	return r.txn.Insert(table, object)
}

// remove takes an object out.
func (r *Replay) remove(table string, object any) error {
	if err := r.flush(); err != nil {
		return err
	}
	return r.txn.Delete(table, object)
}

// deleteAll takes out all objects under a prefix of their keys.
func (r *Replay) deleteAll(table string, prefix tuple) error {
	if err := r.flush(); err != nil {
		return err
	}
	_, err := r.txn.DeleteAll(table, indexID+"_prefix", prefix)
	return err
}
