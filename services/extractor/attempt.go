package extractor

import (
	"fmt"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	streamv1 "github.com/drover-db/drover/gen/drover/stream/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/engine"
)

// Attempt is the extractor's side of one attempt at a range as a state machine: rows go
// in, messages to publish come out. It reads no source and publishes nothing itself, so
// the simulator can extract with it; extract.go is what ships.
type Attempt struct {
	job     *workerv1.Job
	work    *workerv1.ExtractRange
	schema  uint64
	limit   int
	buffers *buffers

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
	// hurried ends the batch, or the part of it, with the next row or piece.
	hurried bool
	// What was given out already.
	batches uint64
	bytes   int64
	total   batch.Digest
}

// Output is what has to be published, in its order; nothing where there are no messages.
type Output struct {
	Messages []bus.Message
	// Batch tells that a batch ends with the last message.
	Batch bool
}

// NewAttempt begins an extract job whose batches get about batchBytes.
func NewAttempt(job *workerv1.Job, batchBytes int) *Attempt {
	return newAttempt(job, batchBytes, newBuffers(batchBytes))
}

func newAttempt(job *workerv1.Job, batchBytes int, b *buffers) *Attempt {
	work := job.GetExtract()
	return &Attempt{job: job, work: work, schema: batch.Fingerprint(work.GetTable()), limit: batchBytes, buffers: b,
		buf: b.get(), last: newLastKey(work)}
}

// Touch takes note of a value that a policy changed; its row comes next.
func (a *Attempt) Touch(column int) { a.touched.Add(engine.Touched{uint32(column): 1}) }

// Row takes one row, or a piece of one, in the order of the range.
func (a *Attempt) Row(r engine.Row) (Output, error) {
	if r.More || a.large != nil {
		return a.largeRow(r)
	}
	a.digest.Add(r.Data)
	a.buf = append(a.buf, r.Data...)
	full := a.full()
	if full || a.last.everyRow {
		if err := a.last.keep(r); err != nil {
			return Output{}, err
		}
	}
	if !full {
		return Output{}, nil
	}
	return a.cut(a.last.key)
}

// Hurry gives out with the next row what there is, however little.
func (a *Attempt) Hurry() { a.hurried = true }

// full tells whether the buffer is to be given out.
func (a *Attempt) full() bool { return a.hurried || batch.BodyLen(a.buf) >= a.limit }

// Rest ends the last batch; nothing where no row is left.
func (a *Attempt) Rest() (Output, error) {
	if batch.BodyLen(a.buf) == 0 {
		return Output{}, nil
	}
	return a.cut(a.last.atEnd())
}

// End is the message that ends the attempt, and the result once it is stored.
func (a *Attempt) End() (Output, *workerv1.Extracted, error) {
	h := a.header(a.batches)
	h.End = &streamv1.EndOfRange{Batches: a.batches, Digest: a.total.Proto()}
	out, err := a.seal(h)
	return out, &workerv1.Extracted{Batches: a.batches, Digest: a.total.Proto(), Bytes: a.bytes}, err
}

// Idle is a message that says only that the attempt still reads. It may be given out at
// any time, beside every other method; count makes it another message than those before.
func (a *Attempt) Idle(count int) (bus.Message, error) {
	h := a.header(0)
	h.Idle = true
	sealed, err := batch.Seal(batch.NewBuffer(0), h)
	if err != nil {
		return bus.Message{}, err
	}
	return bus.Message{Subject: a.work.GetSubject(), ID: fmt.Sprintf("%s/idle/%d", batch.MessageID(h), count), Data: sealed[0]}, nil
}

// Progress is what was given out so far.
func (a *Attempt) Progress() *workerv1.Progress {
	return &workerv1.Progress{Rows: a.total.Rows, Bytes: a.bytes}
}

// cut ends the batch in hand; rows up to the key last are in it or in those before it.
func (a *Attempt) cut(last *planv1.Bound) (Output, error) {
	h := a.header(a.batches)
	h.Digest, h.LastKey, h.Touched = a.digest.Proto(), last, a.touched.Proto()
	a.bytes += int64(batch.BodyLen(a.buf))
	out, err := a.seal(h)
	if err != nil {
		return Output{}, err
	}
	out.Batch = true
	a.count()
	return out, nil
}

// count counts the batch in hand as given out and begins another.
func (a *Attempt) count() {
	a.total.Merge(a.digest)
	a.digest, a.touched = batch.Digest{}, nil
	a.batches++
}

// header describes a message.
func (a *Attempt) header(sequence uint64) *streamv1.BatchHeader {
	return &streamv1.BatchHeader{
		Migration: a.job.GetMigration(),
		Table:     a.work.GetTable().GetNumber(),
		Range:     a.work.GetRange().GetNumber(),
		Attempt:   a.work.GetAttempt(),
		Sequence:  sequence,
		Encoding:  a.work.GetTable().GetEncoding(),
		Schema:    a.schema,
	}
}

// seal makes messages of the buffer and begins a fresh one.
func (a *Attempt) seal(h *streamv1.BatchHeader) (Output, error) {
	sealed, err := batch.Seal(a.buf, h)
	if err != nil {
		return Output{}, err
	}
	a.buf, a.hurried = a.buffers.get(), false
	out := Output{Messages: make([]bus.Message, len(sealed))}
	for part, data := range sealed {
		h.Part = uint32(part)
		out.Messages[part] = bus.Message{Subject: a.work.GetSubject(), ID: batch.MessageID(h), Data: data}
	}
	if len(sealed) == 1 {
		out.Messages[0].Done = func() { a.buffers.put(sealed[0]) }
	}
	return out, nil
}
