// Package proxy stands between processes that talk over TCP, so that a test can cut
// them apart. It knows nothing of what they say.
package proxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Proxy passes connections on to one address.
type Proxy struct {
	to       string
	listener net.Listener
	running  sync.WaitGroup
	// read counts bytes that the far end has sent.
	read atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	// weather is that of new connections, stranded those of connections that nothing
	// passes any more.
	weather  *weather
	stranded []*weather
}

// Start begins to listen on a free port of this host; the proxy goes with the test.
func Start(t testing.TB, to string) *Proxy {
	t.Helper()
	p, err := Open(to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// Open begins to listen on a free port of this host, until Close.
func Open(to string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{to: to, listener: l, conns: map[net.Conn]struct{}{}, weather: &weather{}}
	p.running.Go(func() { serve(p.listener, func(c net.Conn) { p.running.Go(func() { p.pass(c) }) }) })
	return p, nil
}

// Close ends every connection and listens no more.
func (p *Proxy) Close() {
	_ = p.listener.Close() // nothing is lost by it
	p.Clear()
	for _, w := range p.stranded {
		w.clear()
	}
	p.Cut()
	p.running.Wait()
}

// Address is where to connect.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Cut resets every connection there is, as a router that forgets them would; new ones
// pass.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		reset(c)
	}
}

// Switch calls do whenever somebody connects to the address that it returns, who finds
// the connection closed when it is done: cat </dev/tcp/HOST/PORT.
func Switch(t testing.TB, do func()) string {
	t.Helper()
	l := listen(t)
	var running sync.WaitGroup
	running.Go(func() {
		serve(l, func(c net.Conn) {
			do()
			_ = c.Close() // that is the answer
		})
	})
	t.Cleanup(func() {
		_ = l.Close() // nothing is lost by it
		running.Wait()
	})
	return l.Addr().String()
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func serve(l net.Listener, take func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return // it was closed
		}
		take(c)
	}
}

// pass copies both ways until one end closes or the connection is cut.
func (p *Proxy) pass(client net.Conn) {
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		reset(client)
		return
	}
	w := p.hold(client, server)
	defer p.drop(client, server)
	var back sync.WaitGroup
	back.Go(func() { copyAll(client, server, exposed{server, w, &p.read}) })
	copyAll(server, client, exposed{client, w, new(atomic.Int64)})
	back.Wait()
}

func (p *Proxy) hold(conns ...net.Conn) *weather {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = struct{}{}
	}
	return p.weather
}

func (p *Proxy) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
		_ = c.Close() // both ways have ended
	}
}

// copyAll copies one way, what in has of from, and passes the end on: a clean one as such,
// another as a reset.
func copyAll(to, from net.Conn, in io.Reader) {
	// A TCP connection would read by itself.
	if _, err := io.Copy(struct{ io.Writer }{to}, in); err != nil && !errors.Is(err, net.ErrClosed) {
		reset(to)
		reset(from)
		return
	}
	if tcp, ok := to.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // it may be closed already
	}
}

func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // then Close sends a reset
	}
	_ = c.Close()
}
