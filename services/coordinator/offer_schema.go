package coordinator

import "github.com/drover-db/drover/services/coordinator/internal/state"

// schema offers steps on whole tables; they come before loads, because others
// wait for them.
func (o *offer) schema() bool {
	replan := replanning(o.m, o.run)
	for _, t := range o.active {
		kind, ok := schemaWork(t)
		switch {
		case !ok:
		case kind == workCreate && (replan || !t.Split):
		case kind == workForeignKeys && (replan || !linkable(t, o.active, o.tables)):
		case !o.give(kind, t.Number, 0):
			return false
		}
	}
	switch {
	case !complete(o.tables) || replan:
	case o.m.Atomic() && o.m.Published.IsZero():
		return o.give(workPublish, 0, 0)
	case o.m.ObjectsWanted():
		return o.give(workObjects, 0, 0)
	case !o.m.Finished:
		return o.give(workFinish, 0, 0)
	}
	return true
}

// schemaWork gives the step that a table waits for.
func schemaWork(t *state.Table) (workKind, bool) {
	switch {
	case t.Emptying:
		return workEmpty, true
	case t.Stage == state.TablePlanned:
		return workCreate, true
	case t.Stage == state.TableLoaded && t.Plan.GetKeyAfterLoad():
		return workKey, true
	case t.Stage == state.TableVerified:
		return workIndexes, true
	case t.Stage == state.TableIndexed:
		return workForeignKeys, true
	case t.Stage == state.TableLinked:
		return workSequences, true
	}
	return 0, false
}
