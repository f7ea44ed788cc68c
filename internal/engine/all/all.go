// Package all lists the engines that drover ships with: the one place that knows
// the adapters.
package all

import (
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/mysql"
	"github.com/drover-db/drover/internal/engine/postgres"
	"github.com/drover-db/drover/internal/engine/sqlite"
)

// Engines gives an engine of each kind.
func Engines() engine.Set { return engine.Set{postgres.New(), mysql.New(), sqlite.New()} }
