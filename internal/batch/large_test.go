package batch

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	streamv1 "github.com/drover-db/drover/gen/drover/stream/v1"
	"github.com/drover-db/drover/internal/fault"
)

// A row has one hash, however it comes.
func TestRowHasher_PiecesAreTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h RowHasher
		for _, row := range rapid.SliceOf(rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 1, 5)).Draw(t, "rows") {
			for i, piece := range row {
				sum, whole := h.Add(piece, i < len(row)-1)
				require.Equal(t, i == len(row)-1, whole)
				if whole {
					require.Equal(t, HashRow(bytes.Join(row, nil)), sum)
				}
			}
		}
	})
}

func TestPlaces_FindWhatFieldsCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawRow(t)
		body := append(encode(want), encode(want)...)
		places := make([]Place, len(want))
		at := int64(0)
		for range 2 {
			var err error
			at, err = Places(canonical, io.NewSectionReader(bytes.NewReader(body), 0, int64(len(body))), at, places)
			require.NoError(t, err)
			for i, p := range places {
				if want[i] == nil {
					require.EqualValues(t, -1, p.Len)
				} else {
					require.Equal(t, want[i], body[p.At:p.At+p.Len:p.At+p.Len])
				}
			}
		}
		require.EqualValues(t, len(body), at)
		cut := rapid.IntRange(0, len(body)/2-1).Draw(t, "cut")
		_, err := Places(canonical, io.NewSectionReader(bytes.NewReader(body), 0, int64(cut)), 0, places)
		require.Error(t, err)
	})
}

func TestPlaces_Tuples(t *testing.T) {
	tuple := []byte("\x00\x03\x00\x00\x00\x02ab\xff\xff\xff\xff\x00\x00\x00\x00")
	places := make([]Place, 3)
	end, err := Places(planv1.Encoding_ENCODING_PGCOPY, io.NewSectionReader(bytes.NewReader(tuple), 0, int64(len(tuple))), 0, places)
	require.NoError(t, err)
	require.EqualValues(t, len(tuple), end)
	require.Equal(t, []Place{{6, 2}, {12, -1}, {16, 0}}, places)
	_, err = Places(planv1.Encoding_ENCODING_PGCOPY, io.NewSectionReader(bytes.NewReader(tuple), 0, int64(len(tuple))), 0, places[:2])
	require.Error(t, err)
}

// sealParts gives the messages of a large batch, opened again.
func sealParts(t *testing.T, bodies ...string) (headers []*streamv1.BatchHeader, out [][]byte) {
	var parts Parts
	for i, body := range bodies {
		message, err := parts.Seal(append(NewBuffer(64), body...), &streamv1.BatchHeader{Sequence: 7}, i == len(bodies)-1)
		require.NoError(t, err)
		h, b, err := Open(message)
		require.NoError(t, err)
		require.True(t, IsLarge(h) || len(bodies) == 1)
		headers, out = append(headers, h), append(out, b)
	}
	return headers, out
}

func TestParts_Join(t *testing.T) {
	headers, bodies := sealParts(t, "one", "two", "three")
	var j Joiner
	for i, h := range headers {
		require.NoError(t, j.Add(h, bodies[i]))
		require.EqualValues(t, i, h.GetPart())
	}
	require.EqualValues(t, 3, headers[2].GetParts())
	require.Zero(t, headers[1].GetParts())
}

// Parts that are each sound must make the whole that was sent.
func TestJoiner_SeesOtherParts(t *testing.T) {
	headers, bodies := sealParts(t, "one", "two", "three")
	var lost Joiner
	require.NoError(t, lost.Add(headers[0], bodies[0]))
	require.Equal(t, fault.Corrupt, fault.KindOf(lost.Add(headers[2], bodies[2])))
	other, others := sealParts(t, "one", "TWO", "three")
	var mixed Joiner
	require.NoError(t, mixed.Add(headers[0], bodies[0]))
	require.NoError(t, mixed.Add(other[1], others[1]))
	require.Equal(t, fault.Corrupt, fault.KindOf(mixed.Add(headers[2], bodies[2])))
}
