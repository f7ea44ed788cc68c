package coordinator

import (
	"context"

	"google.golang.org/protobuf/proto"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

const (
	// checkListed is how many rows a range of a verification lists at most,
	// verificationListed a whole verification.
	checkListed        = 1000
	verificationListed = 100_000
	// repairAttempts: a repair also waits for rows of other tables that its rows refer to.
	repairAttempts = 8
)

// verifying offers what a verification has left to compare and to repair, whatever
// else the migration does.
func (o *offer) verifying() {
	if o.m.Verifying == 0 {
		return
	}
	switch o.role {
	case validator:
		o.checks(state.CheckPending, workVerify)
	case loader:
		o.checks(state.CheckRepair, workRepair)
	}
}

func (o *offer) checks(in state.CheckState, kind workKind) {
	o.view.ChecksIn(o.m.UID, o.m.Verifying, in, func(c *state.Check) bool { return o.give(kind, c.Table, c.Range) })
}

// verifyJob writes down a comparison or a repair.
func (o *offer) verifyJob(j *workerv1.Job, w workID) {
	v, t := o.view.Verification(w.migration, o.m.Verifying), o.view.Table(w.migration, w.table)
	plan, label := whereItIs(o.m, t.Plan), ""
	var rng *planv1.Range
	if w.number != 0 {
		rng = o.view.Range(w.migration, w.table, w.number).Plan
		label = " " + rng.GetLabel()
	}
	if w.kind == workRepair {
		c := o.view.Check(w.migration, v.Number, w.table, w.number)
		j.Title = "repair " + targetName(t.Plan) + label
		j.Work = &workerv1.Job_Repair{Repair: &workerv1.RepairRange{Table: plan, Range: rng, Rows: repairable(c), DryRun: v.DryRun, ByRow: o.byRow(w)}}
		return
	}
	work := &workerv1.VerifyRange{Table: plan, Range: rng, Mode: v.Mode, Seed: v.Seed,
		SampleRows: rowsToDraw(o.view, v, w.table), MaxDifferences: int32(min(checkListed, max(0, verificationListed-v.Listed)))}
	if w.number != 0 {
		work.Rejected = o.view.Range(w.migration, w.table, w.number).Rejected.Marshal()
	} else {
		work.Rejected = o.view.Rejected(t).Marshal()
	}
	if t.HasBaseline {
		work.Baseline = t.Baseline.Proto()
	}
	j.Title, j.Work = "verify "+targetName(t.Plan)+label, &workerv1.Job_Verify{Verify: work}
}

// byRow tells whether a repair that its target refuses is to leave out the rows that it is
// about: the last try does, and, where rows of the range were rejected, the second one.
func (o *offer) byRow(w workID) bool {
	tries := o.run.tries[w]
	rejected := o.view.Table(w.migration, w.table).Rejected > 0
	return tries+1 >= repairAttempts || tries > 0 && rejected
}

// whereItIs is a table's plan where the table is now: published tables are at their
// final place.
func whereItIs(m *state.Migration, p *planv1.TablePlan) *planv1.TablePlan {
	if m.Published.IsZero() || p.GetPublishName() == "" {
		return p
	}
	p = proto.CloneOf(p)
	p.TargetSchema, p.TargetName = p.GetPublishSchema(), p.GetPublishName()
	return p
}

// rowsToDraw is how many rows each range of a table draws.
func rowsToDraw(view state.View, v *state.Verification, table uint32) int64 {
	if v.SampleRows == 0 {
		return 0
	}
	var ranges int64
	view.Checks(v.Migration, v.Number, func(c *state.Check) bool {
		if c.Table == table {
			ranges++
		}
		return c.Table <= table
	})
	return (v.SampleRows + ranges - 1) / max(1, ranges)
}

// repairable are the rows of a check that are known by their keys.
func repairable(c *state.Check) []*planv1.RowDifference {
	var out []*planv1.RowDifference
	for _, d := range c.Differences {
		if d.GetKey() != nil {
			out = append(out, d)
		}
	}
	return out
}

// checked records what a comparison found.
func (s *Leader) checked(ctx context.Context, l *lease, m *state.Migration, r *workerv1.RangeCheck, seconds float64) error {
	c := s.view().Check(m.UID, m.Verifying, l.work.table, l.work.number)
	if c == nil || c.State != state.CheckPending {
		return nil // of a verification that was cancelled
	}
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_VerificationRangeChecked{VerificationRangeChecked: &journalv1.VerificationRangeChecked{
		Verification: m.Verifying, Table: l.work.table, Range: l.work.number, Source: r.GetSource(), Target: r.GetTarget(),
		DifferentRows: r.GetDifferentRows(), Differences: r.GetDifferences(), Schema: r.GetSchema(), SampledRows: r.GetSampledRows(), RejectedRows: r.GetRejectedRows(), Seconds: seconds}}})
}

// repaired records what a repair did.
func (s *Leader) repaired(ctx context.Context, l *lease, m *state.Migration, r *workerv1.RangeRepair) error {
	c := s.view().Check(m.UID, m.Verifying, l.work.table, l.work.number)
	if c == nil || c.State != state.CheckRepair {
		return nil
	}
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_RangeRepaired{RangeRepaired: &journalv1.RangeRepaired{
		Verification: m.Verifying, Table: l.work.table, Range: l.work.number, Rows: r.GetRows(), DryRun: l.job.GetRepair().GetDryRun()}}})
}

// verifyFailed takes the failure of a comparison or a repair: what cannot be done is
// recorded and the others go on.
func (s *Leader) verifyFailed(ctx context.Context, l *lease, m *state.Migration, kind fault.Kind, p state.Problem) error {
	c := s.view().Check(m.UID, m.Verifying, l.work.table, l.work.number)
	if c == nil || !c.State.Open() {
		return nil
	}
	r := s.run(m.UID)
	tries, most := r.retry(l.work), maxAttempts(m)
	again := transient(kind) && (!counts(kind) || tries < most)
	if l.work.kind == workRepair {
		again = again || tries < repairAttempts && kind != fault.Unsupported
	}
	if again {
		return nil
	}
	r.settled(l.work)
	if l.work.kind == workRepair {
		return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_RangeRepaired{RangeRepaired: &journalv1.RangeRepaired{
			Verification: m.Verifying, Table: c.Table, Range: c.Range, DryRun: l.job.GetRepair().GetDryRun(),
			Reason: p.Reason, Side: p.Side, Kind: p.Kind}}})
	}
	return s.append(ctx, m.UID, &journalv1.Event{Body: &journalv1.Event_VerificationRangeChecked{VerificationRangeChecked: &journalv1.VerificationRangeChecked{
		Verification: m.Verifying, Table: c.Table, Range: c.Range, Reason: p.Reason, Side: p.Side, Kind: p.Kind}}})
}

// settleVerification ends a verification that has nothing left to do.
func (s *Leader) settleVerification(ctx context.Context, m *state.Migration) error {
	v := s.view().Verification(m.UID, m.Verifying)
	if v == nil || v.Open > 0 {
		return nil
	}
	s.cfg.Logger.Info("verification ended", "migration", m.Name, "verification", v.Number, "took", s.now().Sub(v.Started))
	return s.append(ctx, m.UID, verificationEnded(v.Number, false))
}

func verificationEnded(number uint32, cancelled bool) *journalv1.Event {
	return &journalv1.Event{Body: &journalv1.Event_VerificationEnded{VerificationEnded: &journalv1.VerificationEnded{Verification: number, Cancelled: cancelled}}}
}

// verifies tells whether a kind of work belongs to a verification.
func (k workKind) verifies() bool { return k == workVerify || k == workRepair }
