package extractor

import (
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/engine"
)

// lastKey knows the key behind which a later attempt goes on after a batch.
//
// A batch that is full is cut at a row in hand, whose key is computed there and
// then. The last batch of a range is cut when no row is in hand any more: all of
// the range is in it or before it, so its key is the range's upper bound, behind
// which the range holds nothing. Only a range without an upper bound needs the
// key of every row.
type lastKey struct {
	everyRow bool
	upper    *planv1.Bound
	// key is the last one kept; its memory is reused.
	key *planv1.Bound
}

func newLastKey(work *workerv1.ExtractRange) lastKey {
	upper := work.GetRange().GetUpper()
	return lastKey{everyRow: upper == nil && engine.Ordered(work.GetTable()), upper: upper}
}

// keep remembers a row's key; a table without one has none to remember.
func (l *lastKey) keep(r engine.Row) error {
	key, err := r.Key()
	if err != nil || key == nil {
		l.key = nil
		return err
	}
	if l.key == nil || len(l.key.Values) != len(key.Values) {
		l.key = &planv1.Bound{Values: make([][]byte, len(key.Values))}
	}
	for i, v := range key.Values {
		l.key.Values[i] = append(l.key.Values[i][:0], v...)
	}
	return nil
}

// atEnd gives the key of the range's last batch.
func (l *lastKey) atEnd() *planv1.Bound {
	if l.upper != nil {
		return l.upper
	}
	return l.key
}
