package extractor

import (
	"context"
	"time"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/internal/worker"
)

// holdSnapshot keeps a snapshot open until it is told to stop; it ends by an
// error only: Canceled where it was told to, another one where the snapshot
// broke, which makes every extraction in it worthless.
func (s *Service) holdSnapshot(ctx context.Context, db engine.Source, job *workerv1.Job, report worker.Report) (*workerv1.Result, error) {
	snapshot, err := db.HoldSnapshot(ctx)
	if err != nil {
		return nil, fault.At(err, fault.Source, "")
	}
	defer func() { _ = snapshot.Close() }() // it holds nothing that could be lost
	if err := faultpoint.Hit(ctx, faultpoint.ExtractorAfterSnapshot, job.GetTitle()); err != nil {
		return nil, err
	}
	tick := time.NewTicker(s.config.SnapshotCheck)
	defer tick.Stop()
	for {
		report(&workerv1.Progress{Snapshot: snapshot.Name()})
		select {
		case <-ctx.Done():
			return nil, fault.Wrap(fault.Canceled, "extractor.holdSnapshot", ctx.Err())
		case <-tick.C:
		}
		if err := snapshot.Check(ctx); err != nil {
			return nil, fault.At(err, fault.Source, "")
		}
	}
}
