package natsd_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/bus/natsd"
	"github.com/drover-db/drover/internal/fault"
)

func TestStart_DirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	s, err := natsd.Start(natsd.Config{StoreDir: dir})
	require.NoError(t, err)
	_, err = natsd.Start(natsd.Config{StoreDir: dir})
	require.Equal(t, fault.Exists, fault.KindOf(err), err)
	require.ErrorContains(t, err, dir)
	require.ErrorContains(t, err, "process ")
	s.Shutdown()
	s, err = natsd.Start(natsd.Config{StoreDir: dir})
	require.NoError(t, err, "a server that was shut down leaves its directory free")
	s.Shutdown()
}

func TestStart_PortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	dir := t.TempDir()
	_, err = natsd.Start(natsd.Config{StoreDir: dir, Listen: l.Addr().String()})
	require.Equal(t, fault.Exists, fault.KindOf(err), err)
	require.ErrorContains(t, err, "port is in use")
	s, err := natsd.Start(natsd.Config{StoreDir: dir})
	require.NoError(t, err, "a start that went wrong leaves its directory free")
	s.Shutdown()
}

func TestStart_BadInput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, c := range map[string]natsd.Config{
		"no directory":     {},
		"directory a file": {StoreDir: file},
		"address":          {StoreDir: t.TempDir(), Listen: "nonsense"},
	} {
		_, err := natsd.Start(c)
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%s: %v", name, err)
	}
}

// More than the disk has is not promised to any stream.
func TestStart_StoreFitsTheDisk(t *testing.T) {
	for _, want := range []int64{0, 1 << 60} {
		s, err := natsd.Start(natsd.Config{StoreDir: t.TempDir(), MaxStore: want})
		require.NoError(t, err)
		require.Positive(t, s.MaxStore())
		require.Less(t, s.MaxStore(), int64(1<<50))
		s.Shutdown()
	}
}
