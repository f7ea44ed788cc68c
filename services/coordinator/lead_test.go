package coordinator

import (
	"context"
	"strings"
	syncatomic "sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
	"github.com/drover-db/drover/services/coordinator/internal/presence"
)

// peers are coordinators on one log, in virtual time.
type peers struct {
	t        *testing.T
	log      *journal.Memory
	presence *presence.Memory
	bus      *bus.Memory
}

// peer is one of them.
type peer struct {
	*Service
	log  *cutLog
	stop context.CancelFunc
	done chan error
}

// cutLog is a log that may be out of reach, as behind a partition, or whose coordinator
// dies at one of the events by which it writes lost logs down again: dies is which, from 1.
type cutLog struct {
	*journal.Memory
	cut  syncatomic.Bool
	dies syncatomic.Int32
}

func (l *cutLog) Append(ctx context.Context, log string, last uint64, e *journalv1.Event) (uint64, error) {
	if e.GetControlRestored() != nil && l.dies.Add(-1) == 0 {
		return 0, fault.New(fault.Internal, "journal.Append", "the coordinator dies here")
	}
	return l.Memory.Append(ctx, log, last, e)
}

func (l *cutLog) Replay(ctx context.Context, log string, after uint64, fn func(uint64, *journalv1.Event) error) (uint64, error) {
	if l.cut.Load() {
		rest(ctx, 3*time.Second)
		return 0, fault.New(fault.Unavailable, "journal.Replay", "no answer")
	}
	return l.Memory.Replay(ctx, log, after, fn)
}

func (p *peers) start(name string) *peer {
	log := &cutLog{Memory: p.log.Writer()}
	s, err := New(Config{Bus: p.bus, log: log, presence: p.presence.Join(), Name: name})
	require.NoError(p.t, err)
	ctx, stop := context.WithCancel(context.Background())
	out := &peer{Service: s, log: log, stop: stop, done: make(chan error, 1)}
	go func() { out.done <- s.Run(ctx) }()
	p.t.Cleanup(stop)
	return out
}

func (p *peer) leads() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.standing.leading
}

func (p *peer) create(name string) error {
	spec := specWith(func(m *droverv1.MigrationSpec) { m.Name = name })
	if err := p.mustLead(context.Background()); err != nil {
		return err
	}
	_, err := (&migrationServer{s: p.Service}).CreateMigration(context.Background(), &droverv1.CreateMigrationRequest{Start: true, Spec: spec})
	return err
}

func (p *peer) migrations(t *testing.T) (names []string) {
	r, err := (&migrationServer{s: p.Service}).ListMigrations(context.Background(), &droverv1.ListMigrationsRequest{})
	require.NoError(t, err)
	for _, m := range r.GetMigrations() {
		names = append(names, strings.TrimPrefix(m.GetName(), "migrations/"))
	}
	return names
}

func together(t *testing.T, test func(t *testing.T, p *peers)) {
	synctest.Test(t, func(t *testing.T) {
		test(t, &peers{t: t, log: journal.NewMemory(), presence: presence.NewMemory(), bus: bus.NewMemory(bus.Options{})})
	})
}

// One of three leads; the others know what it decides, serve reads, and refuse the rest
// with its name.
func TestLead_OneOfThree(t *testing.T) {
	together(t, func(t *testing.T, p *peers) {
		all := []*peer{p.start("a"), p.start("b"), p.start("c")}
		time.Sleep(3 * time.Second)
		var leader *peer
		for _, c := range all {
			if c.leads() {
				require.Nil(t, leader, "two lead")
				leader = c
			}
		}
		require.NotNil(t, leader)
		require.NoError(t, leader.create("shop"))
		synctest.Wait()
		for _, c := range all {
			require.Equal(t, []string{"shop"}, c.migrations(t))
			if c != leader {
				require.ErrorContains(t, c.create("other"), "follows "+leader.cfg.Name)
			}
		}
		info, err := (&systemServer{s: all[0].Service}).GetSystemInfo(t.Context(), &droverv1.GetSystemInfoRequest{})
		require.NoError(t, err)
		require.Equal(t, leader.cfg.Name, info.GetLeader())
		require.EqualValues(t, 1, info.GetTerm(), "nobody was deposed")
	})
}

// A leader that is told to go hands over at once.
func TestLead_HandsOver(t *testing.T) {
	together(t, func(t *testing.T, p *peers) {
		a := p.start("a")
		time.Sleep(time.Second)
		require.True(t, a.leads())
		b := p.start("b")
		time.Sleep(time.Second)
		require.NoError(t, a.create("shop"))
		a.stop()
		require.NoError(t, <-a.done)
		begin := time.Now()
		<-b.Ready()
		require.Less(t, time.Since(begin), time.Second)
		require.Equal(t, []string{"shop"}, b.migrations(t))
		require.NoError(t, b.create("other"))
	})
}

// A leader that does not reach the log leads no more, and follows when it does again.
func TestLead_StepsDownWithoutTheLog(t *testing.T) {
	together(t, func(t *testing.T, p *peers) {
		a := p.start("a")
		time.Sleep(time.Second)
		b := p.start("b")
		time.Sleep(time.Second)
		out := a.attach(&workerv1.Hello{Worker: "w", Role: loader, Slots: 1})
		a.log.cut.Store(true)
		time.Sleep(12 * time.Second)
		require.False(t, a.leads())
		require.True(t, b.leads())
		for range out {
		} // the worker's stream has ended
		require.NoError(t, b.create("shop"))
		a.log.cut.Store(false)
		time.Sleep(3 * time.Second)
		require.Equal(t, []string{"shop"}, a.migrations(t))
		require.False(t, a.leads())
		require.True(t, b.leads())
		b.stop()
		time.Sleep(2 * time.Second)
		require.True(t, a.leads(), "it can lead again")
		require.NoError(t, a.create("later"))
	})
}

// A leader that slept through the election of another one appends nothing, not even the
// first event of a migration, and follows.
func TestLead_StaleLeaderIsFenced(t *testing.T) {
	together(t, func(t *testing.T, p *peers) {
		a := p.start("a")
		time.Sleep(time.Second + prove/4) // not when it looks by itself
		require.NoError(t, a.create("shop"))
		other := NewLeader(Config{Bus: p.bus}, Ports{Log: p.log.Writer(), Now: time.Now, NewID: a.newID, Wake: func() {}})
		require.NoError(t, other.Lead(t.Context()))
		left, err := p.presence.Join().Announce(other.term, "other", func() bool { return true })
		require.NoError(t, err)
		defer left()
		err = a.create("late")
		require.Equal(t, fault.Fenced, fault.KindOf(err), err)
		_, err = other.Create(t.Context(), &droverv1.CreateMigrationRequest{Spec: specWith(func(m *droverv1.MigrationSpec) { m.Name = "new" })})
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.Equal(t, []string{"new", "shop"}, a.migrations(t))
	})
}

// A log that came back older is none to go on with.
func TestFollow_LogCameBackOlder(t *testing.T) {
	together(t, func(t *testing.T, p *peers) {
		a := p.start("a")
		time.Sleep(time.Second)
		require.NoError(t, a.create("shop"))
		synctest.Wait()
		p.log.Truncate(0)
		err := <-a.done
		require.Equal(t, fault.Corrupt, fault.KindOf(err), err)
		require.ErrorContains(t, err, "restored from a backup")
	})
}

// A server that has just started may answer for a log before it has all of it.
func TestFollow_LogIsShortForAMoment(t *testing.T) {
	together(t, func(t *testing.T, p *peers) {
		a := p.start("a")
		time.Sleep(time.Second)
		require.NoError(t, a.create("shop"))
		synctest.Wait()
		undo := p.log.Truncate(0)
		time.Sleep(settled / 2)
		require.False(t, a.leads())
		undo()
		time.Sleep(settled)
		require.True(t, a.leads())
		require.NoError(t, a.create("other"))
		require.Equal(t, []string{"other", "shop"}, a.migrations(t))
	})
}
