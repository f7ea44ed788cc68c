package coordinator

import (
	"context"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// The target keeps the plan, so that a migration whose control log is lost can go on
// from there (recover.go): for each table the events that make it and its ranges, and
// under table 0 those of the migration, which come last and say that all of it is kept.
// No table is made, no row comes, and no cut range is read before its plan is kept.

const (
	// keepPageBytes bounds what one job writes, by a range's worth more or less.
	keepPageBytes = 1 << 20
	// planPieceBytes bounds one piece of it.
	planPieceBytes = 256 << 10
)

// keepCursor is how far a table's plan is kept that takes more than one job.
type keepCursor struct {
	table uint32
	// changed tells whether the table is still the same.
	changed uint64
	ranges  uint32
	pieces  uint32
}

// keepPage is what one job writes.
type keepPage struct {
	pieces []*workerv1.PlanPiece
	size   int
	// kept is what the target keeps as a whole behind the job; after how far the next
	// one is.
	kept  *journalv1.PlanKept
	after keepCursor
}

// kept tells whether the target keeps all of the plan.
func (o *offer) kept() bool {
	if complete(o.tables) {
		return true // nothing of it is needed any more
	}
	for _, t := range o.tables {
		if !t.PlanIsKept() {
			return false
		}
	}
	return o.m.PlanIsKept()
}

// bounded tells whether the target knows the bounds of a table's ranges: one that was
// cut would else be taken for all that it was.
func (o *offer) bounded(table uint32) bool {
	t := o.view.Table(o.m.UID, table)
	return t != nil && t.PlanIsKept()
}

// giveFirst gives out what comes before ranges are read. Where no loader has room, or no
// session is left, because all wait for rows of ranges that were cut, which are not read
// before the plan is kept, one of them makes room; another one, should its worker not say
// soon that it has room.
func (o *offer) giveFirst(kind workKind) {
	if o.give(kind, 0, 0) || o.now.Before(o.run.madeRoom.Add(o.s.cfg.LeaseTTL/3)) {
		return
	}
	for _, id := range inOrder(o.run.attempts) {
		l, r := o.s.busy[id], o.view.Range(id.migration, id.table, id.number)
		if l == nil || o.run.attempts[id].extracted || o.s.busy[id.as(workExtract)] != nil || o.bounded(id.table) || r == nil || r.State != state.RangePending {
			continue
		}
		o.run.madeRoom = o.now
		o.s.takeBack(l, "it makes room for the plan to be kept, without which its range is not read")
		return
	}
}

// pageToKeep writes down what is to be kept next.
func (o *offer) pageToKeep() *keepPage {
	page := &keepPage{kept: &journalv1.PlanKept{At: o.m.Last}}
	for _, t := range o.tables {
		if t.PlanIsKept() {
			continue
		}
		if !o.keepTable(page, t) || page.size >= keepPageBytes {
			return page
		}
	}
	if !o.m.PlanIsKept() {
		page.kept.Tables = append(page.kept.Tables, &journalv1.PlanKept_Table{Pieces: page.add(0, 0, o.migrationEvents()...)})
	}
	return page
}

// keepTable adds a table; it tells whether all of it found room.
func (o *offer) keepTable(page *keepPage, t *state.Table) bool {
	if t.PlanPieces > 0 {
		events := append(o.rangeEvents(t, t.ChangedRanges, true), tableEvents(t)...)
		page.done(t.Number, page.add(t.Number, t.PlanPieces, events...))
		return true
	}
	c := o.run.keep
	if c.table != t.Number || c.changed != t.PlanChanged {
		c = keepCursor{table: t.Number, changed: t.PlanChanged}
		c.pieces = page.add(t.Number, 0, planned(t.Plan))
	}
	for c.ranges < uint32(t.Ranges) {
		if page.size >= keepPageBytes {
			page.after = c
			return false
		}
		end := min(c.ranges+rangesPerEvent, uint32(t.Ranges))
		var numbers []uint32
		for n := c.ranges + 1; n <= end; n++ {
			numbers = append(numbers, n)
		}
		c.pieces = page.add(t.Number, c.pieces, o.rangeEvents(t, numbers, t.Split && end == uint32(t.Ranges))...)
		c.ranges = end
	}
	if events := tableEvents(t); len(events) > 0 {
		c.pieces = page.add(t.Number, c.pieces, events...)
	}
	page.done(t.Number, c.pieces)
	return true
}

func planned(p *planv1.TablePlan) *journalv1.Event {
	return &journalv1.Event{Body: &journalv1.Event_TablePlanned{TablePlanned: &journalv1.TablePlanned{Table: p}}}
}

// rangeEvents make ranges of a table as they are now.
func (o *offer) rangeEvents(t *state.Table, numbers []uint32, last bool) []*journalv1.Event {
	if len(numbers) == 0 {
		return nil
	}
	planned := &journalv1.RangesPlanned{Table: t.Number, Last: last}
	events := []*journalv1.Event{{Body: &journalv1.Event_RangesPlanned{RangesPlanned: planned}}}
	for _, n := range numbers {
		r := o.view.Range(t.Migration, t.Number, n)
		planned.Ranges = append(planned.Ranges, r.Plan)
		if r.GivenUp() {
			events = append(events, &journalv1.Event{Body: &journalv1.Event_RangeSkipped{RangeSkipped: &journalv1.RangeSkipped{Table: t.Number, Range: n}}})
		}
	}
	return events
}

// tableEvents are what was decided or found out about a table that is planned.
func tableEvents(t *state.Table) (events []*journalv1.Event) {
	if t.HasBaseline {
		events = append(events, &journalv1.Event{Body: &journalv1.Event_BaselineTaken{BaselineTaken: &journalv1.BaselineTaken{Table: t.Number, Digest: t.Baseline.Proto()}}})
	}
	if t.Skipped {
		events = append(events, &journalv1.Event{Body: &journalv1.Event_TableSkipped{TableSkipped: &journalv1.TableSkipped{Table: t.Number, BySpec: t.SkippedBySpec}}})
	}
	return events
}

// migrationEvents are what of the plan is no table's. Where the databases are, and what
// refers to their passwords, is nobody's business who reads the target.
func (o *offer) migrationEvents() []*journalv1.Event {
	m, spec := o.m, proto.CloneOf(o.m.Spec)
	spec.Source, spec.Target = nil, nil
	events := []*journalv1.Event{
		{Body: &journalv1.Event_MigrationCreated{MigrationCreated: &journalv1.MigrationCreated{Uid: m.UID, Spec: spec}}},
		{Body: &journalv1.Event_TargetDesigned{TargetDesigned: &journalv1.TargetDesigned{
			Engine: m.Target.Engine, Version: m.Target.Version, Identity: m.Target.Identity, Statements: m.Statements, Findings: m.Findings,
			Tables: int32(len(o.tables)), Objects: m.Objects, Unmoved: m.NotDesigned}}},
	}
	for i, p := range m.Phases {
		if p.Approved {
			events = append(events, &journalv1.Event{Body: &journalv1.Event_PhaseApproved{PhaseApproved: &journalv1.PhaseApproved{Phase: uint32(i + 1)}}})
		}
	}
	return events
}

// add puts events behind the pieces that there are of a table, each behind its length,
// and tells how many there are then.
func (p *keepPage) add(table, number uint32, events ...*journalv1.Event) uint32 {
	var body []byte
	for _, e := range events {
		raw, err := proto.Marshal(e)
		if err != nil {
			panic("coordinator: marshal a plan: " + err.Error()) // it came out of the control log
		}
		body = protowire.AppendBytes(body, raw)
	}
	p.size += len(body)
	for first := true; first || len(body) > 0; first = false {
		n := min(len(body), planPieceBytes)
		p.pieces = append(p.pieces, &workerv1.PlanPiece{Table: table, Number: number, Body: body[:n]})
		body = body[n:]
		number++
	}
	return number
}

func (p *keepPage) done(table, pieces uint32) {
	p.kept.Tables = append(p.kept.Tables, &journalv1.PlanKept_Table{Table: table, Pieces: pieces})
}

// kept notes what the target keeps. A table that is not there as a whole is not noted: a
// coordinator that starts again begins with it again.
func (s *Leader) kept(ctx context.Context, m *state.Migration) error {
	r := s.run(m.UID)
	page := r.keepPage
	if page == nil {
		return nil
	}
	r.keep, r.keepPage = page.after, nil
	if len(page.kept.GetTables()) == 0 {
		return nil
	}
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_PlanKept{PlanKept: page.kept}})
}
