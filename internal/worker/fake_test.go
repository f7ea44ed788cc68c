package worker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/rpc"
	"github.com/drover-db/drover/internal/worker"
)

const ttl = 30 * time.Second

// coordinator is a scripted one: each stream of a worker becomes a stream value,
// whose messages the test reads and answers itself.
type coordinator struct {
	workerv1.UnsafeCoordinatorServiceServer
	t       *testing.T
	streams chan *stream
	client  workerv1.CoordinatorServiceClient
	// away has every stream refused.
	away chan bool
}

type stream struct {
	t   *testing.T
	in  chan *workerv1.WorkRequest
	out chan *workerv1.WorkResponse
	end chan error
}

func startCoordinator(t *testing.T) *coordinator {
	t.Helper()
	c := &coordinator{t: t, streams: make(chan *stream, 100), away: make(chan bool, 1)}
	l := rpc.NewInProc()
	// Like rpc's server, it lets clients ask often whether it is there.
	s := grpc.NewServer(grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}))
	workerv1.RegisterCoordinatorServiceServer(s, c)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	conn, err := l.Dial(rpc.ClientOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	c.client = workerv1.NewCoordinatorServiceClient(conn)
	return c
}

func (c *coordinator) Work(g grpc.BidiStreamingServer[workerv1.WorkRequest, workerv1.WorkResponse]) error {
	select {
	case away := <-c.away:
		c.away <- away
		return status.Error(codes.Unavailable, "away")
	default:
	}
	s := &stream{t: c.t, in: make(chan *workerv1.WorkRequest, 10000), out: make(chan *workerv1.WorkResponse), end: make(chan error, 1)}
	c.streams <- s
	go func() {
		defer close(s.in)
		for {
			m, err := g.Recv()
			if err != nil {
				return
			}
			s.in <- m
		}
	}()
	for {
		select {
		case m := <-s.out:
			if err := g.Send(m); err != nil {
				return err
			}
		case err := <-s.end:
			return err
		case <-g.Context().Done():
			return g.Context().Err()
		}
	}
}

// welcome takes a worker's next stream and reads its hello.
func (c *coordinator) welcome() (*stream, *workerv1.Hello) {
	c.t.Helper()
	s := <-c.streams
	hello := s.next().GetHello()
	require.NotNil(c.t, hello, "a stream begins with hello")
	s.out <- &workerv1.WorkResponse{Message: &workerv1.WorkResponse_Welcome{Welcome: &workerv1.Welcome{LeaseTtlMs: ttl.Milliseconds(), Term: 1}}}
	return s, hello
}

// next waits for a message of the worker.
func (s *stream) next() *workerv1.WorkRequest {
	s.t.Helper()
	select {
	case m, ok := <-s.in:
		if !ok {
			s.t.Fatal("the worker ended its stream")
		}
		return m
	case <-time.After(time.Hour):
		s.t.Fatal("the worker says nothing")
	}
	return nil
}

// settle lets everything happen that needs no time, and returns what was said.
func (s *stream) settle() []*workerv1.WorkRequest {
	synctest.Wait()
	var list []*workerv1.WorkRequest
	for {
		select {
		case m, ok := <-s.in:
			if !ok {
				return list
			}
			list = append(list, m)
		default:
			return list
		}
	}
}

func (s *stream) credit(want int32) {
	s.t.Helper()
	require.Equal(s.t, want, s.next().GetCredit().GetJobs())
}

func (s *stream) grant(job *workerv1.Job) {
	s.out <- &workerv1.WorkResponse{Message: &workerv1.WorkResponse_Grant{Grant: job}}
}

func (s *stream) ack(lease string) {
	s.out <- &workerv1.WorkResponse{Message: &workerv1.WorkResponse_Ack{Ack: &workerv1.Ack{Lease: lease}}}
}

func (s *stream) revoke(lease string) {
	s.out <- &workerv1.WorkResponse{Message: &workerv1.WorkResponse_Revoke{Revoke: &workerv1.Revoke{Lease: lease, Reason: "paused"}}}
}

// answer of a handler.
type answer struct {
	result *workerv1.Result
	err    error
}

// call is one run of a handler, which the test conducts.
type call struct {
	ctx    context.Context
	job    *workerv1.Job
	report worker.Report
	finish chan answer
}

type handler chan *call

func (h handler) Handle(ctx context.Context, job *workerv1.Job, report worker.Report) (*workerv1.Result, error) {
	c := &call{ctx: ctx, job: job, report: report, finish: make(chan answer, 1)}
	h <- c
	select {
	case a := <-c.finish:
		if a.result == nil && a.err == nil {
			panic("boom")
		}
		return a.result, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func done() answer {
	return answer{result: &workerv1.Result{Outcome: &workerv1.Result_Done{Done: &workerv1.Done{}}}}
}

// rig is a worker and its coordinator.
type rig struct {
	*coordinator
	calls handler
	loop  *worker.Loop
	kill  context.CancelFunc
	ended chan error
}

// bubble runs a test with a worker of some slots in virtual time.
func bubble(t *testing.T, slots int, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{coordinator: startCoordinator(t), calls: make(handler, 100), ended: make(chan error, 1)}
		loop, err := worker.New(worker.Config{ID: "w1", Role: workerv1.Role_ROLE_LOADER, Host: "h", Version: "v1", Slots: slots, Client: r.client, Handler: r.calls})
		require.NoError(t, err)
		r.loop = loop
		ctx, kill := context.WithCancel(context.Background())
		r.kill = kill
		go func() { r.ended <- loop.Run(ctx) }()
		t.Cleanup(func() {
			kill()
			<-r.ended
			synctest.Wait()
		})
		test(t, r)
	})
}

// over waits for the end of Run and keeps it for the cleanup.
func (r *rig) over(t *testing.T) {
	t.Helper()
	select {
	case err := <-r.ended:
		require.NoError(t, err)
		r.ended <- nil
	case <-time.After(time.Hour):
		t.Fatal("the worker does not end")
	}
}

func job(lease string) *workerv1.Job {
	return &workerv1.Job{Lease: lease, MigrationName: "shop", Title: "load " + lease, Work: &workerv1.Job_Load{Load: &workerv1.LoadRange{Attempt: 7}}}
}

func leases(jobs []*workerv1.Job) []string {
	var list []string
	for _, j := range jobs {
		list = append(list, j.GetLease())
	}
	return list
}
