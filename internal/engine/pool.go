package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/secret"
)

// poolIdle is how long an unused database stays open: long enough for the next
// job of a migration, short enough to leave a finished one's servers alone.
const poolIdle = 10 * time.Second

// Pool keeps the databases that a worker's jobs use: one Database for each side,
// URL and password reference, shared by all jobs and closed soon after the
// last of them.
type Pool struct {
	engines     Set
	secrets     *secret.Resolver
	application string

	mu     sync.Mutex
	closed bool
	open   map[poolKey]*pooled
}

type poolKey struct {
	side      Side
	url, ref  string
	closeIdle bool
}

// pooled is one database, open or opening.
type pooled struct {
	cancel context.CancelFunc
	// done is closed when db or err is set.
	done chan struct{}
	db   Database
	err  error

	// Guarded by Pool.mu.
	users int
	idle  *time.Timer
}

// NewPool makes a pool; application is what servers show: "drover/loader".
func NewPool(engines Set, secrets *secret.Resolver, application string) *Pool {
	return &Pool{engines: engines, secrets: secrets, application: application, open: map[poolKey]*pooled{}}
}

// Use gives the open database of an endpoint, opening it at the first call;
// concurrent calls share one opening. The caller calls release when done with
// it. A failed opening is forgotten: the next call tries again.
func (p *Pool) Use(ctx context.Context, e *planv1.Endpoint, side Side) (db Database, release func(), err error) {
	key := poolKey{side: side, url: e.GetUrl(), ref: e.GetPassword(), closeIdle: e.GetCloseIdle()}
	entry, err := p.enter(ctx, key, e)
	if err != nil {
		return nil, nil, err
	}
	release = sync.OnceFunc(func() { p.leave(key, entry) })
	select {
	case <-entry.done:
	case <-ctx.Done():
		release()
		return nil, nil, fault.Wrap(fault.KindOf(ctx.Err()), "engine.Use", ctx.Err())
	}
	if entry.err != nil {
		release()
		return nil, nil, entry.err
	}
	return entry.db, release, nil
}

// enter counts the caller in as a user, starting to open where nobody has.
func (p *Pool) enter(ctx context.Context, key poolKey, e *planv1.Endpoint) (*pooled, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fault.New(fault.Canceled, "engine.Use", "open database: the worker is stopping")
	}
	entry, ok := p.open[key]
	if !ok {
		// The first caller may give up while others still wait.
		opening, cancel := context.WithCancel(context.WithoutCancel(ctx))
		entry = &pooled{cancel: cancel, done: make(chan struct{})}
		p.open[key] = entry
		go p.fill(opening, key, entry, e)
	}
	entry.users++
	if entry.idle != nil {
		entry.idle.Stop()
		entry.idle = nil
	}
	return entry, nil
}

// fill opens the database of an entry.
func (p *Pool) fill(ctx context.Context, key poolKey, entry *pooled, e *planv1.Endpoint) {
	entry.db, entry.err = p.engines.Open(ctx, e, p.secrets, key.side, p.application)
	if entry.err != nil {
		entry.cancel()
		p.forget(key, entry)
	}
	close(entry.done)
}

// leave counts a user out. The last one to leave a database sets its idle time
// running; the last one to give up waiting stops the opening.
func (p *Pool) leave(key poolKey, entry *pooled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	entry.users--
	if entry.users > 0 || p.open[key] != entry {
		return
	}
	select {
	case <-entry.done:
		entry.idle = time.AfterFunc(poolIdle, func() { p.expire(key, entry) })
	default:
		delete(p.open, key)
		go func() { _ = entry.close() }() // nobody holds it who could be told
	}
}

func (p *Pool) expire(key poolKey, entry *pooled) {
	p.mu.Lock()
	idle := entry.users == 0 && p.open[key] == entry
	if idle {
		delete(p.open, key)
	}
	p.mu.Unlock()
	if idle {
		// Nobody is left to hear of an error, and nothing is lost by it.
		_ = entry.close()
	}
}

func (p *Pool) forget(key poolKey, entry *pooled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open[key] == entry {
		delete(p.open, key)
	}
}

// Close closes every database; the jobs that use them should have ended.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	entries := p.open
	p.open = map[poolKey]*pooled{}
	p.mu.Unlock()
	var errs []error
	for _, entry := range entries {
		if entry.idle != nil {
			entry.idle.Stop()
		}
		errs = append(errs, entry.close())
	}
	return errors.Join(errs...)
}

// close ends an opening or closes what it opened.
func (e *pooled) close() error {
	e.cancel()
	<-e.done
	if e.db == nil {
		return nil
	}
	return e.db.Close()
}
