package loader

import (
	"io"

	streamv1 "github.com/drover-db/drover/gen/drover/stream/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/guard"
)

// maxBatch bounds a batch in memory: the largest row behind the largest cut.
const maxBatch = batch.MaxRow + batch.MaxBody

// piece is what a message amounted to.
type piece uint8

const (
	// ignored is a message that says nothing new: of another attempt, or a part
	// that came before.
	ignored piece = iota
	// partial is a part with more to come.
	partial
	// repeated is a batch that the target has already.
	repeated
	// whole is the next batch, complete.
	whole
	// end is the last message of the attempt.
	end
	// idle says that the extraction still reads.
	idle
)

// assembler turns the messages of one attempt into batches in their order. It
// trusts nothing: a message may be lost, doubled, late or of somebody else.
type assembler struct {
	migration  string
	table, rng uint32
	attempt    uint64
	schema     uint64

	// next is the sequence to come.
	next uint64
	// body has the parts so far of batch next, of which parts come.
	body        []byte
	part, parts uint32
	// large has them where the batch is a large one; spillDir is where.
	large    *spill
	spillDir string
}

func newAssembler(job *workerv1.Job, next uint64, spillDir string) *assembler {
	work := job.GetLoad()
	return &assembler{
		migration: job.GetMigration(),
		table:     work.GetTable().GetNumber(),
		rng:       work.GetRange().GetNumber(),
		attempt:   work.GetAttempt(),
		schema:    batch.Fingerprint(work.GetTable()),
		next:      next,
		spillDir:  spillDir,
	}
}

// add takes a message. For whole the body is the batch's rows, valid until the
// next call; the caller moves on by accept. Errors: Corrupt for a message that
// does not add up, Gap for one that comes too early, Changed for rows of another
// table plan.
func (a *assembler) add(message []byte) (piece, *streamv1.BatchHeader, []byte, error) {
	h, body, err := batch.Open(message)
	if err != nil {
		return ignored, nil, nil, err
	}
	if h.GetAttempt() != a.attempt && !guard.Removed(guard.MessageAttempt) {
		return ignored, h, nil, nil
	}
	if err := a.check(h); err != nil {
		return ignored, h, nil, err
	}
	switch {
	case h.GetIdle():
		return idle, h, nil, nil
	case h.GetSequence() < a.next && !guard.Removed(guard.MessageSequence):
		return repeated, h, nil, nil
	case h.GetSequence() > a.next && !guard.Removed(guard.MessageSequence):
		return ignored, h, nil, gap("batch %d came where batch %d was due", h.GetSequence(), a.next)
	case h.GetEnd() != nil:
		return end, h, nil, nil
	default:
		return a.join(h, body)
	}
}

// check compares what a message says it is with what this job loads.
func (a *assembler) check(h *streamv1.BatchHeader) error {
	const op = "loader.Load"
	if h.GetMigration() != a.migration || h.GetTable() != a.table || h.GetRange() != a.rng {
		return fault.New(fault.Corrupt, op, "message of migration %s table %d range %d came on the subject of table %d range %d",
			h.GetMigration(), h.GetTable(), h.GetRange(), a.table, a.rng)
	}
	if h.GetSchema() != a.schema {
		return fault.New(fault.Changed, op, "rows were extracted by another table plan (%016x) than they are loaded by (%016x)",
			h.GetSchema(), a.schema)
	}
	return nil
}

// join adds a part to batch next.
func (a *assembler) join(h *streamv1.BatchHeader, body []byte) (piece, *streamv1.BatchHeader, []byte, error) {
	if h.GetPart() < a.part {
		return ignored, h, nil, nil
	}
	if h.GetPart() > a.part {
		return ignored, h, nil, gap("part %d of batch %d came where part %d was due", h.GetPart(), a.next, a.part)
	}
	if batch.IsLarge(h) || a.large != nil {
		return a.joinLarge(h, body)
	}
	if a.part > 0 && h.GetParts() != a.parts || h.GetParts() <= h.GetPart() || len(a.body)+len(body) > maxBatch {
		return ignored, h, nil, fault.New(fault.Corrupt, "loader.Load", "part %d of %d of batch %d does not fit its other parts",
			h.GetPart(), h.GetParts(), a.next)
	}
	a.part, a.parts = h.GetPart()+1, h.GetParts()
	if a.parts == 1 {
		return whole, h, body, nil
	}
	a.body = append(a.body, body...)
	if a.part < a.parts {
		return partial, h, nil, nil
	}
	return whole, h, a.body, nil
}

// joinLarge adds a part to batch next, which memory must not hold.
func (a *assembler) joinLarge(h *streamv1.BatchHeader, body []byte) (piece, *streamv1.BatchHeader, []byte, error) {
	if last := h.GetParts() != 0; len(a.body) > 0 || last && h.GetParts() != h.GetPart()+1 {
		return ignored, h, nil, fault.New(fault.Corrupt, "loader.Load", "part %d of %d of batch %d does not fit its other parts",
			h.GetPart(), h.GetParts(), a.next)
	}
	if a.large == nil {
		a.large = &spill{dir: a.spillDir}
	}
	if err := a.large.add(h, body); err != nil {
		return ignored, h, nil, err
	}
	a.part = h.GetPart() + 1
	if h.GetParts() == 0 {
		return partial, h, nil, nil
	}
	return whole, h, nil, nil
}

// largeBody is the batch that is whole, where it is a large one; nil for others.
func (a *assembler) largeBody() *io.SectionReader {
	if a.large == nil {
		return nil
	}
	return a.large.body()
}

// size is the number of bytes of a batch that is whole.
func (a *assembler) size(body []byte) int64 {
	if a.large != nil {
		return a.large.size
	}
	return int64(len(body))
}

// close lets go of a batch that did not become whole.
func (a *assembler) close() {
	if a.large != nil {
		a.large.close()
		a.large = nil
	}
}

// accept moves on behind batch next.
func (a *assembler) accept() {
	a.close()
	a.next++
	a.part, a.parts = 0, 0
	if cap(a.body) > 2*batch.MaxBody {
		a.body = nil // one large row must not hold its memory for the range's life
	}
	a.body = a.body[:0]
}

func gap(format string, args ...any) *fault.Error {
	return fault.New(fault.Gap, "loader.Load", format, args...)
}
