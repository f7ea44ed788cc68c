package postgres

import (
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/filter"
)

// conditionDialect writes a spec's condition in PostgreSQL's SQL.
type conditionDialect struct{}

// Ident quotes a column.
func (conditionDialect) Ident(name string) string { return ident(name) }

// Literal leaves the constant's type to the server, which takes that of the column
// it is compared with: an enum or an inet has no operator for text.
func (conditionDialect) Literal(kind planv1.Kind, value []byte) (string, error) {
	text, err := canon.AppendText(nil, kind, value)
	if err != nil {
		return "", fault.New(fault.Invalid, "postgres.condition", "write a value of the condition: %w", err)
	}
	return strings.TrimSpace(literal(string(text))), nil
}

// condition is a source table's where as SQL; empty for all rows.
func condition(t *planv1.Table) (string, error) {
	if t.GetWhere() == "" {
		return "", nil
	}
	e, err := filter.Parse(t.GetWhere())
	if err == nil {
		err = e.Check(t.GetColumns())
	}
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "postgres.condition", err)
	}
	return e.SQL(conditionDialect{})
}

// selected is the WHERE clause of a read: the range's rows and, of a source, only
// those that its condition lets through.
func selected(r engine.ReadRequest) (string, error) {
	where, err := predicate(r.Plan, r.Side, r.Range, r.After)
	if err == nil && r.Keys != nil {
		var only string
		only, err = anyOf(r.Plan, r.Side, r.Keys)
		where = alsoWhere(where, only)
	}
	if err != nil || r.Side != engine.SourceSide {
		return where, err
	}
	only, err := condition(r.Plan.GetSource())
	return alsoWhere(where, only), err
}

// alsoWhere adds a condition to a WHERE clause.
func alsoWhere(where, only string) string {
	switch {
	case only == "":
		return where
	case where == "":
		return " WHERE (" + only + ")"
	default:
		return where + " AND (" + only + ")"
	}
}
