package extractor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/secret"
)

// snapshots is an engine that has nothing but a snapshot.
type snapshots struct {
	engine.Database
	checks, closed int
	// breaksAt is the check that finds the snapshot broken, from 1; 0 for none.
	breaksAt int
}

func (s *snapshots) Name() string      { return "snapshots" }
func (s *snapshots) Schemes() []string { return []string{"snapshots"} }
func (s *snapshots) Check(*planv1.TablePlan) (engine.ValueCheck, error) {
	return nil, errors.New("nothing is checked here")
}
func (s *snapshots) Open(context.Context, engine.Config) (engine.Database, error) {
	return s, nil
}
func (s *snapshots) HoldSnapshot(context.Context) (engine.Snapshot, error) { return &held{s}, nil }
func (s *snapshots) Close() error                                          { return nil }

type held struct{ of *snapshots }

func (h *held) Name() string { return "00000003-1" }
func (h *held) Close() error { h.of.closed++; return nil }
func (h *held) Check(context.Context) error {
	h.of.checks++
	if h.of.checks == h.of.breaksAt {
		return fault.New(fault.Unavailable, "postgres.Check", "terminating connection")
	}
	return nil
}

// hold runs a HoldSnapshot job; the channels give its error and the names it reports.
func hold(t *testing.T, s *snapshots) (done chan error, reported chan string, cancel func()) {
	service, err := New(Config{Engines: engine.Set{s}, Secrets: secret.NewResolver(), Bus: bus.NewMemory(bus.Options{})})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done, reported = make(chan error, 1), make(chan string, 1000)
	go func() {
		job := &workerv1.Job{Source: &planv1.Endpoint{Url: "snapshots:"}, Work: &workerv1.Job_HoldSnapshot{HoldSnapshot: &workerv1.HoldSnapshot{}}}
		_, err := service.Handle(ctx, job, func(p *workerv1.Progress) { reported <- p.GetSnapshot() })
		done <- errors.Join(err, service.Close())
	}()
	return done, reported, cancel
}

func TestHoldSnapshot_ChecksUntilRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &snapshots{}
		done, reported, cancel := hold(t, s)
		require.Equal(t, "00000003-1", <-reported, "the name comes at once")
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		require.Equal(t, 12, s.checks)
		require.Zero(t, s.closed)
		cancel()
		require.Equal(t, fault.Canceled, fault.KindOf(<-done))
		require.Equal(t, 1, s.closed)
	})
}

func TestHoldSnapshot_BrokenIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &snapshots{breaksAt: 3}
		done, _, cancel := hold(t, s)
		defer cancel()
		start := time.Now()
		err := <-done
		require.Equal(t, 15*time.Second, time.Since(start))
		require.Equal(t, fault.Unavailable, fault.KindOf(err))
		require.Equal(t, fault.Source, fault.Find(err).Side)
		require.Equal(t, 1, s.closed)
	})
}
