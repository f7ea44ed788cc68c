package loader

import (
	"context"
	"errors"
	"slices"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// errFoundAll stops a read: there is nothing left to look for.
var errFoundAll = errors.New("found all rows")

// fromSource looks in the source for rejected rows that no file has, as after the loss of
// a loader's host, and writes them. It gives those that are not there as they were. A
// source that cannot be read has none of them.
func (r *replaying) fromSource(ctx context.Context, s *Service, job *workerv1.Job, missing batch.Hashes) (batch.Hashes, error) {
	log := s.config.Logger.With("migration", job.GetMigration(), "table", engine.Label(r.work.GetTable(), engine.SourceSide), "range", r.work.GetRange().GetNumber())
	source, release, err := s.databases.Use(ctx, job.GetSource(), engine.SourceSide)
	if err != nil {
		log.Warn("rejected rows are in no file, and the source cannot be asked", "rows", len(missing), "error", err)
		return missing, nil
	}
	defer release()
	f := &finding{replaying: r, ctx: ctx, missing: slices.Clone(missing), row: &spill{dir: s.config.SpillDir}}
	defer f.row.close()
	err = source.Read(ctx, engine.ReadRequest{Side: engine.SourceSide, Plan: r.work.GetTable(), Range: r.work.GetRange(), Pieces: batch.LargeRow}, f.take)
	switch {
	case f.err != nil:
		return nil, f.err
	case err != nil && !errors.Is(err, errFoundAll):
		log.Warn("rejected rows are in no file, and the source cannot be read", "rows", len(f.missing), "error", err)
	}
	return f.missing, nil
}

// finding looks for rows by their hashes.
type finding struct {
	*replaying
	ctx     context.Context
	missing batch.Hashes
	hasher  batch.RowHasher
	// row has the row in hand where it comes in pieces.
	row *spill
	// err is a failure to write.
	err error
}

func (f *finding) take(r engine.Row) error {
	sum, whole := f.hasher.Add(r.Data, r.More)
	if r.More || f.row.size > 0 {
		if f.err = f.row.write(r.Data); f.err != nil {
			return f.err
		}
	}
	if !whole {
		return nil
	}
	if at := slices.Index(f.missing, sum); at >= 0 {
		f.missing = slices.Delete(f.missing, at, at+1)
		if f.row.size > 0 {
			f.err = f.large(f.ctx, f.row.body(), sum)
		} else {
			f.err = f.replaying.row(f.ctx, r.Data, sum)
		}
	}
	f.row.empty()
	if f.err == nil && len(f.missing) == 0 {
		return errFoundAll
	}
	return f.err
}

// lookFor sees that rows which were written to a live table are in it: whatever else is
// there is its users'.
func (r *replaying) lookFor(ctx context.Context, db engine.Reader, replayed *workerv1.Replayed) error {
	const op = "loader.Replay"
	left, err := batch.HashesOf(replayed.GetRejected().GetHashes())
	if err != nil {
		return fault.Wrap(fault.Internal, op, err)
	}
	want, _ := r.writer.Ledger().Rejected.Without(left)
	if len(want) == 0 {
		return nil
	}
	request := engine.ReadRequest{Side: engine.TargetSide, Plan: r.work.GetTable(), Pieces: batch.LargeRow}
	if request.Plan.GetValidateByRange() {
		request.Range = r.work.GetRange()
	}
	var hasher batch.RowHasher
	err = db.Read(ctx, request, func(row engine.Row) error {
		sum, whole := hasher.Add(row.Data, row.More)
		if at := slices.Index(want, sum); whole && at >= 0 {
			want = slices.Delete(want, at, at+1)
		}
		if len(want) == 0 {
			return errFoundAll
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFoundAll) {
		return err
	}
	if len(want) > 0 {
		return fault.New(fault.Value, op, "%d rejected rows were written and are not in the table as they were sent: a trigger of it, or one of its users, has changed them", len(want))
	}
	return nil
}
