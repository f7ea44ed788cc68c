package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/secret"
)

// opener is an engine that only opens and closes.
type opener struct {
	opened, closed atomic.Int32
	// delay is how long an opening takes; err is what it ends with.
	delay time.Duration
	err   error
}

func (o *opener) Name() string      { return "fake" }
func (o *opener) Schemes() []string { return []string{"fake"} }
func (o *opener) Check(*planv1.TablePlan) (ValueCheck, error) {
	return nil, errors.New("nothing is checked here")
}
func (o *opener) Open(ctx context.Context, _ Config) (Database, error) {
	o.opened.Add(1)
	select {
	case <-time.After(o.delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if o.err != nil {
		return nil, o.err
	}
	return &closer{opener: o}, nil
}

type closer struct {
	Database
	opener *opener
}

func (c *closer) Close() error { c.opener.closed.Add(1); return nil }

var endpoint = &planv1.Endpoint{Url: "fake:a"}

func newPool(o *opener) *Pool { return NewPool(Set{o}, secret.NewResolver(), "drover/test") }

func TestPool_SharesOneOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &opener{delay: time.Second}
		p := newPool(o)
		var wg sync.WaitGroup
		got := make([]Database, 5)
		for i := range got {
			wg.Go(func() {
				db, release, err := p.Use(t.Context(), endpoint, SourceSide)
				if err == nil {
					got[i] = db
					release()
				}
			})
		}
		wg.Wait()
		for _, db := range got {
			require.NotNil(t, db)
			require.Same(t, got[0], db)
		}
		require.EqualValues(t, 1, o.opened.Load())
		require.NoError(t, p.Close())
		require.EqualValues(t, 1, o.closed.Load())
	})
}

func TestPool_KeepsSidesAndPasswordsApart(t *testing.T) {
	o := &opener{}
	p := newPool(o)
	t.Setenv("DROVER_POOL_TEST", "x")
	for _, e := range []*planv1.Endpoint{endpoint, {Url: "fake:a", Password: "${env:DROVER_POOL_TEST}"}, {Url: "fake:b"}} {
		for _, side := range []Side{SourceSide, TargetSide} {
			_, release, err := p.Use(t.Context(), e, side)
			require.NoError(t, err)
			defer release()
		}
	}
	require.EqualValues(t, 6, o.opened.Load())
	require.NoError(t, p.Close())
	require.EqualValues(t, 6, o.closed.Load())
}

func TestPool_ForgetsFailedOpening(t *testing.T) {
	o := &opener{err: fault.New(fault.Unavailable, "fake.Open", "connect: refused")}
	p := newPool(o)
	_, _, err := p.Use(t.Context(), endpoint, TargetSide)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.Equal(t, fault.Target, fault.Find(err).Side)
	o.err = nil
	db, release, err := p.Use(t.Context(), endpoint, TargetSide)
	require.NoError(t, err)
	require.NotNil(t, db)
	release()
	require.EqualValues(t, 2, o.opened.Load())
	require.NoError(t, p.Close())
}

func TestPool_ClosesIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &opener{}
		p := newPool(o)
		_, first, err := p.Use(t.Context(), endpoint, SourceSide)
		require.NoError(t, err)
		first()
		time.Sleep(poolIdle / 2)
		_, second, err := p.Use(t.Context(), endpoint, SourceSide)
		require.NoError(t, err)
		time.Sleep(2 * poolIdle)
		require.Zero(t, o.closed.Load(), "closed while a job uses it")
		second()
		second() // releasing twice counts once
		time.Sleep(poolIdle + time.Second)
		require.EqualValues(t, 1, o.closed.Load())
		_, third, err := p.Use(t.Context(), endpoint, SourceSide)
		require.NoError(t, err)
		third()
		require.EqualValues(t, 2, o.opened.Load())
		require.NoError(t, p.Close())
		require.EqualValues(t, 2, o.closed.Load())
	})
}

func TestPool_StopsOpeningNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &opener{delay: time.Hour}
		p := newPool(o)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _, err := p.Use(ctx, endpoint, SourceSide)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("use after cancel: %v", err)
			}
		})
		time.Sleep(time.Second)
		start := time.Now()
		cancel()
		wg.Wait()
		synctest.Wait()
		require.Zero(t, time.Since(start))
		require.NoError(t, p.Close())
	})
}

func TestPool_RefusesAfterClose(t *testing.T) {
	p := newPool(&opener{})
	require.NoError(t, p.Close())
	_, _, err := p.Use(t.Context(), endpoint, SourceSide)
	require.Equal(t, fault.Canceled, fault.KindOf(err))
}
