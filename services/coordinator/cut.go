package coordinator

import (
	"context"
	"time"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// At the tail of a migration one long range would keep two workers busy and all others
// waiting. Its attempt is given up: the next loader's fence says up to which key rows are
// in the target, and no row comes behind that before an extraction begins. There, and
// nowhere else, the source cuts what is left, so that no row can be in two ranges.

const (
	// cutAfter is how long an extraction runs before its range may be cut, and how much
	// longer it must be expected to run.
	cutAfter = 15 * time.Second
	// maxPieces bounds what one cut makes of a range.
	maxPieces = 16
)

// cut of a range that takes long.
type cut struct {
	// rows that a piece should have, and that the range is expected to have in all; 0
	// where no cut is asked for now.
	rows, total int64
	// notBefore is when the range may be cut again. patience doubles each time: asking costs
	// an attempt, and a source that could not cut a range most likely cannot the next time.
	notBefore time.Time
	patience  time.Duration
}

func (c *cut) asked() bool { return c != nil && c.rows > 0 }

// waits is how long a range is read as it is before it may be cut again.
func (c *cut) waits() time.Duration {
	if c == nil || c.patience == 0 {
		return 2 * cutAfter
	}
	return c.patience
}

// shareStraggler gives up the extraction that is expected to run longest if workers
// have nothing else to do, so that its range is cut before it goes on.
func (o *offer) shareStraggler() {
	idle := min(o.s.room(extractor), o.s.room(loader))
	if idle == 0 || o.waiting() {
		return
	}
	l, left := o.straggler()
	if l == nil {
		return
	}
	pieces := min(int64(idle)+1, maxPieces)
	id := l.work.as(workLoad)
	o.run.cuts[id] = &cut{rows: max(1, (left+pieces-1)/pieces), total: o.run.attempts[id].fenced.GetDigest().GetRows() + l.rows + left, patience: o.run.cuts[id].waits()}
	o.s.takeBack(l, "the rest of the range is shared with workers that are idle")
}

// straggler is the extraction that is expected to run longest, and how many rows it
// still has to read; nil where none is worth a cut.
func (o *offer) straggler() (longest *lease, rows int64) {
	var most time.Duration
	for _, id := range inOrder(o.run.attempts) {
		a, l := o.run.attempts[id], o.s.busy[id.as(workExtract)]
		if l == nil || a.extracted || !o.cuttable(id) || o.now.Sub(l.granted) < cutAfter {
			continue
		}
		// What is not in the target is read again: an attempt that has brought nothing yet,
		// because its first row is a large one, would never bring any.
		if load := o.s.busy[id]; load == nil || load.rows == 0 || l.rows == 0 {
			continue
		}
		left := o.left(id, a, l)
		needs := time.Duration(float64(o.now.Sub(l.granted)) * float64(left) / float64(l.rows))
		if needs > cutAfter && (needs > most || needs == most && id.number > longest.work.number) {
			longest, most, rows = l, needs, left
		}
	}
	return longest, rows
}

// left is how many rows an extraction still has to read: by the estimate of its range,
// or as many again as it has read if there are more than were expected. 0 for unknown.
func (o *offer) left(id workID, a *attempt, l *lease) int64 {
	r := o.view.Range(id.migration, id.table, id.number)
	if r == nil {
		return 0
	}
	if n := r.Plan.GetEstimatedRows() - a.fenced.GetDigest().GetRows() - l.rows; n > 0 {
		return n
	}
	return l.rows
}

// cuttable tells whether a range may be cut now: rows must have a key to be cut at, and
// what is in the target must count for the next attempt.
func (o *offer) cuttable(id workID) bool {
	t, r := o.view.Table(id.migration, id.table), o.view.Range(id.migration, id.table, id.number)
	c := o.run.cuts[id]
	if r == nil || reset(t, r) != workerv1.Reset_RESET_NONE {
		return false
	}
	switch t.Plan.GetSource().GetKey().GetSource() {
	case planv1.KeySource_KEY_SOURCE_PRIMARY, planv1.KeySource_KEY_SOURCE_UNIQUE:
	default:
		return false
	}
	return t.Open() && (c == nil || !c.asked() && !o.now.Before(c.notBefore))
}

// waiting tells whether a range waits for a worker.
func (o *offer) waiting() bool {
	found := false
	for _, t := range o.active {
		if !t.Open() || found {
			continue
		}
		o.view.RangesIn(t.Migration, t.Number, state.RangePending, func(r *state.Range) bool {
			found = o.s.busy[rangeID(t.Migration, t.Number, r.Number)] == nil
			return !found
		})
	}
	return found
}

// room counts the jobs that a role could begin now.
func (s *Leader) room(role workerv1.Role) int {
	n := 0
	for _, w := range s.workers {
		if w.role == role && w.out != nil && !w.draining {
			n += max(0, w.credit)
		}
	}
	return n
}

// cutRange records what the source made of a range: the fenced attempt goes on with the
// first piece, the others are ranges like any.
func (s *Leader) cutRange(ctx context.Context, l *lease, pieces []*planv1.Range) error {
	id := l.work.as(workLoad)
	s.uncut(id)
	t, r := s.view().Table(id.migration, id.table), s.view().Range(id.migration, id.table, id.number)
	a := s.run(id.migration).attempts[id]
	if len(pieces) < 2 || a == nil || a.fenced == nil || r == nil || r.State != state.RangePending || !t.Open() {
		return nil
	}
	for i, p := range pieces {
		p.Number = uint32(t.Ranges + i)
	}
	pieces[0].Number = r.Number
	s.run(id.migration).cuts[id].patience = 0
	s.cfg.Logger.Info("range cut", "table", sourceName(t.Plan), "range", r.Plan.GetLabel(), "pieces", len(pieces))
	return s.append(ctx, id.migration, &journalv1.Event{Body: &journalv1.Event_RangeCut{RangeCut: &journalv1.RangeCut{
		Table: id.table, Range: pieces[0], Added: pieces[1:]}}})
}

// uncut lets a range be read as it is for a while, cut or not.
func (s *Leader) uncut(w workID) {
	cuts, id := s.run(w.migration).cuts, w.as(workLoad)
	wait := cuts[id].waits()
	cuts[id] = &cut{notBefore: s.now().Add(wait), patience: 2 * wait}
}
