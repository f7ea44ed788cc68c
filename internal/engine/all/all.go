// Package all lists the engines that drover ships with. It is the one place
// outside tests that imports the adapters; whoever puts a process together
// (cmd/drover, embedded) takes the list from here and hands it on.
package all

import (
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/postgres"
)

// Engines gives every engine.
func Engines() engine.Set { return engine.Set{postgres.New()} }
