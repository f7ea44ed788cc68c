package loader

import (
	"time"

	streamv1 "github.com/drover-db/drover/gen/drover/stream/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/guard"
)

// Attempt is the loader's side of one attempt at a range as a state machine: messages of
// the stream, silences and answers of the target go in, what to do next comes out. It
// waits for nobody, reads no clock and writes nothing but the parts of large rows, so the
// simulator can load with it; load.go is what ships.
type Attempt struct {
	assembler *assembler
	// fenced is what the target had when this loader took the range.
	fenced engine.Ledger
	// arrived is what came since, by the extractor's digests.
	arrived batch.Digest
	// inHand is the digest of the batch that is being written.
	inHand batch.Digest
	loaded workerv1.Loaded
	// begun is set by the first message; full tells that the stream had no room when it
	// was last looked at.
	begun, full bool
}

// Action is what a loader has to do next.
type Action uint8

// The actions.
const (
	// PassOver: the message says nothing new; wait for the next one.
	PassOver Action = iota
	// Wait for the next message: other parts of the batch, or rows of a slow source.
	Wait
	// Report that the target has what came up to here, and wait for the next message.
	Report
	// Write Step.Batch, then tell Written.
	Write
	// Complete the range with Step.Batches, then tell Completed.
	Complete
)

// Step is what a message amounts to.
type Step struct {
	Action Action
	// Header of the message.
	Header *streamv1.BatchHeader
	// Batch to write, valid until the next message; without its Sieve.
	Batch engine.Batch
	// Batches that the attempt has in all.
	Batches uint64
}

// NewAttempt begins a load job whose range is fenced. Large rows wait in spillDir.
func NewAttempt(job *workerv1.Job, fenced engine.Ledger, spillDir string) *Attempt {
	return &Attempt{assembler: newAssembler(job, fenced.NextSequence, spillDir), fenced: fenced}
}

// Take takes a message of the attempt's subject. Errors end the attempt.
func (a *Attempt) Take(message []byte) (Step, error) {
	a.begun, a.full = true, false
	what, h, body, err := a.assembler.add(message)
	if err != nil {
		return Step{}, err
	}
	switch what {
	case partial:
		if a.assembler.large == nil {
			return Step{Action: Wait, Header: h}, nil
		}
		// What is on this loader's disk need not stay in the stream, which may be
		// smaller than the batch.
		return Step{Action: Report, Header: h}, nil
	case idle:
		return Step{Action: Wait, Header: h}, nil
	case repeated:
		a.loaded.Duplicates++
		return Step{Action: Report, Header: h}, nil
	case whole:
		return a.batch(h, body)
	case end:
		return Step{Action: Complete, Header: h, Batches: h.GetEnd().GetBatches()}, a.checkEnd(h.GetEnd())
	default:
		return Step{Action: PassOver, Header: h}, nil
	}
}

// batch is the step of a batch that is whole.
func (a *Attempt) batch(h *streamv1.BatchHeader, body []byte) (Step, error) {
	digest, err := batch.DigestOf(h.GetDigest())
	if err != nil {
		return Step{}, fault.New(fault.Corrupt, "loader.Load", "read digest of batch %d: %w", h.GetSequence(), err)
	}
	a.inHand = digest
	return Step{Action: Write, Header: h, Batch: engine.Batch{
		Sequence: h.GetSequence(),
		Encoding: h.GetEncoding(),
		Body:     body,
		Large:    a.assembler.largeBody(),
		Digest:   digest,
		LastKey:  h.GetLastKey(),
		Touched:  engine.TouchedOf(h.GetTouched()),
	}}, nil
}

// Written takes the target's answer to the batch in hand.
func (a *Attempt) Written(outcome engine.Outcome, body []byte) {
	if outcome == engine.Duplicate {
		// A commit whose answer was lost: the ledger has counted it, once.
		a.loaded.Duplicates++
	} else {
		a.loaded.Batches++
		a.loaded.Rows += a.inHand.Rows
		a.loaded.Bytes += a.assembler.size(body)
	}
	a.arrived.Merge(a.inHand)
	a.assembler.accept()
}

// Completed takes the ledger of the completed range, which must hold what was fenced
// and what came, and gives the result of the job.
func (a *Attempt) Completed(final engine.Ledger) (*workerv1.Loaded, error) {
	want, got := sum(a.fenced), sum(final)
	want.Merge(a.arrived)
	if got != want && !guard.Removed(guard.LoadedDigest) {
		return nil, fault.New(fault.Corrupt, "loader.Load", "the ledger counts %d rows (%s), the stream brought %d (%s)",
			got.Rows, got, want.Rows, want)
	}
	a.loaded.Digest, a.loaded.Touched = final.Digest.Proto(), final.Touched.Proto()
	return &a.loaded, nil
}

// Impatient tells whether the wait for the next message has an end: for the first one
// a loader waits as long as its lease lasts, since the extraction may have to wait for a
// free worker.
func (a *Attempt) Impatient() bool { return a.begun }

// Silent takes note that no message came for a while; full tells whether the stream has
// no room for more. An error ends the attempt: messages were lost. While the stream is full
// extractors are kept waiting, and when it was full at the last look, they have just
// begun to move again.
func (a *Attempt) Silent(waited time.Duration, full bool) error {
	was := a.full
	a.full = full
	if full || was {
		return nil
	}
	return gap("no message came for %s before the end of the range", waited)
}

// Progress is what to report behind a message of a stream sequence.
func (a *Attempt) Progress(sequence uint64) *workerv1.Progress {
	return &workerv1.Progress{Rows: a.loaded.GetRows(), Bytes: a.loaded.GetBytes(), CommittedSequence: sequence}
}

// Close lets go of what waits on the disk.
func (a *Attempt) Close() { a.assembler.close() }

// checkEnd compares what came with what the extractor says it sent. The sums
// can be compared only where all of the attempt came to this loader.
func (a *Attempt) checkEnd(e *streamv1.EndOfRange) error {
	if e.GetBatches() != a.assembler.next && !guard.Removed(guard.EndBatches) {
		return fault.New(fault.Corrupt, "loader.Load", "the stream ends after %d batches and says %d", a.assembler.next, e.GetBatches())
	}
	sent, err := batch.DigestOf(e.GetDigest())
	if err != nil {
		return fault.New(fault.Corrupt, "loader.Load", "read digest of the stream's end: %w", err)
	}
	if a.fenced.NextSequence == 0 && sent != a.arrived && !guard.Removed(guard.EndDigest) {
		return fault.New(fault.Corrupt, "loader.Load", "%d rows (%s) came where %d rows (%s) were sent",
			a.arrived.Rows, a.arrived, sent.Rows, sent)
	}
	return nil
}

// sum is what a ledger has of the source's rows: those in the target and the rejected.
func sum(l engine.Ledger) batch.Digest {
	d := l.Digest
	d.Merge(l.Rejected.Digest())
	return d
}
