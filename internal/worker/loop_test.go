package worker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/worker"
)

func TestNew_Refuses(t *testing.T) {
	_, err := worker.New(worker.Config{})
	require.Equal(t, fault.Invalid, fault.KindOf(err))
}

func TestLoop_Credits(t *testing.T) {
	bubble(t, 3, func(t *testing.T, r *rig) {
		s, hello := r.welcome()
		require.Equal(t, "w1", hello.GetWorker())
		require.Equal(t, workerv1.Role_ROLE_LOADER, hello.GetRole())
		require.EqualValues(t, 3, hello.GetSlots())
		require.Empty(t, hello.GetHeld())
		s.credit(3)

		s.grant(job("a"))
		s.grant(job("b"))
		a, _ := <-r.calls, <-r.calls
		require.Empty(t, s.settle(), "no credit for slots in use")
		a.finish <- done()
		require.Equal(t, a.job.GetLease(), s.next().GetResult().GetLease())
		s.credit(1)

		background := job("c")
		background.Background = true
		s.grant(background)
		c := <-r.calls
		c.finish <- done()
		require.Equal(t, "c", s.next().GetResult().GetLease())
		require.Empty(t, s.settle(), "a background job takes no slot and gives none back")
	})
}

// A coordinator that takes the stream and says nothing is left after ten seconds.
func TestLoop_NoWelcome(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		begun := time.Now()
		silent := <-r.streams
		require.NotNil(t, silent.next().GetHello())
		s, hello := r.welcome()
		require.Equal(t, "w1", hello.GetWorker())
		require.InDelta(t, 10, time.Since(begun).Seconds(), 1)
		s.credit(1)
		time.Sleep(time.Minute)
		require.Empty(t, r.streams, "one that has answered is kept")
	})
}

func TestLoop_RenewsLeases(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(1)
		s.grant(job("a"))
		c := <-r.calls
		start := time.Now()
		c.report(&workerv1.Progress{Rows: 5, Bytes: 50})
		require.EqualValues(t, 5, s.next().GetProgress().GetRows())
		for range 20 { // ten minutes without a word from the handler
			last := time.Now()
			p := s.next().GetProgress()
			require.Equal(t, "a", p.GetLease())
			require.EqualValues(t, 5, p.GetRows())
			require.LessOrEqual(t, time.Since(last), ttl/3+time.Second)
		}
		require.Greater(t, time.Since(start), 3*time.Minute)
		require.NoError(t, c.ctx.Err())
	})
}

func TestLoop_ThinsProgress(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(1)
		s.grant(job("a"))
		c := <-r.calls
		for i := range int64(1000) {
			c.report(&workerv1.Progress{Rows: i + 1})
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		said := s.settle()
		require.NotEmpty(t, said)
		require.LessOrEqual(t, len(said), 7)
		require.EqualValues(t, 1000, said[len(said)-1].GetProgress().GetRows())
	})
}

func TestLoop_SendsFencedAtOnce(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(1)
		s.grant(job("a"))
		c := <-r.calls
		synctest.Wait()
		now := time.Now()
		c.report(&workerv1.Progress{Fenced: &workerv1.Fenced{}})
		require.NotNil(t, s.next().GetProgress().GetFenced())
		require.Zero(t, time.Since(now))
		c.report(&workerv1.Progress{Rows: 9})
		p := s.next().GetProgress()
		require.NotNil(t, p.GetFenced(), "later reports do not take it back")
		require.EqualValues(t, 9, p.GetRows())
	})
}

func TestLoop_Revoke(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(1)
		s.grant(job("a"))
		c := <-r.calls
		s.revoke("a")
		<-c.ctx.Done()
		require.ErrorContains(t, context.Cause(c.ctx), "paused")
		s.credit(1)
		time.Sleep(5 * ttl)
		require.Empty(t, s.settle(), "a job taken back has no result and is not renewed")
	})
}

func TestLoop_Outcomes(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(1)
		outcome := func(a answer) *workerv1.Result {
			s.grant(job("a"))
			c := <-r.calls
			c.finish <- a
			res := s.next().GetResult()
			s.credit(1)
			s.ack("a")
			synctest.Wait()
			return res
		}
		require.NotNil(t, outcome(done()).GetDone())

		value := &fault.Error{Kind: fault.Value, Side: fault.Target, Key: "(7)", Column: "title", Err: errors.New("text holds a NUL")}
		f := outcome(answer{err: value}).GetFailure()
		require.Equal(t, "value", f.GetKind())
		require.Equal(t, []string{fault.Target, "(7)", "title"}, []string{f.GetSide(), f.GetKey(), f.GetColumn()})
		require.Contains(t, f.GetMessage(), "NUL")

		f = outcome(answer{}).GetFailure() // the handler panics
		require.Equal(t, "internal", f.GetKind())
		require.Contains(t, f.GetMessage(), "boom")

		f = outcome(answer{result: &workerv1.Result{}}).GetFailure()
		require.Equal(t, "internal", f.GetKind())
	})
}

func TestLoop_ReconnectBringsEverythingBack(t *testing.T) {
	bubble(t, 3, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(3)
		s.grant(job("running"))
		running := <-r.calls
		running.report(&workerv1.Progress{Rows: 3, Fenced: &workerv1.Fenced{}})
		s.grant(job("finished"))
		finished := <-r.calls
		finished.finish <- done()
		s.settle()

		s.end <- status.Error(codes.Unavailable, "restarting")
		begin := time.Now()
		s, hello := r.welcome()
		require.Less(t, time.Since(begin), 2*time.Second)
		require.ElementsMatch(t, []string{"running", "finished"}, leases(hello.GetHeld()))
		require.NoError(t, running.ctx.Err())
		said := s.settle()
		var result, progress, credits bool
		for _, m := range said {
			result = result || m.GetResult().GetLease() == "finished"
			progress = progress || m.GetProgress().GetLease() == "running" && m.GetProgress().GetFenced() != nil && m.GetProgress().GetRows() == 3
			credits = credits || m.GetCredit().GetJobs() == 2
		}
		require.True(t, result, "an unacknowledged result is sent again: %v", said)
		require.True(t, progress, "what the coordinator must know is sent again: %v", said)
		require.True(t, credits, "two of three slots are free: %v", said)

		s.ack("finished")
		synctest.Wait()
		s.end <- status.Error(codes.Unavailable, "restarting")
		_, hello = r.welcome()
		require.Equal(t, []string{"running"}, leases(hello.GetHeld()), "an acknowledged job is out of hand")
	})
}

func TestLoop_RepeatsUnacknowledgedResults(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(1)
		s.grant(job("a"))
		(<-r.calls).finish <- done()
		require.NotNil(t, s.next().GetResult())
		s.credit(1)
		time.Sleep(ttl)
		results := 0
		for _, m := range s.settle() {
			if m.GetResult().GetLease() == "a" {
				results++
			}
		}
		require.GreaterOrEqual(t, results, 2)
		s.ack("a")
		synctest.Wait()
		time.Sleep(3 * ttl)
		require.Empty(t, s.settle())
	})
}

func TestLoop_LeaseRunsOutWithoutCoordinator(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(1)
		s.grant(job("a"))
		c := <-r.calls
		s.settle()
		r.away <- true
		lost := time.Now()
		s.end <- status.Error(codes.Unavailable, "gone")
		<-c.ctx.Done()
		require.ErrorContains(t, context.Cause(c.ctx), "lease ran out")
		require.Less(t, time.Since(lost), ttl, "the worker stops before the coordinator gives the job to another")
		require.Greater(t, time.Since(lost), ttl/2)
		<-r.away
		s, hello := r.welcome()
		require.Empty(t, hello.GetHeld())
		s.credit(1)
	})
}

func TestLoop_Kill(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		s, _ := r.welcome()
		s.credit(1)
		s.grant(job("a"))
		c := <-r.calls
		r.kill()
		<-c.ctx.Done()
		r.over(t)
	})
}
