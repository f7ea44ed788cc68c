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
	// news is told how the migration stands; it may be nil.
	news func(*droverv1.Migration)
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
	// late ends the wait for a pause; nil until there is one.
	var late <-chan time.Time
	var refused error
	for {
		select {
		case m := <-updates:
			tracker.Apply(m, time.Now())
			f.view.Show(tracker.Snapshot(time.Now()))
			if f.news != nil {
				f.news(m.GetMigration())
			}
			if f.until(m) {
				return tracker.Snapshot(time.Now()), nil
			}
			if late != nil && resting(m) {
				return tracker.Snapshot(time.Now()), context.Cause(ctx)
			}
		case err := <-ended:
			return tracker.Snapshot(time.Now()), f.lost(err)
		case <-f.down:
			return tracker.Snapshot(time.Now()), f.why()
		case <-ticker.C:
			f.view.Show(tracker.Snapshot(time.Now()))
		case <-late:
			return tracker.Snapshot(time.Now()), errors.Join(context.Cause(ctx), refused)
		case <-interrupt:
			interrupt = nil
			if f.pause == nil {
				return tracker.Snapshot(time.Now()), context.Cause(ctx)
			}
			// A migration that is just ending cannot be paused, and tells its end.
			refused = f.pause(work)
			late = time.After(settle)
		}
	}
}

// resting tells whether a paused migration has nothing in hand any more.
func resting(m *droverv1.WatchMigrationResponse) bool {
	return m.GetMigration().GetState() == droverv1.Migration_STATE_PAUSED && m.GetWorkers().GetJobs() == 0
}

// lost is the error of a stream that ended before the migration did.
func (f *follower) lost(err error) error {
	if err == nil {
		return fault.New(fault.Unavailable, "drover.follow", "coordinator does not tell how %s goes on", f.name)
	}
	return err
}

// receive reads the watch stream, and opens it again while the coordinator is away.
func (f *follower) receive(ctx context.Context) (<-chan *droverv1.WatchMigrationResponse, <-chan error) {
	updates := make(chan *droverv1.WatchMigrationResponse)
	ended := make(chan error, 1)
	go func() {
		heard := time.Now()
		for {
			err := f.watch(ctx, func(m *droverv1.WatchMigrationResponse) {
				heard = time.Now()
				select {
				case updates <- m:
				case <-ctx.Done():
				}
			})
			// A stream that ends by itself before the migration does is a
			// coordinator that stops.
			if ctx.Err() != nil || (err != nil && !fault.Is(err, fault.Unavailable)) || time.Since(heard) > patience {
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

// watch reads one stream to its end.
func (f *follower) watch(ctx context.Context, take func(*droverv1.WatchMigrationResponse)) error {
	stream, err := f.clients.migrations.WatchMigration(ctx, &droverv1.WatchMigrationRequest{Name: f.name})
	if err != nil {
		return err
	}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		take(m)
	}
}

// ended is the until of a watch: an approval may come from elsewhere at any time,
// while a phase that stopped, and a log that came back older, need somebody to look.
func ended(m *droverv1.WatchMigrationResponse) bool {
	return rested(m) && m.GetMigration().GetState() != droverv1.Migration_STATE_WAITING
}

// rested is the until of a command that answers with an exit code: nothing more
// happens unless somebody says so.
func rested(m *droverv1.WatchMigrationResponse) bool { return progress.Resting(m.GetMigration()) }
