package engine

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// KeyComparer is a target whose collations may take two texts for one. Its plans name
// the unique keys for which that could be so (TablePlan.compared_keys): only the target
// can tell.
type KeyComparer interface {
	// CompareKeys opens a comparison of the values of one of a plan's keys. Nothing of
	// it can be seen by others, or is left when it is closed.
	CompareKeys(ctx context.Context, p *planv1.TablePlan, key *planv1.Index) (KeyComparison, error)
}

// KeyComparison collects values of a unique key. It serves one goroutine.
type KeyComparison interface {
	// Add takes a row in the plan's encoding and its name for people. A row with NULL in
	// the key is equal to no other; one with a value that the target refuses is left out.
	Add(ctx context.Context, row []byte, name string) error
	// Equal tells how many rows have a key that another row has too, and names the first
	// of them, up to most, those with equal keys side by side.
	Equal(ctx context.Context, most int) (rows int64, names []string, err error)
	Close() error
}

// KeyOnly is a plan that reads only the columns of an index of the target and those that
// identify rows.
func KeyOnly(p *planv1.TablePlan, key *planv1.Index) *planv1.TablePlan {
	out := proto.CloneOf(p)
	out.Columns = slices.DeleteFunc(out.GetColumns(), func(c *planv1.ColumnPlan) bool {
		return !slices.ContainsFunc(key.GetColumns(), func(k *planv1.IndexColumn) bool { return k.GetName() == c.GetTarget() }) &&
			!slices.Contains(p.GetSource().GetKey().GetColumns(), c.GetSource())
	})
	return out
}
