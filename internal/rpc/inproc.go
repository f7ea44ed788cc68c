package rpc

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"
)

// inProcBuffer is how much is on the way inside the process in one direction.
const inProcBuffer = 1 << 20

// InProc is a listener inside this process: the same servers and clients as over
// TCP, without a port.
type InProc struct{ *bufconn.Listener }

// NewInProc makes a listener to Run a Server on.
func NewInProc() *InProc { return &InProc{bufconn.Listen(inProcBuffer)} }

// Dial connects to the server on this listener.
func (p *InProc) Dial(o ClientOptions) (*grpc.ClientConn, error) {
	return dial("passthrough:///in-process", append(o.Options,
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return p.DialContext(ctx) })))
}
