package coordinator

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/testing/protocmp"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// wipe loses the store of the log, and has the coordinator find out by its next append.
func (h *harness) wipe() {
	uid := h.migration().GetUid()
	h.log.Wipe()
	h.s.mu.Lock()
	err := h.s.append(context.Background(), uid, &journalv1.Event{Body: &journalv1.Event_TermStarted{TermStarted: &journalv1.TermStarted{}}})
	h.s.mu.Unlock()
	require.ErrorIs(h.t, err, journal.ErrGone)
	h.s.look()
	h.rest(time.Second)
}

// again connects workers anew, as they do when their coordinator has resigned.
func (h *harness) again() {
	for _, role := range []workerv1.Role{extractor, loader, validator} {
		h.work(context.Background(), h.s, "again-"+roleName(role), role, nil)
	}
}

// kinds counts the events of a migration by type.
func (h *harness) kinds() map[string]int {
	out := map[string]int{}
	for _, e := range h.events(100) {
		out[e.GetType()]++
	}
	return out
}

// sameState compares what is known of a migration with what was, but for what the loss of
// its log changes.
func sameState(t *testing.T, before, now state.View, uid string) {
	t.Helper()
	same := cmp.Options{protocmp.Transform(), cmp.AllowUnexported(batch.Digest{}), cmpopts.IgnoreFields(state.Migration{}, "Last", "Unconfirmed")}
	require.Empty(t, cmp.Diff(before.Migration(uid), now.Migration(uid), same))
	require.Empty(t, cmp.Diff(before.Tables(uid), now.Tables(uid), same))
	for _, table := range before.Tables(uid) {
		before.Ranges(uid, table.Number, func(r *state.Range) bool {
			require.Empty(t, cmp.Diff(r, now.Range(uid, table.Number, r.Number), same))
			return true
		})
	}
}

// The store of the log is lost at any moment, with logs and snapshots: the coordinator that
// leads writes the same state down again, and the migration goes on by itself.
func TestRebuild_AnyMoment(t *testing.T) {
	for stop := 1; stop < 60; stop += 6 {
		bubble(t, func(t *testing.T, h *harness) {
			slowly(h)
			h.snapshots()
			h.stall(stop)
			h.create()
			h.rest(3 * time.Minute)
			uid, before := h.migration().GetUid(), h.s.view()
			h.wipe()
			require.Greater(t, h.s.standing.term, uint64(adoptedTerms))
			again := NewLeader(Config{Bus: h.bus}, Ports{Log: h.log.Writer(), Now: time.Now})
			_, err := again.catchUp(t.Context())
			require.NoError(t, err)
			sameState(t, before, again.view(), uid)
			sameState(t, before, h.s.view(), uid)

			h.silent = nil
			h.again()
			h.rest(10 * time.Minute)
			require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
			kinds := h.kinds()
			require.Equal(t, 1, kinds["control_restored"])
			require.Zero(t, kinds["migration_created"], "what came before is not told")
		})
	}
}

// The target is asked once whether another coordinator led since, before anything else is
// done; it tells, and nothing is written any more.
func TestRebuild_TargetKnowsLaterCoordinator(t *testing.T) {
	for _, later := range []bool{false, true} {
		bubble(t, func(t *testing.T, h *harness) {
			h.stall(14)
			h.create()
			h.rest(time.Minute)
			require.Equal(t, droverv1.Migration_STATE_RUNNING, h.migration().GetState())
			h.wipe()
			h.silent = nil
			h.jobs = nil
			h.answer = func(j *workerv1.Job) *workerv1.Result {
				if later && j.GetPrepare() != nil && j.GetTerm() < 2 {
					f := failure("fenced", "a later coordinator leads the migration")
					f.GetFailure().Side = fault.Target
					return f
				}
				return nil
			}
			h.again()
			h.rest(10 * time.Minute)
			asked := h.first(func(j *workerv1.Job) bool { return j.GetPrepare() != nil && j.GetTerm() == 1 })
			require.GreaterOrEqual(t, asked, 0)
			if !later {
				require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
				require.Less(t, asked, h.first(func(j *workerv1.Job) bool { return j.GetLoad() != nil }))
				require.Equal(t, 1, h.kinds()["control_confirmed"])
				return
			}
			require.Equal(t, droverv1.Migration_STATE_CONTROL_REGRESSED, h.migration().GetState())
			require.Negative(t, h.first(func(j *workerv1.Job) bool { return j.GetLoad() != nil || j.GetEmpty() != nil || j.GetValidate() != nil }))
			_, err := h.api().AdoptMigration(t.Context(), &droverv1.AdoptMigrationRequest{Name: "m"})
			require.NoError(t, err)
			h.rest(time.Second)
			h.again()
			h.rest(10 * time.Minute)
			require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		})
	}
}

// events of a migration as any coordinator tells them.
func (p *peer) kinds(t *testing.T, name string) map[string]int {
	t.Helper()
	r, err := (&eventServer{s: p.Service}).ListEvents(t.Context(), &droverv1.ListEventsRequest{Parent: "migrations/" + name, PageSize: 1000})
	require.NoError(t, err)
	out := map[string]int{}
	for _, e := range r.GetEvents() {
		out[e.GetType()]++
	}
	return out
}

func (p *peer) migration(t *testing.T, name string) *droverv1.Migration {
	t.Helper()
	r, err := (&migrationServer{s: p.Service}).GetMigration(t.Context(), &droverv1.GetMigrationRequest{Name: name})
	require.NoError(t, err)
	return r.GetMigration()
}

// Of a leader and two followers the leader writes the log down again, also where it has
// stepped down meanwhile; the others load what it wrote.
func TestRebuild_LeaderFirst(t *testing.T) {
	for _, away := range []time.Duration{0, 20 * time.Second} {
		together(t, func(t *testing.T, p *peers) {
			a := p.start("a")
			time.Sleep(time.Second)
			b, c := p.start("b"), p.start("c")
			time.Sleep(time.Second)
			require.NoError(t, a.create("shop"))
			require.NoError(t, a.create("mall"))
			synctest.Wait()
			for _, x := range []*peer{a, b, c} {
				x.log.cut.Store(away > 0)
			}
			time.Sleep(away)
			p.log.Wipe()
			for _, x := range []*peer{a, b, c} {
				x.log.cut.Store(false)
			}
			time.Sleep(8 * time.Second)
			var leaders []*peer
			for _, x := range []*peer{a, b, c} {
				require.Equal(t, []string{"mall", "shop"}, x.migrations(t))
				require.Equal(t, 1, x.kinds(t, "shop")["control_restored"])
				require.NotEqual(t, droverv1.Migration_STATE_CONTROL_REGRESSED, x.migration(t, "shop").GetState())
				if x.leads() {
					leaders = append(leaders, x)
				}
			}
			require.Len(t, leaders, 1)
			require.NoError(t, leaders[0].create("later"))
			time.Sleep(time.Second)
			require.Equal(t, []string{"later", "mall", "shop"}, b.migrations(t))
		})
	}
}

// A follower that is left alone keeps what it knew. It may lack decisions, so nothing
// happens on it.
func TestRebuild_FollowerKeepsAndWaits(t *testing.T) {
	together(t, func(t *testing.T, p *peers) {
		a := p.start("a")
		time.Sleep(time.Second)
		b := p.start("b")
		time.Sleep(time.Second)
		require.NoError(t, a.create("shop"))
		synctest.Wait()
		p.log.Wipe()
		a.stop()
		<-a.done
		time.Sleep(yield - time.Second)
		require.False(t, b.leads(), "who led comes first")
		time.Sleep(5 * time.Second)
		require.True(t, b.leads())
		m := b.migration(t, "shop")
		require.Equal(t, droverv1.Migration_STATE_CONTROL_REGRESSED, m.GetState())
		require.Contains(t, m.GetReason(), "drover adopt")
		require.NoError(t, b.create("other"), "others may begin")
	})
}

// Somebody took the lead in the store that came into the place of the lost one, before who
// knows the logs did: it is deposed, and can begin nothing.
func TestRebuild_BehindAFreshCoordinator(t *testing.T) {
	together(t, func(t *testing.T, p *peers) {
		a := p.start("a")
		time.Sleep(time.Second)
		require.NoError(t, a.create("shop"))
		p.log.Wipe()
		fresh := NewLeader(Config{Bus: p.bus}, Ports{Log: p.log.Writer(), Now: time.Now, NewID: a.newID, Wake: func() {}})
		require.NoError(t, p.log.Make(t.Context()))
		require.NoError(t, fresh.Lead(t.Context()))
		time.Sleep(5 * time.Second)
		require.True(t, a.leads())
		_, err := fresh.Create(t.Context(), &droverv1.CreateMigrationRequest{Spec: specWith(func(m *droverv1.MigrationSpec) { m.Name = "new" })})
		require.Equal(t, fault.Fenced, fault.KindOf(err), err)
		require.Equal(t, []string{"shop"}, a.migrations(t))
	})
}

// A store in which somebody has begun anew is left to them.
func TestRebuild_NotOverOthers(t *testing.T) {
	together(t, func(t *testing.T, p *peers) {
		a := p.start("a")
		time.Sleep(time.Second)
		require.NoError(t, a.create("shop"))
		p.log.Wipe()
		fresh := NewLeader(Config{Bus: p.bus}, Ports{Log: p.log.Writer(), Now: time.Now, NewID: a.newID, Wake: func() {}})
		require.NoError(t, p.log.Make(t.Context()))
		require.NoError(t, fresh.Lead(t.Context()))
		_, err := fresh.Create(t.Context(), &droverv1.CreateMigrationRequest{Spec: specWith(func(m *droverv1.MigrationSpec) { m.Name = "new" })})
		require.NoError(t, err)
		err = <-a.done
		require.Equal(t, fault.Corrupt, fault.KindOf(err), err)
		require.ErrorContains(t, err, "migrations of its own")
	})
}

// A coordinator that dies while it writes logs down leaves the rest to another one, and
// none is written twice.
func TestRebuild_DiesInTheMiddle(t *testing.T) {
	for left := range 3 {
		together(t, func(t *testing.T, p *peers) {
			a := p.start("a")
			time.Sleep(time.Second)
			b := p.start("b")
			time.Sleep(time.Second)
			require.NoError(t, a.create("shop"))
			require.NoError(t, a.create("mall"))
			synctest.Wait()
			a.log.dies.Store(int32(left) + 1)
			p.log.Wipe()
			require.ErrorContains(t, <-a.done, "dies here")
			time.Sleep(2*yield + time.Second)
			require.True(t, b.leads())
			require.Equal(t, []string{"mall", "shop"}, b.migrations(t))
			regressed := 0
			for _, name := range []string{"mall", "shop"} {
				require.Equal(t, 1, b.kinds(t, name)["control_restored"])
				if b.migration(t, name).GetState() == droverv1.Migration_STATE_CONTROL_REGRESSED {
					regressed++
				}
			}
			require.Equal(t, 2-left, regressed, "what the leader wrote is all there was")
		})
	}
}

// Sequences of one store are never those of another.
func TestRebuild_SequencesGoOn(t *testing.T) {
	together(t, func(t *testing.T, p *peers) {
		a := p.start("a")
		time.Sleep(time.Second)
		require.NoError(t, a.create("shop"))
		var last uint64
		for range 3 {
			contents, err := p.log.Logs(t.Context())
			require.NoError(t, err)
			require.Greater(t, contents.Last, last)
			last = contents.Last + apart
			p.log.Wipe()
			time.Sleep(5 * time.Second)
			require.True(t, a.leads())
			_, err = p.log.Replay(t.Context(), bus.ClusterLog, 0, func(seq uint64, e *journalv1.Event) error {
				require.Greater(t, seq, last)
				return nil
			})
			require.NoError(t, err)
		}
		require.Equal(t, 1, a.kinds(t, "shop")["control_restored"], "each store tells of its own beginning")
	})
}
