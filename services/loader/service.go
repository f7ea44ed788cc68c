package loader

import (
	"context"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/internal/worker"
)

// Service does a loader's jobs.
type Service struct {
	config    Config
	databases *engine.Pool
}

var _ worker.Handler = (*Service)(nil)

// New makes a loader; errors are fault.Invalid.
func New(c Config) (*Service, error) {
	if err := c.Validate(); err != nil {
		return nil, fault.Wrap(fault.Invalid, "loader.New", err)
	}
	c = c.withDefaults()
	return &Service{config: c, databases: engine.NewPool(c.Engines, c.Secrets, "drover/loader")}, nil
}

// Close closes the databases that jobs have opened.
func (s *Service) Close() error { return s.databases.Close() }

// Handle does one job.
func (s *Service) Handle(ctx context.Context, job *workerv1.Job, report worker.Report) (*workerv1.Result, error) {
	db, release, err := s.databases.Use(ctx, job.GetTarget(), engine.TargetSide)
	if err != nil {
		return nil, err
	}
	defer release()
	switch work := job.GetWork().(type) {
	case *workerv1.Job_CompareKeys:
		return s.compareKeys(ctx, db, job, report)
	case *workerv1.Job_Design:
		return then(ctx, job)(design(ctx, db, job))
	case *workerv1.Job_ReadLedger:
		return then(ctx, job)(readLedger(ctx, db, job))
	case *workerv1.Job_Load:
		return s.load(ctx, db, job, report)
	case *workerv1.Job_Repair:
		return s.repair(ctx, db, job)
	case *workerv1.Job_Replay:
		return then(ctx, job)(s.replay(ctx, db, job, report))
	case *workerv1.Job_Prepare:
		return then(ctx, job)(prepare(ctx, db, job))
	case *workerv1.Job_Keep:
		err = keep(ctx, db, job)
	case *workerv1.Job_ApplySchema:
		err = apply(ctx, db, job)
	case *workerv1.Job_Empty:
		t := work.Empty.GetTable()
		err = atTable(db.Empty(ctx, migration(job), t, work.Empty.GetEpoch()), t)
	case *workerv1.Job_Publish:
		err = publish(ctx, db, job)
	case *workerv1.Job_ApplyObjects:
		err = fault.At(db.ApplyObjects(ctx, migration(job), work.ApplyObjects.GetStatements()), fault.Target, "")
	case *workerv1.Job_Discard:
		err = discard(ctx, db, job)
	case *workerv1.Job_Finish:
		err = fault.At(db.Finish(ctx, migration(job), work.Finish.GetStage()), fault.Target, "")
	default:
		err = fault.New(fault.Unsupported, "loader.Handle", "job %q is none of a loader's: coordinator and workers must be of one version", job.GetTitle())
	}
	return then(ctx, job)(&workerv1.Result{Outcome: &workerv1.Result_Done{Done: &workerv1.Done{}}}, err)
}

// then lets a test step in behind a job that has succeeded and is not a load.
func then(ctx context.Context, job *workerv1.Job) func(*workerv1.Result, error) (*workerv1.Result, error) {
	return func(r *workerv1.Result, err error) (*workerv1.Result, error) {
		if err != nil {
			return nil, err
		}
		var p faultpoint.Point
		switch job.GetWork().(type) {
		case *workerv1.Job_Design:
			p = faultpoint.LoaderAfterDesign
		case *workerv1.Job_Prepare:
			p = faultpoint.LoaderAfterPrepare
		case *workerv1.Job_Keep:
			p = faultpoint.LoaderAfterKeepPlan
		case *workerv1.Job_ApplySchema:
			p = faultpoint.LoaderAfterStep
		case *workerv1.Job_Empty:
			p = faultpoint.LoaderAfterEmpty
		case *workerv1.Job_Replay:
			p = faultpoint.LoaderAfterReplay
		case *workerv1.Job_Publish:
			p = faultpoint.LoaderAfterPublish
		case *workerv1.Job_ApplyObjects:
			p = faultpoint.LoaderAfterObjects
		case *workerv1.Job_Discard:
			p = faultpoint.LoaderAfterDiscard
		case *workerv1.Job_Finish:
			p = faultpoint.LoaderAfterFinish
		}
		return r, faultpoint.Hit(ctx, p, job.GetTitle())
	}
}

// migration names a job's migration in the ledger.
func migration(job *workerv1.Job) engine.Migration {
	return engine.Migration{UID: job.GetMigration(), Name: job.GetMigrationName(), Term: job.GetTerm()}
}

func atTable(err error, t *planv1.TablePlan) error {
	return fault.At(err, fault.Target, engine.Label(t, engine.TargetSide))
}
