package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

// session is one stream to the coordinator. Its queue is guarded by the loop's
// mutex; progress is not queued but taken from the jobs, so that the queue stays
// as short as the jobs are few.
type session struct {
	stream workerv1.CoordinatorService_WorkClient
	queue  []*workerv1.WorkRequest
	// welcomed: the coordinator took the worker in; only then do leases renew.
	welcomed bool
	// woken is sent to when there is something that cannot wait for the next tick.
	woken chan struct{}
}

// serve opens a session and serves it to its end; welcomed tells whether the
// coordinator took this worker in.
func (l *Loop) serve(ctx context.Context) (welcomed bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := l.cfg.Client.Work(ctx)
	if err != nil {
		cancel()
		return false, err
	}
	s := l.begin(stream)
	var sending sync.WaitGroup
	sending.Go(func() { l.send(ctx, s) })
	defer sending.Wait()
	defer cancel()
	defer l.end(s)
	for {
		m, err := stream.Recv()
		if err != nil {
			return welcomed, err
		}
		if w := m.GetWelcome(); w != nil {
			welcomed = true
			l.cfg.Log.Info("connected to the coordinator", "term", w.GetTerm(), "lease_ttl_ms", w.GetLeaseTtlMs())
		}
		l.receive(s, m)
	}
}

// begin makes the opening of a session: hello with the jobs in hand, results that
// were not acknowledged, progress of the rest, credits.
func (l *Loop) begin(stream workerv1.CoordinatorService_WorkClient) *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &session{stream: stream, woken: make(chan struct{}, 1)}
	l.session = s
	hello := &workerv1.Hello{Worker: l.cfg.ID, Role: l.cfg.Role, Host: l.cfg.Host, Version: l.cfg.Version, Slots: int32(l.cfg.Slots)}
	l.tell(&workerv1.WorkRequest{Message: &workerv1.WorkRequest_Hello{Hello: hello}})
	for _, j := range l.jobs {
		hello.Held = append(hello.Held, j.job)
		j.unsent = true
		if j.result != nil {
			l.tell(resultOf(j))
		}
	}
	if l.draining {
		l.tell(&workerv1.WorkRequest{Message: &workerv1.WorkRequest_Draining{Draining: &workerv1.Draining{}}})
	} else if free := l.cfg.Slots - l.busy; free > 0 {
		l.tell(credit(free))
	}
	return s
}

func (l *Loop) end(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session == s {
		l.session = nil
	}
}

// send sends what is queued and due, until the session is over.
func (l *Loop) send(ctx context.Context, s *session) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		for _, m := range l.take(s) {
			if s.stream.Send(m) != nil {
				return // Recv says why
			}
		}
		select {
		case <-s.woken:
		case <-t.C:
		case <-l.drained:
			_ = s.stream.CloseSend()
			return
		case <-ctx.Done():
			return
		}
	}
}

// take empties the queue and adds the progress that is due. A job that waits for
// its acknowledgement is renewed, and its result sent again, like any other.
func (l *Loop) take(s *session) []*workerv1.WorkRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := s.queue
	s.queue = nil
	if !s.welcomed {
		return list
	}
	now := time.Now()
	for _, j := range l.jobs {
		if !l.due(j, now) {
			continue
		}
		again := j.result != nil && now.Sub(j.renewed) >= l.ttl/renewals
		j.unsent, j.renewed = false, now
		list = append(list, &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Progress{Progress: j.progress}})
		if again {
			list = append(list, resultOf(j))
		}
	}
	return list
}

// receive takes one message of the coordinator.
func (l *Loop) receive(s *session, m *workerv1.WorkResponse) {
	if b := m.GetGrant(); b != nil {
		l.accept(b)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch b := m.GetMessage().(type) {
	case *workerv1.WorkResponse_Welcome:
		s.welcomed = true
		l.wake()
		if ttl := time.Duration(b.Welcome.GetLeaseTtlMs()) * time.Millisecond; ttl > 0 {
			l.ttl = ttl
		}
	case *workerv1.WorkResponse_Revoke:
		if j := l.jobs[b.Revoke.GetLease()]; j != nil {
			l.lose(j, fmt.Errorf("the coordinator took the job back: %s", b.Revoke.GetReason()))
			l.settleDrain()
		}
	case *workerv1.WorkResponse_Ack:
		if j := l.jobs[b.Ack.GetLease()]; j != nil && j.result != nil {
			delete(l.jobs, b.Ack.GetLease())
			l.settleDrain()
		}
	}
}

// tell queues a message for the session, if there is one: a session that begins
// makes up for what was not told. The lock is held.
func (l *Loop) tell(m *workerv1.WorkRequest) {
	if l.session != nil {
		l.session.queue = append(l.session.queue, m)
		l.wake()
	}
}

// wake has the session send at once. The lock is held.
func (l *Loop) wake() {
	if l.session == nil {
		return
	}
	select {
	case l.session.woken <- struct{}{}:
	default:
	}
}

func credit(jobs int) *workerv1.WorkRequest {
	return &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Credit{Credit: &workerv1.Credit{Jobs: int32(jobs)}}}
}

func resultOf(j *lease) *workerv1.WorkRequest {
	return &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Result{Result: j.result}}
}
