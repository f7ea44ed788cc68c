// Package dial opens connections to databases that notice when nobody is at the other
// end any more: a server that lost its power, or a network that drops packets without
// a word. Left to itself, TCP takes a quarter of an hour for that.
package dial

import (
	"context"
	"net"
	"time"
)

// DeadAfter is how long the other end may leave a packet without an acknowledgement. A
// server that is slow acknowledges, its kernel does; one that hangs too, until its
// buffers are full.
const DeadAfter = 90 * time.Second

// probe is how long a connection is silent before the other end is asked for a sign of
// life, and how often it is asked again.
const probe = 15 * time.Second

// Timeout makes a dial function for connections that must be up within a time; 0 for as
// long as ctx.
func Timeout(limit time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: limit, Control: endWhenDead,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: probe, Interval: probe, Count: int(DeadAfter/probe) - 1}}
	return d.DialContext
}
