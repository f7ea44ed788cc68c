// Package filter is the condition that a spec's where puts on a table's rows: a
// small typed expression over the source's columns, written as SQL for each engine.
package filter

import (
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
)

// Expression is a parsed condition.
type Expression struct{}

// Dialect writes names and values in an engine's SQL.
type Dialect interface {
	// Ident quotes a column's name.
	Ident(name string) string
	// Literal writes a canonical value of a kind as a constant that compares exactly
	// with columns of the kind.
	Literal(kind planv1.Kind, value []byte) (string, error)
}

// Parse reads a condition.
func Parse(text string) (*Expression, error) {
	return nil, fault.New(fault.Invalid, "filter.Parse", "not written yet: %s", text)
}

// Check resolves names and types against a table's columns.
func (e *Expression) Check(columns []*planv1.Column) error { return nil }

// SQL writes a checked condition.
func (e *Expression) SQL(d Dialect) (string, error) { return "", nil }

// Match evaluates a checked condition on one row: value gives a column's canonical
// value, nil for NULL. Unknown is false, as in WHERE.
func (e *Expression) Match(value func(column string) []byte) (bool, error) { return false, nil }
