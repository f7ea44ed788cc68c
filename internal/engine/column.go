package engine

import (
	"fmt"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// TableName gives a plan's table on one side.
func TableName(t *planv1.TablePlan, s Side) (schema, name string) {
	if s == SourceSide {
		return t.GetSource().GetSchema(), t.GetSource().GetName()
	}
	return t.GetTargetSchema(), t.GetTargetName()
}

// Label gives a plan's table on one side for people.
func Label(t *planv1.TablePlan, s Side) string {
	schema, name := TableName(t, s)
	if schema == "" {
		return name
	}
	return schema + "." + name
}

// ColumnName gives a column on one side.
func ColumnName(c *planv1.ColumnPlan, s Side) string {
	if s == SourceSide {
		return c.GetSource()
	}
	return c.GetTarget()
}

// ColumnType gives a column's type on one side.
func ColumnType(c *planv1.ColumnPlan, s Side) string {
	if s == SourceSide {
		return c.GetSourceType()
	}
	return c.GetTargetType()
}

// KeyColumns gives the positions of the key's columns among the plan's columns;
// nil where the key is hidden or none.
func KeyColumns(t *planv1.TablePlan) ([]int, error) {
	key := t.GetSource().GetKey()
	switch key.GetSource() {
	case planv1.KeySource_KEY_SOURCE_PRIMARY, planv1.KeySource_KEY_SOURCE_UNIQUE:
	default:
		return nil, nil
	}
	out := make([]int, 0, len(key.GetColumns()))
	for _, name := range key.GetColumns() {
		i := slices.IndexFunc(t.GetColumns(), func(c *planv1.ColumnPlan) bool { return c.GetSource() == name })
		if i < 0 {
			return nil, fmt.Errorf("key column %s is not copied", name)
		}
		out = append(out, i)
	}
	return out, nil
}

// HasKey tells whether rows are identified by columns that both sides have.
func HasKey(t *planv1.TablePlan) bool {
	s := t.GetSource().GetKey().GetSource()
	return s == planv1.KeySource_KEY_SOURCE_PRIMARY || s == planv1.KeySource_KEY_SOURCE_UNIQUE
}

// Ordered tells whether rows are read in the order of a key, so that a later
// attempt can go on behind the last one.
func Ordered(t *planv1.TablePlan) bool {
	return t.GetSource().GetKey().GetSource() != planv1.KeySource_KEY_SOURCE_NONE
}

// UniqueOn tells whether a table's primary key or a unique index without a condition
// is on these columns, in whatever order and case.
func UniqueOn(t *planv1.Table, columns []string) bool {
	want := folded(columns)
	if t.GetKey().GetSource() == planv1.KeySource_KEY_SOURCE_PRIMARY && slices.Equal(folded(t.GetKey().GetColumns()), want) {
		return true
	}
	return slices.ContainsFunc(t.GetIndexes(), func(x *planv1.Index) bool {
		var names []string
		for _, c := range x.GetColumns() {
			names = append(names, c.GetName())
		}
		return x.GetUnique() && x.GetPredicate() == "" && slices.Equal(folded(names), want)
	})
}

// folded sorts names without their case: the order of a key's columns does not matter.
func folded(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ToLower(n)
	}
	slices.Sort(out)
	return out
}
