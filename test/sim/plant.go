package sim

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

// migration is the uid of the only one.
const migration = "01SIMULATED0000000000MIGRN"

// plant makes source and target, and the log as far as the run's stage.
func (w *World) plant() {
	for i, shape := range w.scenario.tables {
		number := uint32(i + 1)
		w.ranges[number] = newRanges(w, number, shape)
		for _, row := range w.rows[number] {
			w.source[string(row.data)] = row
		}
		w.target.tables[number] = &targetTable{number: number, ranges: map[uint32]*targetRange{}}
		for _, r := range w.ranges[number] {
			w.target.tables[number].add(r)
		}
	}
	w.poison()
	w.appendAll(&journalv1.Event{Body: &journalv1.Event_MigrationCreated{MigrationCreated: &journalv1.MigrationCreated{
		Uid: migration, Spec: w.spec(), Start: true, NoSample: true}}})
	if w.scenario.start >= fromPlan {
		w.plantPlan()
	}
	if w.scenario.start >= fromTables {
		w.plantTables()
	}
}

// poison makes the target refuse a row.
func (w *World) poison() {
	if !w.scenario.poison {
		return
	}
	r := w.ranges[1][w.rng.IntN(len(w.ranges[1]))]
	if len(r.rows) > 0 {
		w.check.poisoned = r.rows[w.rng.IntN(len(r.rows))]
		w.check.poisoned.poison = true
	}
}

func (w *World) spec() *droverv1.MigrationSpec {
	return &droverv1.MigrationSpec{ApiVersion: "drover.dev/v1", Kind: "Migration", Name: "m",
		Source: &droverv1.EndpointSpec{Url: "memory://source"}, Target: &droverv1.EndpointSpec{Url: "memory://target"},
		Ranges: &droverv1.RangeSpec{MaxAttempts: 1000}, Limits: &droverv1.LimitSpec{Connections: w.scenario.connections}}
}

func (w *World) plantPlan() {
	d := w.design()
	w.appendAll(&journalv1.Event{Body: &journalv1.Event_SourceDescribed{SourceDescribed: &journalv1.SourceDescribed{Engine: "sim", Tables: int32(len(d.GetTables()))}}})
	for i, t := range d.GetTables() {
		t.Number = uint32(i + 1)
		w.appendAll(&journalv1.Event{Body: &journalv1.Event_TablePlanned{TablePlanned: &journalv1.TablePlanned{Table: t}}})
	}
	w.appendAll(&journalv1.Event{Body: &journalv1.Event_TargetDesigned{TargetDesigned: &journalv1.TargetDesigned{Engine: "sim", Tables: int32(len(d.GetTables()))}}})
	for i := range d.GetTables() {
		number := uint32(i + 1)
		w.appendAll(&journalv1.Event{Body: &journalv1.Event_RangesPlanned{RangesPlanned: &journalv1.RangesPlanned{Table: number, Ranges: w.split(number), Last: true}}})
	}
	w.appendAll(
		&journalv1.Event{Body: &journalv1.Event_PlanFinished{PlanFinished: &journalv1.PlanFinished{}}},
		&journalv1.Event{Body: &journalv1.Event_MigrationStarted{MigrationStarted: &journalv1.MigrationStarted{}}})
}

func (w *World) plantTables() {
	w.appendAll(&journalv1.Event{Body: &journalv1.Event_TargetPrepared{TargetPrepared: &journalv1.TargetPrepared{}}})
	w.target.prepared = true
	for i := range w.scenario.tables {
		number := uint32(i + 1)
		w.target.tables[number].created = true
		w.appendAll(&journalv1.Event{Body: &journalv1.Event_TableAdvanced{TableAdvanced: &journalv1.TableAdvanced{
			Table: number, Stage: journalv1.TableStage_TABLE_STAGE_CREATED}}})
	}
}

func (w *World) appendAll(events ...*journalv1.Event) {
	for _, e := range events {
		e.Id, e.Time = w.newID(), timestamppb.New(w.clock())
		e.Previous = w.log.newest(migration)
		w.log.store(migration, e)
	}
}

// describe is the source's catalog.
func (w *World) describe() *planv1.Database {
	d := &planv1.Database{Engine: "sim"}
	for i, shape := range w.scenario.tables {
		d.Tables = append(d.Tables, sourceTable(uint32(i+1), shape))
	}
	return d
}

// design is the target's plan.
func (w *World) design() *planv1.Design {
	d := &planv1.Design{Engine: "sim"}
	for i, shape := range w.scenario.tables {
		d.Tables = append(d.Tables, tablePlan(uint32(i+1), shape))
	}
	return d
}

func (w *World) split(number uint32) []*planv1.Range {
	var out []*planv1.Range
	for _, r := range w.ranges[number] {
		out = append(out, r.plan)
	}
	return out
}

// cancel has somebody cancel the migration.
func (w *World) cancel() {
	c := w.leading()
	if c == nil || c.pausedUntil > w.now {
		w.after(nil, w.between(100*time.Millisecond, 3*time.Second), w.cancel)
		return
	}
	c.call(func() {
		w.fails("migration cancelled", "")
		if err := c.leader.Cancel(context.Background(), migration); err != nil {
			w.tracef("cancel: %v", err)
		}
	})
}

func roleName(r workerv1.Role) string {
	switch r {
	case workerv1.Role_ROLE_EXTRACTOR:
		return "extractor"
	case workerv1.Role_ROLE_LOADER:
		return "loader"
	default:
		return "validator"
	}
}
