// Package enginetest is the conformance suite of engines: what the methods of
// internal/engine must do, as tests. An engine's own tests call Run with a
// Factory; RunPair copies between two engines. It knows no adapter and no SQL
// but what a Dialect writes.
//
// Read copy.go first: the way of a table through an engine, without services.
package enginetest

import (
	"testing"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

// Factory makes databases of one engine for the suite.
type Factory struct {
	Engine engine.Engine
	// New makes a new, private database that holds these tables and their rows and
	// is gone when the test ends. Without tables it is empty: a target.
	New func(t *testing.T, tables ...Table) engine.Config
	// Insert adds a row to a table, values as text, as an application would: other
	// columns take their defaults.
	Insert func(t *testing.T, c engine.Config, table string, values map[string]string) error
	// Lacks lists the kinds for which the engine has no column type that Describe
	// finds again: sources have no such columns.
	Lacks []planv1.Kind
	// Holds tells whether the engine can store a value of a kind; nil for all.
	Holds func(kind planv1.Kind, value []byte) bool
}

// Run tests one engine as source and as target.
func Run(t *testing.T, f Factory) {
	t.Run("Open", func(t *testing.T) { testOpen(t, f) })
	t.Run("Source", func(t *testing.T) { testSource(t, f) })
	t.Run("Ledger", func(t *testing.T) { testLedger(t, f) })
	t.Run("Migration", func(t *testing.T) { testMigration(t, f) })
	t.Run("Existing", func(t *testing.T) { testExisting(t, f) })
	RunPair(t, f, f)
}

// RunPair tests that everything in the source's databases arrives in the
// target's and reads back the same.
func RunPair(t *testing.T, source, target Factory) {
	t.Run("Copy", func(t *testing.T) { testCopy(t, source, target) })
	t.Run("Resume", func(t *testing.T) { testResume(t, source, target) })
	t.Run("Schema", func(t *testing.T) { testSchema(t, source, target) })
	t.Run("Rules", func(t *testing.T) { testRules(t, source, target) })
	t.Run("Check", func(t *testing.T) { testCheck(t, source, target) })
	t.Run("Publish", func(t *testing.T) { testPublish(t, source, target) })
	t.Run("Large", func(t *testing.T) { testLarge(t, source, target) })
	t.Run("Repair", func(t *testing.T) { testRepair(t, source, target) })
}
