package embedded

import (
	"cmp"
	"errors"
	"log/slog"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config of a suite. StateDir must be set.
type Config struct {
	// StateDir keeps the control log and the row streams. One suite at a time may
	// use it; it is made where it does not exist.
	StateDir string
	// Fresh removes what StateDir knows before it starts; databases stay as they are.
	Fresh bool
	// Jobs that the extractor, the loader and the validator do at once, each; one
	// for each CPU, 2 to 16, by default.
	Jobs int
	// Passwords are what ${inline:NAME} in an endpoint stands for, by name. They
	// live in this process only.
	Passwords map[string]string

	// Listen is a TCP address on which the admin API and workers of other processes
	// are served too; none by default. There is no transport security.
	Listen string
	// NATSListen is a TCP address on which the NATS server is reachable; none by default.
	NATSListen string

	// LeaseTTL is how long a job lives without news of it, 30 s by default.
	LeaseTTL time.Duration
	// DrainGrace is how long Close lets jobs finish, 30 s by default.
	DrainGrace time.Duration
	// Version is shown to clients.
	Version string
	// Logger takes what the services log; nil for none.
	Logger *slog.Logger
	// Metrics is where the services' metrics are registered; nil for nowhere.
	Metrics *prometheus.Registry
}

// DefaultJobs is how many jobs a role does at once where nobody says.
func DefaultJobs() int { return min(16, max(2, runtime.NumCPU())) }

func (c Config) withDefaults() Config {
	c.Jobs = cmp.Or(c.Jobs, DefaultJobs())
	c.LeaseTTL = cmp.Or(c.LeaseTTL, 30*time.Second)
	c.DrainGrace = cmp.Or(c.DrainGrace, 30*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

// Validate tells everything that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.StateDir == "" {
		errs = append(errs, errors.New("a suite needs a state folder"))
	}
	if c.Jobs < 0 || c.LeaseTTL < 0 || c.DrainGrace < 0 {
		errs = append(errs, errors.New("jobs, lease TTL and drain grace must not be negative"))
	}
	return errors.Join(errs...)
}
