package worker

import (
	"context"
	"time"
)

const (
	// tick thins progress: a job's is sent at most once in it.
	tick = 200 * time.Millisecond
	// Leases are renewed after a third of their life, and count as run out a sixth
	// before their end: by this process's monotonic clock, and only to save work.
	// What keeps a stale worker from doing harm are the fences in the target.
	renewals     = 3
	expiryMargin = 6
)

// watchLeases ends jobs whose lease ran out while nobody renewed it.
func (l *Loop) watchLeases(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			l.expire(time.Now())
		case <-ctx.Done():
			return
		}
	}
}

func (l *Loop) expire(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holder.Expire(now)
	l.settleDrain()
}
