package extractor

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// sendWithin is how old a batch may become before it is sent with the next row, however
	// little it has.
	sendWithin = 5 * time.Second
	// idleAfter is how long the stream is silent before the loader is told that its
	// extraction still reads. A loader gives an attempt up that is silent for a minute.
	idleAfter = 15 * time.Second
)

// pulse knows how long ago something was sent. A source may need minutes for the next
// row, where a filter matches nothing for long or each row is a read of its disk.
type pulse struct {
	mu    sync.Mutex
	last  time.Time
	begun bool
	slow  atomic.Bool
}

// sent takes note that messages with rows were sent.
func (p *pulse) sent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.begun = time.Now(), true
	p.slow.Store(false)
}

// late tells whether the batch in hand is to be sent with the next row.
func (p *pulse) late() bool { return p.slow.Load() }

// silent tells for how long nothing was sent; begun whether anything was before.
func (p *pulse) silent() (age time.Duration, begun bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	age = time.Since(p.last)
	p.slow.Store(age >= sendWithin)
	return age, p.begun
}

// beat watches the pulse until the function it returns is called, and says in the
// stream that the source is slow, where it is.
func (x *extraction) beat() (stop func()) {
	x.pulse.last = time.Now()
	ctx, cancel := context.WithCancel(x.ctx)
	var over sync.WaitGroup
	over.Go(func() {
		tick := time.NewTicker(sendWithin)
		defer tick.Stop()
		told := time.Now()
		for count := 1; ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			age, begun := x.pulse.silent()
			if !begun || min(age, time.Since(told)) < idleAfter {
				continue
			}
			m, err := x.attempt.Idle(count)
			if err == nil {
				err = x.publisher.Publish(ctx, m)
			}
			if err != nil {
				return // the next message with rows meets the same
			}
			told = time.Now()
			count++
		}
	})
	return func() { cancel(); over.Wait() }
}
