package validator

import (
	"context"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/worker"
)

// Service does a validator's jobs.
type Service struct {
	config    Config
	databases *engine.Pool
}

var _ worker.Handler = (*Service)(nil)

// New makes a validator; errors are fault.Invalid.
func New(c Config) (*Service, error) {
	if err := c.Validate(); err != nil {
		return nil, fault.Wrap(fault.Invalid, "validator.New", err)
	}
	c = c.withDefaults()
	return &Service{config: c, databases: engine.NewPool(c.Engines, c.Secrets, "drover/validator")}, nil
}

// Close closes the databases that jobs have opened.
func (s *Service) Close() error { return s.databases.Close() }

// Handle does one job.
func (s *Service) Handle(ctx context.Context, job *workerv1.Job, report worker.Report) (*workerv1.Result, error) {
	target, release, err := s.databases.Use(ctx, job.GetTarget(), engine.TargetSide)
	if err != nil {
		return nil, err
	}
	defer release()
	if job.GetVerify() != nil {
		check, err := s.verify(ctx, target, job, report)
		return &workerv1.Result{Outcome: &workerv1.Result_RangeCheck{RangeCheck: check}}, err
	}
	var verdict *workerv1.Verdict
	switch work := job.GetWork().(type) {
	case *workerv1.Job_Validate:
		verdict, err = s.validate(ctx, target, job, report)
	case *workerv1.Job_Baseline:
		verdict, err = baseline(ctx, target, work.Baseline, report)
	default:
		err = fault.New(fault.Unsupported, "validator.Handle", "job %q is none of a validator's: coordinator and workers must be of one version", job.GetTitle())
	}
	if err != nil {
		return nil, err
	}
	return &workerv1.Result{Outcome: &workerv1.Result_Verdict{Verdict: verdict}}, nil
}

func atTable(err error, t *planv1.TablePlan) error {
	return fault.At(err, fault.Target, engine.Label(t, engine.TargetSide))
}
