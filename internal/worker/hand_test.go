package worker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/worker"
)

// A drain asks every job to end where that costs nothing, and takes what ends so as given
// back.
func TestGentle_EndsWithADrain(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(1)
		s.grant(job("a"))
		c := <-r.calls
		require.NoError(t, worker.Gentle(c.ctx).Err())
		r.loop.Drain()
		s.draining()
		<-worker.Gentle(c.ctx).Done()
		require.NoError(t, c.ctx.Err(), "what has begun goes on")
		c.finish <- answer{err: worker.Gentle(c.ctx).Err()}
		require.NotNil(t, s.next().GetResult().GetReleased())
		s.ack("a")
		r.over(t)
	})
}

// A revoked job may write what it has in hand; nobody hears of its end, and its slot
// comes back with it.
func TestGentle_EndsWithARevokeBehindTheBatch(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(1)
		s.grant(job("a"))
		c := <-r.calls
		s.out <- &workerv1.WorkResponse{Message: &workerv1.WorkResponse_Revoke{Revoke: &workerv1.Revoke{Lease: "a", Reason: "paused", AfterBatch: true}}}
		<-worker.Gentle(c.ctx).Done()
		require.ErrorContains(t, context.Cause(worker.Gentle(c.ctx)), "paused")
		time.Sleep(5 * time.Second)
		require.NoError(t, c.ctx.Err())
		c.finish <- done()
		s.credit(1)
	})
}

// The pace of a job is that of its grant, until the coordinator says another.
func TestPacer_IsAdjusted(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(1)
		slow := job("a")
		slow.Pace = &workerv1.Pace{RowsPerSecond: 1}
		s.grant(slow)
		c := <-r.calls
		waits := func() time.Duration {
			begun := time.Now()
			require.NoError(t, worker.Pacer(c.ctx).Wait(c.ctx, 10, 0))
			return time.Since(begun)
		}
		require.InDelta(t, 10, waits().Seconds(), 1.5)
		require.Same(t, worker.Pacer(c.ctx), worker.Pacer(worker.Gentle(c.ctx)))
		s.out <- &workerv1.WorkResponse{Message: &workerv1.WorkResponse_Adjust{Adjust: &workerv1.Adjust{Lease: "a"}}}
		synctest.Wait()
		require.Zero(t, waits())
		c.finish <- done()
		require.NotNil(t, s.next().GetResult())
	})
}
