package embedded

import (
	"io"
	"log/slog"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/engine/all"
	"github.com/drover-db/drover/internal/secret"
	"github.com/drover-db/drover/internal/worker"
	"github.com/drover-db/drover/services/extractor"
	"github.com/drover-db/drover/services/loader"
	"github.com/drover-db/drover/services/validator"
)

// Role is a service that leases jobs: one table for this process and for processes
// of one role.
type Role struct {
	// Name is that of drover serve, Does what it does in a few words.
	Name, Does string
	Role       workerv1.Role
	// Streams tells that the role needs the row streams.
	Streams bool
	// Open makes the role's service.
	Open func(Resources) (Handler, error)
}

// Handler is a role's service.
type Handler interface {
	worker.Handler
	io.Closer
}

// Resources are what a role works with; Bus may be nil for one without streams.
type Resources struct {
	Secrets *secret.Resolver
	Bus     bus.Bus
	Logger  *slog.Logger
	// SpillDir is where a loader keeps rows that are too large for memory; empty for the
	// system's folder for temporary files.
	SpillDir string
}

// Roles lists the roles in the order of a row's way.
func Roles() []Role {
	return []Role{
		{"extractor", "reads the source", workerv1.Role_ROLE_EXTRACTOR, true, func(r Resources) (Handler, error) {
			return extractor.New(extractor.Config{Engines: all.Engines(), Secrets: r.Secrets, Bus: r.Bus, Logger: r.Logger})
		}},
		{"loader", "writes the target", workerv1.Role_ROLE_LOADER, true, func(r Resources) (Handler, error) {
			return loader.New(loader.Config{Engines: all.Engines(), Secrets: r.Secrets, Bus: r.Bus, Logger: r.Logger, SpillDir: r.SpillDir})
		}},
		{"validator", "reads the target back and compares", workerv1.Role_ROLE_VALIDATOR, false, func(r Resources) (Handler, error) {
			return validator.New(validator.Config{Engines: all.Engines(), Secrets: r.Secrets, Logger: r.Logger})
		}},
	}
}
