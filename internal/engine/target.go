package engine

import (
	"context"
	"io"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// Target is what loaders need.
type Target interface {
	// Design plans the target for a source's tables: names, types, encoding, DDL
	// and findings. It reads the target's catalog and changes nothing. An existing
	// table with rows is a finding of SEVERITY_ERROR unless existing allows it.
	Design(ctx context.Context, r DesignRequest) (*planv1.Design, error)
	// Prepare makes the ledger, the migration's row in it and the plan-wide
	// objects. A migration row of a later term, or one that has ended, is
	// fault.Fenced; a target that is not the one designed for is fault.Changed.
	Prepare(ctx context.Context, r PrepareRequest) error
	// Apply runs a table's statements of one step; doing it twice is harmless.
	// STEP_CREATE also refuses (fault.Exists) or empties an existing table as the
	// plan says, once: the ledger remembers.
	Apply(ctx context.Context, m Migration, t *planv1.TablePlan, step planv1.Step) error
	// Empty removes a table's rows and, in the same transaction, gives every range
	// of it the epoch, so that no loader of before can write.
	Empty(ctx context.Context, m Migration, t *planv1.TablePlan, epoch uint64) error
	// OpenRange fences a range for one loader: protocol "takeover".
	OpenRange(ctx context.Context, r RangeRequest) (RangeWriter, error)
	// Finish sets the migration's stage in the target, after in-flight batches: no
	// batch is accepted any more.
	Finish(ctx context.Context, m Migration, stage string) error
}

// DesignRequest is what a design is made of.
type DesignRequest struct {
	Source   *planv1.Database
	Existing planv1.Existing
	// Name maps a source table to its target; an empty schema is the target's
	// default. Ok is false where no rule names the table.
	Name func(schema, table string) (toSchema, toTable string, ok bool)
	// Stage, if not empty, plans every table into a staging place of that name: the
	// plan's target is the staged table, and publish_schema and publish_name say
	// where it will be. Its final table must not exist. Statements that come before
	// any table make nothing that Discard cannot remove.
	Stage string
}

// Publisher ends migrations that load into a staging place.
type Publisher interface {
	// Publish moves every staged table to its final place in one step that other
	// sessions see as a whole or not at all. Doing it twice is harmless; a final
	// table that somebody else made since is fault.Exists, and nothing has moved.
	Publish(ctx context.Context, m Migration, tables []*planv1.TablePlan) error
	// Discard removes the staged tables, their place, and what the statements before
	// any table made, and ends the migration in the target (StageCancelled). It
	// refuses (fault.Unsupported) once the tables are published; doing it twice is
	// harmless.
	Discard(ctx context.Context, m Migration, tables []*planv1.TablePlan, statements []*planv1.Statement) error
}

// PrepareRequest opens a migration in the target.
type PrepareRequest struct {
	Migration      Migration
	SourceIdentity string
	// TargetIdentity is what Design saw.
	TargetIdentity string
	Statements     []*planv1.Statement
	// Reopen takes a migration up again that is complete in the target.
	Reopen bool
}

// Stages are those of a migration in the ledger that the request may go on from.
func (r PrepareRequest) Stages() []string {
	if r.Reopen {
		return []string{StageCopy, StageComplete}
	}
	return []string{StageCopy}
}

// Migration names a migration in the ledger.
type Migration struct {
	UID  string
	Name string
	Term uint64
}

// Stages of a migration's row in the ledger.
const (
	StageCopy      = "COPY"
	StageComplete  = "COMPLETE"
	StageCancelled = "CANCELLED"
)

// RangeRequest fences a range.
type RangeRequest struct {
	Migration Migration
	Plan      *planv1.TablePlan
	Range     *planv1.Range
	Attempt   uint64
	Epoch     uint64
	// Reset deletes the range's rows by its bounds and forgets its ledger row's
	// sums, in the fencing transaction.
	Reset bool
}

// RangeWriter writes one range's batches, in one goroutine.
type RangeWriter interface {
	// Ledger is what the range had in the target when it was fenced.
	Ledger() Ledger
	// Write applies a batch and its ledger row in one transaction. A batch that is
	// in the target already is Duplicate; fault.Fenced when another loader owns
	// the range, fault.Gap when batches before it are missing, fault.Value when
	// the target refuses a row that no sieve takes.
	Write(ctx context.Context, b Batch) (Outcome, error)
	// Complete marks the range loaded, durably: after it returns, a crash of the
	// target's host loses no row of the range. It fails with fault.Gap when the
	// ledger does not hold exactly batches batches of the attempt.
	Complete(ctx context.Context, batches uint64) (Ledger, error)
	Close() error
}

// Ledger is a range's row in the target.
type Ledger struct {
	// After is the key up to which the range's rows are in the target: the last
	// committed batch's LastKey; nil when there is none.
	After *planv1.Bound
	// Digest of all rows of the range in the target, by what extractors sent.
	Digest batch.Digest
	// NextSequence is the batch the ledger expects.
	NextSequence uint64
	// Touched counts the values that policies changed, those of rejected rows included.
	Touched Touched
	// Rejected are the rows that the target refused: they are not in Digest.
	Rejected batch.Hashes
}

// NotOwned is the error of a writer whose range has another epoch in the ledger than its
// own. A later one is that of whoever has taken the range over (fault.Fenced). An earlier
// one is that of a target that has lost the takeover, and maybe more (fault.Unavailable):
// the range is opened again.
func NotOwned(op string, r RangeRequest, epoch uint64) error {
	if epoch < r.Epoch {
		return fault.New(fault.Unavailable, op, "the target has gone back to a time before range %d was opened", r.Range.GetNumber())
	}
	return fault.New(fault.Fenced, op, "range %d belongs to another loader", r.Range.GetNumber())
}

// Next is the ledger with a batch of which the target refused some rows. A batch that
// is in the target already changes nothing.
func (l Ledger) Next(b Batch, refused []Reject) (Ledger, error) {
	if b.Sequence < l.NextSequence {
		return l, nil
	}
	next := l
	next.NextSequence = b.Sequence + 1
	next.Digest.Merge(b.Digest)
	next.Touched = nil // ledgers that were given out keep theirs
	next.Touched.Add(l.Touched)
	next.Touched.Add(b.Touched)
	if b.Replays == nil {
		next.After = keyrange.Clone(b.LastKey)
	} else {
		var ok bool
		if next.Rejected, ok = l.Rejected.Without(b.Replays); !ok {
			return l, fault.New(fault.Fenced, "engine.Next", "batch %d has rows that are not among the range's rejected ones", b.Sequence)
		}
	}
	var out batch.Hashes
	for _, r := range refused {
		out = append(out, r.Hash)
	}
	next.Digest.Subtract(out.Digest())
	next.Rejected = next.Rejected.With(out)
	return next, nil
}

// Batch is one batch to write.
type Batch struct {
	Sequence uint64
	Encoding planv1.Encoding
	// Body holds Rows rows one after another.
	Body []byte
	// Large holds the rows in Body's place where memory must not: a row too large for
	// it comes last, and ordinary ones may stand before it. Nil for other batches.
	Large   *io.SectionReader
	Digest  batch.Digest
	Touched Touched
	// LastKey is the key of the last row, or the range's upper bound where no row
	// of the range is left; nil where rows have no key.
	LastKey *planv1.Bound
	// Sieve, if not nil, lets Write leave rows out that the target refuses.
	Sieve *Sieve
	// Replays, if not nil, are the hashes of the batch's rows: all of them were rejected
	// before, and the ledger takes them off its rejected ones. LastKey is of no meaning.
	Replays batch.Hashes
}

// Outcome of a write.
type Outcome uint8

// The outcomes.
const (
	Written Outcome = iota
	Duplicate
)
