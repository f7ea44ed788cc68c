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
	stalled     string
}

// live collects what leases know of a migration.
func (s *Service) live(uid string) live {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := live{rows: map[uint32]int64{}, bytes: map[uint32]int64{}, worker: map[workID]string{}}
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
	if r := s.runs[uid]; r != nil {
		out.stalled = r.stalled
	}
	return out
}

var migrationStates = map[state.Stage]droverv1.Migration_State{
	state.Planning: droverv1.Migration_STATE_PLANNING, state.Planned: droverv1.Migration_STATE_PLANNED,
	state.Running: droverv1.Migration_STATE_RUNNING, state.Complete: droverv1.Migration_STATE_COMPLETE,
	state.Incomplete: droverv1.Migration_STATE_INCOMPLETE, state.Cancelled: droverv1.Migration_STATE_CANCELLED,
	state.Failed: droverv1.Migration_STATE_FAILED,
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
		Findings: m.Findings, Statements: m.Statements, Unmoved: m.Unmoved, Tables: int32(len(tables)), Counters: &droverv1.Counters{}}
	if m.Paused && !m.Stage.Ended() {
		out.State = droverv1.Migration_STATE_PAUSED
	}
	if out.Reason == "" && !m.Stage.Ended() {
		out.Reason = l.stalled
	}
	for _, t := range tables {
		addCounters(out.Counters, counters(t, l))
		switch {
		case t.Blocked:
			out.TablesBlocked++
		case t.Stage == state.TableComplete:
			out.TablesComplete++
		}
	}
	return out
}

// tableMessage writes a table for the admin API.
func tableMessage(m *state.Migration, t *state.Table, l live, full bool) *droverv1.Table {
	out := &droverv1.Table{Name: tableResource(m, t), Source: sourceName(t.Plan), Target: targetName(t.Plan), State: tableState(t),
		Reason: t.Problem.Reason, ReasonSide: t.Problem.Side, ReasonKey: t.Problem.Key, ReasonColumn: t.Problem.Column,
		Counters: counters(t, l), Encoding: t.Plan.GetEncoding(), SourceRows: max(t.SourceRows, 0), Differences: t.Differences}
	if t.Stage >= state.TableVerified {
		out.SourceDigest, out.TargetDigest = t.LoadedDigest.String(), t.VerifiedDigest.String()
	}
	if full {
		out.Plan = t.Plan
	}
	return out
}

func tableState(t *state.Table) droverv1.Table_State {
	switch {
	case t.Blocked:
		return droverv1.Table_STATE_BLOCKED
	case t.Stage <= state.TablePlanned:
		return droverv1.Table_STATE_PLANNED
	case t.Stage == state.TableCreated:
		return droverv1.Table_STATE_COPYING
	case t.Stage == state.TableLoaded:
		return droverv1.Table_STATE_KEYING
	case t.Stage == state.TableKeyed:
		return droverv1.Table_STATE_VALIDATING
	case t.Stage == state.TableVerified:
		return droverv1.Table_STATE_INDEXING
	case t.Stage < state.TableComplete:
		return droverv1.Table_STATE_FINISHING
	default:
		return droverv1.Table_STATE_COMPLETE
	}
}

func counters(t *state.Table, l live) *droverv1.Counters {
	return &droverv1.Counters{RowsEstimated: t.EstimatedRows, BytesEstimated: t.EstimatedBytes,
		RowsLoaded: t.LoadedDigest.Rows + l.rows[t.Number], BytesLoaded: t.LoadedBytes + l.bytes[t.Number],
		RowsVerified: t.VerifiedDigest.Rows, Ranges: int32(t.Ranges), RangesLoaded: int32(t.Loaded),
		RangesVerified: int32(t.Verified), RangesBlocked: int32(t.BlockedRanges), Retries: t.Retries, Mismatches: t.Mismatches,
		DuplicatesSuppressed: t.Duplicates, ExtractSeconds: t.ExtractSeconds, LoadSeconds: t.LoadSeconds,
		ValidateSeconds: t.ValidateSeconds, SchemaSeconds: t.SchemaSeconds}
}

func addCounters(sum, c *droverv1.Counters) {
	sum.RowsEstimated += max(c.GetRowsEstimated(), 0)
	sum.BytesEstimated += max(c.GetBytesEstimated(), 0)
	sum.RowsLoaded += c.GetRowsLoaded()
	sum.BytesLoaded += c.GetBytesLoaded()
	sum.RowsVerified += c.GetRowsVerified()
	sum.Ranges += c.GetRanges()
	sum.RangesLoaded += c.GetRangesLoaded()
	sum.RangesVerified += c.GetRangesVerified()
	sum.RangesBlocked += c.GetRangesBlocked()
	sum.Retries += c.GetRetries()
	sum.Mismatches += c.GetMismatches()
	sum.DuplicatesSuppressed += c.GetDuplicatesSuppressed()
	sum.ExtractSeconds += c.GetExtractSeconds()
	sum.LoadSeconds += c.GetLoadSeconds()
	sum.ValidateSeconds += c.GetValidateSeconds()
	sum.SchemaSeconds += c.GetSchemaSeconds()
}

var rangeStates = map[state.RangeState]droverv1.Range_State{
	state.RangePending: droverv1.Range_STATE_PENDING, state.RangeLoaded: droverv1.Range_STATE_LOADED,
	state.RangeVerified: droverv1.Range_STATE_VERIFIED, state.RangeBlocked: droverv1.Range_STATE_BLOCKED,
}

// rangeMessage writes a range for the admin API.
func rangeMessage(m *state.Migration, r *state.Range, l live) *droverv1.Range {
	out := &droverv1.Range{Name: fmt.Sprintf("%s/tables/%d/ranges/%d", migrationName(m), r.Table, r.Number), Label: r.Plan.GetLabel(),
		State: rangeStates[r.State], Reason: r.Problem.Reason, Attempts: int32(r.Failures), Rows: r.Digest.Rows, Bytes: r.Bytes,
		Worker: l.worker[rangeID(r.Migration, r.Table, r.Number)], VerifyTime: timestamp(r.Verified)}
	if r.State == state.RangePending && out.Worker != "" {
		out.State = droverv1.Range_STATE_LOADING
	}
	if r.State == state.RangeLoaded || r.State == state.RangeVerified {
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
	return strings.ToLower(strings.TrimPrefix(r.String(), "ROLE_"))
}

func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
