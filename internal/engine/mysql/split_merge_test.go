package mysql

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/keyrange"
)

// Sixteen pieces of 62 make four ranges of 248 where 250 are wanted, not three of 310
// and one of 62 that a single worker ends with.
func TestBisection_RangesAreEven(t *testing.T) {
	for _, c := range []struct {
		pieces, rows, step int64
		want               []byte
	}{
		{16, 62, 250, []byte{4, 8, 12}},
		{10, 100, 250, []byte{3, 5, 8}}, // 250 lies in a piece
		{4, 100, 1000, nil},
		{1, 100, 1000, nil},
	} {
		b := &bisection{splitter: &splitter{step: c.step}}
		for i := range c.pieces {
			b.pieces = append(b.pieces, piece{first: keyrange.Of([]byte{byte(i)}), rows: c.rows})
		}
		cuts, err := b.merge(t.Context())
		require.NoError(t, err)
		require.Equal(t, c.want, firsts(cuts), "%+v", c)
	}
}

// firsts are the pieces that cuts lie before.
func firsts(cuts []*planv1.Bound) (out []byte) {
	for _, c := range cuts {
		out = append(out, c.GetValues()[0][0])
	}
	return out
}
