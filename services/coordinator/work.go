package coordinator

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/internal/rpc"
)

// How many messages may wait for a worker before it counts as gone: each of its jobs
// can be told of a few times, and gets no further while the worker does not read.
const (
	outbox        = 256
	outboxPerSlot = 16
)

// worker is one that said hello.
type worker struct {
	id, host, version string
	role              workerv1.Role
	slots, credit     int
	// out is nil while it is not connected.
	out              chan *workerv1.WorkResponse
	draining         bool
	connected, heard time.Time
	leases           map[string]*lease
}

// tell queues a message; a worker that does not read is cut off.
func (w *worker) tell(m *workerv1.WorkResponse) {
	if w.out == nil {
		return
	}
	select {
	case w.out <- m:
	default:
		close(w.out)
		w.out = nil
	}
}

type workServer struct {
	workerv1.UnsafeCoordinatorServiceServer
	s *Service
}

// Work serves one worker for the life of its stream.
func (ws *workServer) Work(stream grpc.BidiStreamingServer[workerv1.WorkRequest, workerv1.WorkResponse]) error {
	s, ctx := ws.s, stream.Context()
	if err := s.await(ctx); err != nil {
		return err
	}
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	hello := first.GetHello()
	if hello == nil || hello.GetWorker() == "" || hello.GetRole() == workerv1.Role_ROLE_UNSPECIFIED {
		return fault.New(fault.Invalid, "coordinator.Work", "the first message of a work stream must be a hello with worker and role")
	}
	out := s.attach(hello)
	if out == nil {
		return rpc.NotLeading("") // it led when the call came in
	}
	defer s.detach(hello.GetWorker(), out)
	ended := make(chan error, 2)
	go func() { ended <- send(stream, out) }()
	go func() { ended <- s.receiveAll(stream, hello.GetWorker(), out) }()
	return <-ended // which ends the other one too
}

// receiveAll takes a worker's messages until its stream ends.
func (s *Service) receiveAll(stream grpc.BidiStreamingServer[workerv1.WorkRequest, workerv1.WorkResponse], worker string, out <-chan *workerv1.WorkResponse) error {
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.receive(stream.Context(), worker, out, m)
	}
}

func send(stream grpc.BidiStreamingServer[workerv1.WorkRequest, workerv1.WorkResponse], out <-chan *workerv1.WorkResponse) error {
	for m := range out {
		if err := sendOne(stream, m); err != nil {
			return err
		}
	}
	return fault.New(fault.Unavailable, "coordinator.Work", "this stream was replaced, or its worker did not read")
}

func sendOne(stream grpc.BidiStreamingServer[workerv1.WorkRequest, workerv1.WorkResponse], m *workerv1.WorkResponse) error {
	if m.GetGrant() == nil {
		return stream.Send(m)
	}
	if err := faultpoint.Hit(stream.Context(), faultpoint.CoordinatorBeforeGrant, m.GetGrant().GetTitle()); err != nil {
		return err
	}
	if err := stream.Send(m); err != nil {
		return err
	}
	return faultpoint.Hit(stream.Context(), faultpoint.CoordinatorAfterGrant, m.GetGrant().GetTitle())
}

// await waits until the log is replayed.
func (s *Service) await(ctx context.Context) error {
	select {
	case <-s.caught:
		return nil
	case <-ctx.Done():
		return fault.New(fault.Unavailable, "coordinator.await", "coordinator is still starting")
	}
}

func (s *Service) attach(h *workerv1.Hello) <-chan *workerv1.WorkResponse {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resigned {
		return nil
	}
	return s.Attach(h)
}

func (s *Service) detach(id string, out <-chan *workerv1.WorkResponse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Detach(id, out)
}

// receive takes a message of the stream that out belongs to. A credit of one that was
// replaced counts no more: the new one began with all that the worker has.
func (s *Service) receive(ctx context.Context, id string, out <-chan *workerv1.WorkResponse, m *workerv1.WorkRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.workers[id]; m.GetCredit() != nil && w != nil && w.out != out {
		return
	}
	s.Receive(ctx, id, m)
}

// Attach takes a worker in, or back, and gives the queue of what it is told; a closed
// queue is the end of its stream. Jobs that it held and that are still wanted
// stay with it; the others are revoked.
func (s *Leader) Attach(h *workerv1.Hello) <-chan *workerv1.WorkResponse {
	now := s.now()
	w := s.workers[h.GetWorker()]
	if w == nil {
		w = &worker{id: h.GetWorker(), leases: map[string]*lease{}}
		s.workers[w.id] = w
	}
	if w.out != nil {
		close(w.out)
	}
	w.host, w.version, w.role, w.slots = h.GetHost(), h.GetVersion(), h.GetRole(), int(h.GetSlots())
	w.out, w.credit, w.draining, w.connected, w.heard = make(chan *workerv1.WorkResponse, outbox+outboxPerSlot*w.slots), 0, false, now, now
	w.tell(&workerv1.WorkResponse{Message: &workerv1.WorkResponse_Welcome{Welcome: &workerv1.Welcome{
		LeaseTtlMs: s.cfg.LeaseTTL.Milliseconds(), Term: s.term}}})
	held := map[string]bool{}
	for _, job := range h.GetHeld() {
		held[job.GetLease()] = true
		s.resume(w, job, now)
	}
	for _, id := range slices.Sorted(maps.Keys(w.leases)) {
		if l := w.leases[id]; l != nil && !held[id] {
			s.takeBack(l, "worker came back without it")
		}
	}
	s.cfg.Logger.Info("worker connected", "worker", w.id, "role", h.GetRole(), "slots", w.slots, "held", len(held))
	s.nudge()
	return w.out
}

// resume goes on with a lease that a worker brings back.
func (s *Leader) resume(w *worker, job *workerv1.Job, now time.Time) {
	if l := s.leases[job.GetLease()]; l != nil && l.worker == w {
		l.paced = false // it may have missed its last change
		l.expires = now.Add(s.cfg.LeaseTTL)
		return
	}
	if s.adopt(w, job, now) {
		return
	}
	w.tell(&workerv1.WorkResponse{Message: &workerv1.WorkResponse_Revoke{Revoke: &workerv1.Revoke{
		Lease: job.GetLease(), Reason: "the work was given to somebody else"}}})
}

// Detach notes that a worker's stream ended; its leases live on until they expire.
func (s *Leader) Detach(id string, out <-chan *workerv1.WorkResponse) {
	if w := s.workers[id]; w != nil && w.out == out {
		close(w.out)
		w.out, w.credit = nil, 0
		s.cfg.Logger.Info("worker disconnected", "worker", id, "leases", len(w.leases))
	}
}

// Receive takes one message of a worker.
func (s *Leader) Receive(ctx context.Context, id string, m *workerv1.WorkRequest) {
	w := s.workers[id]
	if w == nil {
		return
	}
	w.heard = s.now()
	switch b := m.GetMessage().(type) {
	case *workerv1.WorkRequest_Credit:
		w.credit += int(b.Credit.GetJobs())
		s.nudge()
	case *workerv1.WorkRequest_Progress:
		s.progress(ctx, w, b.Progress)
	case *workerv1.WorkRequest_Result:
		s.result(ctx, w, b.Result)
	case *workerv1.WorkRequest_Draining:
		w.draining = true
	}
}
