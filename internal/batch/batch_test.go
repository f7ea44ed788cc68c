package batch

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	streamv1 "github.com/drover-db/drover/gen/drover/stream/v1"
	"github.com/drover-db/drover/internal/fault"
)

const canonical = planv1.Encoding_ENCODING_CANONICAL

func drawRow(t *rapid.T) [][]byte {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []byte {
		if rapid.Bool().Draw(t, "null") {
			return nil
		}
		return append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(t, "value")...)
	}), 1, 20).Draw(t, "row")
}

func encode(fields [][]byte) []byte {
	var row []byte
	for _, f := range fields {
		if f == nil {
			row = AppendNull(row)
		} else {
			row = AppendValue(row, f)
		}
	}
	return row
}

func TestFields_InvertsAppend(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawRow(t)
		row := encode(want)
		got := make([][]byte, len(want))
		cut, rest, err := Fields(canonical, append(bytes.Clone(row), "tail"...), got)
		require.NoError(t, err)
		require.Equal(t, row, cut)
		require.Equal(t, "tail", string(rest))
		require.Equal(t, want, got)
	})
}

// Different rows have different bytes: nothing can be forged with separators.
func TestRow_Injective(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawRow(t), drawRow(t)
		if len(a) == len(b) && !bytes.Equal(encode(a), encode(b)) {
			require.NotEqual(t, a, b)
		}
		require.Equal(t, len(a) == len(b) && bytes.Equal(encode(a), encode(b)), equalRows(a, b) && len(a) == len(b))
	})
}

func equalRows(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) || !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func TestDigest_AddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(t, "rows")
		cut := rapid.IntRange(0, len(rows)).Draw(t, "cut")
		var whole, left, right Digest
		for i, r := range rows {
			whole.Add(r)
			if i < cut {
				left.Add(r)
			} else {
				right.Add(r)
			}
		}
		sum := right
		sum.Merge(left)
		require.Equal(t, whole, sum)
		sum.Subtract(left)
		require.Equal(t, right, sum)
		back, err := DigestOf(whole.Proto())
		require.NoError(t, err)
		require.Equal(t, whole, back)
	})
}

func TestDigest_TwoEqualRowsDoNotCancel(t *testing.T) {
	var wrong, right Digest
	wrong.Add([]byte("x"))
	wrong.Add([]byte("x"))
	right.Add([]byte("y"))
	right.Add([]byte("y"))
	require.NotEqual(t, right, wrong)
}

func TestSeal_Open(t *testing.T) {
	buf := append(NewBuffer(64), "rows"...)
	msgs, err := Seal(buf, &streamv1.BatchHeader{Migration: "M", Sequence: 7})
	require.NoError(t, err)
	require.Len(t, msgs, 1)
	h, body, err := Open(msgs[0])
	require.NoError(t, err)
	require.Equal(t, "rows", string(body))
	require.Equal(t, uint64(7), h.GetSequence())
}

func TestSeal_PartsJoin(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), MaxBody/16*2+3)
	msgs, err := Seal(append(NewBuffer(len(body)), body...), &streamv1.BatchHeader{})
	require.NoError(t, err)
	require.Len(t, msgs, 3)
	var joined []byte
	for i, m := range msgs {
		h, part, err := Open(m)
		require.NoError(t, err)
		require.Equal(t, uint32(i), h.GetPart())
		require.Equal(t, uint32(3), h.GetParts())
		joined = append(joined, part...)
	}
	require.True(t, bytes.Equal(body, joined))
}

// One flipped bit anywhere behind the version is seen: a wrong key in the header would
// lose rows as surely as a wrong body.
func TestOpen_FlippedBit(t *testing.T) {
	msgs, err := Seal(append(NewBuffer(64), "some rows"...), &streamv1.BatchHeader{Attempt: 7, Sequence: 3, LastKey: &planv1.Bound{Values: [][]byte{{1, 2, 3}}}})
	require.NoError(t, err)
	for i := 5; i < len(msgs[0]); i++ {
		bad := bytes.Clone(msgs[0])
		bad[i] ^= 1
		_, _, err := Open(bad)
		require.True(t, fault.Is(err, fault.Corrupt), "byte %d: %v", i, err)
	}
}

// A message of another version is refused, and waited out: its rows are not at fault.
func TestOpen_OtherVersion(t *testing.T) {
	msgs, err := Seal(NewBuffer(0), &streamv1.BatchHeader{})
	require.NoError(t, err)
	msgs[0][4] = 1
	_, _, err = Open(msgs[0])
	require.True(t, fault.Is(err, fault.Unavailable))
	next := msgs[0][:len(msgs[0])-sumLen]
	next[4] = version + 1
	_, _, err = Open(binary.BigEndian.AppendUint32(next, crc32.Checksum(next, castagnoli)))
	require.True(t, fault.Is(err, fault.Unavailable))
}

func FuzzOpen(f *testing.F) {
	msgs, _ := Seal(append(NewBuffer(64), encode([][]byte{[]byte("a"), nil})...), &streamv1.BatchHeader{Parts: 1})
	f.Add(msgs[0])
	f.Fuzz(func(t *testing.T, msg []byte) {
		_, body, err := Open(msg)
		if err != nil {
			return
		}
		for _, enc := range []planv1.Encoding{canonical, planv1.Encoding_ENCODING_PGCOPY} {
			dst := make([][]byte, 2)
			for rest := body; len(rest) > 0; {
				if _, rest, err = Fields(enc, rest, dst); err != nil {
					break
				}
			}
		}
	})
}
