package coordinator

import (
	"context"
	"fmt"
	"slices"
	"strings"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// rejects says how many rows of a range may be rejected: what other ranges of the table
// have left of the spec's bound. Ranges that load at once may each use it up; then the
// table is blocked when they are counted.
func rejects(m *state.Migration, t *state.Table) *workerv1.Rejects {
	r := m.Spec.GetRejects()
	if r.GetMax() == 0 {
		return nil
	}
	return &workerv1.Rejects{Max: max(0, r.GetMax()-t.Rejected), To: r.GetTo(), Folder: m.RejectsFolder}
}

// tooManyRejects is why a table with more rejected rows than the spec lets go is blocked.
func tooManyRejects(m *state.Migration, t *state.Table) state.Problem {
	p := state.Problem{Side: fault.Target, Kind: fault.Value.String(), Key: t.FirstReject.GetKey(), Column: t.FirstReject.GetColumn()}
	p.Reason = fmt.Sprintf("%d rows were rejected and rejects.max is %d; the first: %s", t.Rejected, m.Spec.GetRejects().GetMax(), rejectText(t.FirstReject))
	return p
}

// firstReject is the first rejected row of a table for people.
func firstReject(t *state.Table) string {
	if t.Rejected == 0 {
		return ""
	}
	text := rejectText(t.FirstReject)
	if t.Missing > 0 {
		text += fmt.Sprintf(" (%d of the rows were neither in the folder of rejects.to nor in the source as they were)", t.Missing)
	}
	return text
}

func rejectText(r *planv1.Reject) string {
	if r == nil {
		return "see the files of rejects.to"
	}
	var parts []string
	if r.GetKey() != "" {
		parts = append(parts, "row "+r.GetKey())
	}
	if r.GetColumn() != "" {
		parts = append(parts, "column "+r.GetColumn())
	}
	return strings.Join(append(parts, r.GetReason()), ": ")
}

// rejectedParents explains a foreign key that cannot be made because rows that it
// refers to were rejected; empty where that cannot be why.
func (s *Leader) rejectedParents(w workID) string {
	t := s.view().Table(w.migration, w.table)
	var parts []string
	for _, other := range s.view().Tables(w.migration) {
		if other.Rejected > 0 && slices.ContainsFunc(t.Plan.GetSource().GetForeignKeys(), other.Is) {
			parts = append(parts, fmt.Sprintf("%d of %s", other.Rejected, sourceName(other.Plan)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf(" (rows that it refers to may be rejected ones: %s; bring them in with drover retry --rejects)", strings.Join(parts, ", "))
}

// replays offers ranges whose rejected rows are to be written.
func (o *offer) replays() bool {
	room := true
	for _, t := range o.active {
		if !room || t.Replays == 0 || t.Blocked || t.Skipped || t.Emptying {
			continue
		}
		o.view.Ranges(t.Migration, t.Number, func(r *state.Range) bool {
			if r.Replay {
				room = o.give(workReplay, t.Number, r.Number)
			}
			return room
		})
	}
	return room
}

// replayed records what became of a range's rejected rows.
func (s *Leader) replayed(ctx context.Context, l *lease, d *workerv1.Replayed) error {
	r := s.view().Range(l.work.migration, l.work.table, l.work.number)
	if r == nil || !r.Replay {
		return nil
	}
	return s.append(ctx, l.work.migration, &journalv1.Event{Body: &journalv1.Event_RangeReplayed{RangeReplayed: &journalv1.RangeReplayed{
		Table: l.work.table, Range: l.work.number, Attempt: l.job.GetReplay().GetAttempt(), Digest: d.GetDigest(), Rejected: d.GetRejected(), Missing: d.GetMissing()}}})
}

// retryRejects has the rejected rows of a migration written, or those of one table.
func (s *Service) retryRejects(ctx context.Context, uid, table string, number uint32) (int, error) {
	const op = "coordinator.RetryMigration"
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.view().Migration(uid)
	switch {
	case number != 0:
		return 0, fault.New(fault.Invalid, op, "rejected rows are written for whole tables: leave the range out")
	case m == nil || m.Stage < state.Running || m.Stage == state.Discarding || m.Stage.Ended() && m.Stage != state.Complete && m.Stage != state.Incomplete:
		return 0, refuse(m, "has no rejected rows that could be written: it is %s", stateName(m))
	}
	rows, named := int64(0), table == ""
	for _, t := range s.view().Tables(uid) {
		if !isTable(t, table) {
			continue
		}
		named = true
		if t.Rejected == 0 || t.Skipped || t.Emptying {
			continue
		}
		rows += t.Rejected
		if err := s.append(ctx, uid, &journalv1.Event{Actor: "admin", Body: &journalv1.Event_RejectsRetried{RejectsRetried: &journalv1.RejectsRetried{Table: t.Number}}}); err != nil {
			return 0, err
		}
	}
	if !named {
		return 0, fault.New(fault.NotFound, op, "no table %q in migration %s", table, m.Name)
	}
	return int(rows), nil
}
