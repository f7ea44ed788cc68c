package memory

import (
	"context"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// migration is a migration's row in the ledger, with its ranges.
type migration struct {
	term  uint64
	stage string
	// published is set once the staged tables have their final names.
	published bool
	tables    map[uint32]*ledgerTable
	ranges    map[rangeID]*ledgerRange
	// name, source and plan are for whoever goes on with it.
	name, source string
	plan         map[engine.LedgerPlace][]byte
	version      uint64
}

// ledgerTable remembers what was done to a table once.
type ledgerTable struct {
	// finished: the last step was done.
	created, finished bool
	// epoch that Empty gave all of the table's ranges.
	epoch uint64
}

type rangeID struct{ table, number uint32 }

// ledgerRange is a range's row.
type ledgerRange struct {
	attempt, epoch uint64
	loaded         bool
	engine.Ledger
}

// Prepare makes the migration's row.
func (d *database) Prepare(_ context.Context, r engine.PrepareRequest) error {
	const op = "memory.Prepare"
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.TargetIdentity != d.identity() {
		return fault.New(fault.Changed, op, "target is %s, the plan was made for %s: plan again", d.identity(), r.TargetIdentity)
	}
	m := d.migrations[r.Migration.UID]
	if m == nil {
		m = &migration{stage: engine.StageCopy, tables: map[uint32]*ledgerTable{}, ranges: map[rangeID]*ledgerRange{},
			source: r.SourceIdentity, plan: map[engine.LedgerPlace][]byte{}}
		d.migrations[r.Migration.UID] = m
	}
	if r.Reopen && m.stage == engine.StageComplete && r.Migration.Term >= m.term {
		m.stage = engine.StageCopy
	}
	if err := m.check(r.Migration); err != nil {
		return err
	}
	m.term, m.name = r.Migration.Term, r.Migration.Name
	return nil
}

// check refuses statements of an older term or after the end.
func (m *migration) check(of engine.Migration) error {
	const op = "memory.Ledger"
	switch {
	case m == nil:
		return fault.New(fault.NotFound, op, "migration %s is not prepared in this target", of.Name)
	case m.stage != engine.StageCopy:
		return fault.New(fault.Fenced, op, "migration %s has ended in the target: %s", of.Name, m.stage)
	case of.Term < m.term:
		return fault.New(fault.Fenced, op, "term %d is over; the target has seen term %d", of.Term, m.term)
	}
	return nil
}

func (m *migration) table(number uint32) *ledgerTable {
	if m.tables[number] == nil {
		m.tables[number] = &ledgerTable{}
	}
	return m.tables[number]
}

// Apply does one step of a table.
func (d *database) Apply(_ context.Context, of engine.Migration, p *planv1.TablePlan, step planv1.Step) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.migrations[of.UID]
	if err := m.check(of); err != nil {
		return err
	}
	if step == planv1.Step_STEP_CREATE {
		return d.create(m, p)
	}
	t := d.tables[placeOf(p)]
	if t == nil {
		return fault.New(fault.Changed, "memory.Apply", "table %s is gone", p.GetTargetName())
	}
	switch {
	case step == planv1.Step_STEP_SEQUENCES:
		t.continueIdentity()
		m.table(p.GetNumber()).finished = true
	case p.GetTargetExists():
	case step == planv1.Step_STEP_INDEXES:
		t.uniques = uniques(t.def)
	case step == planv1.Step_STEP_FOREIGN_KEYS:
		return d.addForeignKeys(t)
	}
	return nil
}

func (d *database) create(m *migration, p *planv1.TablePlan) error {
	const op = "memory.Apply"
	row, t := m.table(p.GetNumber()), d.tables[placeOf(p)]
	if row.created {
		return nil
	}
	switch {
	case t == nil && p.GetTargetExists():
		return fault.New(fault.Changed, op, "table %s is gone", p.GetTargetName())
	case t != nil && !p.GetTargetExists():
		return fault.New(fault.Exists, op, "table %s was not there when the plan was made: plan again", p.GetTargetName())
	case t == nil:
		if err := d.make(p); err != nil {
			return err
		}
	case p.GetExisting() == planv1.Existing_EXISTING_TRUNCATE:
		t.remove(nil, nil)
	case p.GetExisting() == planv1.Existing_EXISTING_FAIL && len(t.rows) > 0:
		return fault.New(fault.Exists, op, "table %s has rows: empty it, or choose existing: append or truncate", p.GetTargetName())
	}
	row.created = true
	return nil
}

// make makes a table as its plan's statement says.
func (d *database) make(p *planv1.TablePlan) error {
	for _, s := range p.GetStatements() {
		if s.GetStep() != planv1.Step_STEP_CREATE {
			continue
		}
		def, err := unmarshalDefinition(s.GetSql())
		if err != nil {
			return err
		}
		made, err := newTable(def)
		if err != nil {
			return err
		}
		made.stage = p.GetTargetSchema()
		d.tables[placeOf(p)] = made
		return nil
	}
	return fault.New(fault.Invalid, "memory.Apply", "the plan of table %s does not say how to make it", p.GetTargetName())
}

func (d *database) addForeignKeys(t *table) error {
	before := t.foreignKeys
	t.foreignKeys = t.def.GetForeignKeys()
	for _, r := range t.rows {
		if err := d.checkReferences(t, r); err != nil {
			t.foreignKeys = before
			return err
		}
	}
	return nil
}

// Empty removes a table's rows and fences its ranges.
func (d *database) Empty(_ context.Context, of engine.Migration, p *planv1.TablePlan, epoch uint64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.migrations[of.UID]
	if err := m.check(of); err != nil {
		return err
	}
	row := m.table(p.GetNumber())
	latest := row.epoch
	for id, r := range m.ranges {
		if id.table == p.GetNumber() {
			latest = max(latest, r.epoch)
		}
	}
	if latest > epoch {
		return fault.New(fault.Fenced, "memory.Empty", "a later loader has begun to fill the table")
	}
	if t := d.tables[placeOf(p)]; t != nil {
		t.remove(nil, nil)
	}
	row.epoch, row.finished = epoch, false
	for id, r := range m.ranges {
		if id.table == p.GetNumber() {
			*r = ledgerRange{epoch: epoch}
		}
	}
	return nil
}

// Finish ends a migration.
func (d *database) Finish(_ context.Context, of engine.Migration, stage string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.migrations[of.UID]
	if m != nil && m.stage == stage {
		return nil
	}
	if err := m.check(of); err != nil {
		return err
	}
	m.stage = stage
	clear(m.plan)
	return nil
}
