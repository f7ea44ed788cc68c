package rpc

import (
	"context"
	"errors"
	"path"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/peer"

	"github.com/drover-db/drover/internal/fault"
)

// LeaderService is a name without methods: the one of several servers that leads says
// by its health that it is served.
const LeaderService = "drover.leader"

const (
	// takeover is how long a call waits for one of the servers to lead: longer than
	// they need to agree.
	takeover = 10 * time.Second
	// readWait is the same for calls that a server which follows answers too.
	readWait = 3 * time.Second
	// leaderPoll is the pause between tries.
	leaderPoll = 100 * time.Millisecond
)

// toLeader has a connection use the server that leads alone.
const toLeader = `{"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": "` + LeaderService + `"}}`

// notLeading is the place of the error of a server that refuses a call because it does
// not lead. The call was not begun.
const notLeading = "rpc.NotLeading"

// NotLeading is the error of a server that follows; leader is who leads, if known.
func NotLeading(leader string) error {
	if leader == "" {
		return fault.New(fault.Unavailable, notLeading, "this coordinator does not lead, and it knows of none that does: try again in a moment")
	}
	return fault.New(fault.Unavailable, notLeading, "this coordinator follows %s, which leads: only reads are answered here", leader)
}

// LeaderConn is a connection to several servers of which one leads: calls go to that
// one, and wait for it while there is none. Where there is none for long, calls that
// only read (Get, List, Watch) go to any.
type LeaderConn struct {
	// leader goes to the server that leads alone, anyone to any.
	leader, anyone *grpc.ClientConn
	addrs          string
	several        bool
}

var _ grpc.ClientConnInterface = (*LeaderConn)(nil)

// DialLeader makes a connection to the leader of servers, separated by commas. As
// Dial, it waits for nobody.
func DialLeader(addrs string, o ClientOptions) (*LeaderConn, error) {
	list, err := addresses(addrs)
	if err != nil {
		return nil, err
	}
	leader, err := dialList(list, append(o.Options, grpc.WithDefaultServiceConfig(toLeader), grpc.WithDisableServiceConfig()))
	if err != nil {
		return nil, err
	}
	anyone, err := dialList(list, o.Options)
	if err != nil {
		return nil, err
	}
	return &LeaderConn{leader: leader, anyone: anyone, addrs: addrs, several: len(list) > 1}, nil
}

// Close ends the connection.
func (c *LeaderConn) Close() error { return errors.Join(c.leader.Close(), c.anyone.Close()) }

// WaitReady waits until a server leads, or ctx ends: then fault.Unavailable.
func (c *LeaderConn) WaitReady(ctx context.Context) error {
	if c.awaitLeader(ctx) {
		return nil
	}
	if c.anyone.Connect(); c.anyone.GetState() == connectivity.Ready {
		return c.leaderless()
	}
	return fault.New(fault.Unavailable, "rpc.WaitReady", "reach %s: nothing answers there", c.addrs)
}

// awaitLeader tells whether a server leads before ctx ends.
func (c *LeaderConn) awaitLeader(ctx context.Context) bool {
	for {
		c.leader.Connect()
		state := c.leader.GetState()
		if state == connectivity.Ready {
			return true
		}
		if !c.leader.WaitForStateChange(ctx, state) {
			return false
		}
	}
}

func (c *LeaderConn) leaderless() error {
	return fault.New(fault.Unavailable, notLeading,
		"no coordinator leads at %s: they are choosing one, or do not reach their NATS servers", c.addrs)
}

// Leaderless tells whether an error is that no server leads.
func Leaderless(err error) bool {
	return fault.Is(err, fault.Unavailable) && fault.Find(err).Op == notLeading
}

// Invoke implements grpc.ClientConnInterface.
func (c *LeaderConn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	wait := takeover
	if reads(method) {
		wait = readWait
	}
	for begin := time.Now(); ; {
		var to peer.Peer
		err := c.leader.Invoke(ctx, method, args, reply, append(opts, grpc.Peer(&to))...)
		if err == nil || !c.again(method, err, to.Addr != nil) {
			return err
		}
		if time.Since(begin) > wait || !pause(ctx, leaderPoll) {
			return c.last(ctx, method, args, reply, err, opts)
		}
	}
}

// again tells whether a failed call is to be made again: one that reached nobody, was
// refused, or does not care.
func (c *LeaderConn) again(method string, err error, sent bool) bool {
	switch {
	case !fault.Is(err, fault.Unavailable) || fault.Find(err).Side != "":
		return false
	case fault.Find(err).Op == notLeading:
		return true
	case sent:
		return reads(method)
	default:
		// One server that is not there will not be there in a moment either.
		return c.several || unhealthy(err)
	}
}

// last ends the wait for a leader: who only reads asks any server.
func (c *LeaderConn) last(ctx context.Context, method string, args, reply any, err error, opts []grpc.CallOption) error {
	switch {
	case reads(method) && ctx.Err() == nil:
		return c.anyone.Invoke(ctx, method, args, reply, opts...)
	case unhealthy(err):
		return c.leaderless()
	}
	return err
}

// NewStream implements grpc.ClientConnInterface.
func (c *LeaderConn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if reads(method) {
		wait, cancel := context.WithTimeout(ctx, readWait)
		defer cancel()
		if !c.awaitLeader(wait) {
			return c.anyone.NewStream(ctx, desc, method, opts...)
		}
	}
	return c.leader.NewStream(ctx, desc, method, opts...)
}

// reads tells whether a method changes nothing, by its name.
func reads(method string) bool {
	name := path.Base(method)
	return strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List") || strings.HasPrefix(name, "Watch")
}

// unhealthy tells whether an error is that of a server that is there and does not lead.
func unhealthy(err error) bool { return strings.Contains(err.Error(), "health check") }

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
