package loader

import (
	"context"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/advice"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
	"github.com/drover-db/drover/internal/worker"
)

// equalNames is how many rows with equal keys are named.
const equalNames = 6

// compareKeys reads the values of a unique key from the source and lets the target say
// which of them it takes for one.
func (s *Service) compareKeys(ctx context.Context, target engine.Database, job *workerv1.Job, report worker.Report) (*workerv1.Result, error) {
	work := job.GetCompareKeys()
	keys := work.GetTable().GetComparedKeys()
	comparer, ok := target.(engine.KeyComparer)
	if !ok || work.GetKey() < 1 || int(work.GetKey()) > len(keys) {
		return nil, fault.New(fault.Internal, "loader.compareKeys", "the target of %s compares no key %d", engine.Label(work.GetTable(), engine.TargetSide), work.GetKey())
	}
	key := keys[work.GetKey()-1]
	source, release, err := s.databases.Use(ctx, job.GetSource(), engine.SourceSide)
	if err != nil {
		return nil, err
	}
	defer release()
	p := engine.KeyOnly(work.GetTable(), key)
	comparison, err := comparer.CompareKeys(ctx, p, key)
	if err != nil {
		return nil, atTable(err, p)
	}
	defer func() { _ = comparison.Close() }() // what it holds goes with its session
	rows := int64(0)
	request := engine.ReadRequest{Side: engine.SourceSide, Plan: p, Lossy: func(int, error) {}}
	err = source.Read(ctx, request, func(r engine.Row) error {
		if rows++; rows%10_000 == 0 {
			report(&workerv1.Progress{Rows: rows})
		}
		return comparison.Add(ctx, r.Data, nameOf(p, r))
	})
	if err != nil {
		return nil, fault.At(err, fault.Source, engine.Label(p, engine.SourceSide))
	}
	out := &workerv1.Compared{}
	equal, names, err := comparison.Equal(ctx, equalNames)
	if err != nil {
		return nil, atTable(err, p)
	}
	if equal > 0 {
		out.Findings = append(out.Findings, advice.EqualKeys(work.GetTable(), key, equal, names))
	}
	return &workerv1.Result{Outcome: &workerv1.Result_Compared{Compared: out}}, nil
}

// nameOf names a row by its key in the source; a key that is at fault has no name.
func nameOf(p *planv1.TablePlan, r engine.Row) string {
	key, err := r.Key()
	if err != nil || key == nil {
		return ""
	}
	k := p.GetSource().GetKey()
	return keyrange.Named(k.GetColumns(), k.GetKinds(), key)
}
