package coordinator

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/guard"
	"github.com/drover-db/drover/internal/spec"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// leaveBehind is what a spec says of owners or grants that stay behind.
const leaveBehind = "skip"

// job writes down a piece of work for a worker.
func (o *offer) job(w workID) *workerv1.Job {
	j := &workerv1.Job{Migration: o.m.UID, MigrationName: o.m.Name, Term: o.s.term,
		Source: endpoint(o.m.Spec.GetSource()), Target: endpoint(o.m.Spec.GetTarget())}
	if spec.LimitsOf(o.m.Limits).Connections > 0 {
		j.Source.CloseIdle, j.Target.CloseIdle = true, true
	}
	switch w.kind {
	case workDescribe:
		j.Title, j.Work = "describe source", &workerv1.Job_Describe{Describe: describing(wanted(o.m, o.run))}
	case workDesign:
		spec := wanted(o.m, o.run)
		j.Title, j.Work = "design target", &workerv1.Job_Design{Design: &workerv1.MakeDesign{Database: o.run.described, Existing: existing(spec),
			Tables: spec.GetTables(), Casts: spec.GetSchema().GetCasts(),
			Policies: spec.GetSchema().GetPolicies(), SkipOwners: spec.GetSchema().GetOwners() == leaveBehind, SkipGrants: spec.GetSchema().GetGrants() == leaveBehind, Stage: stageOf(spec, o.m.UID), Find: finds(o.m)}}
	case workPublish:
		j.Title, j.Work = "publish tables", &workerv1.Job_Publish{Publish: &workerv1.PublishTables{
			Tables: staged(o.view.Tables(o.m.UID), func(t *state.Table) bool { return t.Stage == state.TableComplete })}}
	case workObjects:
		j.Title, j.Work = "make objects", &workerv1.Job_ApplyObjects{ApplyObjects: &workerv1.ApplyObjects{Statements: o.m.Objects}}
	case workDiscard:
		j.Title, j.Work = "discard tables", &workerv1.Job_Discard{Discard: &workerv1.DiscardTables{Statements: o.m.Statements,
			Tables: staged(o.view.Tables(o.m.UID), func(*state.Table) bool { return true })}}
	case workSnapshot:
		j.Title, j.Background, j.Work = "hold snapshot", true, &workerv1.Job_HoldSnapshot{HoldSnapshot: &workerv1.HoldSnapshot{}}
	case workWatch:
		j.Title, j.Background, j.Work = "watch source", true, &workerv1.Job_WatchSource{WatchSource: &workerv1.WatchSource{Limits: o.m.Limits.GetSource()}}
	case workPrepare:
		j.Title, j.Work = "prepare target", &workerv1.Job_Prepare{Prepare: preparation(o.m)}
		if !o.confirmed() {
			j.Title, j.Term = "ask target for later coordinators", o.m.Unconfirmed
		}
	case workFinish:
		j.Title, j.Work = "finish target", &workerv1.Job_Finish{Finish: &workerv1.FinishTarget{Stage: finalStage(o.m)}}
	case workKeep:
		o.run.keepPage = o.pageToKeep()
		j.Title, j.Work = "keep the plan", &workerv1.Job_Keep{Keep: &workerv1.KeepPlan{Pieces: o.run.keepPage.pieces, Version: o.s.number()}}
	case workRecover:
		j.Title, j.Work = "read the ledger", &workerv1.Job_ReadLedger{ReadLedger: o.run.recovering().next(o.m)}
	case workAudit:
		j.Title, j.Work = "compare the ledger with the log", &workerv1.Job_ReadLedger{ReadLedger: o.nextAudit()}
	case workVerify, workRepair:
		o.verifyJob(j, w)
	default:
		t := o.view.Table(w.migration, w.table)
		if w.number != 0 {
			o.rangeJob(j, w, t, o.view.Range(w.migration, w.table, w.number))
		} else {
			o.tableJob(j, w, t)
		}
	}
	return j
}

func (o *offer) tableJob(j *workerv1.Job, w workID, t *state.Table) {
	apply := func(what string, step planv1.Step) {
		j.Title = what + " " + targetName(t.Plan)
		j.Work = &workerv1.Job_ApplySchema{ApplySchema: &workerv1.ApplySchema{Table: t.Plan, Step: step}}
	}
	switch w.kind {
	case workSplit:
		r := spec.WithDefaults(o.m.Spec).GetRanges()
		bytes, _ := spec.ParseSize(r.GetTargetBytes()) // the spec was validated
		j.Title, j.Work = "split "+sourceName(t.Plan), &workerv1.Job_Split{Split: &workerv1.SplitTable{
			Table: t.Plan, TargetRows: r.GetTargetRows(), TargetBytes: bytes}}
	case workCreate:
		apply("create", planv1.Step_STEP_CREATE)
		j.GetApplySchema().WithIndexes = o.m.Spec.GetRejects().GetMax() > 0
	case workKey:
		apply("build key of", planv1.Step_STEP_KEY)
	case workIndexes:
		apply("build indexes of", planv1.Step_STEP_INDEXES)
	case workForeignKeys:
		j.Title = "add foreign keys of " + targetName(t.Plan)
		j.Work = &workerv1.Job_ApplySchema{ApplySchema: &workerv1.ApplySchema{Table: withoutSkipped(t, o.tables), Step: planv1.Step_STEP_FOREIGN_KEYS}}
	case workSequences:
		apply("set sequences of", planv1.Step_STEP_SEQUENCES)
	case workCompare:
		key := uint32(t.AssessedKeys() + 1)
		j.Title, j.Work = "compare keys of "+targetName(t.Plan), &workerv1.Job_CompareKeys{CompareKeys: &workerv1.CompareKeys{Table: t.Plan, Key: key}}
	case workSample:
		j.Title, j.Work = "sample "+sourceName(t.Plan), &workerv1.Job_Sample{Sample: &workerv1.SampleTable{Table: t.Plan,
			Range: o.view.Range(w.migration, w.table, 1).Plan, MaxRows: sampleRows, MaxMs: sampleTime.Milliseconds()}}
	case workBaseline:
		j.Title, j.Work = "baseline "+targetName(t.Plan), &workerv1.Job_Baseline{Baseline: &workerv1.Baseline{Table: t.Plan}}
	case workEmpty:
		j.Title, j.Work = "empty "+targetName(t.Plan), &workerv1.Job_Empty{Empty: &workerv1.EmptyTable{Table: t.Plan, Epoch: o.s.number()}}
	case workCount:
		j.Title, j.Work = "count "+sourceName(t.Plan), &workerv1.Job_Count{Count: &workerv1.CountTable{Table: t.Plan}}
	case workValidate:
		v := &workerv1.ValidateRange{Table: t.Plan, Expected: t.LoadedDigest.Proto(), Rejected: o.view.Rejected(t).Marshal()}
		if t.HasBaseline {
			v.Baseline = t.Baseline.Proto()
		}
		j.Title, j.Work = "validate "+targetName(t.Plan), &workerv1.Job_Validate{Validate: v}
	}
}

func (o *offer) rangeJob(j *workerv1.Job, w workID, t *state.Table, r *state.Range) {
	id, stream := w.as(workLoad), bus.RowStream(w.migration)
	switch w.kind {
	case workLoad:
		if o.run.attempts[id] != nil {
			o.s.endAttempt(id, nil, "no loader has brought its half back")
		}
		a := &attempt{number: o.s.number(), epoch: o.s.number()}
		a.subject = subjectOf(id, a.number)
		o.run.attempts[id], o.run.given[id] = a, true
		j.Title, j.Work = "load "+targetName(t.Plan)+" "+r.Plan.GetLabel(), &workerv1.Job_Load{Load: &workerv1.LoadRange{
			Table: t.Plan, Range: r.Plan, Attempt: a.number, Epoch: a.epoch, Stream: stream, Subject: a.subject, Reset_: reset(t, r), Rejects: rejects(o.m, t)}}
	case workReplay:
		j.Title, j.Work = "write rejected rows of "+targetName(t.Plan)+" "+r.Plan.GetLabel(), &workerv1.Job_Replay{Replay: &workerv1.ReplayRejects{
			Table: whereItIs(o.m, t.Plan), Range: r.Plan, Attempt: o.s.number(), Epoch: o.s.number(), From: o.m.Spec.GetRejects().GetTo(),
			Live: !o.m.Published.IsZero()}}
	case workAssess:
		j.Title, j.Work = "assess "+sourceName(t.Plan)+" "+r.Plan.GetLabel(), &workerv1.Job_Assess{Assess: &workerv1.AssessRange{Table: t.Plan, Range: r.Plan}}
	case workExtract:
		a := o.run.attempts[id]
		j.Title, j.Work = "extract "+sourceName(t.Plan)+" "+r.Plan.GetLabel(), &workerv1.Job_Extract{Extract: &workerv1.ExtractRange{
			Table: t.Plan, Range: r.Plan, Attempt: a.number, Stream: stream, Subject: a.subject,
			After: a.fenced.GetAfter(), Snapshot: snapshotFor(t, o.run)}}
	case workCut:
		c, whole, after := o.run.cuts[id], proto.CloneOf(r.Plan), o.run.attempts[id].fenced.GetAfter()
		whole.EstimatedRows = c.total
		if guard.Removed(guard.CutAfter) {
			after = nil
		}
		j.Title, j.Work = "cut "+sourceName(t.Plan)+" "+r.Plan.GetLabel(), &workerv1.Job_Split{Split: &workerv1.SplitTable{Table: t.Plan,
			TargetRows: c.rows, Within: whole, After: after}}
	case workValidate:
		j.Title, j.Work = "validate "+targetName(t.Plan)+" "+r.Plan.GetLabel(), &workerv1.Job_Validate{Validate: &workerv1.ValidateRange{
			Table: t.Plan, Range: r.Plan, Expected: r.Digest.Proto(), Attempt: r.Attempt, Rejected: r.Rejected.Marshal()}}
	}
}

// reset tells whether an attempt must remove the range's rows first: after a
// failed validation, and always where rows have no key to go on behind, as those
// whose key has a NULL.
func reset(t *state.Table, r *state.Range) workerv1.Reset {
	keyless := t.Plan.GetSource().GetKey().GetSource() == planv1.KeySource_KEY_SOURCE_NONE ||
		r.Plan.GetNullKeys() == planv1.NullKeys_NULL_KEYS_ONLY
	if (r.Reset || keyless || r.State == state.RangeSkipped) && !t.Appends() {
		return workerv1.Reset_RESET_RANGE
	}
	return workerv1.Reset_RESET_NONE
}

func snapshotFor(t *state.Table, r *run) string {
	if needsSnapshot(t) {
		return r.snapshot
	}
	return ""
}

func finalStage(m *state.Migration) string {
	if m.Stage == state.Cancelled {
		return "CANCELLED"
	}
	return "COMPLETE"
}

func endpoint(e *droverv1.EndpointSpec) *planv1.Endpoint {
	return &planv1.Endpoint{Url: e.GetUrl(), Password: e.GetPassword(), MaxConnections: e.GetMaxConnections()}
}

// describing says what of a source is to be described.
func describing(m *droverv1.MigrationSpec) *workerv1.Describe {
	d := selection(m)
	d.Limits = m.GetLimits().GetSource()
	return d
}

// selection turns table rules into globs. Rules that map and do not skip are what
// to move; with none of those everything moves that is not skipped. A rule that
// skips is an exclusion only where no earlier rule may take the table in: the first
// match wins, and the rest is left out when the answer comes.
func selection(m *droverv1.MigrationSpec) *workerv1.Describe {
	d := &workerv1.Describe{}
	for _, rule := range m.GetTables() {
		switch {
		case !rule.GetSkip():
			d.Include = append(d.Include, rule.GetMatch())
		case len(d.Include) == 0:
			d.Exclude = append(d.Exclude, rule.GetMatch())
		}
	}
	return d
}

func existing(m *droverv1.MigrationSpec) planv1.Existing {
	switch strings.ToLower(m.GetExisting()) {
	case "append":
		return planv1.Existing_EXISTING_APPEND
	case "truncate":
		return planv1.Existing_EXISTING_TRUNCATE
	default:
		return planv1.Existing_EXISTING_FAIL
	}
}

func maxAttempts(m *state.Migration) int {
	return int(spec.WithDefaults(m.Spec).GetRanges().GetMaxAttempts())
}

func sourceName(p *planv1.TablePlan) string {
	return qualified(p.GetSource().GetSchema(), p.GetSource().GetName())
}

// targetName is the table's name in the target once all is done.
func targetName(p *planv1.TablePlan) string {
	if p.GetPublishName() != "" {
		return qualified(p.GetPublishSchema(), p.GetPublishName())
	}
	return qualified(p.GetTargetSchema(), p.GetTargetName())
}

func qualified(schema, name string) string {
	if schema == "" {
		return name
	}
	return fmt.Sprintf("%s.%s", schema, name)
}
