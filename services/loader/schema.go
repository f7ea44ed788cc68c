package loader

import (
	"context"
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/advice"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/services/loader/internal/rejects"
)

// design plans the target for a source's tables.
func design(ctx context.Context, db engine.Database, job *workerv1.Job) (*workerv1.Result, error) {
	work := job.GetDesign()
	found, err := find(ctx, db, job)
	if err != nil {
		return nil, err
	}
	rules, err := engine.NewRules(work.GetTables(), work.GetCasts(), work.GetPolicies()...)
	if err != nil {
		return nil, err
	}
	source, wrong := rules.Apply(work.GetDatabase())
	engine.SkipRoles(source, work.GetSkipOwners(), work.GetSkipGrants())
	made, err := db.Design(ctx, engine.DesignRequest{Source: source, Existing: work.GetExisting(), Name: rules.Name, Stage: work.GetStage()})
	if err != nil {
		return nil, fault.At(err, fault.Target, "")
	}
	made.Findings = slices.Concat(source.GetFindings(), made.GetFindings(), rules.Unused())
	if source.GetEngine() != made.GetEngine() {
		made.Unmoved = append(made.GetUnmoved(), engine.LeaveObjects(source.GetObjects(), "it is in the source's dialect: write it for the target by hand")...)
	}
	for i, t := range made.GetTables() {
		t.Findings = append(wrong[i], slices.DeleteFunc(t.GetFindings(), func(f *planv1.Finding) bool { return saidAlready(f, wrong[i]) })...)
		// A key that a policy changed is not where its range's bounds look for it.
		t.ValidateByRange = t.GetValidateByRange() && !engine.PolicyOnKey(t)
	}
	advice.Settle(made)
	return &workerv1.Result{Outcome: &workerv1.Result_Designed{Designed: &workerv1.Designed{Design: made, Found: found}}}, nil
}

// saidAlready tells whether a finding stops a column that a rule's own finding stops:
// the one comes of the other.
func saidAlready(f *planv1.Finding, of []*planv1.Finding) bool {
	return f.GetSeverity() == planv1.Severity_SEVERITY_ERROR && f.GetColumn() != "" &&
		slices.ContainsFunc(of, func(rule *planv1.Finding) bool {
			return rule.GetSeverity() == planv1.Severity_SEVERITY_ERROR && rule.GetColumn() == f.GetColumn()
		})
}

// prepare makes the ledger and what comes before any table, and the folder of rejected
// rows.
func prepare(ctx context.Context, db engine.Target, job *workerv1.Job) (*workerv1.Result, error) {
	work, done := job.GetPrepare(), &workerv1.Done{}
	if to := work.GetRejectsTo(); to != "" {
		var err error
		if done.RejectsFolder, err = rejects.MakeFolder(to, job.GetMigrationName(), job.GetMigration()); err != nil {
			return nil, err
		}
	}
	err := db.Prepare(ctx, engine.PrepareRequest{
		Migration:      migration(job),
		SourceIdentity: work.GetSourceIdentity(),
		TargetIdentity: work.GetTargetIdentity(),
		Statements:     work.GetStatements(),
		Reopen:         work.GetReopen(),
	})
	return &workerv1.Result{Outcome: &workerv1.Result_Done{Done: done}}, fault.At(err, fault.Target, "")
}

// apply runs a table's statements of a step, and of what is wanted before rows come.
func apply(ctx context.Context, db engine.Target, job *workerv1.Job) error {
	work := job.GetApplySchema()
	if err := faultpoint.Hit(ctx, faultpoint.LoaderBeforeStep, job.GetTitle()); err != nil {
		return err
	}
	steps := []planv1.Step{work.GetStep()}
	if work.GetWithIndexes() {
		steps = append(steps, planv1.Step_STEP_KEY, planv1.Step_STEP_INDEXES)
	}
	for _, step := range steps {
		if err := db.Apply(ctx, migration(job), work.GetTable(), step); err != nil {
			return atTable(err, work.GetTable())
		}
	}
	return nil
}

// publish moves staged tables to their final places.
func publish(ctx context.Context, db engine.Publisher, job *workerv1.Job) error {
	if err := faultpoint.Hit(ctx, faultpoint.LoaderBeforePublish, job.GetTitle()); err != nil {
		return err
	}
	return fault.At(db.Publish(ctx, migration(job), job.GetPublish().GetTables()), fault.Target, "")
}

// discard removes what the migration made in the target.
func discard(ctx context.Context, db engine.Publisher, job *workerv1.Job) error {
	work := job.GetDiscard()
	return fault.At(db.Discard(ctx, migration(job), work.GetTables(), work.GetStatements()), fault.Target, "")
}
