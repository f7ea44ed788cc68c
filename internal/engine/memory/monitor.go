package memory

import (
	"context"

	"github.com/drover-db/drover/internal/engine"
)

// Load of a database in memory is nothing.
func (d *database) Load(context.Context) (engine.Load, error) { return engine.Load{}, nil }
