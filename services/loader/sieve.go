package loader

import (
	"context"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/services/loader/internal/rejects"
)

// sieve keeps the rows of a range that the target refuses in the table's file.
type sieve struct {
	max  int64
	file *rejects.File
	// first that was refused, for people.
	first *planv1.Reject
}

// newSieve makes the sieve of a load; nil where the spec has none. Its rows go where all
// loaders look for them, or the load does not begin.
func newSieve(job *workerv1.Job) (*sieve, error) {
	work := job.GetLoad()
	r := work.GetRejects()
	if r == nil {
		return nil, nil
	}
	if err := rejects.CheckFolder(r.GetTo(), job.GetMigrationName(), job.GetMigration(), r.GetFolder()); err != nil {
		return nil, err
	}
	return &sieve{max: r.GetMax(), file: rejectFile(job, r.GetTo(), work.GetTable(), work.GetRange(), work.GetAttempt())}, nil
}

func rejectFile(job *workerv1.Job, dir string, p *planv1.TablePlan, r *planv1.Range, attempt uint64) *rejects.File {
	return &rejects.File{Dir: dir, Migration: job.GetMigrationName(), UID: job.GetMigration(), Plan: p, Range: r.GetNumber(), Attempt: attempt}
}

// engine is what a batch takes of it; nil of nil.
func (s *sieve) engine(ctx context.Context, title string) *engine.Sieve {
	if s == nil {
		return nil
	}
	return &engine.Sieve{Max: s.max, Keep: func(before batch.Hashes, refused []engine.Reject) error {
		s.note(refused)
		if err := s.file.Keep(before, refused); err != nil {
			return err
		}
		return faultpoint.Hit(ctx, faultpoint.LoaderAfterKeep, title)
	}}
}

// note remembers the first row.
func (s *sieve) note(refused []engine.Reject) {
	if s.first == nil {
		err := refused[0].Err
		s.first = &planv1.Reject{Key: err.Key, Column: err.Column, Reason: err.Err.Error()}
	}
}

// message writes what is rejected of a range; nil for nothing.
func (s *sieve) message(rejected batch.Hashes) *planv1.Rejected {
	if len(rejected) == 0 {
		return nil
	}
	out := &planv1.Rejected{Hashes: rejected.Marshal()}
	if s != nil {
		out.First = s.first
	}
	return out
}
