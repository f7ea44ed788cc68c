package coordinator

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
	"github.com/drover-db/drover/services/coordinator/internal/presence"
)

// Config of a coordinator.
type Config struct {
	// Conn reaches the NATS that keeps the control log.
	Conn *nats.Conn
	// Bus carries the row streams; the coordinator makes, purges and removes them.
	Bus bus.Streams
	// Replicas of the control log in a NATS cluster; 0 for 1.
	Replicas int
	// SyncAlways says that the NATS server is known to sync every write.
	SyncAlways bool
	// LeaseTTL is how long a lease lives after its last progress; 0 for 30 s.
	LeaseTTL time.Duration
	// Grace gives workers time to bring back what they hold before ranges are
	// granted anew after a start; 0 for none.
	Grace time.Duration
	// Version for people and for the hello of workers.
	Version string
	Logger  *slog.Logger
	// Metrics takes what is to be counted; nil counts nothing.
	Metrics Metrics

	// Name tells coordinators apart, for people; "coordinator" by default.
	Name string
	// Alone says that no other coordinator can be on the same control log: this one
	// leads at once, and ends when it cannot.
	Alone bool

	// log and presence replace what is on Conn in tests.
	log      journal.Log
	presence presence.Presence
	// snapshotEvery replaces how many events a log grows by between two snapshots.
	snapshotEvery uint64
}

// Metrics is what a coordinator counts.
type Metrics interface {
	LeaseExpired(role string)
	RangeRetried(stage, reason string)
	Leading(term uint64)
	StateWritten(seconds float64, ok bool)
	// StateRestored counts a lost control log that was written down again.
	StateRestored()
	// Workers of a role that are "connected" or "draining".
	Workers(role, state string, n int)
}

func (c Config) withDefaults() Config {
	c.Replicas = cmp.Or(c.Replicas, 1)
	c.snapshotEvery = cmp.Or(c.snapshotEvery, snapshotEvery)
	c.Name = cmp.Or(c.Name, "coordinator")
	c.LeaseTTL = cmp.Or(c.LeaseTTL, 30*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Metrics == nil {
		c.Metrics = noMetrics{}
	}
	return c
}

// Validate tells everything that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.Conn == nil && c.log == nil {
		errs = append(errs, errors.New("coordinator needs a NATS connection for its control log"))
	}
	if c.Bus == nil {
		errs = append(errs, errors.New("coordinator needs a bus"))
	}
	if c.LeaseTTL < 0 || (c.LeaseTTL > 0 && c.LeaseTTL < time.Second) {
		errs = append(errs, fmt.Errorf("lease TTL %s is under a second", c.LeaseTTL))
	}
	return errors.Join(errs...)
}

type noMetrics struct{}

func (noMetrics) LeaseExpired(string)         {}
func (noMetrics) RangeRetried(string, string) {}
func (noMetrics) Leading(uint64)              {}
func (noMetrics) StateWritten(float64, bool)  {}
func (noMetrics) StateRestored()              {}
func (noMetrics) Workers(string, string, int) {}
