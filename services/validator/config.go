package validator

import (
	"cmp"
	"errors"
	"log/slog"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/secret"
)

// Config is what a validator is made of. Engines and Secrets must be set.
type Config struct {
	Engines engine.Set
	Secrets *secret.Resolver
	// Logger takes what no verdict carries; nil for none.
	Logger *slog.Logger

	// MaxDifferences is how many rows a verdict names, 100 by default; it counts
	// all of them.
	MaxDifferences int
	// DrillRows is how many rows a drill remembers at once, 262,144 by default: about
	// 100 bytes each.
	DrillRows int64
}

func (c Config) withDefaults() Config {
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	c.MaxDifferences = cmp.Or(c.MaxDifferences, 100)
	c.DrillRows = cmp.Or(c.DrillRows, 1<<18)
	return c
}

// Validate tells what is wrong with a configuration.
func (c Config) Validate() error {
	var errs []error
	if len(c.Engines) == 0 || c.Secrets == nil {
		errs = append(errs, errors.New("validator needs engines and secrets"))
	}
	if c.MaxDifferences < 0 || c.DrillRows < 0 {
		errs = append(errs, errors.New("differences and drill rows must not be negative"))
	}
	return errors.Join(errs...)
}
