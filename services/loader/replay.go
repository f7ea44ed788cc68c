package loader

import (
	"context"
	"math"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/worker"
)

// replayBytes is about how large a batch of rejected rows gets.
const replayBytes = 1 << 20

// replay writes rejected rows of a range, and takes those that the target accepts now
// off the ledger's rejected ones, in the same transactions. What is refused again stays
// where it is.
func (s *Service) replay(ctx context.Context, db engine.Target, job *workerv1.Job, report worker.Report) (*workerv1.Result, error) {
	work := job.GetReplay()
	w, err := db.OpenRange(ctx, engine.RangeRequest{Migration: migration(job), Plan: work.GetTable(), Range: work.GetRange(),
		Attempt: work.GetAttempt(), Epoch: work.GetEpoch()})
	if err != nil {
		return nil, atTable(err, work.GetTable())
	}
	defer func() { _ = w.Close() }() // what is committed is committed
	r := &replaying{work: work, writer: w, report: report, next: w.Ledger().NextSequence}
	r.file = &sieve{file: rejectFile(job, work.GetFrom(), work.GetTable(), work.GetRange(), work.GetAttempt())}
	replayed, err := r.run(ctx)
	if err != nil {
		return nil, atTable(err, work.GetTable())
	}
	return &workerv1.Result{Outcome: &workerv1.Result_Replayed{Replayed: replayed}}, nil
}

// replaying is one range's rejected rows under way.
type replaying struct {
	work   *workerv1.ReplayRejects
	writer engine.RangeWriter
	report worker.Report
	file   *sieve
	next   uint64
}

func (r *replaying) run(ctx context.Context) (*workerv1.Replayed, error) {
	before := r.writer.Ledger().Rejected
	rows, missing, err := r.file.file.Find(before)
	if err != nil {
		return nil, err
	}
	for len(rows) > 0 {
		if rows, err = r.some(ctx, rows); err != nil {
			return nil, err
		}
		r.report(&workerv1.Progress{Rows: int64(r.next)})
	}
	after, err := r.writer.Complete(ctx, r.next)
	if err != nil {
		return nil, err
	}
	if err := r.file.file.Settle(after.Rejected); err != nil {
		return nil, err
	}
	return &workerv1.Replayed{Digest: after.Digest.Proto(), Rejected: r.file.message(after.Rejected),
		Rows: int64(len(before) - len(after.Rejected)), Missing: int64(missing)}, nil
}

// some writes as many rows as make a batch, and gives the others.
func (r *replaying) some(ctx context.Context, rows [][]byte) ([][]byte, error) {
	b := engine.Batch{Sequence: r.next, Encoding: r.work.GetTable().GetEncoding(), Replays: batch.Hashes{},
		Sieve: &engine.Sieve{Max: math.MaxInt64, Keep: r.again}}
	for len(rows) > 0 && len(b.Body) < replayBytes {
		b.Body = append(b.Body, rows[0]...)
		b.Replays = append(b.Replays, batch.HashRow(rows[0]))
		rows = rows[1:]
	}
	b.Digest = b.Replays.Digest()
	if _, err := writeAgain(ctx, r.writer, b); err != nil {
		return nil, err
	}
	r.next++
	return rows, nil
}

// again takes rows that are refused again: the file has them.
func (r *replaying) again(_ batch.Hashes, refused []engine.Reject) error {
	r.file.note(refused)
	return nil
}
