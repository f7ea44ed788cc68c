package extractor

import (
	"context"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/internal/pace"
	"github.com/drover-db/drover/internal/worker"
)

// extract reads a range from the source and publishes it batch by batch. Memory
// is bounded by the publisher's window and the batch in hand: a full stream makes
// the read itself wait.
func (s *Service) extract(ctx context.Context, db engine.Reader, job *workerv1.Job, report worker.Report) (*workerv1.Result, error) {
	work := job.GetExtract()
	ctx = worker.Gentle(ctx) // what is not in the target yet is read again at no loss
	publisher, err := s.config.Bus.Publisher(work.GetStream(), s.config.WindowBytes)
	if err != nil {
		return nil, fault.At(err, fault.Stream, work.GetStream())
	}
	defer publisher.Close()
	x := &extraction{ctx: ctx, job: job, pacer: worker.Pacer(ctx), attempt: newAttempt(job, s.config.BatchBytes, s.buffers), publisher: publisher, report: report}
	defer x.beat()()
	request := engine.ReadRequest{
		Side:     engine.SourceSide,
		Plan:     work.GetTable(),
		Range:    work.GetRange(),
		After:    work.GetAfter(),
		Snapshot: work.GetSnapshot(),
		Pieces:   s.config.LargeRow,
		Touch:    x.attempt.Touch,
	}
	if err := faultpoint.Hit(ctx, faultpoint.ExtractorBeforeRead, job.GetTitle()); err != nil {
		return nil, err
	}
	if err := db.Read(ctx, request, x.row); err != nil {
		if x.err != nil {
			err = x.err // the read only passes it on
		}
		return nil, atTable(err, work.GetTable())
	}
	done, err := x.end()
	if err != nil {
		return nil, atTable(err, work.GetTable())
	}
	s.config.Logger.Debug("range extracted", "migration", job.GetMigration(), "table", engine.Label(work.GetTable(), engine.SourceSide),
		"range", work.GetRange().GetNumber(), "attempt", work.GetAttempt(), "rows", done.GetDigest().GetRows(), "batches", done.GetBatches())
	return &workerv1.Result{Outcome: &workerv1.Result_Extracted{Extracted: done}}, nil
}

// extraction is an Attempt with the stream and the coordinator around it.
type extraction struct {
	ctx       context.Context
	job       *workerv1.Job
	attempt   *Attempt
	publisher bus.Publisher
	report    worker.Report
	pacer     *pace.Pacer
	pulse     pulse
	// err is what row returned to the reader.
	err error
}

// row takes one row from the reader.
func (x *extraction) row(r engine.Row) error {
	var out Output
	if x.pulse.late() {
		x.attempt.Hurry()
	}
	if out, x.err = x.attempt.Row(r); x.err == nil {
		x.err = x.publish(out)
	}
	if x.err == nil {
		x.err = x.rest(r)
	}
	return x.err
}

// rest waits where the job is to go slowly.
func (x *extraction) rest(r engine.Row) error {
	rows := 1
	if r.More {
		rows = 0
	}
	return x.pacer.Wait(x.ctx, rows, len(r.Data))
}

// end publishes the rest and the message that ends the attempt, and waits until
// the stream has everything.
func (x *extraction) end() (*workerv1.Extracted, error) {
	rest, err := x.attempt.Rest()
	if err == nil {
		err = x.publish(rest)
	}
	if err != nil {
		return nil, err
	}
	if err := faultpoint.Hit(x.ctx, faultpoint.ExtractorBeforeEnd, x.job.GetTitle()); err != nil {
		return nil, err
	}
	last, done, err := x.attempt.End()
	if err == nil {
		err = x.send(last)
	}
	if err != nil {
		return nil, err
	}
	if err := x.publisher.Flush(x.ctx); err != nil {
		return nil, fault.At(err, fault.Stream, x.job.GetExtract().GetStream())
	}
	return done, faultpoint.Hit(x.ctx, faultpoint.ExtractorAfterEnd, x.job.GetTitle())
}

// publish sends rows and reports them.
func (x *extraction) publish(out Output) error {
	if len(out.Messages) == 0 {
		return nil
	}
	if err := faultpoint.Hit(x.ctx, faultpoint.ExtractorBeforePublish, x.job.GetTitle()); err != nil {
		return err
	}
	if err := x.send(out); err != nil {
		return err
	}
	x.pulse.sent()
	x.report(x.attempt.Progress())
	if !out.Batch {
		return nil
	}
	return faultpoint.Hit(x.ctx, faultpoint.ExtractorAfterBatch, x.job.GetTitle())
}

// send gives messages to the stream, and lets go of each as soon as it is there.
func (x *extraction) send(out Output) error {
	for i, m := range out.Messages {
		out.Messages[i] = bus.Message{}
		if err := x.publisher.Publish(x.ctx, m); err != nil {
			return fault.At(err, fault.Stream, x.job.GetExtract().GetStream())
		}
	}
	return nil
}
