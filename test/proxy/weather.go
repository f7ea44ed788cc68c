package proxy

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// weather is what bytes meet on their way.
type weather struct {
	mu    sync.Mutex
	delay time.Duration
	// cleared is closed when bytes may pass again; nil while they do.
	cleared chan struct{}
	// read counts bytes that the far end has sent.
	read atomic.Int64
}

// Delay makes whatever is read at once, 32 KiB at most, wait for so long: an answer comes
// late, and much of it slowly. 0 ends it.
func (p *Proxy) Delay(d time.Duration) {
	p.weather.mu.Lock()
	defer p.weather.mu.Unlock()
	p.weather.delay = d
}

// Hold lets nothing pass any more, and closes nothing: both ends wait, as for a host that
// is gone from the network.
func (p *Proxy) Hold() {
	p.weather.mu.Lock()
	defer p.weather.mu.Unlock()
	if p.weather.cleared == nil {
		p.weather.cleared = make(chan struct{})
	}
}

// Clear ends Hold and Delay.
func (p *Proxy) Clear() {
	p.weather.mu.Lock()
	defer p.weather.mu.Unlock()
	p.weather.delay = 0
	if p.weather.cleared != nil {
		close(p.weather.cleared)
		p.weather.cleared = nil
	}
}

// Read is the number of bytes that came from the far end.
func (p *Proxy) Read() int64 { return p.weather.read.Load() }

// wait waits for as long as bytes must.
func (w *weather) wait() {
	w.mu.Lock()
	delay, cleared := w.delay, w.cleared
	w.mu.Unlock()
	if cleared != nil {
		<-cleared
	}
	time.Sleep(delay)
}

// exposed is what a connection brings, when the weather lets it pass.
type exposed struct {
	conn    net.Conn
	weather *weather
	read    *atomic.Int64
}

func (e exposed) Read(p []byte) (int, error) {
	n, err := e.conn.Read(p)
	e.read.Add(int64(n))
	e.weather.wait()
	return n, err
}
