package state

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
)

// Snapshots hold every field of the state; snapshot_test.go finds one that was added
// to it and not to snapshot.proto.

func migrationState(m *Migration) *journalv1.MigrationState {
	out := &journalv1.MigrationState{
		Uid: m.UID, Name: m.Name, Spec: m.Spec, Stage: uint32(m.Stage), AutoStart: m.AutoStart, NoSample: m.NoSample, Deep: m.Deep,
		Paused: m.Paused, Limits: m.Limits, Prepared: m.Prepared, Finished: m.Finished, Reopen: m.Reopen, MorePrepare: m.MorePrepare,
		RejectsFolder: m.RejectsFolder, Published: moment(m.Published), Discarded: m.Discarded, Discard: m.Discard, Replan: uint32(m.Replan),
		Created: moment(m.Created), Started: moment(m.Started), Ended: moment(m.Ended), Source: endpointState(m.Source), Target: endpointState(m.Target),
		Unmoved: m.Unmoved, Findings: m.Findings, Statements: m.Statements, Objects: m.Objects, ObjectsApplied: m.ObjectsApplied,
		NotDesigned: m.NotDesigned, Problem: problemState(m.Problem), Tables: int64(m.Tables), Verifying: m.Verifying,
		Verifications: m.Verifications, Last: m.Last, Regressed: m.Regressed, Unconfirmed: m.Unconfirmed,
		Fresh: m.Fresh, PlanChanged: m.PlanChanged, PlanKept: m.PlanKept, Found: m.Found, Recovering: m.Recovering,
		FoundRanges: m.FoundRanges, FoundRows: m.FoundRows,
	}
	for _, p := range m.Phases {
		out.Phases = append(out.Phases, &journalv1.PhaseState{Name: p.Name, Manual: p.Manual, Approved: p.Approved,
			RangesPerStep: int64(p.RangesPerStep), Started: moment(p.Started), Completed: moment(p.Completed), Stopped: p.Stopped})
	}
	return out
}

func migrationOf(m *journalv1.MigrationState) *Migration {
	out := &Migration{
		UID: m.GetUid(), Name: m.GetName(), Spec: m.GetSpec(), Stage: Stage(m.GetStage()), AutoStart: m.GetAutoStart(), NoSample: m.GetNoSample(), Deep: m.GetDeep(),
		Paused: m.GetPaused(), Limits: m.GetLimits(), Prepared: m.GetPrepared(), Finished: m.GetFinished(), Reopen: m.GetReopen(), MorePrepare: m.GetMorePrepare(),
		RejectsFolder: m.GetRejectsFolder(), Published: timeOf(m.GetPublished()), Discarded: m.GetDiscarded(), Discard: m.GetDiscard(), Replan: Replan(m.GetReplan()),
		Created: timeOf(m.GetCreated()), Started: timeOf(m.GetStarted()), Ended: timeOf(m.GetEnded()), Source: endpointOf(m.GetSource()), Target: endpointOf(m.GetTarget()),
		Unmoved: m.GetUnmoved(), Findings: m.GetFindings(), Statements: m.GetStatements(), Objects: m.GetObjects(), ObjectsApplied: m.GetObjectsApplied(),
		NotDesigned: m.GetNotDesigned(), Problem: problemOf(m.GetProblem()), Tables: int(m.GetTables()), Verifying: m.GetVerifying(),
		Verifications: m.GetVerifications(), Last: m.GetLast(), Regressed: m.GetRegressed(), Unconfirmed: m.GetUnconfirmed(),
		Fresh: m.GetFresh(), PlanChanged: m.GetPlanChanged(), PlanKept: m.GetPlanKept(), Found: m.GetFound(), Recovering: m.GetRecovering(),
		FoundRanges: m.GetFoundRanges(), FoundRows: m.GetFoundRows(),
	}
	for _, p := range m.GetPhases() {
		out.Phases = append(out.Phases, Phase{Name: p.GetName(), Manual: p.GetManual(), Approved: p.GetApproved(),
			RangesPerStep: int(p.GetRangesPerStep()), Started: timeOf(p.GetStarted()), Completed: timeOf(p.GetCompleted()), Stopped: p.GetStopped()})
	}
	return out
}

func endpointState(e Endpoint) *journalv1.EndpointState {
	return &journalv1.EndpointState{Engine: e.Engine, Version: e.Version, Identity: e.Identity}
}

func endpointOf(e *journalv1.EndpointState) Endpoint {
	return Endpoint{Engine: e.GetEngine(), Version: e.GetVersion(), Identity: e.GetIdentity()}
}

func problemState(p Problem) *journalv1.ProblemState {
	if p == (Problem{}) {
		return nil
	}
	return &journalv1.ProblemState{Reason: p.Reason, Kind: p.Kind, Side: p.Side, Key: p.Key, Column: p.Column, Attempts: int64(p.Attempts)}
}

func problemOf(p *journalv1.ProblemState) Problem {
	return Problem{Reason: p.GetReason(), Kind: p.GetKind(), Side: p.GetSide(), Key: p.GetKey(), Column: p.GetColumn(), Attempts: int(p.GetAttempts())}
}

// moment is a time in a snapshot; nil for none.
func moment(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func timeOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func verificationState(v *Verification) *journalv1.VerificationState {
	return &journalv1.VerificationState{Number: v.Number, Mode: v.Mode, SampleRows: v.SampleRows, Seed: v.Seed, Open: int64(v.Open), Listed: int64(v.Listed),
		Active: v.Active, Repairing: v.Repairing, Cancelled: v.Cancelled, Repaired: v.Repaired, DryRun: v.DryRun, Started: moment(v.Started), Ended: moment(v.Ended)}
}

func verificationOf(uid string, v *journalv1.VerificationState) *Verification {
	return &Verification{Migration: uid, Number: v.GetNumber(), Mode: v.GetMode(), SampleRows: v.GetSampleRows(), Seed: v.GetSeed(),
		Open: int(v.GetOpen()), Listed: int(v.GetListed()), Active: v.GetActive(), Repairing: v.GetRepairing(), Cancelled: v.GetCancelled(),
		Repaired: v.GetRepaired(), DryRun: v.GetDryRun(), Started: timeOf(v.GetStarted()), Ended: timeOf(v.GetEnded())}
}

func checkState(c *Check) *journalv1.CheckState {
	return &journalv1.CheckState{Verification: c.Verification, Table: c.Table, Range: c.Range, State: uint32(c.State),
		Source: c.Source.Proto(), Target: c.Target.Proto(), DifferentRows: c.DifferentRows, SampledRows: c.SampledRows, RejectedRows: c.RejectedRows,
		Differences: c.Differences, Schema: c.Schema, Problem: problemState(c.Problem), Repairs: c.Repairs, RepairProblem: problemState(c.RepairProblem)}
}

func checkOf(uid string, c *journalv1.CheckState) (*Check, error) {
	out := &Check{Migration: uid, Verification: c.GetVerification(), Table: c.GetTable(), Range: c.GetRange(), State: CheckState(c.GetState()),
		DifferentRows: c.GetDifferentRows(), SampledRows: c.GetSampledRows(), RejectedRows: c.GetRejectedRows(), Differences: c.GetDifferences(),
		Schema: c.GetSchema(), Problem: problemOf(c.GetProblem()), Repairs: c.GetRepairs(), RepairProblem: problemOf(c.GetRepairProblem())}
	return out, digests(pair{c.GetSource(), &out.Source}, pair{c.GetTarget(), &out.Target})
}
