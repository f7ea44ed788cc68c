package dial_test

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/drover-db/drover/internal/dial"
)

// option reads a socket option of a connection.
func option(t *testing.T, conn net.Conn, level, name int) (value int) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	var got error
	require.NoError(t, raw.Control(func(fd uintptr) { value, got = unix.GetsockoptInt(int(fd), level, name) }))
	require.NoError(t, got)
	return value
}

func TestTimeout_NoticesADeadEnd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	conn, err := dial.Timeout(time.Second)(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	require.EqualValues(t, dial.DeadAfter.Milliseconds(), option(t, conn, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT))
	require.Equal(t, 1, option(t, conn, unix.SOL_SOCKET, unix.SO_KEEPALIVE))
	idle, interval, count := option(t, conn, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE), option(t, conn, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL), option(t, conn, unix.IPPROTO_TCP, unix.TCP_KEEPCNT)
	require.EqualValues(t, dial.DeadAfter.Seconds(), idle+interval*count)
}

func TestTimeout_UnixSocket(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	require.NoError(t, err)
	defer l.Close()
	conn, err := dial.Timeout(0)(t.Context(), "unix", l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}
