package rpc_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/rpc"
)

type workers struct {
	droverv1.UnsafeWorkerServiceServer
	list func(context.Context) (*droverv1.ListWorkersResponse, error)
}

func (w workers) ListWorkers(ctx context.Context, _ *droverv1.ListWorkersRequest) (*droverv1.ListWorkersResponse, error) {
	return w.list(ctx)
}

func start(t *testing.T, l net.Listener, list func(context.Context) (*droverv1.ListWorkersResponse, error)) (*rpc.Server, *prometheus.Registry) {
	t.Helper()
	metrics := prometheus.NewRegistry()
	s, err := rpc.NewServer(rpc.ServerOptions{Metrics: metrics})
	require.NoError(t, err)
	droverv1.RegisterWorkerServiceServer(s, workers{list: list})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return s, metrics
}

func inproc(t *testing.T, list func(context.Context) (*droverv1.ListWorkersResponse, error)) (*grpc.ClientConn, *prometheus.Registry) {
	t.Helper()
	l := rpc.NewInProc()
	_, metrics := start(t, l, list)
	conn, err := l.Dial(rpc.ClientOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn, metrics
}

func TestServer_ErrorsKeepTheirKind(t *testing.T) {
	in := fault.At(fault.New(fault.Denied, "postgres.Open", "password refused"), fault.Source, "db1")
	conn, metrics := inproc(t, func(context.Context) (*droverv1.ListWorkersResponse, error) { return nil, in })
	_, err := droverv1.NewWorkerServiceClient(conn).ListWorkers(t.Context(), &droverv1.ListWorkersRequest{})
	require.Equal(t, fault.Denied, fault.KindOf(err))
	require.EqualError(t, err, in.Error())
	require.Equal(t, fault.Source, fault.Find(err).Side)
	families, err := metrics.Gather()
	require.NoError(t, err)
	require.NotEmpty(t, families)
	require.Equal(t, "grpc_server_handled_total", families[0].GetName())
}

func TestServer_ValidatesRequests(t *testing.T) {
	conn, _ := inproc(t, func(context.Context) (*droverv1.ListWorkersResponse, error) {
		t.Error("an invalid request reached the service")
		return nil, nil
	})

	err := conn.Invoke(t.Context(), droverv1.WorkerService_ListWorkers_FullMethodName, &droverv1.ListWorkersRequest{PageSize: -1}, &droverv1.ListWorkersResponse{})
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	require.ErrorContains(t, err, "page_size: ")
}

func TestServer_ViolationsAsBadRequest(t *testing.T) {
	l := rpc.NewInProc()
	start(t, l, nil)
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	require.NoError(t, err)
	defer conn.Close()
	_, err = droverv1.NewWorkerServiceClient(conn).ListWorkers(t.Context(), &droverv1.ListWorkersRequest{PageSize: 5000})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	var fields []string
	for _, d := range status.Convert(err).Details() {
		if b, ok := d.(*errdetails.BadRequest); ok {
			for _, v := range b.GetFieldViolations() {
				fields = append(fields, v.GetField())
			}
		}
	}
	require.Equal(t, []string{"page_size"}, fields)
}

func TestServer_SurvivesAPanic(t *testing.T) {
	conn, _ := inproc(t, func(context.Context) (*droverv1.ListWorkersResponse, error) { panic("boom") })
	c := droverv1.NewWorkerServiceClient(conn)
	for range 2 {
		_, err := c.ListWorkers(t.Context(), &droverv1.ListWorkersRequest{})
		require.Equal(t, fault.Internal, fault.KindOf(err))
		require.ErrorContains(t, err, "boom")
	}
}

func TestServer_GivesADeadline(t *testing.T) {
	conn, _ := inproc(t, func(ctx context.Context) (*droverv1.ListWorkersResponse, error) {
		_, ok := ctx.Deadline()
		if !ok {
			return nil, fault.New(fault.Internal, "test", "no deadline")
		}
		return &droverv1.ListWorkersResponse{}, nil
	})
	_, err := droverv1.NewWorkerServiceClient(conn).ListWorkers(context.Background(), &droverv1.ListWorkersRequest{})
	require.NoError(t, err)
}

func TestServer_HealthAndReflection(t *testing.T) {
	conn, _ := inproc(t, nil)
	for _, service := range []string{"", "drover.v1.WorkerService"} {
		h, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{Service: service})
		require.NoError(t, err)
		require.Equal(t, healthv1.HealthCheckResponse_SERVING, h.GetStatus())
	}
	r, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	require.NoError(t, err)
	require.NoError(t, r.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}))
	resp, err := r.Recv()
	require.NoError(t, err)
	var names []string
	for _, s := range resp.GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	require.Contains(t, names, "drover.v1.WorkerService")
}

func TestServer_DrainFinishesCalls(t *testing.T) {
	l := rpc.NewInProc()
	entered, release := make(chan struct{}), make(chan struct{})
	s, _ := start(t, l, func(context.Context) (*droverv1.ListWorkersResponse, error) {
		close(entered)
		<-release
		return &droverv1.ListWorkersResponse{}, nil
	})
	conn, err := l.Dial(rpc.ClientOptions{})
	require.NoError(t, err)
	defer conn.Close()
	answered := make(chan error, 1)
	go func() {
		_, err := droverv1.NewWorkerServiceClient(conn).ListWorkers(context.Background(), &droverv1.ListWorkersRequest{})
		answered <- err
	}()
	<-entered
	drained := make(chan struct{})
	go func() { s.Drain(); close(drained) }()
	time.AfterFunc(50*time.Millisecond, func() { close(release) })
	require.NoError(t, <-answered)
	<-drained
}

func TestDial_SecondAddress(t *testing.T) {
	l, err := rpc.Listen("127.0.0.1:0")
	require.NoError(t, err)
	start(t, l, func(context.Context) (*droverv1.ListWorkersResponse, error) {
		return &droverv1.ListWorkersResponse{}, nil
	})
	conn, err := rpc.Dial("127.0.0.1:1, "+l.Addr().String(), rpc.ClientOptions{})
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, rpc.WaitReady(t.Context(), conn))
	_, err = droverv1.NewWorkerServiceClient(conn).ListWorkers(t.Context(), &droverv1.ListWorkersRequest{})
	require.NoError(t, err)

	_, err = rpc.Listen(l.Addr().String())
	require.Equal(t, fault.Exists, fault.KindOf(err))
	require.ErrorContains(t, err, "port is in use")
}

func TestDial_NothingThere(t *testing.T) {
	conn, err := rpc.Dial("127.0.0.1:1", rpc.ClientOptions{})
	require.NoError(t, err)
	defer conn.Close()
	_, err = droverv1.NewWorkerServiceClient(conn).ListWorkers(t.Context(), &droverv1.ListWorkersRequest{})
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.EqualError(t, err, "dial tcp 127.0.0.1:1: connect: connection refused")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err = rpc.WaitReady(ctx, conn)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.ErrorContains(t, err, "127.0.0.1:1")
	_, err = rpc.Dial("nonsense", rpc.ClientOptions{})
	require.Equal(t, fault.Invalid, fault.KindOf(err))
}
