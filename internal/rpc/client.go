package rpc

import (
	"context"
	"net"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	"github.com/drover-db/drover/internal/fault"
)

const (
	// pingEvery is the closest that gRPC allows: a server that hangs, rather than
	// dies, is found out by it alone.
	pingEvery    = 10 * time.Second
	pingTimeout  = 5 * time.Second
	maxReconnect = 2 * time.Second
	connectWait  = 5 * time.Second
)

// ClientOptions of a connection; the zero value works.
type ClientOptions struct {
	// Options are added to drover's own.
	Options []grpc.DialOption
}

// Dial makes a connection to one of the addresses, separated by commas:
// "127.0.0.1:7420". It does not wait for a server; the first call does, or
// WaitReady. Errors of calls come with their kinds; fault.Invalid is a malformed
// address. The transport is not secured.
func Dial(addrs string, o ClientOptions) (*grpc.ClientConn, error) {
	list, err := addresses(addrs)
	if err != nil {
		return nil, err
	}
	return dialList(list, o.Options)
}

// addresses reads a list of addresses.
func addresses(addrs string) (list []resolver.Address, err error) {
	for addr := range strings.SplitSeq(addrs, ",") {
		addr = strings.TrimSpace(addr)
		if host, port, err := net.SplitHostPort(addr); err != nil || host == "" || port == "" {
			return nil, fault.New(fault.Invalid, "rpc.Dial", "server address %q is not of the form host:port", addr)
		}
		list = append(list, resolver.Address{Addr: addr})
	}
	return list, nil
}

func dialList(list []resolver.Address, opts []grpc.DialOption) (*grpc.ClientConn, error) {
	r := manual.NewBuilderWithScheme("drover")
	r.InitialState(resolver.State{Addresses: list})
	return dial("drover:///"+list[0].Addr, append(slices.Clone(opts), grpc.WithResolvers(r), grpc.WithAuthority(list[0].Addr)))
}

func dial(target string, opts []grpc.DialOption) (*grpc.ClientConn, error) {
	opts = append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, Timeout: pingTimeout, PermitWithoutStream: true}),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: connectWait, Backoff: backoff.Config{
			BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: maxReconnect}}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithChainUnaryInterceptor(unaryFault), grpc.WithChainStreamInterceptor(streamFault),
		grpc.WithIdleTimeout(0),
	}, opts...)
	conn, err := grpc.NewClient(target, opts...)
	if err != nil {
		return nil, fault.New(fault.Invalid, "rpc.Dial", "connect to %s: %w", target, err)
	}
	return conn, nil
}

// WaitReady waits until a server answers, or ctx ends: then fault.Unavailable.
func WaitReady(ctx context.Context, conn *grpc.ClientConn) error {
	for {
		conn.Connect()
		state := conn.GetState()
		if state == connectivity.Ready {
			return nil
		}
		if !conn.WaitForStateChange(ctx, state) {
			addr := strings.TrimPrefix(conn.Target(), "drover:///")
			return fault.New(fault.Unavailable, "rpc.WaitReady", "reach %s: nothing answers there", addr)
		}
	}
}
