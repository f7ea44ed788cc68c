package coordinator

import (
	"context"
	"fmt"
	"strconv"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

func verificationName(m *state.Migration, v *state.Verification) string {
	return migrationName(m) + "/verifications/" + strconv.Itoa(int(v.Number))
}

// verificationMessage writes a verification for the admin API.
func verificationMessage(view state.View, m *state.Migration, v *state.Verification) *droverv1.Verification {
	out := &droverv1.Verification{Name: verificationName(m, v), Mode: v.Mode, SampleRows: v.SampleRows, Seed: v.Seed,
		CreateTime: timestamp(v.Started), EndTime: timestamp(v.Ended), Counters: &droverv1.VerificationCounters{}}
	if v.Repaired {
		out.Repair = &droverv1.Repair{DryRun: v.DryRun}
	}
	tables := map[uint32]*droverv1.VerifiedTable{}
	view.Checks(m.UID, v.Number, func(c *state.Check) bool {
		t := tables[c.Table]
		if t == nil {
			t = verifiedTable(m, view.Table(m.UID, c.Table))
			tables[c.Table] = t
			out.Tables = append(out.Tables, t)
		}
		addCheck(out.Counters, c)
		addCheck(t.Counters, c)
		addRepair(out.Repair, c)
		if p := c.Problem.Reason; p != "" && c.State == state.CheckFailed {
			t.Reason, out.Reason = p, p
		}
		if p := c.RepairProblem.Reason; p != "" {
			t.Reason, out.Reason = p, p
		}
		return true
	})
	out.State = verificationState(v, out.GetCounters())
	return out
}

func verifiedTable(m *state.Migration, t *state.Table) *droverv1.VerifiedTable {
	return &droverv1.VerifiedTable{Name: tableResource(m, t), Source: sourceName(t.Plan), Target: targetName(t.Plan), Counters: &droverv1.VerificationCounters{}}
}

func verificationState(v *state.Verification, c *droverv1.VerificationCounters) droverv1.Verification_State {
	switch {
	case v.Active && v.Repairing:
		return droverv1.Verification_STATE_REPAIRING
	case v.Active:
		return droverv1.Verification_STATE_RUNNING
	case v.Cancelled:
		return droverv1.Verification_STATE_CANCELLED
	case c.GetRangesDifferent() > 0:
		return droverv1.Verification_STATE_DIFFERENT
	case c.GetRangesFailed() > 0:
		return droverv1.Verification_STATE_INCOMPLETE
	default:
		return droverv1.Verification_STATE_EQUAL
	}
}

func addCheck(to *droverv1.VerificationCounters, c *state.Check) {
	to.Ranges++
	switch c.State {
	case state.CheckPending:
		return
	case state.CheckFailed:
		to.RangesFailed++
		return
	case state.CheckDifferent, state.CheckRepair:
		to.RangesDifferent++
	}
	to.RangesChecked++
	to.SourceRows += c.Source.Rows
	to.TargetRows += c.Target.Rows
	to.SampledRows += c.SampledRows
	to.RejectedRows += c.RejectedRows
	to.DifferentRows += c.DifferentRows
	to.ListedRows += int64(len(c.Differences))
	to.SchemaDifferences += int64(len(c.Schema))
}

func addRepair(to *droverv1.Repair, c *state.Check) {
	if to == nil {
		return
	}
	if c.RepairProblem.Reason != "" {
		to.RangesFailed++
	}
	for _, r := range c.Repairs {
		switch {
		case r.GetOutcome() == planv1.RowRepair_OUTCOME_CHANGED:
			to.Changed++
		case r.GetOutcome() == planv1.RowRepair_OUTCOME_REFUSED:
			to.Refused++
		case r.GetAction() == planv1.RowRepair_ACTION_INSERT:
			to.Inserted++
		case r.GetAction() == planv1.RowRepair_ACTION_UPDATE:
			to.Updated++
		case r.GetAction() == planv1.RowRepair_ACTION_DELETE:
			to.Deleted++
		default:
			to.Settled++
		}
	}
}

// ListDifferences reads what differs, by table, range and key.
func (a *verificationServer) ListDifferences(ctx context.Context, r *droverv1.ListDifferencesRequest) (*droverv1.ListDifferencesResponse, error) {
	view, m, v, err := a.s.verification(ctx, r.GetParent())
	if err != nil {
		return nil, err
	}
	var all []*droverv1.VerificationDifference
	view.Checks(m.UID, v.Number, func(c *state.Check) bool {
		all = append(all, differencesOf(targetName(view.Table(m.UID, c.Table).Plan), c)...)
		return true
	})
	part, next, err := page(all, r.GetPageSize(), r.GetPageToken())
	return &droverv1.ListDifferencesResponse{Differences: part, NextPageToken: next}, err
}

// differencesOf are a check's: those that are known one by one, and a line for the rest.
func differencesOf(table string, c *state.Check) (out []*droverv1.VerificationDifference) {
	for _, d := range c.Differences {
		out = append(out, &droverv1.VerificationDifference{Table: table, Range: c.Range, Type: d.GetDifference().GetType(),
			Key: d.GetDifference().GetKey(), Columns: d.GetDifference().GetColumns(), Rows: 1})
	}
	for _, d := range c.Schema {
		out = append(out, &droverv1.VerificationDifference{Table: table, Range: c.Range, Type: d.GetType(), Object: d.GetObject(), Expected: d.GetExpected(), Actual: d.GetActual()})
	}
	rest := c.DifferentRows - int64(len(c.Differences))
	if rest <= 0 || c.State == state.CheckFailed {
		return out
	}
	d := &droverv1.VerificationDifference{Table: table, Range: c.Range, Rows: rest, Type: planv1.Difference_TYPE_DIFFERENT}
	if len(c.Differences) == 0 {
		d.Expected, d.Actual = fmt.Sprintf("%d rows", c.Source.Rows), fmt.Sprintf("%d rows", c.Target.Rows)
		switch {
		case c.Source.Rows > c.Target.Rows:
			d.Type = planv1.Difference_TYPE_MISSING
		case c.Source.Rows < c.Target.Rows:
			d.Type = planv1.Difference_TYPE_EXTRA
		}
	}
	return append(out, d)
}

// ListRepairs reads what the last repair did, by table, range and key.
func (a *verificationServer) ListRepairs(ctx context.Context, r *droverv1.ListRepairsRequest) (*droverv1.ListRepairsResponse, error) {
	view, m, v, err := a.s.verification(ctx, r.GetParent())
	if err != nil {
		return nil, err
	}
	var all []*droverv1.RepairedRow
	view.Checks(m.UID, v.Number, func(c *state.Check) bool {
		table := targetName(view.Table(m.UID, c.Table).Plan)
		for _, row := range c.Repairs {
			all = append(all, &droverv1.RepairedRow{Table: table, Range: c.Range, Key: row.GetKey(), Action: row.GetAction(), Outcome: row.GetOutcome(), Reason: row.GetReason()})
		}
		if p := c.RepairProblem.Reason; p != "" {
			all = append(all, &droverv1.RepairedRow{Table: table, Range: c.Range, Reason: p})
		}
		return true
	})
	part, next, err := page(all, r.GetPageSize(), r.GetPageToken())
	return &droverv1.ListRepairsResponse{Rows: part, NextPageToken: next}, err
}
