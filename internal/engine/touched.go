package engine

import (
	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
)

// Touched counts, by the column's position in the plan, the values that policies
// changed. Like digests, counts add over batches.
type Touched map[uint32]int64

// Add adds counts.
func (t *Touched) Add(more Touched) {
	if len(more) > 0 && *t == nil {
		*t = Touched{}
	}
	for column, n := range more {
		(*t)[column] += n
	}
}

// Proto writes counts as messages, by column.
func (t Touched) Proto() []*planv1.Touched {
	var out []*planv1.Touched
	for column := range maxColumn(t) {
		if n := t[column]; n != 0 {
			out = append(out, &planv1.Touched{Column: column, Values: n})
		}
	}
	return out
}

func maxColumn(t Touched) uint32 {
	var out uint32
	for column := range t {
		out = max(out, column+1)
	}
	return out
}

// TouchedOf reads counts from messages.
func TouchedOf(list []*planv1.Touched) Touched {
	var out Touched
	for _, m := range list {
		out.Add(Touched{m.GetColumn(): m.GetValues()})
	}
	return out
}

// Marshal writes counts for a ledger; nil for none.
func (t Touched) Marshal() ([]byte, error) {
	if len(t) == 0 {
		return nil, nil
	}
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(&planv1.TouchedColumns{Columns: t.Proto()})
	return out, fault.Wrap(fault.Internal, "engine.Touched", err)
}

// UnmarshalTouched reads what Marshal wrote.
func UnmarshalTouched(b []byte) (Touched, error) {
	var m planv1.TouchedColumns
	if err := proto.Unmarshal(b, &m); err != nil {
		return nil, fault.New(fault.Corrupt, "engine.Touched", "read counts of the ledger: %w", err)
	}
	return TouchedOf(m.GetColumns()), nil
}
