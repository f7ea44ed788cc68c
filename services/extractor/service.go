package extractor

import (
	"context"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/internal/worker"
)

// Service does an extractor's jobs.
type Service struct {
	config    Config
	databases *engine.Pool
	buffers   *buffers
}

var _ worker.Handler = (*Service)(nil)

// New makes an extractor; errors are fault.Invalid.
func New(c Config) (*Service, error) {
	if err := c.Validate(); err != nil {
		return nil, fault.Wrap(fault.Invalid, "extractor.New", err)
	}
	c = c.withDefaults()
	return &Service{
		config:    c,
		databases: engine.NewPool(c.Engines, c.Secrets, "drover/extractor"),
		buffers:   newBuffers(c.BatchBytes),
	}, nil
}

// Close closes the databases that jobs have opened.
func (s *Service) Close() error { return s.databases.Close() }

// Handle does one job.
func (s *Service) Handle(ctx context.Context, job *workerv1.Job, report worker.Report) (*workerv1.Result, error) {
	db, release, err := s.databases.Use(ctx, job.GetSource(), engine.SourceSide)
	if err != nil {
		return nil, err
	}
	defer release()
	switch work := job.GetWork().(type) {
	case *workerv1.Job_Describe:
		return then(ctx, faultpoint.ExtractorAfterDescribe, job)(describe(ctx, db, work.Describe))
	case *workerv1.Job_Split:
		return then(ctx, faultpoint.ExtractorAfterSplit, job)(split(ctx, db, work.Split))
	case *workerv1.Job_Count:
		return then(ctx, faultpoint.ExtractorAfterCount, job)(count(ctx, db, work.Count))
	case *workerv1.Job_Sample:
		return sample(ctx, db, work.Sample)
	case *workerv1.Job_Assess:
		return s.assess(ctx, db, job, report)
	case *workerv1.Job_WatchSource:
		return s.watchSource(ctx, db, report)
	case *workerv1.Job_HoldSnapshot:
		return s.holdSnapshot(ctx, db, job, report)
	case *workerv1.Job_Extract:
		return s.extract(ctx, db, job, report)
	default:
		return nil, fault.New(fault.Unsupported, "extractor.Handle", "job %q is none of an extractor's: coordinator and workers must be of one version", job.GetTitle())
	}
}

// then lets a test step in behind a job that has succeeded.
func then(ctx context.Context, p faultpoint.Point, job *workerv1.Job) func(*workerv1.Result, error) (*workerv1.Result, error) {
	return func(r *workerv1.Result, err error) (*workerv1.Result, error) {
		if err == nil {
			err = faultpoint.Hit(ctx, p, job.GetTitle())
		}
		return r, err
	}
}
