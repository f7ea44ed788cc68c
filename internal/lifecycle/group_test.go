package lifecycle_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/lifecycle"
)

// parts makes members that note in which order they end.
type parts struct {
	mu    sync.Mutex
	ended []string
}

// member finishes its work d after it is drained.
func (p *parts) member(name string, d time.Duration) lifecycle.Member {
	drain := make(chan struct{})
	return lifecycle.Member{
		Name: name,
		Run: func(ctx context.Context) error {
			word := name
			select {
			case <-drain:
				select {
				case <-time.After(d):
				case <-ctx.Done():
					word += " killed"
				}
			case <-ctx.Done():
				word += " killed"
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			p.ended = append(p.ended, word)
			return ctx.Err()
		},
		Drain: func() { close(drain) },
	}
}

// simple has no Drain: the end of its context is one.
func (p *parts) simple(name string) lifecycle.Member {
	m := p.member(name, 0)
	m.Drain = nil
	return m
}

func TestGroup_DrainsInReverseOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p parts
		g := lifecycle.New(lifecycle.Config{})
		g.Add(p.simple("nats"))
		g.Add(p.member("coordinator", time.Second))
		g.Add(p.member("slow worker", 5*time.Second), p.member("worker", time.Second))
		time.AfterFunc(time.Minute, g.Drain)
		start := time.Now()
		require.NoError(t, g.Run(t.Context()))
		require.Equal(t, []string{"worker", "slow worker", "coordinator", "nats killed"}, p.ended)
		require.Equal(t, time.Minute+6*time.Second, time.Since(start))
	})
}

func TestGroup_KillsAfterGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p parts
		g := lifecycle.New(lifecycle.Config{Grace: 10 * time.Second})
		g.Add(p.member("coordinator", time.Second))
		g.Add(p.member("worker", time.Hour))
		g.Drain()
		g.Drain()
		start := time.Now()
		err := g.Run(t.Context())
		require.Equal(t, fault.Canceled, fault.KindOf(err), err)
		require.Equal(t, 10*time.Second, time.Since(start))
		require.Equal(t, []string{"worker killed", "coordinator killed"}, p.ended)
	})
}

func TestGroup_EndOfContextKills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p parts
		g := lifecycle.New(lifecycle.Config{})
		g.Add(p.member("worker", time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		require.Error(t, g.Run(ctx))
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, []string{"worker killed"}, p.ended)
	})
}

func TestGroup_OneEndsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p parts
		g := lifecycle.New(lifecycle.Config{})
		broken := fault.New(fault.Exists, "test", "port is in use")
		g.Add(lifecycle.Member{Name: "server", Run: func(context.Context) error { return broken }})
		g.Add(p.member("worker", time.Second))
		err := g.Run(t.Context())
		require.ErrorIs(t, err, broken)
		require.Equal(t, fault.Exists, fault.KindOf(err))
		require.ErrorContains(t, err, "server: ")
		require.Equal(t, []string{"worker"}, p.ended, "the others are drained, not killed")
	})
}

func TestGroup_AllErrorsAreTold(t *testing.T) {
	g := lifecycle.New(lifecycle.Config{})
	first, second := errors.New("first"), errors.New("second")
	g.Add(lifecycle.Member{Name: "a", Run: func(context.Context) error { return first }},
		lifecycle.Member{Name: "b", Run: func(context.Context) error { return second }})
	err := g.Run(t.Context())
	require.ErrorIs(t, err, first)
	require.ErrorIs(t, err, second)
}

// Signals are the process's, so these tests send real ones to it; not before Run
// takes them, which it does before it starts a member.
func TestGroup_Signals(t *testing.T) {
	interrupt := func() { require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM)) }
	first := lifecycle.Member{Name: "first signal", Run: func(ctx context.Context) error {
		interrupt()
		<-ctx.Done()
		return nil
	}}
	t.Run("FirstDrains", func(t *testing.T) {
		var p parts
		g := lifecycle.New(lifecycle.Config{Signals: true})
		g.Add(p.member("worker", 50*time.Millisecond), first)
		require.NoError(t, g.Run(t.Context()))
		require.Equal(t, []string{"worker"}, p.ended)
	})
	t.Run("SecondKills", func(t *testing.T) {
		var p parts
		g := lifecycle.New(lifecycle.Config{Signals: true})
		worker := p.member("worker", time.Hour)
		drain := worker.Drain
		worker.Drain = func() {
			drain()
			interrupt()
		}
		g.Add(worker, first)
		require.Equal(t, fault.Canceled, fault.KindOf(g.Run(t.Context())))
		require.Equal(t, []string{"worker killed"}, p.ended)
	})
}
