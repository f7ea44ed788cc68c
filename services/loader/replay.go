package loader

import (
	"context"
	"io"
	"math"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/worker"
	"github.com/drover-db/drover/services/loader/internal/rejects"
)

// replayBytes is about how large a batch of rejected rows gets.
const replayBytes = 1 << 20

// replay writes rejected rows of a range, and takes those that the target accepts now
// off the ledger's rejected ones, in the same transactions. What is refused again stays
// where it is.
func (s *Service) replay(ctx context.Context, db engine.Database, job *workerv1.Job, report worker.Report) (*workerv1.Result, error) {
	work := job.GetReplay()
	w, err := db.OpenRange(ctx, engine.RangeRequest{Migration: migration(job), Plan: work.GetTable(), Range: work.GetRange(),
		Attempt: work.GetAttempt(), Epoch: work.GetEpoch()})
	if err != nil {
		return nil, atTable(err, work.GetTable())
	}
	defer func() { _ = w.Close() }() // what is committed is committed
	r := &replaying{work: work, writer: w, report: report, next: w.Ledger().NextSequence}
	r.sieve = &sieve{file: rejectFile(job, work.GetFrom(), work.GetTable(), work.GetRange(), work.GetAttempt())}
	replayed, err := r.run(ctx, s, job)
	if err == nil && work.GetLive() {
		err = r.lookFor(ctx, db, replayed)
	}
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
	sieve  *sieve
	next   uint64
	// waiting are rows that make the next batch.
	waiting engine.Batch
}

func (r *replaying) run(ctx context.Context, s *Service, job *workerv1.Job) (*workerv1.Replayed, error) {
	before := r.writer.Ledger().Rejected
	rows, missing, err := r.sieve.file.Find(before)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if err := r.add(ctx, row); err != nil {
			return nil, err
		}
	}
	if len(missing) > 0 {
		if missing, err = r.fromSource(ctx, s, job, missing); err != nil {
			return nil, err
		}
	}
	if err := r.flush(ctx); err != nil {
		return nil, err
	}
	after, err := r.writer.Complete(ctx, r.next)
	if err != nil {
		return nil, err
	}
	if err := r.sieve.file.Settle(after.Rejected); err != nil {
		return nil, err
	}
	return &workerv1.Replayed{Digest: after.Digest.Proto(), Rejected: r.sieve.message(after.Rejected),
		Rows: int64(len(before) - len(after.Rejected)), Missing: int64(len(missing))}, nil
}

// add takes a row of the file.
func (r *replaying) add(ctx context.Context, row rejects.Row) error {
	if !row.IsLarge() {
		data, err := row.Read()
		if err != nil {
			return err
		}
		return r.row(ctx, data, row.Hash)
	}
	file, body, err := row.Open()
	if err != nil {
		return err
	}
	defer file.Close()
	return r.large(ctx, body, row.Hash)
}

// row lets a row wait for its batch.
func (r *replaying) row(ctx context.Context, data []byte, hash batch.Hash) error {
	r.waiting.Body = append(r.waiting.Body, data...)
	r.waiting.Replays = append(r.waiting.Replays, hash)
	if len(r.waiting.Body) < replayBytes {
		return nil
	}
	return r.flush(ctx)
}

// large writes a row that memory must not hold, in a batch of its own.
func (r *replaying) large(ctx context.Context, body *io.SectionReader, hash batch.Hash) error {
	if err := r.flush(ctx); err != nil {
		return err
	}
	r.waiting.Large, r.waiting.Replays = body, batch.Hashes{hash}
	return r.flush(ctx)
}

// flush writes the rows that wait.
func (r *replaying) flush(ctx context.Context) error {
	b := r.waiting
	if len(b.Replays) == 0 {
		return nil
	}
	b.Sequence, b.Encoding, b.Digest = r.next, r.work.GetTable().GetEncoding(), b.Replays.Digest()
	b.Sieve = &engine.Sieve{Max: math.MaxInt64, Keep: r.again}
	if _, err := writeAgain(ctx, r.writer, b); err != nil {
		return err
	}
	r.next, r.waiting = r.next+1, engine.Batch{Body: b.Body[:0]}
	r.report(&workerv1.Progress{Rows: int64(r.next)})
	return nil
}

// again takes rows that are refused again: they stay where they are.
func (r *replaying) again(_ batch.Hashes, refused []engine.Reject) error {
	r.sieve.note(refused)
	return nil
}
