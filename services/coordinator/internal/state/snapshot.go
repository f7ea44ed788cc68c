package state

import (
	"fmt"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
)

// rangesPerRecord of a snapshot.
const rangesPerRecord = 500

// Records gives what a migration's state is made of, until fn returns an error. Filling
// an empty store with them gives the same state. A migration that is not there has none.
func (v View) Records(uid string, fn func(*journalv1.SnapshotRecord) error) error {
	m := v.Migration(uid)
	if m == nil {
		return nil
	}
	if err := fn(&journalv1.SnapshotRecord{Body: &journalv1.SnapshotRecord_Migration{Migration: migrationState(m)}}); err != nil {
		return err
	}
	for _, t := range v.Tables(uid) {
		if err := fn(&journalv1.SnapshotRecord{Body: &journalv1.SnapshotRecord_Table{Table: tableState(t)}}); err != nil {
			return err
		}
		if err := v.rangeRecords(t, fn); err != nil {
			return err
		}
	}
	for _, x := range v.Verifications(uid) {
		if err := fn(&journalv1.SnapshotRecord{Body: &journalv1.SnapshotRecord_Verification{Verification: verificationState(x)}}); err != nil {
			return err
		}
		var err error
		v.Checks(uid, x.Number, func(c *Check) bool {
			err = fn(&journalv1.SnapshotRecord{Body: &journalv1.SnapshotRecord_Check{Check: checkState(c)}})
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (v View) rangeRecords(t *Table, fn func(*journalv1.SnapshotRecord) error) (err error) {
	batch := &journalv1.RangeStates{Table: t.Number}
	flush := func() {
		err = fn(&journalv1.SnapshotRecord{Body: &journalv1.SnapshotRecord_Ranges{Ranges: batch}})
		batch = &journalv1.RangeStates{Table: t.Number}
	}
	v.Ranges(t.Migration, t.Number, func(r *Range) bool {
		if batch.Ranges = append(batch.Ranges, rangeState(r)); len(batch.Ranges) == rangesPerRecord {
			flush()
		}
		return err == nil
	})
	if err == nil && len(batch.Ranges) > 0 {
		flush()
	}
	return err
}

// Restore puts a migration's records in the place of what is known of it, all of them
// or, after an error, none. It takes them from next until that gives nil.
func (s *Store) Restore(uid string, next func() (*journalv1.SnapshotRecord, error)) error {
	a := &apply{Replay: s.Replay(uid)}
	defer a.Abort()
	if old := a.currentMigration(); old != nil {
		if err := a.delete(old); err != nil {
			return err
		}
	}
	for {
		r, err := next()
		switch {
		case err != nil:
			return err
		case r != nil:
			err = a.restore(r)
		case a.currentMigration() == nil:
			return fmt.Errorf("snapshot of %s holds no migration", uid)
		default:
			return a.Commit()
		}
		if err != nil {
			return fmt.Errorf("restore %s: %w", uid, err)
		}
	}
}

func (a *apply) restore(r *journalv1.SnapshotRecord) error {
	switch b := r.GetBody().(type) {
	case *journalv1.SnapshotRecord_Migration:
		if b.Migration.GetUid() != a.uid {
			return fmt.Errorf("the snapshot is of migration %s", b.Migration.GetUid())
		}
		return a.insert(tableMigrations, migrationOf(b.Migration))
	case *journalv1.SnapshotRecord_Table:
		t, err := tableOf(a.uid, b.Table)
		if err != nil {
			return err
		}
		return a.insert(tableTables, t)
	case *journalv1.SnapshotRecord_Ranges:
		for _, x := range b.Ranges.GetRanges() {
			r, err := rangeOf(a.uid, b.Ranges.GetTable(), x)
			if err != nil {
				return err
			}
			if err := a.insert(tableRanges, r); err != nil {
				return err
			}
		}
		return nil
	case *journalv1.SnapshotRecord_Verification:
		return a.insert(tableVerifications, verificationOf(a.uid, b.Verification))
	case *journalv1.SnapshotRecord_Check:
		c, err := checkOf(a.uid, b.Check)
		if err != nil {
			return err
		}
		return a.insert(tableChecks, c)
	}
	return fmt.Errorf("unknown record %T; a newer coordinator wrote this snapshot: upgrade this one", r.GetBody())
}
