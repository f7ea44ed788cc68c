package worker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

func (s *stream) draining() {
	s.t.Helper()
	require.NotNil(s.t, s.next().GetDraining())
}

func TestDrain_FinishesJobsInHand(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(2)
		s.grant(job("a"))
		c := <-r.calls
		r.loop.Drain()
		r.loop.Drain()
		s.draining()
		s.grant(job("late")) // crossed the worker's word
		late := s.next().GetResult()
		require.Equal(t, "late", late.GetLease())
		require.NotNil(t, late.GetReleased())
		s.ack("late")

		time.Sleep(5 * time.Second)
		require.NoError(t, c.ctx.Err())
		c.finish <- done()
		require.NotNil(t, s.next().GetResult().GetDone())
		synctest.Wait()
		require.Empty(t, r.ended, "the result is not acknowledged yet")
		s.ack("a")
		r.over(t)
		for _, m := range s.settle() {
			require.Nil(t, m.GetCredit())
		}
	})
}

func TestDrain_GivesUpAfterGrace(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(1)
		s.grant(job("a"))
		c := <-r.calls
		r.loop.Drain()
		s.draining()
		start := time.Now()
		<-c.ctx.Done()
		require.Equal(t, 30*time.Second, time.Since(start).Round(time.Second))
		require.ErrorContains(t, context.Cause(c.ctx), "stopping")
		var res *workerv1.Result
		for res == nil {
			res = s.next().GetResult()
		}
		require.NotNil(t, res.GetReleased(), "the job is given back, not failed")
		s.ack("a")
		r.over(t)
	})
}

func TestDrain_BackgroundJobsDoNotHoldItUp(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(1)
		hold := job("hold")
		hold.Background = true
		s.grant(hold)
		s.grant(job("a"))
		first, second := <-r.calls, <-r.calls
		if second.job.GetLease() == "hold" {
			first, second = second, first
		}
		r.loop.Drain()
		s.draining()
		synctest.Wait()
		require.NoError(t, first.ctx.Err(), "the job in hand may need it")
		second.finish <- done()
		<-first.ctx.Done()
		var last *workerv1.Result
		for last.GetReleased() == nil {
			if res := s.next().GetResult(); res != nil {
				last = res
				s.ack(res.GetLease())
			}
		}
		require.Equal(t, "hold", last.GetLease())
		r.over(t)
	})
}

func TestDrain_WithoutWork(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(1)
		start := time.Now()
		r.loop.Drain()
		r.over(t)
		require.LessOrEqual(t, time.Since(start), 2*time.Second)
	})
}

// A worker that cannot deliver its results ends all the same.
func TestDrain_WithoutCoordinator(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(1)
		s.grant(job("a"))
		c := <-r.calls
		r.away <- true
		s.end <- status.Error(codes.Unavailable, "gone")
		c.finish <- done()
		start := time.Now()
		r.loop.Drain()
		r.over(t)
		require.Less(t, time.Since(start), time.Minute)
	})
}
