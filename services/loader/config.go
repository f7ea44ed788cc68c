package loader

import (
	"cmp"
	"errors"
	"log/slog"
	"time"

	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/secret"
)

// Config is what a loader is made of. Engines, Secrets and Bus must be set.
type Config struct {
	Engines engine.Set
	Secrets *secret.Resolver
	Bus     bus.Bus
	// Logger takes what no result carries; nil for none.
	Logger *slog.Logger

	// Silence is how long a stream may pause between two messages of a range
	// before its rest counts as lost, 60 s by default. It does not bound the wait
	// for the first one: an extraction may have to queue.
	Silence time.Duration
	// SpillDir is the folder where a row waits that is too large for memory, while its
	// parts come; the system's folder for temporary files by default.
	SpillDir string
}

func (c Config) withDefaults() Config {
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	c.Silence = cmp.Or(c.Silence, time.Minute)
	return c
}

// Validate tells what is wrong with a configuration.
func (c Config) Validate() error {
	var errs []error
	if len(c.Engines) == 0 || c.Secrets == nil || c.Bus == nil {
		errs = append(errs, errors.New("loader needs engines, secrets and a bus"))
	}
	if c.Silence < 0 {
		errs = append(errs, errors.New("silence must not be negative"))
	}
	return errors.Join(errs...)
}
