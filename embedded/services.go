package embedded

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/oklog/ulid/v2"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/lifecycle"
	"github.com/drover-db/drover/internal/rpc"
	"github.com/drover-db/drover/internal/secret"
	"github.com/drover-db/drover/internal/telemetry"
	"github.com/drover-db/drover/internal/worker"
	"github.com/drover-db/drover/services/coordinator"
)

// connectNATS opens a connection of its own, as a process would have.
func (s *Suite) connectNATS() (*nats.Conn, bus.Bus, error) {
	nc, err := s.nats.Connect()
	if err != nil {
		return nil, nil, err
	}
	s.closing(nc.Close)
	var o bus.Options
	if s.metrics != nil {
		o = bus.Options{Published: s.metrics.Published, Backpressure: s.metrics.Backpressure}
	}
	rows, err := bus.NewJetStream(nc, o)
	if err != nil {
		return nil, nil, err
	}
	return nc, rows, nil
}

// log is the logger of a role.
func (s *Suite) log(role string) *slog.Logger { return s.config.Logger.With(telemetry.KeyRole, role) }

// addCoordinator adds the coordinator and the servers it is reached on.
func (s *Suite) addCoordinator() error {
	nc, rows, err := s.connectNATS()
	if err != nil {
		return err
	}
	s.rows = rows
	config := coordinator.Config{Conn: nc, Bus: rows, Alone: true, LeaseTTL: s.config.LeaseTTL, Version: s.config.Version, Logger: s.log("coordinator")}
	if s.metrics != nil {
		config.Metrics = s.metrics
	}
	service, err := coordinator.New(config)
	if err != nil {
		return err
	}
	s.ready = service.Ready()
	s.group.Add(lifecycle.Member{Name: "coordinator", Run: service.Run})
	inproc := rpc.NewInProc()
	if err := s.addServer(service, inproc, rpc.ServerOptions{Log: s.log("coordinator")}); err != nil {
		return err
	}
	if s.config.Listen != "" {
		l, err := rpc.Listen(s.config.Listen)
		if err != nil {
			return err
		}
		s.closing(func() { _ = l.Close() })
		s.address = l.Addr()
		o := rpc.ServerOptions{Log: s.log("coordinator")}
		if s.config.Metrics != nil {
			o.Metrics = s.config.Metrics
		}
		if err := s.addServer(service, l, o); err != nil {
			return err
		}
	}
	if s.conn, err = inproc.Dial(rpc.ClientOptions{}); err != nil {
		return err
	}
	s.closing(func() { _ = s.conn.Close() })
	return nil
}

// addServer serves the coordinator on a listener.
func (s *Suite) addServer(service *coordinator.Service, l net.Listener, o rpc.ServerOptions) error {
	server, err := rpc.NewServer(o)
	if err != nil {
		return err
	}
	service.Register(server)
	s.group.Add(lifecycle.Member{Name: "server", Drain: server.Drain,
		Run: func(ctx context.Context) error { return server.Run(ctx, l) }})
	return nil
}

// addWorkers adds one worker of each role; they end together.
func (s *Suite) addWorkers() error {
	_, rows, err := s.connectNATS()
	if err != nil {
		return err
	}
	secrets := secret.NewResolver()
	for name, plain := range s.config.Passwords {
		secrets.Keep(name, secret.New(plain))
	}
	var members []lifecycle.Member
	for _, role := range Roles() {
		h, err := role.Open(Resources{Secrets: secrets, Bus: rows, Logger: s.log(role.Name)})
		if err != nil {
			return err
		}
		s.closing(func() { _ = h.Close() })
		m, err := s.worker(role, h)
		if err != nil {
			return err
		}
		members = append(members, m)
	}
	s.group.Add(members...)
	return nil
}

// worker makes one worker.
func (s *Suite) worker(role Role, h worker.Handler) (lifecycle.Member, error) {
	host, err := os.Hostname()
	if err != nil {
		return lifecycle.Member{}, fault.Wrap(fault.Internal, "embedded.worker", err)
	}
	config := worker.Config{
		ID: role.Name + "-" + strings.ToLower(ulid.Make().String()), Role: role.Role, Host: host, Version: s.config.Version,
		Slots: s.config.Jobs, Client: workerv1.NewCoordinatorServiceClient(s.conn), Handler: h,
		Log: s.log(role.Name), DrainGrace: s.config.DrainGrace,
	}
	if s.metrics != nil {
		config.Metrics = s.metrics
	}
	loop, err := worker.New(config)
	if err != nil {
		return lifecycle.Member{}, err
	}
	return lifecycle.Member{Name: config.ID, Run: loop.Run, Drain: loop.Drain}, nil
}
