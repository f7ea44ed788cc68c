package sqlite

import (
	"context"

	"github.com/drover-db/drover/internal/engine"
)

// Load of a file is nothing: it has neither sessions nor replicas.
func (d *database) Load(context.Context) (engine.Load, error) { return engine.Load{}, nil }
