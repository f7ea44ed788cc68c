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
}

// Delay makes whatever is read at once, 32 KiB at most, wait for so long: an answer comes
// late, and much of it slowly. 0 ends it.
func (p *Proxy) Delay(d time.Duration) {
	w := p.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = d
}

// Hold lets nothing pass any more, and closes nothing: both ends wait, as for a host that
// is gone from the network.
func (p *Proxy) Hold() { p.now().hold() }

// Clear ends Hold and Delay.
func (p *Proxy) Clear() { p.now().clear() }

// Strand lets nothing pass any more on the connections that there are, for as long as the
// proxy lives, and closes none; new ones pass. So does a firewall that forgets them.
func (p *Proxy) Strand() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.weather.hold()
	p.stranded = append(p.stranded, p.weather)
	p.weather = &weather{}
}

// now is the weather of new connections.
func (p *Proxy) now() *weather {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.weather
}

// Read is the number of bytes that came from the far end.
func (p *Proxy) Read() int64 { return p.read.Load() }

func (w *weather) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cleared == nil {
		w.cleared = make(chan struct{})
	}
}

func (w *weather) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = 0
	if w.cleared != nil {
		close(w.cleared)
		w.cleared = nil
	}
}

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
