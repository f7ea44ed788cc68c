package extractor

import (
	"context"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// describe reads the source's catalog.
func describe(ctx context.Context, db engine.Database, work *workerv1.Describe) (*workerv1.Result, error) {
	found, err := db.Describe(ctx, engine.Selection{Include: work.GetInclude(), Exclude: work.GetExclude()})
	if err != nil {
		return nil, fault.At(err, fault.Source, "")
	}
	hidden, err := unseen(ctx, db, work.GetLimits())
	if err != nil {
		return nil, err
	}
	found.Findings = append(found.GetFindings(), hidden...)
	return &workerv1.Result{Outcome: &workerv1.Result_Described{Described: &workerv1.Described{Database: found}}}, nil
}

// split cuts a table into ranges, or what is left of a range into smaller ones.
func split(ctx context.Context, db engine.Source, work *workerv1.SplitTable) (*workerv1.Result, error) {
	ranges, err := db.Split(ctx, work.GetTable(), engine.SplitOptions{
		TargetRows:  work.GetTargetRows(),
		TargetBytes: work.GetTargetBytes(),
		Snapshot:    work.GetSnapshot(),
		Within:      work.GetWithin(),
		After:       work.GetAfter(),
	})
	if err != nil {
		return nil, atTable(err, work.GetTable())
	}
	return &workerv1.Result{Outcome: &workerv1.Result_Split{Split: &workerv1.Split{Ranges: ranges}}}, nil
}

// count counts a table's rows in the source.
func count(ctx context.Context, db engine.Source, work *workerv1.CountTable) (*workerv1.Result, error) {
	n, err := db.Count(ctx, work.GetTable())
	if err != nil {
		return nil, atTable(err, work.GetTable())
	}
	return &workerv1.Result{Outcome: &workerv1.Result_Counted{Counted: &workerv1.Counted{Rows: n.Rows, Filtered: n.Filtered}}}, nil
}

func atTable(err error, t *planv1.TablePlan) error {
	return fault.At(err, fault.Source, engine.Label(t, engine.SourceSide))
}
