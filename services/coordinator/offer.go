package coordinator

import (
	"slices"
	"time"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/guard"
	"github.com/drover-db/drover/internal/spec"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// offer is one pass over a migration's work for one role.
type offer struct {
	s    *Leader
	view state.View
	m    *state.Migration
	run  *run
	now  time.Time
	role workerv1.Role
	// tables by expected size, largest first: a long table that begins late is
	// what everybody waits for in the end.
	tables []*state.Table
	// active are those of them whose phase has begun and that go on.
	active []*state.Table
}

// all offers a migration's work until there is none or nobody has room.
func (o *offer) all() {
	paused := o.m.Paused && !o.m.Stage.Rests()
	if !paused && (o.m.Stage == state.Planning || replanning(o.m, o.run)) {
		o.planning()
	}
	o.verifying()
	switch {
	case o.m.Stage == state.Discarding && o.role == loader:
		o.give(workDiscard, 0, 0)
	case unfinished(o.m) && o.role == loader:
		o.give(workFinish, 0, 0)
	case o.m.Stage != state.Running || paused:
	case o.role == extractor:
		o.extracting()
	case o.role == loader:
		o.loading()
	case o.role == validator:
		o.validating()
	}
}

func (o *offer) planning() {
	design := designing(o.m, o.run)
	switch {
	case o.m.Recovering:
		if o.role == loader {
			o.give(workRecover, 0, 0)
		}
	case o.role == extractor && design && o.run.described == nil:
		o.give(workDescribe, 0, 0)
	case o.role == loader && design && o.run.described != nil:
		o.give(workDesign, 0, 0)
	case o.role == loader && !design:
		o.comparing()
	case o.role == extractor && !design:
		for _, t := range o.tables {
			if toSplit(t) && !o.give(workSplit, t.Number, 0) {
				return
			}
		}
		o.sampling()
		o.assessing()
	}
}

// toSplit tells whether a table waits to be cut into ranges.
func toSplit(t *state.Table) bool { return !t.Split && !t.Skipped && !t.Blocked && !hasError(t.Plan) }

func (o *offer) extracting() {
	if spec.LimitsOf(o.m.Limits).Watched() {
		o.give(workWatch, 0, 0)
	}
	for _, w := range inOrder(o.run.attempts) {
		a, kind := o.run.attempts[w], workExtract
		if o.run.cuts[w].asked() {
			kind = workCut
		}
		if !a.extractable() || kind == workExtract && !o.bounded(w.table) {
			continue
		}
		if !o.give(kind, w.table, w.number) {
			return
		}
	}
	for _, t := range o.active {
		switch {
		case !t.Split:
			if !o.give(workSplit, t.Number, 0) {
				return
			}
		case t.Stage == state.TableCreated && needsSnapshot(t) && o.run.snapshot == "":
			o.give(workSnapshot, 0, 0)
		case t.Stage >= state.TableCreated && t.AllLoaded() && t.SourceRows < 0:
			// Beside the key and the validation: on a large table this takes as long as a scan.
			if !o.give(workCount, t.Number, 0) {
				return
			}
		}
	}
}

func (o *offer) loading() {
	if len(o.active) == 0 && !complete(o.tables) && !begun(o.tables) {
		return // nothing has begun: a phase waits for approval
	}
	if !o.m.Prepared || o.m.MorePrepare || !o.entered() || !o.confirmed() {
		o.giveFirst(workPrepare)
		return
	}
	if !o.kept() {
		o.giveFirst(workKeep)
		return
	}
	if o.audited() && !o.schema() {
		return
	}
	o.ranges()
	o.shareStraggler()
}

// entered tells whether the target has this leader's term. Before that a leader of an
// earlier term, which does not know yet that it was replaced, may still have ranges
// taken over and their rows removed; what was verified until then could be gone. Where
// nothing is left that could be, the target may be finished, but not while it is being
// entered: that would fail then, and with it the migration.
func (o *offer) entered() bool {
	entering := o.s.busy[workID{migration: o.m.UID, kind: workPrepare}] != nil
	return o.run.entered || complete(o.tables) && !entering || guard.Removed(guard.TermInTarget)
}

// confirmed tells whether the log has every decision, where it was lost and written down
// again. The first that is done then is to prepare the target in the term of who wrote it
// down: the target refuses that if another coordinator has led since.
func (o *offer) confirmed() bool { return o.m.Unconfirmed == 0 || complete(o.tables) }

// ranges offers pending ranges, as many as extractors can soon begin with: a range
// that only waits would hold a loader's slot.
func (o *offer) ranges() {
	if !o.run.stream || !o.empties() || !o.replays() {
		return
	}
	waiting := 0
	for w, a := range o.run.attempts {
		if !a.extracted && o.s.busy[w.as(workExtract)] == nil {
			waiting++
		}
	}
	room := o.s.slots(extractor) - waiting
	for _, t := range o.active {
		if !t.Open() || t.AllLoaded() || (t.Appends() && !t.HasBaseline) || (needsSnapshot(t) && o.run.snapshot == "") {
			continue
		}
		allowed := o.allowance(t)
		o.view.RangesIn(t.Migration, t.Number, state.RangePending, func(r *state.Range) bool {
			w := rangeID(t.Migration, t.Number, r.Number)
			if room <= 0 || allowed <= 0 {
				return false
			}
			if o.s.busy[w] == nil && o.s.busy[w.as(workExtract)] == nil && !o.run.resting(w, o.now) {
				if !o.give(workLoad, t.Number, r.Number) {
					room = 0
					return false
				}
				room--
				allowed--
			}
			return true
		})
		if room <= 0 {
			return
		}
	}
}

// empties offers ranges that were given up: a load that only resets.
func (o *offer) empties() bool {
	room := true
	for _, t := range o.active {
		if !room || !t.Open() || t.SkippedRanges == t.EmptiedRanges {
			continue
		}
		o.view.RangesIn(t.Migration, t.Number, state.RangeSkipped, func(r *state.Range) bool {
			room = o.give(workLoad, t.Number, r.Number)
			return room
		})
	}
	return room
}

func (o *offer) validating() {
	if !o.entered() || !o.confirmed() {
		return
	}
	for _, t := range o.active {
		switch {
		case t.Emptying, t.Replays > 0:
		case t.Appends() && !t.HasBaseline && t.Stage == state.TableCreated:
			o.give(workBaseline, t.Number, 0)
		case !t.ByRange():
			if t.Stage == state.TableKeyed {
				o.give(workValidate, t.Number, 0)
			}
		case t.Verified == t.Loaded: // nothing waits
		case t.Stage >= state.TableKeyed || (!t.Plan.GetKeyAfterLoad() && t.Stage >= state.TableCreated):
			room := true
			o.view.RangesIn(t.Migration, t.Number, state.RangeLoaded, func(r *state.Range) bool {
				room = o.give(workValidate, t.Number, r.Number)
				return room
			})
			if !room {
				return
			}
		}
	}
}

func needsSnapshot(t *state.Table) bool { return t.Plan.GetSource().GetKey().GetNeedsSnapshot() }

func hasError(p *planv1.TablePlan) bool {
	return slices.ContainsFunc(p.GetFindings(), func(f *planv1.Finding) bool { return f.GetSeverity() == planv1.Severity_SEVERITY_ERROR })
}

func complete(tables []*state.Table) bool {
	return !slices.ContainsFunc(tables, func(t *state.Table) bool { return !t.Done() })
}
