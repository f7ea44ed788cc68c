package dial

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// endWhenDead bounds how long sent data may stay unacknowledged (RFC 5482; tcp(7)). Keep-alive
// alone asks only while nothing is under way.
func endWhenDead(network, _ string, c syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	var err error
	if controlErr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(DeadAfter.Milliseconds()))
	}); controlErr != nil {
		return controlErr
	}
	return err
}
