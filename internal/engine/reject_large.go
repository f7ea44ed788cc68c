package engine

import (
	"context"
	"errors"
	"io"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/fault"
)

// LargeSifting is Sifting of batches that are not in memory.
type LargeSifting interface {
	Sifting
	// InsertLarge writes one row that memory must not hold.
	InsertLarge(ctx context.Context, row *io.SectionReader) error
}

// SiftLarge is Sift for a batch that ends with a row which memory must not hold.
func SiftLarge(ctx context.Context, p *planv1.TablePlan, b Batch, room int, s LargeSifting) ([]Reject, error) {
	starts, hashes, err := cutLarge(p, b)
	if err != nil {
		return nil, err
	}
	last := len(hashes) - 1
	before, row := b, io.NewSectionReader(b.Large, starts[last], starts[last+1]-starts[last])
	before.Large, before.Digest = nil, hashes[:last].Digest()
	if before.Body, err = ReadLarge(b.Large, 0, starts[last]); err != nil {
		return nil, err
	}
	refused, err := Sift(ctx, p, before, room, s)
	if err != nil {
		return nil, err
	}
	if err := s.Save(ctx); err != nil {
		return nil, err
	}
	err = s.InsertLarge(ctx, row)
	why, isRow := s.Refusal(err)
	switch {
	case !isRow:
		return refused, err
	case len(refused) == room:
		return nil, why
	}
	return append(refused, Reject{Large: row, Hash: hashes[last], Err: why}), s.Restore(ctx)
}

// cutLarge finds where the rows of a batch begin, and where the last one ends; they must
// be what the batch says.
func cutLarge(p *planv1.TablePlan, b Batch) (starts []int64, hashes batch.Hashes, err error) {
	const op = "engine.SiftLarge"
	places := make([]batch.Place, len(p.GetColumns()))
	for at := int64(0); at < b.Large.Size(); {
		end, err := batch.Places(b.Encoding, b.Large, at, places)
		if err != nil {
			return nil, nil, fault.Wrap(fault.Corrupt, op, err)
		}
		sum, err := HashLarge(io.NewSectionReader(b.Large, at, end-at))
		if err != nil {
			return nil, nil, err
		}
		starts, hashes, at = append(starts, at), append(hashes, sum), end
	}
	if sum := hashes.Digest(); sum != b.Digest || len(hashes) == 0 {
		return nil, nil, fault.New(fault.Corrupt, op, "batch %d does not add up: it has %d rows and says %d", b.Sequence, sum.Rows, b.Digest.Rows)
	}
	return append(starts, b.Large.Size()), hashes, nil
}

// HashLarge is the hash of a row that memory must not hold.
func HashLarge(row *io.SectionReader) (sum batch.Hash, err error) {
	var hasher batch.RowHasher
	piece := make([]byte, min(row.Size(), batch.PieceBytes))
	for at, whole := int64(0), false; !whole; {
		n, err := row.ReadAt(piece, at)
		if at += int64(n); err != nil && (!errors.Is(err, io.EOF) || at < row.Size()) {
			return sum, onDisk(err)
		}
		sum, whole = hasher.Add(piece[:n], at < row.Size())
	}
	return sum, nil
}

// ReadLarge reads n bytes of a body that is not in memory.
func ReadLarge(body *io.SectionReader, at, n int64) ([]byte, error) {
	out := make([]byte, n)
	if read, err := body.ReadAt(out, at); int64(read) < n {
		return nil, onDisk(err)
	}
	return out, nil
}

// onDisk names what cannot be read of a worker's own disk.
func onDisk(err error) error {
	return fault.New(fault.Unavailable, "engine.ReadLarge", "read a large row back from disk: %w", err)
}
