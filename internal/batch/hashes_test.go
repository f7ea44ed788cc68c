package batch

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHashes(t *testing.T) {
	var all Hashes
	var sum Digest
	for i := range 5 {
		row := fmt.Appendf(nil, "row %d", i%3)
		all = append(all, HashRow(row))
		sum.Add(row)
	}
	require.Equal(t, sum, all.Digest())
	require.Equal(t, 2, all.Count(HashRow([]byte("row 1"))))
	read, err := HashesOf(all.Marshal())
	require.NoError(t, err)
	require.Equal(t, all, read)
	require.Nil(t, Hashes{}.Marshal())
	_, err = HashesOf(all.Marshal()[:17])
	require.Error(t, err)

	left, ok := all.Without(Hashes{all[1], all[1]})
	require.True(t, ok)
	require.Equal(t, Hashes{all[0], all[2], all[3]}, left)
	_, ok = all.Without(Hashes{all[2], all[2]})
	require.False(t, ok, "it is there once")
	require.Equal(t, append(all[:5:5], all[0]), all.With(all[:1]))
	require.Len(t, all, 5)
}
