package state

import (
	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
)

// pair is a digest to be read.
type pair struct {
	from *planv1.Digest
	to   *batch.Digest
}

func digests(pairs ...pair) (err error) {
	for _, p := range pairs {
		if *p.to, err = batch.DigestOf(p.from); err != nil {
			return err
		}
	}
	return nil
}

// digestState leaves out the digest of nothing, which most ranges have for long.
func digestState(d batch.Digest) *planv1.Digest {
	if d == (batch.Digest{}) {
		return nil
	}
	return d.Proto()
}

func tableState(t *Table) *journalv1.TableState {
	out := &journalv1.TableState{
		Number: t.Number, Plan: t.Plan, Stage: t.Stage, Split: t.Split, Blocked: t.Blocked, Problem: problemState(t.Problem), Emptying: t.Emptying,
		Restarts: int64(t.Restarts), HasBaseline: t.HasBaseline, Baseline: digestState(t.Baseline), SourceRows: t.SourceRows, Filtered: t.Filtered,
		Skipped: t.Skipped, SkippedBySpec: t.SkippedBySpec, FirstReject: t.FirstReject, Missing: t.Missing, Counts: countsState(t.Counts),
		Differences: t.Differences, Emptied: t.Emptied,
		PlanChanged: t.PlanChanged, PlanKept: t.PlanKept, PlanPieces: t.PlanPieces, ChangedRanges: t.ChangedRanges,
	}
	if s := t.Sample; s != nil {
		out.Sample = &journalv1.SampleState{Rows: s.Rows, Bytes: s.Bytes, Seconds: s.Seconds}
	}
	if a := t.Assessment; a != nil {
		out.Assessment = &journalv1.AssessmentState{Rows: a.Rows, Ranges: int64(a.Ranges), Losses: a.Losses, Touched: a.Touched,
			Keys: int64(a.Keys), Concluded: a.Concluded}
	}
	return out
}

func tableOf(uid string, t *journalv1.TableState) (*Table, error) {
	out := &Table{
		Migration: uid, Number: t.GetNumber(), Plan: t.GetPlan(), Stage: t.GetStage(), Split: t.GetSplit(), Blocked: t.GetBlocked(), Problem: problemOf(t.GetProblem()),
		Emptying: t.GetEmptying(), Restarts: int(t.GetRestarts()), HasBaseline: t.GetHasBaseline(), SourceRows: t.GetSourceRows(), Filtered: t.GetFiltered(),
		Skipped: t.GetSkipped(), SkippedBySpec: t.GetSkippedBySpec(), FirstReject: t.GetFirstReject(), Missing: t.GetMissing(),
		Differences: t.GetDifferences(), Emptied: t.GetEmptied(),
		PlanChanged: t.GetPlanChanged(), PlanKept: t.GetPlanKept(), PlanPieces: t.GetPlanPieces(), ChangedRanges: t.GetChangedRanges(),
	}
	if s := t.GetSample(); s != nil {
		out.Sample = &Sample{Rows: s.GetRows(), Bytes: s.GetBytes(), Seconds: s.GetSeconds()}
	}
	if a := t.GetAssessment(); a != nil {
		out.Assessment = &Assessment{Rows: a.GetRows(), Ranges: int(a.GetRanges()), Losses: a.GetLosses(), Touched: a.GetTouched(),
			Keys: int(a.GetKeys()), Concluded: a.GetConcluded()}
	}
	err := countsOf(t.GetCounts(), &out.Counts)
	if err == nil {
		err = digests(pair{t.GetBaseline(), &out.Baseline})
	}
	return out, err
}

func countsState(c Counts) *journalv1.CountsState {
	return &journalv1.CountsState{
		Ranges: int64(c.Ranges), Loaded: int64(c.Loaded), Verified: int64(c.Verified), BlockedRanges: int64(c.BlockedRanges),
		SkippedRanges: int64(c.SkippedRanges), EmptiedRanges: int64(c.EmptiedRanges), Touched: c.Touched, Rejected: c.Rejected, Replays: int64(c.Replays),
		EstimatedRows: c.EstimatedRows, EstimatedBytes: c.EstimatedBytes, LoadedBytes: c.LoadedBytes,
		LoadedDigest: digestState(c.LoadedDigest), VerifiedDigest: digestState(c.VerifiedDigest),
		Retries: c.Retries, Mismatches: c.Mismatches, Duplicates: c.Duplicates,
		ExtractSeconds: c.ExtractSeconds, LoadSeconds: c.LoadSeconds, ValidateSeconds: c.ValidateSeconds, SchemaSeconds: c.SchemaSeconds,
	}
}

func countsOf(c *journalv1.CountsState, out *Counts) error {
	*out = Counts{
		Ranges: int(c.GetRanges()), Loaded: int(c.GetLoaded()), Verified: int(c.GetVerified()), BlockedRanges: int(c.GetBlockedRanges()),
		SkippedRanges: int(c.GetSkippedRanges()), EmptiedRanges: int(c.GetEmptiedRanges()), Touched: c.GetTouched(), Rejected: c.GetRejected(), Replays: int(c.GetReplays()),
		EstimatedRows: c.GetEstimatedRows(), EstimatedBytes: c.GetEstimatedBytes(), LoadedBytes: c.GetLoadedBytes(),
		Retries: c.GetRetries(), Mismatches: c.GetMismatches(), Duplicates: c.GetDuplicates(),
		ExtractSeconds: c.GetExtractSeconds(), LoadSeconds: c.GetLoadSeconds(), ValidateSeconds: c.GetValidateSeconds(), SchemaSeconds: c.GetSchemaSeconds(),
	}
	return digests(pair{c.GetLoadedDigest(), &out.LoadedDigest}, pair{c.GetVerifiedDigest(), &out.VerifiedDigest})
}

func rangeState(r *Range) *journalv1.RangeState {
	return &journalv1.RangeState{Plan: r.Plan, State: uint32(r.State), Reset_: r.Reset, Assessed: r.Assessed, Failures: int64(r.Failures),
		Attempt: r.Attempt, Digest: digestState(r.Digest), Actual: digestState(r.Actual), Bytes: r.Bytes, Touched: r.Touched,
		Rejected: r.Rejected.Marshal(), Replay: r.Replay, Problem: problemState(r.Problem), Verified: moment(r.Verified), Done: r.Done}
}

func rangeOf(uid string, table uint32, r *journalv1.RangeState) (*Range, error) {
	out := &Range{Migration: uid, Table: table, Number: r.GetPlan().GetNumber(), Plan: r.GetPlan(), State: RangeState(r.GetState()), Reset: r.GetReset_(),
		Assessed: r.GetAssessed(), Failures: int(r.GetFailures()), Attempt: r.GetAttempt(), Bytes: r.GetBytes(), Touched: r.GetTouched(),
		Replay: r.GetReplay(), Problem: problemOf(r.GetProblem()), Verified: timeOf(r.GetVerified()), Done: r.GetDone()}
	rejected, err := batch.HashesOf(r.GetRejected())
	if err != nil {
		return nil, err
	}
	out.Rejected = rejected
	return out, digests(pair{r.GetDigest(), &out.Digest}, pair{r.GetActual(), &out.Actual})
}
