package main

import (
	"context"
	"errors"
	"io"
	"time"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"

	"github.com/drover-db/drover/cmd/drover/internal/progress"
)

const (
	// refresh is how often the view moves on without news.
	refresh = 500 * time.Millisecond
	// settle is how long an interrupted migration may take to finish what it has in
	// hand.
	settle = 30 * time.Second
	// patience is how long a coordinator may be away before a watch gives up.
	patience = time.Minute
)

// follower watches one migration until something ends it.
type follower struct {
	clients *clients
	name    string
	view    progress.View
	// until tells whether there is nothing more to wait for.
	until func(*droverv1.WatchMigrationResponse) bool
	// pause is called once when the command is interrupted; the migration is then
	// followed until it rests. Nil: the command detaches and changes nothing.
	pause func(context.Context) error
	// down is closed when the services in this process cannot go on, and why tells
	// the reason; both may be nil.
	down <-chan struct{}
	why  func() error
}

// run follows. The error is why it was interrupted, or why it could not follow.
func (f *follower) run(ctx context.Context) (progress.Snapshot, error) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer f.view.Close()
	updates, ended := f.receive(work)
	tracker := progress.NewTracker()
	ticker := time.NewTicker(refresh)
	defer ticker.Stop()
	interrupt := ctx.Done()
	var resting bool
	var late <-chan time.Time
	for {
		select {
		case m := <-updates:
			tracker.Apply(m, time.Now())
			f.view.Show(tracker.Snapshot(time.Now()))
			if f.until(m) {
				return tracker.Snapshot(time.Now()), nil
			}
			if resting && m.GetMigration().GetState() == droverv1.Migration_STATE_PAUSED && m.GetWorkers().GetJobs() == 0 {
				return tracker.Snapshot(time.Now()), context.Cause(ctx)
			}
		case <-f.down:
			return tracker.Snapshot(time.Now()), f.why()
		case err := <-ended:
			return tracker.Snapshot(time.Now()), err
		case <-ticker.C:
			f.view.Show(tracker.Snapshot(time.Now()))
		case <-late:
			return tracker.Snapshot(time.Now()), context.Cause(ctx)
		case <-interrupt:
			interrupt = nil
			if f.pause == nil {
				return tracker.Snapshot(time.Now()), context.Cause(ctx)
			}
			if err := f.pause(work); err != nil && !fault.Is(err, fault.Changed) {
				return tracker.Snapshot(time.Now()), errors.Join(context.Cause(ctx), err)
			}
			resting, late = true, time.After(settle)
		}
	}
}

// receive reads the watch stream, and opens it again while the coordinator is away.
func (f *follower) receive(ctx context.Context) (<-chan *droverv1.WatchMigrationResponse, <-chan error) {
	updates := make(chan *droverv1.WatchMigrationResponse)
	ended := make(chan error, 1)
	go func() {
		lost := time.Time{}
		for {
			got, err := f.watch(ctx, updates)
			switch {
			case got:
				lost = time.Time{}
			case lost.IsZero():
				lost = time.Now()
			}
			if !fault.Is(err, fault.Unavailable) || ctx.Err() != nil || (!lost.IsZero() && time.Since(lost) > patience) {
				ended <- err
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(refresh):
			}
		}
	}()
	return updates, ended
}

// watch reads one stream to its end; got tells whether anything came.
func (f *follower) watch(ctx context.Context, updates chan<- *droverv1.WatchMigrationResponse) (got bool, err error) {
	stream, err := f.clients.migrations.WatchMigration(ctx, &droverv1.WatchMigrationRequest{Name: f.name})
	if err != nil {
		return false, err
	}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		got = true
		select {
		case updates <- m:
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
}

// ended is the until of a migration that runs.
func ended(m *droverv1.WatchMigrationResponse) bool { return progress.Ended(m.GetMigration()) }
