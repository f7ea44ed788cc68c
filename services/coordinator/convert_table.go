package coordinator

import (
	"fmt"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// fullTable writes a table with its plan.
func fullTable(view state.View, m *state.Migration, t *state.Table, tables []*state.Table, l live) *droverv1.Table {
	out := tableMessage(m, t, tables, l)
	out.Plan = t.Plan
	var rows []int64
	view.Ranges(t.Migration, t.Number, func(r *state.Range) bool {
		rows = append(rows, max(r.Plan.GetEstimatedRows(), 0))
		return true
	})
	out.RangeSizes = rangeSizes(rows)
	return out
}

// sizeBuckets is how many bars a histogram of ranges has at most.
const sizeBuckets = 8

// rangeSizes says how the expected rows of ranges spread: bars of equal width up to
// the largest.
func rangeSizes(rows []int64) *droverv1.RangeSizes {
	if len(rows) == 0 {
		return nil
	}
	slices.Sort(rows)
	out := &droverv1.RangeSizes{Smallest: rows[0], Median: rows[len(rows)/2], Largest: rows[len(rows)-1]}
	width := max((out.GetLargest()+sizeBuckets-1)/sizeBuckets, 1)
	for to := width; ; to += width {
		n := 0
		for n < len(rows) && rows[n] <= to {
			n++
		}
		out.Buckets = append(out.Buckets, &droverv1.RangeSizes_Bucket{UpToRows: to, Ranges: int32(n)})
		if rows = rows[n:]; len(rows) == 0 {
			return out
		}
	}
}

// tableMessage writes a table for the admin API.
func tableMessage(m *state.Migration, t *state.Table, tables []*state.Table, l live) *droverv1.Table {
	out := &droverv1.Table{Name: tableResource(m, t), Source: sourceName(t.Plan), Target: targetName(t.Plan), State: tableState(m, t),
		Reason: t.Problem.Reason, ReasonSide: t.Problem.Side, ReasonKey: t.Problem.Key, ReasonColumn: t.Problem.Column, ReasonKind: t.Problem.Kind,
		Attempts: int32(max(t.Problem.Attempts, l.attempts[t.Number])), RangesSkipped: int32(t.SkippedRanges),
		Counters: counters(t, l), Encoding: t.Plan.GetEncoding(), SourceRows: max(t.SourceRows, 0), Differences: t.Differences, Touched: touched(t), Assessment: assessment(t),
		FirstReject: firstReject(t)}
	if n := int(t.Plan.GetPhase()); n > 0 && n <= len(m.Phases) {
		out.Phase = m.Phases[n-1].Name
	}
	if out.Reason == "" {
		out.Reason = tableReason(m, t, tables)
	}
	if t.Stage >= state.TableVerified {
		out.SourceDigest, out.TargetDigest = t.LoadedDigest.String(), t.VerifiedDigest.String()
	}
	return out
}

// tableReason says why a table stands as it does where nothing of it has failed.
func tableReason(m *state.Migration, t *state.Table, tables []*state.Table) string {
	switch {
	case t.Skipped && t.SkippedBySpec:
		return "the changed spec leaves it out"
	case t.Skipped:
		return "somebody gave it up; foreign keys that point to it are left out"
	case t.SkippedRanges > 0 && t.Stage == state.TableComplete:
		return fmt.Sprintf("%d rows of %d skipped ranges are not in the target", t.SourceRows-t.ProvenRows(), t.SkippedRanges)
	case t.Stage >= state.TableIndexed && len(leftOut(t, tables)) > 0:
		return leftOutText(leftOut(t, tables))
	case m.Stage.Rests() && !waitsForOthers(m, t, tables):
		return ""
	case t.Stage == state.TableIndexed:
		if other := missingFor(t, tables); other != nil {
			return fmt.Sprintf("its foreign keys wait for table %s", sourceName(other.Plan))
		}
	}
	return ""
}

// leftOutText names the foreign keys that point to skipped tables.
func leftOutText(keys []*planv1.ForeignKey) string {
	parts := make([]string, len(keys))
	for i, f := range keys {
		parts[i] = strings.TrimSpace(f.GetName() + " to " + qualified(f.GetReferencedSchema(), f.GetReferencedTable()))
	}
	return "foreign keys to skipped tables are left out: " + strings.Join(parts, ", ")
}

// touched lists what moved by which policy.
func touched(t *state.Table) []*droverv1.TouchedColumn {
	var out []*droverv1.TouchedColumn
	for _, n := range t.Touched.Proto() {
		if int(n.GetColumn()) < len(t.Plan.GetColumns()) {
			c := t.Plan.GetColumns()[n.GetColumn()]
			out = append(out, &droverv1.TouchedColumn{Column: c.GetSource(), Policy: policyText(c.GetPolicy()), Values: n.GetValues()})
		}
	}
	return out
}

func policyText(p *planv1.Policy) string {
	switch p.GetAction() {
	case planv1.Policy_ACTION_NULL:
		return "set-null"
	case planv1.Policy_ACTION_SENTINEL:
		return "sentinel " + p.GetSentinel()
	case planv1.Policy_ACTION_STRIP:
		return "strip"
	default:
		return "error"
	}
}

func tableState(m *state.Migration, t *state.Table) droverv1.Table_State {
	switch {
	case t.Skipped:
		return droverv1.Table_STATE_SKIPPED
	case t.Blocked:
		return droverv1.Table_STATE_BLOCKED
	case t.Stage <= state.TablePlanned && m.Stage >= state.Running && !m.Stage.Ended() && !m.Begun(t):
		return droverv1.Table_STATE_WAITING
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
	case m.Atomic() && m.Published.IsZero():
		return droverv1.Table_STATE_STAGED
	case t.SkippedRanges > 0:
		return droverv1.Table_STATE_PARTIAL
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
		ValidateSeconds: t.ValidateSeconds, SchemaSeconds: t.SchemaSeconds, RowsFiltered: t.Filtered, ValuesTouched: t.Touched.Total(), RowsRejected: t.Rejected}
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
	sum.RowsFiltered += c.GetRowsFiltered()
	sum.ValuesTouched += c.GetValuesTouched()
	sum.RowsRejected += c.GetRowsRejected()
}
