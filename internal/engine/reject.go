package engine

import (
	"context"
	"io"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/fault"
)

// Reject is a row of a batch that the target refuses.
type Reject struct {
	// Row is the row as it came; it shares the batch's memory. Large has it in Row's place
	// where memory must not.
	Row   []byte
	Large *io.SectionReader
	Hash  batch.Hash
	// Err says why, and names key and column as far as the target does.
	Err *fault.Error
}

// Sieve says what becomes of a batch's rows that the target refuses: Write leaves them
// out, and the ledger counts them in the transaction that brings in the others.
type Sieve struct {
	// Max is how many rows of the range may be rejected, those of earlier batches
	// included. One more fails the batch with the first refusal of it.
	Max int64
	// Keep is called before the transaction commits, if rows were refused, with what
	// the ledger has rejected before them. What it keeps must last; where it fails, the
	// batch does. It may be called again for a batch whose commit was lost.
	Keep func(before batch.Hashes, refused []Reject) error
}

// Room is how many more rows of a range may be rejected.
func (s *Sieve) Room(l Ledger) int { return int(max(0, s.Max-int64(len(l.Rejected)))) }

// Sifting is what Sift needs of a batch's transaction.
type Sifting interface {
	// Save marks a place in the transaction to come back to, in the place of the one before.
	Save(ctx context.Context) error
	// Insert writes rows, all or with an error.
	Insert(ctx context.Context, body []byte, rows int64) error
	// Restore goes back to the place that was marked.
	Restore(ctx context.Context) error
	// Refusal tells whether an error of Insert is about one of the rows, and not about the
	// server or the connection. Where there was but one, it names its key.
	Refusal(err error) (*fault.Error, bool)
}

// Sift writes a batch's rows but for those that the target refuses, which it finds by
// halves: rows that were taken stay, so that of two rows with one key the later one is
// refused. The refusal after room others is its error.
func Sift(ctx context.Context, p *planv1.TablePlan, b Batch, room int, s Sifting) ([]Reject, error) {
	f := &sifter{Sifting: s, body: b.Body, room: room}
	if err := f.cut(p, b); err != nil {
		return nil, err
	}
	if err := f.part(ctx, 0, len(f.hashes)); err != nil {
		return nil, err
	}
	return f.refused, nil
}

// sifter sifts one batch.
type sifter struct {
	Sifting
	body []byte
	// starts are where rows begin, and where the last one ends.
	starts  []int
	hashes  batch.Hashes
	room    int
	refused []Reject
}

// cut finds the rows; they must be what the batch says.
func (f *sifter) cut(p *planv1.TablePlan, b Batch) error {
	fields := make([][]byte, len(p.GetColumns()))
	for rest := b.Body; len(rest) > 0; {
		row, more, err := batch.Fields(b.Encoding, rest, fields)
		if err != nil {
			return fault.Wrap(fault.Corrupt, "engine.Sift", err)
		}
		f.starts, f.hashes, rest = append(f.starts, len(b.Body)-len(rest)), append(f.hashes, batch.HashRow(row)), more
	}
	f.starts = append(f.starts, len(b.Body))
	if sum := f.hashes.Digest(); sum != b.Digest {
		return fault.New(fault.Corrupt, "engine.Sift", "batch %d does not add up: it has %d rows and says %d", b.Sequence, sum.Rows, b.Digest.Rows)
	}
	return nil
}

// part writes the rows from one position up to another.
func (f *sifter) part(ctx context.Context, from, to int) error {
	if from == to {
		return nil
	}
	if err := f.Save(ctx); err != nil {
		return err
	}
	rows := f.body[f.starts[from]:f.starts[to]]
	err := f.Insert(ctx, rows, int64(to-from))
	why, refused := f.Refusal(err)
	if !refused {
		return err
	}
	if to-from == 1 && len(f.refused) == f.room {
		return why
	}
	if err := f.Restore(ctx); err != nil {
		return err
	}
	if to-from == 1 {
		f.refused = append(f.refused, Reject{Row: rows, Hash: f.hashes[from], Err: why})
		return nil
	}
	middle := from + (to-from)/2
	if err := f.part(ctx, from, middle); err != nil {
		return err
	}
	return f.part(ctx, middle, to)
}
