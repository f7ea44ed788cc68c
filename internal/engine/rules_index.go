package engine

import (
	"maps"
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/canon"
)

// indexes applies index rules, in the order of names so that a plan is the same each time.
func (a *ruledTable) indexes(rule *droverv1.TableRule) {
	for _, name := range slices.Sorted(maps.Keys(rule.GetIndexes())) {
		at := slices.IndexFunc(a.table.GetIndexes(), func(x *planv1.Index) bool { return x.GetName() == name })
		if at < 0 {
			a.note("RULE_INDEX_UNKNOWN", "", "the rule for %s names index %s, which the source's table does not have", rule.GetMatch(), name)
			continue
		}
		a.index(at, rule.GetIndexes()[name])
	}
}

// index leaves an index out, or makes it one of the beginnings of texts.
func (a *ruledTable) index(at int, rule *droverv1.IndexRule) {
	x := a.table.GetIndexes()[at]
	switch {
	case a.isKey(x):
		a.note("RULE_DROPS_KEY", "", "index %s is of the key that identifies rows, and stays as it is", x.GetName())
		return
	case rule.GetDrop():
		a.table.Indexes = slices.Delete(a.table.GetIndexes(), at, at+1)
	case x.GetUnique():
		a.note("RULE_INDEX_UNIQUE", "", "index %s is unique, and of the first %d characters it would refuse rows that differ behind them: leave it out, or as it is", x.GetName(), rule.GetPrefix())
		return
	default:
		a.prefix(x, rule.GetPrefix())
		x.Definition = ""
	}
	if x.GetConstraint() || x.GetDefinition() == "" {
		a.table.Definition = "" // which has the index as it was
	}
}

// isKey tells whether an index is the primary key, or of the key that identifies rows.
func (a *ruledTable) isKey(x *planv1.Index) bool {
	return x.GetPrimary() || x.GetUnique() && x.GetPredicate() == "" && a.table.GetKey().GetSource() == planv1.KeySource_KEY_SOURCE_UNIQUE &&
		slices.EqualFunc(x.GetColumns(), a.table.GetKey().GetColumns(), func(c *planv1.IndexColumn, name string) bool { return c.GetName() == name })
}

// prefix has an index take the beginnings of texts and bytes.
func (a *ruledTable) prefix(x *planv1.Index, length int32) {
	for _, part := range x.GetColumns() {
		i := slices.IndexFunc(a.table.GetColumns(), func(c *planv1.Column) bool { return c.GetName() == part.GetName() })
		if i < 0 || !slices.Contains([]planv1.Kind{canon.Text, canon.Bytes}, a.table.GetColumns()[i].GetKind()) {
			continue
		}
		if part.GetPrefix() == 0 || part.GetPrefix() > length {
			part.Prefix = length
		}
	}
}
