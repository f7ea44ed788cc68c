package extractor

import (
	"context"
	"errors"
	"time"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
)

// errEnough ends a read that has seen what it wanted.
var errEnough = errors.New("sample is complete")

// sample reads the beginning of a range as an extraction would and measures it. A
// row that cannot move ends the sample; the extraction will say so.
func sample(ctx context.Context, db engine.Reader, work *workerv1.SampleTable) (*workerv1.Result, error) {
	out := &workerv1.Sampled{}
	begun := time.Now()
	limit := time.Duration(work.GetMaxMs()) * time.Millisecond
	request := engine.ReadRequest{Side: engine.SourceSide, Plan: work.GetTable(), Range: work.GetRange(), Pieces: batch.LargeRow}
	err := db.Read(ctx, request, func(r engine.Row) error {
		if out.Bytes += int64(len(r.Data)); r.More {
			return nil
		}
		out.Rows++
		// Asking the clock for each row would be part of the measurement.
		if out.GetRows() >= work.GetMaxRows() || out.GetRows()%256 == 0 && time.Since(begun) > limit {
			return errEnough
		}
		return nil
	})
	out.Seconds = time.Since(begun).Seconds()
	if err != nil && !errors.Is(err, errEnough) {
		return nil, atTable(err, work.GetTable())
	}
	return &workerv1.Result{Outcome: &workerv1.Result_Sampled{Sampled: out}}, nil
}
