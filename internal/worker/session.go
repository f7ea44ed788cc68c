package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

// serve opens a stream to the coordinator and serves it to its end; welcomed tells
// whether the coordinator took this worker in.
func (l *Loop) serve(ctx context.Context) (welcomed bool, err error) {
	ctx, fail := context.WithCancelCause(ctx)
	cancel := func() { fail(nil) }
	// A session begins as soon as a coordinator leads, not at the next try.
	stream, err := l.cfg.Client.Work(ctx, grpc.WaitForReady(true))
	if err != nil {
		cancel()
		return false, err
	}
	// One that hangs behind a proxy, which answers for it, is left for another.
	late := time.AfterFunc(welcomeWait, func() { fail(errNoWelcome) })
	defer late.Stop()
	l.begin()
	var sending sync.WaitGroup
	sending.Go(func() { l.send(ctx, stream) })
	defer sending.Wait()
	defer cancel()
	defer l.end()
	for {
		m, err := stream.Recv()
		if err != nil {
			if cause := context.Cause(ctx); errors.Is(cause, errNoWelcome) {
				err = cause
			}
			return welcomed, err
		}
		if w := m.GetWelcome(); w != nil {
			welcomed = true
			late.Stop()
			l.cfg.Log.Info("connected to the coordinator", "term", w.GetTerm(), "lease_ttl_ms", w.GetLeaseTtlMs())
		}
		l.receive(m)
	}
}

func (l *Loop) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holder.Connect()
}

func (l *Loop) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holder.Disconnect()
}

// send sends what is queued and due, until the stream is over.
func (l *Loop) send(ctx context.Context, stream workerv1.CoordinatorService_WorkClient) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		for _, m := range l.take() {
			if stream.Send(m) != nil {
				return // Recv says why
			}
		}
		select {
		case <-l.woken:
		case <-t.C:
		case <-l.drained:
			_ = stream.CloseSend()
			return
		case <-ctx.Done():
			return
		}
	}
}

func (l *Loop) take() []*workerv1.WorkRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.holder.Send(time.Now())
}

// receive takes one message of the coordinator.
func (l *Loop) receive(m *workerv1.WorkResponse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.GetGrant() != nil && l.ctx.Err() != nil {
		return // the worker is being killed
	}
	if a := m.GetAdjust(); a != nil && l.running[a.GetLease()] != nil {
		l.running[a.GetLease()].pacer.Set(a.GetPace())
	}
	l.holder.Receive(time.Now(), m)
	l.settleDrain()
}
