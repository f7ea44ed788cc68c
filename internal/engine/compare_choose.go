package engine

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// UniqueKeys are the unique keys that a table which drover makes gets of columns of its
// source, with the names that the target has for them. Those with an expression or a
// condition move only as the source has them, and mean the same.
func UniqueKeys(p *planv1.TablePlan) []*planv1.Index {
	var out []*planv1.Index
	for _, x := range p.GetSource().GetIndexes() {
		if !x.GetUnique() && !x.GetPrimary() || x.GetPredicate() != "" {
			continue
		}
		key := proto.CloneOf(x)
		key.Definition = ""
		for _, part := range key.GetColumns() {
			at := planOf(p, part.GetName())
			if at == nil {
				key = nil // an expression, or a column that is left behind
				break
			}
			part.Name = at.GetTarget()
		}
		if key != nil {
			out = append(out, key)
		}
	}
	return out
}

// planOf finds the plan of a source's column; nil where it is not copied.
func planOf(p *planv1.TablePlan, source string) *planv1.ColumnPlan {
	i := slices.IndexFunc(Stored(p, SourceSide), func(c *planv1.ColumnPlan) bool { return c.GetSource() == source })
	if source == "" || i < 0 {
		return nil
	}
	return p.GetColumns()[i]
}

// ComparedKeys chooses those of a target's unique keys by which two rows of the source
// may be one. Parts of keys are the target's columns, or expressions of them. coarse tells
// whether a part's column takes two values for one that the source tells apart.
func ComparedKeys(p *planv1.TablePlan, keys []*planv1.Index, coarse func(part *planv1.IndexColumn, c *planv1.ColumnPlan) bool) []*planv1.Index {
	var out []*planv1.Index
	for _, key := range keys {
		k := &comparedKey{plan: p, key: key, coarse: coarse}
		if k.isRead() && !slices.ContainsFunc(p.GetSource().GetIndexes(), k.provenBy) {
			out = append(out, &planv1.Index{Name: key.GetName(), Unique: true, Primary: key.GetPrimary(), Columns: key.GetColumns(),
				Predicate: key.GetPredicate(), NullsNotDistinct: key.GetNullsNotDistinct()})
		}
	}
	return out
}

// comparedKey is a unique key of the target, held against those of the source.
type comparedKey struct {
	plan   *planv1.TablePlan
	key    *planv1.Index
	coarse func(*planv1.IndexColumn, *planv1.ColumnPlan) bool
}

// column finds the plan of a column of the target.
func (k *comparedKey) column(target string) *planv1.ColumnPlan {
	i := slices.IndexFunc(k.plan.GetColumns(), func(c *planv1.ColumnPlan) bool { return strings.EqualFold(c.GetTarget(), target) })
	if i < 0 {
		return nil
	}
	return k.plan.GetColumns()[i]
}

// isRead tells whether all columns of the key come from the source.
func (k *comparedKey) isRead() bool {
	return !slices.ContainsFunc(k.key.GetColumns(), func(part *planv1.IndexColumn) bool {
		return part.GetName() != "" && k.column(part.GetName()) == nil
	})
}

// provenBy tells whether a unique key of the source says that no two rows are one in the
// target's: it has no column that the target's has not, and each is told apart there.
func (k *comparedKey) provenBy(x *planv1.Index) bool {
	if !x.GetUnique() && !x.GetPrimary() || k.key.GetNullsNotDistinct() && !x.GetNullsNotDistinct() && !k.withoutNull(x) {
		return false
	}
	if x.GetPredicate() != "" && (k.plan.GetSourceEngine() != k.plan.GetTargetEngine() || x.GetPredicate() != k.key.GetPredicate()) {
		return false
	}
	return !slices.ContainsFunc(x.GetColumns(), func(part *planv1.IndexColumn) bool { return !k.tellsApart(part) })
}

// withoutNull tells whether no column of a source's key is ever NULL.
func (k *comparedKey) withoutNull(x *planv1.Index) bool {
	return !slices.ContainsFunc(x.GetColumns(), func(part *planv1.IndexColumn) bool {
		c := SourceColumn(k.plan, part.GetName())
		return c == nil || c.GetNullable()
	})
}

// tellsApart tells whether the key has a part that differs wherever one of the source's
// key does.
func (k *comparedKey) tellsApart(of *planv1.IndexColumn) bool {
	c := planOf(k.plan, of.GetName())
	return slices.ContainsFunc(k.key.GetColumns(), func(part *planv1.IndexColumn) bool {
		switch {
		case of.GetName() == "":
			return k.plan.GetSourceEngine() == k.plan.GetTargetEngine() && part.GetExpression() == of.GetExpression()
		case c == nil || !strings.EqualFold(part.GetName(), c.GetTarget()) || merges(k.plan, c) || k.coarse(part, c):
			return false
		}
		return part.GetPrefix() == 0 || of.GetPrefix() > 0 && of.GetPrefix() <= part.GetPrefix()
	})
}

// merges tells whether two values of a column may become one on their way: by a policy,
// or because texts are read as values that have several.
func merges(p *planv1.TablePlan, c *planv1.ColumnPlan) bool {
	source := SourceColumn(p, c.GetSource())
	switch {
	case c.GetPolicy().GetAction() > planv1.Policy_ACTION_ERROR:
		return true
	case source == nil || c.GetKind() == canon.Variant:
		return false
	case source.GetKind() != c.GetKind() && slices.Contains([]planv1.Kind{canon.Text, canon.JSON, canon.JSONValue, canon.Variant}, source.GetKind()):
		return true
	}
	// SQLite tells such values apart by their text.
	return p.GetSourceEngine() == "sqlite" && !slices.Contains([]planv1.Kind{canon.Bool, canon.Int, canon.Uint, canon.Float32, canon.Float64, canon.Text, canon.Bytes}, source.GetKind())
}
