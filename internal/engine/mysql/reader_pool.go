package mysql

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"

	"github.com/drover-db/drover/internal/dial"
	"github.com/drover-db/drover/internal/fault"
)

// readerPool keeps the connections that rows stream over: one a read.
type readerPool struct {
	endpoint *endpoint
	dialect  *dialect
	// places bounds how many are open at once.
	places chan struct{}
	// closeIdle keeps none for the next read.
	closeIdle bool

	mu     sync.Mutex
	idle   []*readerConn
	closed bool
}

// readerConn is a connection of go-mysql's client: it logs in and prepares, and
// stream.go reads the rows.
type readerConn struct {
	*client.Conn
	since time.Time
}

func newReaderPool(e *endpoint, d *dialect, most int) *readerPool {
	return &readerPool{endpoint: e, dialect: d, places: make(chan struct{}, most)}
}

// take gives a connection with a session as session.go wants it, waiting for a place.
func (p *readerPool) take(ctx context.Context) (*readerConn, error) {
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return nil, fault.Wrap(fault.KindOf(ctx.Err()), "mysql.Read", ctx.Err())
	}
	for {
		c := p.takeIdle()
		if c == nil {
			break
		}
		if time.Since(c.since) < idleTime && c.alive() {
			return c, nil
		}
		_ = c.Close() // it was of no use any more
	}
	c, err := p.connect(ctx)
	if err != nil && (brokenOff(err) || strayGreeting(err)) {
		c, err = p.connect(ctx)
	}
	if err != nil {
		<-p.places
		return nil, err
	}
	return c, nil
}

func (p *readerPool) takeIdle() *readerConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return c
}

// give takes a connection back; one that is not clean is closed.
func (p *readerPool) give(c *readerConn, clean bool) {
	defer func() { <-p.places }()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !clean || p.closed || p.closeIdle {
		_ = c.Close() // nothing is lost by it
		return
	}
	c.since = time.Now()
	p.idle = append(p.idle, c)
}

func (p *readerPool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		_ = c.Quit() // the server would notice anyway
	}
	p.idle = nil
}

// connect logs in. The end of ctx cuts the login off.
func (p *readerPool) connect(ctx context.Context) (*readerConn, error) {
	e := p.endpoint
	var raw net.Conn
	connect := func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial.Timeout(e.connectTimeout)(ctx, network, address)
		raw = conn
		if err == nil {
			err = conn.SetDeadline(time.Now().Add(e.connectTimeout))
		}
		return conn, err
	}
	options := func(c *client.Conn) error {
		// Rows end with EOF packets and statements have no attributes: stream.go reads
		// and writes one form of each.
		c.UnsetCapability(mysql.CLIENT_DEPRECATE_EOF)
		c.UnsetCapability(mysql.CLIENT_QUERY_ATTRIBUTES)
		c.SetAttributes(map[string]string{"program_name": e.application})
		if e.tls.config != nil {
			c.SetTLSConfig(e.tls.config.Clone())
		}
		return nil
	}
	conn, err := client.ConnectWithDialer(ctx, e.network, e.address, e.user, e.password, e.database, connect, options)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	c := &readerConn{Conn: conn}
	if _, err := conn.Execute(p.dialect.sessionStatement()); err != nil {
		_ = conn.Close() // the first error is the one to tell
		return nil, err
	}
	return c, raw.SetDeadline(time.Time{})
}

// alive asks the server whether an idle connection still stands.
func (c *readerConn) alive() bool {
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return false
	}
	if err := c.Ping(); err != nil {
		return false
	}
	return c.SetDeadline(time.Time{}) == nil
}

// plain removes what a program name must not have.
func plain(name string) string { return strings.NewReplacer(",", " ", ":", " ").Replace(name) }
