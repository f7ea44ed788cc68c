package worker

import (
	"cmp"
	"errors"
	"log/slog"
	"time"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

// Config of a Loop. ID, Role, Client and Handler must be set.
type Config struct {
	// ID is unique among workers and stable for the life of the process.
	ID   string
	Role workerv1.Role
	// Host and Version are for people.
	Host, Version string
	// Slots is how many jobs are done at once; 1 where it is zero. Background jobs
	// take none.
	Slots   int
	Client  workerv1.CoordinatorServiceClient
	Handler Handler
	// Log gets what becomes of jobs and connections; may be nil.
	Log *slog.Logger
	// DrainGrace is how long a drain lets jobs finish; 30 s where it is zero.
	DrainGrace time.Duration
	// Metrics may be nil.
	Metrics Metrics
}

// Metrics is told what a worker moves; roles are "extractor", "loader", "validator".
type Metrics interface {
	// Moved rows and bytes of a table since it was last told.
	Moved(role, migration, table string, rows, bytes int64)
	// RangeDone is told how long a range took in this role.
	RangeDone(role string, seconds float64)
	// Busy slots out of all.
	Busy(role string, busy, slots int)
}

func (c Config) withDefaults() Config {
	c.Slots = cmp.Or(c.Slots, 1)
	c.DrainGrace = cmp.Or(c.DrainGrace, 30*time.Second)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	if c.Metrics == nil {
		c.Metrics = noMetrics{}
	}
	return c
}

// Validate tells everything that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.ID == "" || c.Role == workerv1.Role_ROLE_UNSPECIFIED {
		errs = append(errs, errors.New("worker needs an id and a role"))
	}
	if c.Client == nil || c.Handler == nil {
		errs = append(errs, errors.New("worker needs a coordinator and a handler"))
	}
	if c.Slots < 0 || c.DrainGrace < 0 {
		errs = append(errs, errors.New("slots and drain grace must not be negative"))
	}
	return errors.Join(errs...)
}

type noMetrics struct{}

func (noMetrics) Moved(string, string, string, int64, int64) {}
func (noMetrics) RangeDone(string, float64)                  {}
func (noMetrics) Busy(string, int, int)                      {}
