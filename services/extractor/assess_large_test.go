package extractor

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/loss"
)

// Rows that come in pieces are assessed as they are whole.
func TestAssessLarge_IsAssess(t *testing.T) {
	for _, policy := range []*planv1.Policy{nil, {Action: planv1.Policy_ACTION_NULL}} {
		want := numbers(t, policy).assessed(whole)
		got := numbersBy(t, Config{BatchBytes: 1000, LargeRow: 1}, policy).assessed(whole)
		require.True(t, proto.Equal(want, got), "%v", got)
	}
}

// pieceCheck refuses NUL, of every column in pieces but for column 0; it notes what it was
// given.
type pieceCheck struct {
	t      *testing.T
	pieces [][]byte
	whole  []int
	size   int64
}

func (c *pieceCheck) Check(column int, v []byte) error {
	c.whole = append(c.whole, len(v))
	return c.none(v)
}

func (c *pieceCheck) none(v []byte) error {
	if bytes.IndexByte(v, 0) >= 0 {
		return loss.New(loss.NUL, "holds NUL")
	}
	return nil
}

func (c *pieceCheck) Large(column int, size int64) (func([]byte) error, error) {
	if c.size = size; column == 0 {
		return nil, nil
	}
	return func(piece []byte) error {
		c.pieces = append(c.pieces, bytes.Clone(piece))
		return c.none(piece)
	}, nil
}

// assessPieces assesses one row of two texts that comes in pieces of so many bytes.
func assessPieces(t *testing.T, step int, first, second string) (*pieceCheck, *assessment) {
	p := &planv1.TablePlan{Encoding: planv1.Encoding_ENCODING_CANONICAL, Source: &planv1.Table{}, Columns: []*planv1.ColumnPlan{
		{Source: "a", Kind: canon.Text, Nullable: true}, {Source: "b", Kind: canon.Text, Nullable: true}}}
	check := &pieceCheck{t: t}
	a := newAssessment(p, check, nil)
	row := batch.AppendValue(batch.AppendValue(nil, []byte(first)), []byte(second))
	for at := 0; at < len(row); at += step {
		require.NoError(t, a.large.piece(row[at:min(at+step, len(row))]))
	}
	require.NoError(t, a.large.end())
	return check, a
}

// Values that a loader passes on are checked in pieces of whole characters; others whole.
func TestAssessLarge_PiecesAndWholeValues(t *testing.T) {
	text := strings.Repeat("aä€😀", 20_000)
	check, a := assessPieces(t, 1009, text, text)
	require.Empty(t, a.refused)
	require.Equal(t, []int{len(text)}, check.whole)
	require.Equal(t, text, string(bytes.Join(check.pieces, nil)))
	for _, piece := range check.pieces {
		require.True(t, canon.WholeText(piece) == len(piece) && bytes.Equal(bytes.ToValidUTF8(piece, nil), piece))
		require.Less(t, len(piece), 1100)
	}
	_, a = assessPieces(t, 700, text, text+"\x00"+text)
	require.Len(t, a.refused, 1)
	require.Equal(t, 1, a.refused[0].column)
	require.Equal(t, loss.NUL, loss.RuleOf(a.refused[0].err))
}

// A value that would have to be held and is too large is a loss of its own.
func TestAssessLarge_TooLargeToHold(t *testing.T) {
	_, a := assessPieces(t, batch.PieceBytes, strings.Repeat("x", batch.MaxRow+1), "short")
	require.Len(t, a.refused, 1)
	require.Equal(t, 0, a.refused[0].column)
	require.Equal(t, loss.TooLarge, loss.RuleOf(a.refused[0].err))
	require.Less(t, cap(a.large.buf), 1<<20)
}
