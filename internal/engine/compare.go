package engine

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// KeyComparer is a target that tells which rows a unique key of it takes for one: by a
// collation, by a type that has more than one text for a value, or because the source's
// columns are not unique. Its plans name the keys for which that could be so
// (TablePlan.compared_keys): only the target can tell.
type KeyComparer interface {
	// CompareKeys opens a comparison of the values of one of a plan's keys; the plan has
	// the columns of KeyOnly. Nothing of it can be seen by others, or is left when it is
	// closed.
	CompareKeys(ctx context.Context, p *planv1.TablePlan, key *planv1.Index) (KeyComparison, error)
}

// KeyComparison collects values of a unique key. It serves one goroutine.
type KeyComparison interface {
	// Add takes a row in the plan's encoding and its name for people. A row with NULL in
	// the key is equal to no other, unless the key says so; one with a value that the
	// target refuses is left out.
	Add(ctx context.Context, row []byte, name string) error
	// Equal tells how many rows have a key that another row has too, and names the first
	// of them, up to most, those with equal keys side by side. Of a key with an expression
	// of what the target alone fills nothing can be said: it has none.
	Equal(ctx context.Context, most int) (rows int64, names []string, err error)
	Close() error
}

// KeyOnly is a plan that reads only the columns of an index of the target and those that
// identify rows.
func KeyOnly(p *planv1.TablePlan, key *planv1.Index) *planv1.TablePlan {
	out := proto.CloneOf(p)
	out.Columns = slices.DeleteFunc(out.GetColumns(), func(c *planv1.ColumnPlan) bool {
		return !inIndex(key, c.GetTarget()) && !slices.Contains(p.GetSource().GetKey().GetColumns(), c.GetSource())
	})
	return out
}

// inIndex tells whether an index takes a column of the target, or has an expression or a
// condition that may name it.
func inIndex(x *planv1.Index, column string) bool {
	return mentions(x.GetPredicate(), column) || slices.ContainsFunc(x.GetColumns(), func(k *planv1.IndexColumn) bool {
		return strings.EqualFold(k.GetName(), column) || mentions(k.GetExpression(), column)
	})
}

// mentions tells whether SQL may name a column. One too many does no harm.
func mentions(sql, column string) bool {
	plain := strings.NewReplacer(`""`, `"`, "``", "`").Replace(sql)
	return sql != "" && strings.Contains(strings.ToLower(plain), strings.ToLower(column))
}
