package extractor

import (
	"cmp"
	"errors"
	"log/slog"
	"time"

	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/secret"
)

// Config is what an extractor is made of. Engines, Secrets and Bus must be set.
type Config struct {
	Engines engine.Set
	Secrets *secret.Resolver
	Bus     bus.Bus
	// Logger takes what no result carries; nil for none.
	Logger *slog.Logger

	// BatchBytes is the size at which a batch is cut, 512 KiB by default. The row
	// that crosses it still belongs to it.
	BatchBytes int
	// WindowBytes bounds what a range has sent and the stream has not confirmed,
	// 8 MiB by default. A range uses so much memory and two batches.
	WindowBytes int
	// LargeRow is the size above which a row is sent while it is read, and never held,
	// batch.LargeRow by default.
	LargeRow int
	// SnapshotCheck is how often a held snapshot is checked, 5 s by default.
	SnapshotCheck time.Duration
	// WatchEvery is how often the load of a source with limits is looked at, 2 s by default.
	WatchEvery time.Duration
}

func (c Config) withDefaults() Config {
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	c.BatchBytes = cmp.Or(c.BatchBytes, 512<<10)
	c.WindowBytes = cmp.Or(c.WindowBytes, 8<<20)
	c.LargeRow = cmp.Or(c.LargeRow, batch.LargeRow)
	c.SnapshotCheck = cmp.Or(c.SnapshotCheck, 5*time.Second)
	c.WatchEvery = cmp.Or(c.WatchEvery, 2*time.Second)
	return c
}

// Validate tells what is wrong with a configuration.
func (c Config) Validate() error {
	var errs []error
	if len(c.Engines) == 0 || c.Secrets == nil || c.Bus == nil {
		errs = append(errs, errors.New("extractor needs engines, secrets and a bus"))
	}
	if c.BatchBytes < 0 || c.BatchBytes > batch.MaxBody {
		errs = append(errs, errors.New("batch size must be between 1 byte and 4 MiB"))
	}
	if c.WindowBytes < 0 || c.SnapshotCheck < 0 || c.WatchEvery < 0 || c.LargeRow < 0 {
		errs = append(errs, errors.New("window, large row and snapshot check must not be negative"))
	}
	return errors.Join(errs...)
}
