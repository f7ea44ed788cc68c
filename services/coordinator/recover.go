package coordinator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/spec"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// A migration that is applied may be one whose control log was lost: its target knows
// it, keeps its plan (keep.go) and has the ledger of its ranges. Then it is not planned but
// read, in two passes of pages: the plan, as it would come from source and design; and
// the ledger's rows, which are this migration's from that moment on, so that nobody who
// still works for the lost one can write. What is not loaded goes on behind its row by
// itself: the fence tells where.

// finds tells whether a new migration goes on with an unfinished one of its name. One
// that begins with the removal of rows begins anew.
func finds(m *state.Migration) bool {
	return m.Stage == state.Planning && m.AutoStart && !m.Fresh && existing(m.Spec) != planv1.Existing_EXISTING_TRUNCATE
}

// found decides whether a migration goes on with one that the target has.
func (s *Leader) found(ctx context.Context, m *state.Migration, d *workerv1.Designed) (bool, error) {
	f := d.GetFound()
	if f == nil || !finds(m) || !designing(m, s.run(m.UID)) || f.GetUid() == m.UID || f.GetSourceIdentity() != m.Source.Identity {
		return false, nil
	}
	made := func(p *planv1.TablePlan) bool { return p.GetTargetExists() }
	if !m.Atomic() && !slices.ContainsFunc(d.GetDesign().GetTables(), made) {
		return false, nil // it had made no table, or somebody has removed them all
	}
	if f.GetBusy() {
		return true, s.refuse(ctx, m, "another drover works for a migration of this name in the target: wait for its end, or stop it and apply the spec again")
	}
	if f.GetPublished() {
		return true, s.refuse(ctx, m, "a migration of this name has published its tables in the target before its control log was lost: "+
			"they are proven and live. Compare what stands on them with drover schema diff; to move them again, remove them and use --fresh")
	}
	s.cfg.Logger.Info("going on with a migration that the target has", "migration", m.Name, "found", f.GetUid())
	s.run(m.UID).described = nil
	return true, s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_MigrationFound{MigrationFound: &journalv1.MigrationFound{Uid: f.GetUid()}}})
}

// refuse ends a migration that cannot be planned.
func (s *Leader) refuse(ctx context.Context, m *state.Migration, reason string) error {
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_MigrationFailed{MigrationFailed: &journalv1.MigrationFailed{
		Reason: reason, Kind: reasonPreflight}}})
}

// recovery is how far a found migration is read. It may be lost: all is read again.
type recovery struct {
	// ranges: the plan is read, and the ledger's rows come.
	ranges bool
	// after is where the last page ended; nil before the first.
	after *workerv1.LedgerRange
	// table whose pieces come, and rest, the beginning of an event.
	table uint32
	rest  []byte
	// approved phases.
	approved []uint32
	// begun tables have rows; emptying ones were being emptied.
	begun, emptying map[uint32]bool
}

func (r *run) recovering() *recovery {
	if r.recovery == nil {
		r.recovery = &recovery{begun: map[uint32]bool{}, emptying: map[uint32]bool{}}
	}
	return r.recovery
}

// next is the job that reads the next page.
func (c *recovery) next(m *state.Migration) *workerv1.ReadLedger {
	return ledgerBehind(c.after, &workerv1.ReadLedger{From: m.Found, Ranges: c.ranges})
}

// ledgerBehind has a page begin behind the place where the last one ended; nil for none.
func ledgerBehind(after *workerv1.LedgerRange, page *workerv1.ReadLedger) *workerv1.ReadLedger {
	if after != nil {
		page.AfterTable, page.AfterNumber = proto.Uint32(after.GetTable()), after.GetNumber()
	}
	return page
}

// recover takes a page.
func (s *Leader) recover(ctx context.Context, m *state.Migration, page *workerv1.LedgerPage) error {
	c := s.run(m.UID).recovering()
	if c.ranges {
		return s.recoverRanges(ctx, m, c, page)
	}
	for _, p := range page.GetPieces() {
		if err := s.recoverPiece(ctx, m, c, p); err != nil {
			return err
		}
		if s.view().Migration(m.UID).Stage != state.Planning {
			return nil // refused
		}
		c.after = &workerv1.LedgerRange{Table: p.GetTable(), Number: p.GetNumber()}
	}
	if !page.GetLast() {
		return nil
	}
	tables := s.view().Tables(m.UID)
	if now := s.view().Migration(m.UID); len(c.rest) > 0 || len(tables) == 0 || len(tables) < now.Tables {
		return s.refuse(ctx, m, fmt.Sprintf("the plan that the target keeps of an unfinished migration is not whole, it has %d tables: "+
			"remove what that migration made and use --fresh", len(tables)))
	}
	c.ranges, c.after = true, nil
	return nil
}

// recoverPiece applies the events that a piece ends or has.
func (s *Leader) recoverPiece(ctx context.Context, m *state.Migration, c *recovery, p *workerv1.PlanPiece) error {
	if c.table != p.GetTable() && len(c.rest) > 0 {
		return s.refuse(ctx, m, fmt.Sprintf("the plan of table %d that the target keeps has no end: remove what the unfinished migration made and use --fresh", c.table))
	}
	c.table, c.rest = p.GetTable(), append(c.rest, p.GetBody()...)
	for {
		raw, n := protowire.ConsumeBytes(c.rest)
		if n < 0 {
			if err := protowire.ParseError(n); !errors.Is(err, io.ErrUnexpectedEOF) {
				return s.refuse(ctx, m, "the plan that the target keeps cannot be read: "+err.Error())
			}
			return nil
		}
		e := &journalv1.Event{}
		if err := proto.Unmarshal(raw, e); err != nil {
			return s.refuse(ctx, m, "the plan that the target keeps cannot be read: "+err.Error())
		}
		c.rest = c.rest[n:]
		if stop, err := s.recoverEvent(ctx, m, c, e); stop || err != nil {
			return err
		}
	}
}

// recoverEvent takes one event of the plan; it tells whether it ends the migration.
func (s *Leader) recoverEvent(ctx context.Context, m *state.Migration, c *recovery, e *journalv1.Event) (bool, error) {
	switch b := e.GetBody().(type) {
	case *journalv1.Event_MigrationCreated:
		if d := differing(b.MigrationCreated.GetSpec(), m.Spec); len(d) > 0 {
			return true, s.refuse(ctx, m, fmt.Sprintf("the target has an unfinished migration of this name, by a spec that differs in %s: "+
				"apply that spec again to go on with it, or begin anew with --fresh", strings.Join(d, ", ")))
		}
		return false, nil
	case *journalv1.Event_PhaseApproved:
		c.approved = append(c.approved, b.PhaseApproved.GetPhase())
		return false, nil
	case *journalv1.Event_TargetDesigned, *journalv1.Event_TablePlanned, *journalv1.Event_RangesPlanned, *journalv1.Event_RangeSkipped,
		*journalv1.Event_BaselineTaken, *journalv1.Event_TableSkipped:
		return false, s.append(ctx, m.UID, &journalv1.Event{Body: e.GetBody()})
	}
	return true, s.refuse(ctx, m, "the plan that the target keeps was written by a newer drover: use that one")
}

// recoverRanges takes a page of the ledger's rows.
func (s *Leader) recoverRanges(ctx context.Context, m *state.Migration, c *recovery, page *workerv1.LedgerPage) error {
	e := &journalv1.RangesFound{}
	for _, r := range page.GetRanges() {
		c.after = r
		c.begun[r.GetTable()] = c.begun[r.GetTable()] || r.GetLoaded() || r.GetDigest().GetRows() > 0
		at := s.view().Range(m.UID, r.GetTable(), r.GetNumber())
		if at == nil && r.GetDigest().GetRows() == 0 {
			continue // of a table that was emptied, by a log that knew more ranges than the last one
		}
		if at == nil {
			return s.refuse(ctx, m, fmt.Sprintf("the ledger in the target has range %d of table %d, and the plan that it keeps does not: "+
				"remove what the unfinished migration made and use --fresh", r.GetNumber(), r.GetTable()))
		}
		if r.GetLoaded() && !at.GivenUp() {
			e.Ranges = append(e.Ranges, &journalv1.RangeLoaded{Table: r.GetTable(), Range: r.GetNumber(), Attempt: s.number(),
				Digest: r.GetDigest(), Touched: r.GetTouched(), Rejected: &planv1.Rejected{Hashes: r.GetRejected()}})
		}
	}
	for _, number := range page.GetEmptying() {
		c.emptying[number] = true
	}
	if len(e.GetRanges()) > 0 {
		if err := s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_RangesFound{RangesFound: e}}); err != nil {
			return err
		}
	}
	if !page.GetLast() {
		return nil
	}
	return s.recovered(ctx, m, c)
}

// recovered ends the reading: what was read in a snapshot, or half emptied, begins again.
func (s *Leader) recovered(ctx context.Context, m *state.Migration, c *recovery) error {
	for _, t := range s.view().Tables(m.UID) {
		reason := ""
		switch {
		case t.Skipped || t.Emptying || t.Blocked:
		case c.emptying[t.Number]:
			reason = "it was being emptied when the control log was lost"
		case needsSnapshot(t) && c.begun[t.Number] && !t.AllLoaded():
			reason = "the snapshot that it was begun in was lost with the control log"
		}
		if reason == "" {
			continue
		}
		if err := s.restartTable(ctx, m, t, reason, nil); err != nil {
			return err
		}
	}
	err := s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_MigrationRecovered{MigrationRecovered: &journalv1.MigrationRecovered{Approved: c.approved}}})
	if err == nil {
		s.run(m.UID).recovery = nil
	}
	return err
}

// free are the fields of a spec that say nothing of what is in the target: where the
// databases are, which are known by their identities, how ranges are cut, and how fast.
var free = []string{"source", "target", "ranges", "stream", "labels", "onFailure", "limits"}

// differing names the fields in which two specs are not the same, as far as it matters
// for what one of them has made.
func differing(was, is *droverv1.MigrationSpec) (names []string) {
	a, b := spec.WithDefaults(was).ProtoReflect(), spec.WithDefaults(is).ProtoReflect()
	fields := a.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if slices.Contains(free, f.JSONName()) {
			continue
		}
		left, right := &droverv1.MigrationSpec{}, &droverv1.MigrationSpec{}
		if a.Has(f) {
			left.ProtoReflect().Set(f, a.Get(f))
		}
		if b.Has(f) {
			right.ProtoReflect().Set(f, b.Get(f))
		}
		if !proto.Equal(left, right) {
			names = append(names, f.JSONName())
		}
	}
	return names
}
