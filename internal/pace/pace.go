// Package pace slows a job down to its share of what its migration may ask of a
// database: so many rows and bytes a second, and a part of the time. The share may
// change at any moment.
package pace

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
)

const (
	// burstsASecond is how finely a limit is spread over a second.
	burstsASecond = 10
	// leastRest is how much rest is saved up before it is taken, mostRest how much at once:
	// a changed share is heard of in between.
	leastRest = 20 * time.Millisecond
	mostRest  = 500 * time.Millisecond
	// leastSpeed keeps a job that is slowed down alive.
	leastSpeed = 0.01
)

// Pacer paces one job. The zero value lets everything pass.
type Pacer struct {
	limited atomic.Bool

	mu          sync.Mutex
	rows, bytes *rate.Limiter
	speed       float64
	// mark is when the job last went on, owed the rest that it has not taken.
	mark time.Time
	owed time.Duration
}

// Set gives the job another share; nil lifts every limit.
func (p *Pacer) Set(to *workerv1.Pace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rows, p.bytes = limiter(p.rows, to.GetRowsPerSecond()), limiter(p.bytes, to.GetBytesPerSecond())
	p.speed = to.GetSpeed()
	if p.speed <= 0 || p.speed > 1 {
		p.speed = 1
	}
	p.speed = max(p.speed, leastSpeed)
	p.mark, p.owed = time.Now(), 0
	p.limited.Store(p.rows != nil || p.bytes != nil || p.speed < 1)
}

// limiter is what becomes of an old one under a new limit; nil for none.
func limiter(old *rate.Limiter, perSecond float64) *rate.Limiter {
	if perSecond <= 0 {
		return nil
	}
	burst := max(1, int(perSecond/burstsASecond))
	if old == nil {
		return rate.NewLimiter(rate.Limit(perSecond), burst)
	}
	old.SetLimit(rate.Limit(perSecond))
	old.SetBurst(burst)
	return old
}

// Wait waits until the job may go on behind so many rows and bytes. Its error is
// fault.Canceled: ctx has ended.
func (p *Pacer) Wait(ctx context.Context, rows, bytes int) error {
	if !p.limited.Load() {
		return nil
	}
	worked := p.worked()
	if err := p.spend(ctx, func() *rate.Limiter { return p.rows }, rows); err != nil {
		return err
	}
	if err := p.spend(ctx, func() *rate.Limiter { return p.bytes }, bytes); err != nil {
		return err
	}
	return p.rest(ctx, worked)
}

// worked is how long the job has been at work since it last went on.
func (p *Pacer) worked() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.mark)
}

// spend takes n from a limiter, in parts that are small enough for a changed limit to
// be heard of.
func (p *Pacer) spend(ctx context.Context, of func() *rate.Limiter, n int) error {
	for n > 0 {
		p.mu.Lock()
		l := of()
		p.mu.Unlock()
		if l == nil {
			return nil
		}
		part := min(n, l.Burst())
		reserved := l.ReserveN(time.Now(), part)
		if !reserved.OK() {
			continue // the limit has just changed
		}
		if err := sleep(ctx, reserved.Delay()); err != nil {
			return err
		}
		n -= part
	}
	return nil
}

// rest rests for the time that belongs to the time worked, and goes on.
func (p *Pacer) rest(ctx context.Context, worked time.Duration) error {
	p.mu.Lock()
	due := time.Duration(0)
	if p.speed < 1 {
		p.owed += time.Duration(float64(worked) * (1/p.speed - 1))
		if due = min(p.owed, mostRest); due < leastRest {
			due = 0
		}
		p.owed -= due
	}
	p.mu.Unlock()
	err := sleep(ctx, due)
	p.mu.Lock()
	p.mark = time.Now()
	p.mu.Unlock()
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Canceled, "pace.Wait", context.Cause(ctx))
	}
}
