package batch

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// rowsOf encodes the same fields in both ways.
func rowsOf(fields [][]byte) map[planv1.Encoding][]byte {
	var row []byte
	tuple := binary.BigEndian.AppendUint16(nil, uint16(len(fields)))
	for _, f := range fields {
		if f == nil {
			row, tuple = AppendNull(row), binary.BigEndian.AppendUint32(tuple, 0xffffffff)
			continue
		}
		row = AppendValue(row, f)
		tuple = append(binary.BigEndian.AppendUint32(tuple, uint32(len(f))), f...)
	}
	return map[planv1.Encoding][]byte{planv1.Encoding_ENCODING_CANONICAL: row, planv1.Encoding_ENCODING_PGCOPY: tuple}
}

func TestSplitter_FindsFieldsHoweverRowsAreCut(t *testing.T) {
	long := make([]byte, 300)
	for i := range long {
		long[i] = byte(i)
	}
	want := [][]byte{[]byte("key"), nil, long, {}, []byte("x"), nil}
	for encoding, row := range rowsOf(want) {
		s := NewSplitter(encoding, len(want))
		for step := 1; step <= len(row); step++ {
			got := make([][]byte, len(want))
			lasts := 0
			visit := func(p Part) error {
				if p.Len >= 0 && got[p.Column] == nil {
					got[p.Column] = []byte{}
				}
				got[p.Column] = append(got[p.Column], p.Data...)
				if p.Last {
					lasts++
					require.EqualValues(t, max(p.Len, 0), len(got[p.Column]))
				}
				return nil
			}
			for at := 0; at < len(row); at += step {
				require.NoError(t, s.Add(row[at:min(at+step, len(row))], visit))
			}
			require.NoError(t, s.End(), "%s in steps of %d", encoding, step)
			require.Equal(t, want, got)
			require.Equal(t, len(want), lasts)
		}
	}
}

func TestSplitter_RefusesRowsThatAreNone(t *testing.T) {
	ignore := func(Part) error { return nil }
	for encoding, row := range rowsOf([][]byte{[]byte("a"), []byte("bc")}) {
		s := NewSplitter(encoding, 2)
		require.NoError(t, s.Add(row[:len(row)-1], ignore))
		require.ErrorContains(t, s.End(), "cut short")
		require.ErrorContains(t, s.Add(append(row[:len(row):len(row)], 1), ignore), "goes on")
		require.Error(t, NewSplitter(encoding, 3).End())
	}
	require.ErrorContains(t, NewSplitter(planv1.Encoding_ENCODING_PGCOPY, 1).Add([]byte{0, 2}, ignore), "2 fields")
	bad := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	require.ErrorContains(t, NewSplitter(planv1.Encoding_ENCODING_CANONICAL, 1).Add(bad, ignore), "no number")
}
