package coordinator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// live is what leases add to the log: rows that are under way.
type live struct {
	rows, bytes map[uint32]int64
	worker      map[workID]string
	// attempts of steps that failed and are tried again, by table.
	attempts map[uint32]int
	slots    int
	stalled  string
	// finishing is what a paused migration still has in hand.
	finishing string
	load      *load
}

// live collects what leases know of a migration.
func (s *Service) live(uid string) live {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := live{rows: map[uint32]int64{}, bytes: map[uint32]int64{}, worker: map[workID]string{}, attempts: map[uint32]int{}, slots: s.slots(extractor)}
	for w, l := range s.busy {
		if w.migration != uid {
			continue
		}
		if w.kind == workLoad {
			out.rows[w.table] += l.rows
			out.bytes[w.table] += l.bytes
		}
		out.worker[w.as(workLoad)] = l.worker.id
	}
	out.finishing = s.finishing(uid)
	if r := s.runs[uid]; r != nil {
		out.stalled, out.load = r.stalled.why, r.load
		for w, tries := range r.tries {
			if w.table != 0 {
				out.attempts[w.table] = max(out.attempts[w.table], tries)
			}
		}
	}
	return out
}

var migrationStates = map[state.Stage]droverv1.Migration_State{
	state.Planning: droverv1.Migration_STATE_PLANNING, state.Planned: droverv1.Migration_STATE_PLANNED,
	state.Running: droverv1.Migration_STATE_RUNNING, state.Complete: droverv1.Migration_STATE_COMPLETE,
	state.Incomplete: droverv1.Migration_STATE_INCOMPLETE, state.Cancelled: droverv1.Migration_STATE_CANCELLED,
	state.Failed: droverv1.Migration_STATE_FAILED, state.RolledBack: droverv1.Migration_STATE_ROLLED_BACK,
	state.Stopped: droverv1.Migration_STATE_STOPPED, state.Discarding: droverv1.Migration_STATE_RUNNING,
}

// stateName is a migration's state for people.
func stateName(m *state.Migration) string {
	if m.Regressed {
		return "control regressed"
	}
	if m.Stage == state.Discarding {
		return "being removed from its target"
	}
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(migrationStates[m.Stage].String(), "STATE_")), "_", " ")
}

func migrationName(m *state.Migration) string { return "migrations/" + m.Name }

func tableResource(m *state.Migration, t *state.Table) string {
	return fmt.Sprintf("%s/tables/%d", migrationName(m), t.Number)
}

// migration writes a migration for the admin API.
func migration(m *state.Migration, tables []*state.Table, l live) *droverv1.Migration {
	out := &droverv1.Migration{Name: migrationName(m), Uid: m.UID, Spec: m.Spec, State: migrationStates[m.Stage],
		Reason: m.Problem.Reason, ReasonSide: m.Problem.Side, ReasonKind: m.Problem.Kind,
		CreateTime: timestamp(m.Created), StartTime: timestamp(m.Started), EndTime: timestamp(m.Ended),
		SourceEngine: m.Source.Engine, SourceVersion: m.Source.Version, TargetEngine: m.Target.Engine, TargetVersion: m.Target.Version,
		Findings: m.Findings, Statements: slices.Concat(m.Statements, m.Objects), Unmoved: m.LeftBehind(), Tables: int32(len(tables)), Counters: &droverv1.Counters{}}
	out.Limits, out.SourceLoad = m.Limits, l.load.message()
	if m.Found != "" && !m.Recovering {
		out.Recovery = &droverv1.Recovery{Uid: m.Found, Ranges: m.FoundRanges, Rows: m.FoundRows}
	}
	out.Phases, out.Sizing, out.PublishTime = phaseMessages(m, tables), sizing(m, tables, l.slots), timestamp(m.Published)
	for _, t := range tables {
		if t.Skipped { // what was given up is not part of the whole
			out.TablesSkipped++
			continue
		}
		addCounters(out.Counters, counters(t, l))
		switch {
		case t.Blocked:
			out.TablesBlocked++
		case t.Stage == state.TableComplete:
			out.TablesComplete++
		}
	}
	standingOf(out, m, tables, l)
	return out
}

// standingOf says how a migration stands beyond its stage, and why.
func standingOf(out *droverv1.Migration, m *state.Migration, tables []*state.Table, l live) {
	switch {
	case m.Regressed:
		out.State, out.Reason = droverv1.Migration_STATE_CONTROL_REGRESSED, m.Problem.Reason
		return
	case m.Stage == state.Discarding:
		out.Reason = "removing what was made in the target: " + m.Problem.Reason
	case m.Stage == state.Complete:
		out.Reason = without(tables)
	case m.WaitingPhase() != 0:
		out.State, out.Reason = droverv1.Migration_STATE_WAITING, waitingReason(m)
	}
	if m.Paused && !m.Stage.Rests() {
		out.State, out.Reason = droverv1.Migration_STATE_PAUSED, l.finishing
		return
	}
	if out.Reason == "" && m.Stage == state.Running {
		out.Reason = l.load.slowed()
	}
	if out.Reason == "" && !m.Stage.Rests() {
		out.Reason = l.stalled
	}
}

// without says what a complete migration went without, by its users' choice.
func without(tables []*state.Table) string {
	skipped, partial := 0, 0
	for _, t := range tables {
		switch {
		case t.Skipped:
			skipped++
		case t.SkippedRanges > 0:
			partial++
		}
	}
	var parts []string
	if skipped > 0 {
		parts = append(parts, fmt.Sprintf("%d skipped tables", skipped))
	}
	if partial > 0 {
		parts = append(parts, fmt.Sprintf("skipped ranges of %d tables", partial))
	}
	if len(parts) == 0 {
		return ""
	}
	return "without " + strings.Join(parts, " and ")
}

var rangeStates = map[state.RangeState]droverv1.Range_State{
	state.RangePending: droverv1.Range_STATE_PENDING, state.RangeLoaded: droverv1.Range_STATE_LOADED,
	state.RangeVerified: droverv1.Range_STATE_VERIFIED, state.RangeBlocked: droverv1.Range_STATE_BLOCKED,
	state.RangeSkipped: droverv1.Range_STATE_SKIPPED, state.RangeEmptied: droverv1.Range_STATE_SKIPPED,
}

// rangeMessage writes a range for the admin API.
func rangeMessage(m *state.Migration, r *state.Range, l live) *droverv1.Range {
	out := &droverv1.Range{Name: fmt.Sprintf("%s/tables/%d/ranges/%d", migrationName(m), r.Table, r.Number), Label: r.Plan.GetLabel(),
		State: rangeStates[r.State], Reason: r.Problem.Reason, Attempts: int32(r.Failures), Rows: r.Digest.Rows, Bytes: r.Bytes,
		Worker: l.worker[rangeID(r.Migration, r.Table, r.Number)], VerifyTime: timestamp(r.Verified)}
	if r.State == state.RangePending && out.Worker != "" {
		out.State = droverv1.Range_STATE_LOADING
	}
	if r.InTarget() {
		out.Attempts++
		out.SourceDigest = r.Digest.String()
	}
	if r.State == state.RangeVerified && r.Actual.Rows == r.Digest.Rows {
		out.TargetDigest = r.Actual.String()
	}
	return out
}

func workerMessage(w *worker) *droverv1.Worker {
	out := &droverv1.Worker{Name: "workers/" + w.id, Role: roleName(w.role), Host: w.host, Version: w.version, Slots: int32(w.slots),
		Draining: w.draining, ConnectTime: timestamp(w.connected), HeartbeatTime: timestamp(w.heard)}
	for _, l := range w.leases {
		out.Jobs = append(out.Jobs, l.job.GetTitle())
	}
	slices.Sort(out.Jobs)
	return out
}

func roleName(r workerv1.Role) string {
	switch r {
	case extractor:
		return "extractor"
	case loader:
		return "loader"
	case validator:
		return "validator"
	default:
		return strings.ToLower(strings.TrimPrefix(r.String(), "ROLE_"))
	}
}

func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
