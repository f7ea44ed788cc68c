package rejects

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// onDisk is a refused row that nobody holds.
func onDisk(r engine.Reject) engine.Reject {
	r.Large, r.Row = io.NewSectionReader(bytes.NewReader(r.Row), 0, int64(len(r.Row))), nil
	return r
}

// A large row is in a file of its own until it is in the target, and again if it is
// rejected again.
func TestFile_LargeRows(t *testing.T) {
	f := testFile(t)
	a, b := refusedRow(1, "x"), refusedRow(2, "a large row")
	for range 3 {
		require.NoError(t, f.Keep(nil, []engine.Reject{a, onDisk(b)}))
		require.NotContains(t, lines(t, f)[1], `"row"`)
		rows, missing, err := f.Find(hashesOf(a, b))
		require.NoError(t, err)
		require.Empty(t, missing)
		require.Len(t, rows, 2)
		require.True(t, rows[1].IsLarge())
		file, body, err := rows[1].Open()
		require.NoError(t, err)
		text, err := io.ReadAll(body)
		require.NoError(t, err)
		require.Equal(t, b.Row, text)
		require.NoError(t, file.Close())
		require.NoError(t, f.Settle(hashesOf(a)))
		require.NoFileExists(t, rows[1].large)
	}
	require.Len(t, lines(t, f), 1+3*2)
}

// A file that is gone, or is not the row any more, is missing.
func TestFile_LargeRowSpoilt(t *testing.T) {
	f := testFile(t)
	b := refusedRow(2, "a large row")
	require.NoError(t, f.Keep(nil, []engine.Reject{onDisk(b)}))
	rows, _, err := f.Find(hashesOf(b))
	require.NoError(t, err)
	require.Len(t, rows, 1)
	for _, spoil := range []func() error{
		func() error { return os.WriteFile(rows[0].large, b.Row[1:], 0o600) },
		func() error { return os.Remove(rows[0].large) },
	} {
		require.NoError(t, spoil())
		left, missing, err := f.Find(hashesOf(b))
		require.NoError(t, err)
		require.Empty(t, left)
		require.Equal(t, hashesOf(b), missing)
	}
}

// A folder of the same name that another host has is not the folder.
func TestFolder_IsOneForAll(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	mark, err := MakeFolder(here, "shop", "01M")
	require.NoError(t, err)
	again, err := MakeFolder(here, "shop", "01M")
	require.NoError(t, err)
	require.Equal(t, mark, again)
	require.NoError(t, CheckFolder(here, "shop", "01M", mark))
	require.NoError(t, CheckFolder(there, "shop", "01M", ""), "a migration of before has none")
	for range 2 {
		err = CheckFolder(there, "shop", "01M", mark)
		require.Equal(t, fault.Invalid, fault.KindOf(err))
		require.ErrorContains(t, err, "share it")
		_, err = MakeFolder(there, "shop", "01M") // the second time it is there, and another one
		require.NoError(t, err)
	}
	require.NoError(t, os.WriteFile(filepath.Join(there, "shop-01M", markName), []byte(mark), 0o600))
	require.NoError(t, CheckFolder(there, "shop", "01M", mark), "as the message says")
	_, err = MakeFolder(filepath.Join(here, "shop-01M", markName), "shop", "01M")
	require.Equal(t, fault.Denied, fault.KindOf(err))
}
