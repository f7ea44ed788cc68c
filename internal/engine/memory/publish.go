package memory

import (
	"context"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// Publish moves the staged tables under one lock.
func (d *database) Publish(_ context.Context, of engine.Migration, tables []*planv1.TablePlan) error {
	const op = "memory.Publish"
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.migrations[of.UID]
	if m != nil && m.published {
		return nil
	}
	if err := m.check(of); err != nil {
		return err
	}
	for _, p := range tables {
		switch {
		case p.GetPublishName() == "":
			return fault.New(fault.Unsupported, op, "table %s was not staged", p.GetTargetName())
		case d.tables[placeOf(p)] == nil:
			return fault.New(fault.Changed, op, "the staged table %s is gone", p.GetTargetName())
		case d.tables[place{name: p.GetPublishName()}] != nil:
			return fault.New(fault.Exists, op, "table %s has been made by somebody else: remove it, or discard the migration", p.GetPublishName())
		}
	}
	for _, p := range tables {
		t := d.tables[placeOf(p)]
		delete(d.tables, placeOf(p))
		t.stage = ""
		d.tables[place{name: p.GetPublishName()}] = t
	}
	m.published = true
	return nil
}

// Discard removes the staged tables and ends the migration.
func (d *database) Discard(_ context.Context, of engine.Migration, tables []*planv1.TablePlan, _ []*planv1.Statement) error {
	const op = "memory.Discard"
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.migrations[of.UID]
	switch {
	case m == nil, m.stage == engine.StageCancelled:
		return nil
	case m.published:
		return fault.New(fault.Unsupported, op, "the tables of migration %s are published: remove them by hand", of.Name)
	}
	if err := m.check(of); err != nil {
		return err
	}
	for _, p := range tables {
		if p.GetPublishName() == "" {
			return fault.New(fault.Unsupported, op, "table %s was not staged", p.GetTargetName())
		}
	}
	for _, p := range tables {
		delete(d.tables, placeOf(p))
	}
	m.stage = engine.StageCancelled
	return nil
}
