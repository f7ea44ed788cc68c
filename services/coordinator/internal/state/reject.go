package state

import (
	"fmt"
	"time"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
)

// reject takes a range's rejected rows in, which had none.
func (t *Table) reject(r *Range, e *planv1.Rejected) (err error) {
	if r.Rejected, err = batch.HashesOf(e.GetHashes()); err != nil {
		return err
	}
	t.Rejected += int64(len(r.Rejected))
	if t.FirstReject == nil {
		t.FirstReject = e.GetFirst()
	}
	return nil
}

// Rejected are the hashes of all rejected rows of a table.
func (v View) Rejected(t *Table) (out batch.Hashes) {
	if t.Rejected == 0 {
		return nil
	}
	v.Ranges(t.Migration, t.Number, func(r *Range) bool {
		out = append(out, r.Rejected...)
		return true
	})
	return out
}

// unreject forgets a range's rejected rows.
func (t *Table) unreject(r *Range) {
	t.Rejected -= int64(len(r.Rejected))
	if t.Rejected == 0 {
		t.FirstReject, t.Missing = nil, 0
	}
	if r.Replay {
		t.Replays--
	}
	r.Rejected, r.Replay = nil, false
}

// rejectsRetried marks every range of the table that has rejected rows. What comes
// behind the load is gone through again: it leaves what is there, and sets sequences
// behind the rows that come. A published table stays complete: it is live, others may
// write to it, and its ranges are not the source's any more.
func (a *apply) rejectsRetried(t *Table) error {
	var err error
	a.view().Ranges(a.uid, t.Number, func(old *Range) bool {
		if len(old.Rejected) == 0 || old.Replay {
			return true
		}
		r := *old
		r.Replay = true
		t.Replays++
		err = a.insert(tableRanges, &r)
		return err == nil
	})
	t.Blocked, t.Problem, t.Missing = false, Problem{}, 0
	if a.m.Published.IsZero() {
		t.Stage = min(t.Stage, TableKeyed)
		t.uncount()
	}
	a.goOn()
	return err
}

// goOn lets a migration go on that has ended, complete ones included. One that was
// finished in its target is prepared again, which takes it up there.
func (a *apply) goOn() {
	if a.m.Finished {
		a.m.Finished, a.m.Prepared, a.m.Reopen = false, false, true
	}
	if a.m.Stage == Complete {
		a.m.Stage, a.m.Problem, a.m.Ended = Running, Problem{}, time.Time{}
	}
	a.reopen()
}

// rangeReplayed takes what became of a range's rejected rows; it is to be confirmed again,
// unless its table is live: there the loader has looked for the rows.
func rangeReplayed(t *Table, r *Range, e *journalv1.RangeReplayed) error {
	if !r.Replay || !r.InTarget() {
		return fmt.Errorf("range %d of table %d: nobody asked for its rejected rows", r.Number, t.Number)
	}
	d, err := batch.DigestOf(e.GetDigest())
	if err != nil {
		return err
	}
	live := t.Stage == TableComplete
	if live {
		came := d
		came.Subtract(r.Digest)
		r.Actual.Merge(came)
		t.VerifiedDigest.Merge(came)
	} else if r.State == RangeVerified {
		t.Verified--
		t.VerifiedDigest.Subtract(r.Actual)
	}
	t.LoadedDigest.Subtract(r.Digest)
	t.LoadedDigest.Merge(d)
	first := t.FirstReject
	t.unreject(r)
	t.FirstReject = nil
	if err := t.reject(r, e.GetRejected()); err != nil {
		return err
	}
	if t.FirstReject == nil && t.Rejected > 0 {
		t.FirstReject = first
	}
	r.Attempt, r.Digest = e.GetAttempt(), d
	if !live {
		r.State, r.Actual = RangeLoaded, batch.Digest{}
	}
	t.Missing += e.GetMissing()
	return nil
}
