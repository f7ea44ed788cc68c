package mysql

import (
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/filter"
)

// filterDialect writes a table's condition.
type filterDialect struct{}

var _ filter.Dialect = filterDialect{}

// Ident quotes a column's name.
func (filterDialect) Ident(name string) string { return ident(name) }

// Literal writes a constant that compares exactly with columns of the kind; texts
// compare by the column's collation.
func (filterDialect) Literal(kind planv1.Kind, value []byte) (string, error) {
	return plainConstant(kind, value)
}

// whereSQL is a table's condition as SQL; empty for none.
func whereSQL(t *planv1.Table) (string, error) {
	if t.GetWhere() == "" {
		return "", nil
	}
	e, err := filter.Parse(t.GetWhere())
	if err != nil {
		return "", err
	}
	if err := e.Check(t.GetColumns()); err != nil {
		return "", err
	}
	return e.SQL(filterDialect{})
}
