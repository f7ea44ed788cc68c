package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// Keep writes pieces of the plan.
func (d *database) Keep(_ context.Context, of engine.Migration, version uint64, pieces []engine.PlanPiece) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.migrations[of.UID]
	if err := m.check(of); err != nil {
		return err
	}
	if version < m.version {
		return fault.New(fault.Fenced, "memory.Keep", "a later version of the plan is kept")
	}
	m.version = version
	for _, p := range pieces {
		if p.Number == 0 {
			maps.DeleteFunc(m.plan, func(at engine.LedgerPlace, _ []byte) bool { return at.Table == p.Table })
		}
		m.plan[p.LedgerPlace] = slices.Clone(p.Body)
	}
	return nil
}

// FindMigration looks for a migration that stopped in the middle.
func (d *database) FindMigration(_ context.Context, name string) (*engine.FoundMigration, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, uid := range slices.Backward(slices.Sorted(maps.Keys(d.migrations))) {
		m := d.migrations[uid]
		if _, kept := m.plan[engine.LedgerPlace{}]; kept && m.name == name && m.stage == engine.StageCopy {
			return &engine.FoundMigration{UID: uid, SourceIdentity: m.source, Published: m.published}, nil
		}
	}
	return nil, nil
}

// KeptPlan reads pieces of a plan.
func (d *database) KeptPlan(_ context.Context, uid string, after *engine.LedgerPlace, limit int) ([]engine.PlanPiece, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []engine.PlanPiece
	if m := d.migrations[uid]; m != nil {
		for at, body := range m.plan {
			if after == nil || at.Compare(*after) > 0 {
				out = append(out, engine.PlanPiece{LedgerPlace: at, Body: slices.Clone(body)})
			}
		}
	}
	slices.SortFunc(out, func(a, b engine.PlanPiece) int { return a.Compare(b.LedgerPlace) })
	return out[:min(limit, len(out))], nil
}

// TakeOver gives the ledger's rows another uid; writers of the one that it had still
// point to what is closed here.
func (d *database) TakeOver(_ context.Context, from string, to engine.Migration) ([]uint32, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.migrations[from]
	if old == nil {
		m := d.migrations[to.UID]
		if m == nil {
			return nil, fault.New(fault.Fenced, "memory.TakeOver", "the target has no migration %s", from)
		}
		return nil, m.check(to)
	}
	if old.stage != engine.StageCopy {
		return nil, fault.New(fault.Fenced, "memory.TakeOver", "migration %s has ended in the target: %s", to.Name, old.stage)
	}
	taken := *old
	taken.term, taken.name, taken.version = to.Term, to.Name, 0
	taken.tables, taken.ranges = map[uint32]*ledgerTable{}, map[rangeID]*ledgerRange{}
	for number, t := range old.tables {
		taken.tables[number] = &ledgerTable{created: t.created}
	}
	for id, r := range old.ranges {
		taken.ranges[id] = &ledgerRange{loaded: r.loaded, Ledger: r.Ledger}
	}
	old.stage = engine.StageCancelled
	delete(d.migrations, from)
	d.migrations[to.UID] = &taken
	return nil, nil
}

// LedgerTables reads tables' rows.
func (d *database) LedgerTables(_ context.Context, uid string) (out []engine.LedgerTable, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m := d.migrations[uid]; m != nil {
		for number, t := range m.tables {
			out = append(out, engine.LedgerTable{Number: number, Made: t.created, Finished: t.finished})
		}
	}
	slices.SortFunc(out, func(a, b engine.LedgerTable) int { return cmp.Compare(a.Number, b.Number) })
	return out, nil
}

// LedgerRanges reads ranges' rows.
func (d *database) LedgerRanges(_ context.Context, uid string, after *engine.LedgerPlace, limit int) ([]engine.LedgerRange, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []engine.LedgerRange
	if m := d.migrations[uid]; m != nil {
		for id, r := range m.ranges {
			at := engine.LedgerPlace{Table: id.table, Number: id.number}
			if after == nil || at.Compare(*after) > 0 {
				out = append(out, engine.LedgerRange{LedgerPlace: at, Ledger: r.Ledger, Loaded: r.loaded, Attempt: r.attempt})
			}
		}
	}
	slices.SortFunc(out, func(a, b engine.LedgerRange) int { return a.Compare(b.LedgerPlace) })
	return out[:min(limit, len(out))], nil
}
