package extractor

import (
	"context"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	streamv1 "github.com/drover-db/drover/gen/drover/stream/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/internal/worker"
)

// extract reads a range from the source and publishes it batch by batch. Memory
// is bounded by the publisher's window and the batch in hand: a full stream makes
// the read itself wait.
func (s *Service) extract(ctx context.Context, db engine.Reader, job *workerv1.Job, report worker.Report) (*workerv1.Result, error) {
	work := job.GetExtract()
	publisher, err := s.config.Bus.Publisher(work.GetStream(), s.config.WindowBytes)
	if err != nil {
		return nil, fault.At(err, fault.Stream, work.GetStream())
	}
	defer publisher.Close()
	x := s.newExtraction(ctx, job, publisher, report)
	request := engine.ReadRequest{
		Side:     engine.SourceSide,
		Plan:     work.GetTable(),
		Range:    work.GetRange(),
		After:    work.GetAfter(),
		Snapshot: work.GetSnapshot(),
		Pieces:   s.config.LargeRow,
		Touch:    x.touch,
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

// extraction is one attempt at a range under way.
type extraction struct {
	ctx       context.Context
	job       *workerv1.Job
	work      *workerv1.ExtractRange
	schema    uint64
	limit     int
	publisher bus.Publisher
	buffers   *buffers
	report    worker.Report

	// The batch being filled.
	buf    []byte
	digest batch.Digest
	last   lastKey
	// touched counts what policies changed in the batch being filled.
	touched engine.Touched
	// large is set while the batch being filled is a large one, hasher has the row in
	// hand.
	large  *batch.Parts
	hasher batch.RowHasher
	// What is published already.
	batches uint64
	bytes   int64
	total   batch.Digest
	// err is what row returned to the reader.
	err error
}

func (s *Service) newExtraction(ctx context.Context, job *workerv1.Job, p bus.Publisher, report worker.Report) *extraction {
	work := job.GetExtract()
	return &extraction{
		ctx: ctx, job: job, work: work, schema: batch.Fingerprint(work.GetTable()), limit: s.config.BatchBytes,
		publisher: p, buffers: s.buffers, report: report, buf: s.buffers.get(), last: newLastKey(work),
	}
}

// touch takes note of a value that a policy changed; its row comes next.
func (x *extraction) touch(column int) { x.touched.Add(engine.Touched{uint32(column): 1}) }

// row takes one row from the reader.
func (x *extraction) row(r engine.Row) error {
	x.err = x.take(r)
	return x.err
}

func (x *extraction) take(r engine.Row) error {
	if r.More || x.large != nil {
		return x.takeLarge(r)
	}
	x.digest.Add(r.Data)
	x.buf = append(x.buf, r.Data...)
	full := batch.BodyLen(x.buf) >= x.limit
	if full || x.last.everyRow {
		if err := x.last.keep(r); err != nil {
			return err
		}
	}
	if !full {
		return nil
	}
	return x.cut(x.last.key)
}

// cut publishes the batch in hand; rows up to the key last are in it or in those
// before it.
func (x *extraction) cut(last *planv1.Bound) error {
	if err := faultpoint.Hit(x.ctx, faultpoint.ExtractorBeforePublish, x.job.GetTitle()); err != nil {
		return err
	}
	h := x.header()
	h.Digest, h.LastKey, h.Touched = x.digest.Proto(), last, x.touched.Proto()
	size := batch.BodyLen(x.buf)
	if err := x.publish(h); err != nil {
		return err
	}
	x.bytes += int64(size)
	return x.sent()
}

// sent counts the batch in hand as published and begins another.
func (x *extraction) sent() error {
	x.total.Merge(x.digest)
	x.digest, x.touched = batch.Digest{}, nil
	x.batches++
	x.progress()
	return faultpoint.Hit(x.ctx, faultpoint.ExtractorAfterBatch, x.job.GetTitle())
}

func (x *extraction) progress() {
	x.report(&workerv1.Progress{Rows: x.total.Rows, Bytes: x.bytes})
}

// end publishes the rest and the message that ends the attempt, and waits until
// the stream has everything.
func (x *extraction) end() (*workerv1.Extracted, error) {
	if batch.BodyLen(x.buf) > 0 {
		if err := x.cut(x.last.atEnd()); err != nil {
			return nil, err
		}
	}
	if err := faultpoint.Hit(x.ctx, faultpoint.ExtractorBeforeEnd, x.job.GetTitle()); err != nil {
		return nil, err
	}
	h := x.header()
	h.End = &streamv1.EndOfRange{Batches: x.batches, Digest: x.total.Proto()}
	if err := x.publish(h); err != nil {
		return nil, err
	}
	if err := x.publisher.Flush(x.ctx); err != nil {
		return nil, fault.At(err, fault.Stream, x.work.GetStream())
	}
	return &workerv1.Extracted{Batches: x.batches, Digest: x.total.Proto(), Bytes: x.bytes}, nil
}

// header describes the next message.
func (x *extraction) header() *streamv1.BatchHeader {
	return &streamv1.BatchHeader{
		Migration: x.job.GetMigration(),
		Table:     x.work.GetTable().GetNumber(),
		Range:     x.work.GetRange().GetNumber(),
		Attempt:   x.work.GetAttempt(),
		Sequence:  x.batches,
		Encoding:  x.work.GetTable().GetEncoding(),
		Schema:    x.schema,
	}
}

// publish sends the buffer under a header and begins a fresh one.
func (x *extraction) publish(h *streamv1.BatchHeader) error {
	messages, err := batch.Seal(x.buf, h)
	if err != nil {
		return err
	}
	x.buf = x.buffers.get()
	for part, data := range messages {
		h.Part = uint32(part)
		m := bus.Message{Subject: x.work.GetSubject(), ID: batch.MessageID(h), Data: data}
		if len(messages) == 1 {
			m.Done = func() { x.buffers.put(data) }
		}
		if err := x.publisher.Publish(x.ctx, m); err != nil {
			return fault.At(err, fault.Stream, x.work.GetStream())
		}
		messages[part] = nil
	}
	return nil
}
