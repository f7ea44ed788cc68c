package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/lifecycle"
	"github.com/drover-db/drover/internal/rpc"
	"github.com/drover-db/drover/internal/telemetry"

	"github.com/drover-db/drover/cmd/drover/internal/progress"
)

// allRoles is the role of a process that has every service in it; each of them
// says in its logs which it is.
const allRoles = "all"

// noListener is the address that switches a listener off.
const noListener = "none"

// host is a process that runs services: what all roles have, and the order in
// which it is given back.
type host struct {
	flags    *serveFlags
	role     string
	log      *slog.Logger
	registry *prometheus.Registry
	metrics  *telemetry.Metrics
	group    *lifecycle.Group
	// address of the gRPC listener, once it is open.
	address string
	// healthy is what /healthz asks, set before the host runs; nil for always.
	healthy func() error
	closers []func()
}

// newHost makes a host for a role.
func (a *app) newHost(role string, s *serveFlags) (*host, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	log, err := a.logger("info")
	if err != nil {
		return nil, err
	}
	if role != allRoles {
		log = log.With(telemetry.KeyRole, role)
	}
	warnOpen(log, s.listen, s.metrics, s.natsListen)
	return &host{flags: s, role: role, log: log, registry: prometheus.NewRegistry(),
		group: lifecycle.New(lifecycle.Config{Grace: s.grace + drainMargin, Log: log})}, nil
}

// close gives back what was opened, last first.
func (h *host) close() {
	for _, f := range slices.Backward(h.closers) {
		f()
	}
}

func (h *host) closing(f func()) { h.closers = append(h.closers, f) }

// serveMetrics adds /metrics and /healthz.
func (h *host) serveMetrics() error {
	if h.flags.metrics == "" || h.flags.metrics == noListener {
		return nil
	}
	l, err := rpc.Listen(h.flags.metrics)
	if err != nil {
		return err
	}
	h.closing(func() { _ = l.Close() })
	h.log.Info("metrics", "url", fmt.Sprintf("http://%s/metrics", l.Addr()))
	h.group.Add(lifecycle.Member{Name: "metrics", Run: func(ctx context.Context) error {
		return telemetry.Serve(ctx, l, telemetry.Handler(h.registry, h.healthy))
	}})
	return nil
}

// count registers what the role's service counts.
func (h *host) count() (err error) {
	h.metrics, err = telemetry.NewMetrics(h.registry, telemetry.Options{Version: buildVersion()})
	return err
}

// listen opens the gRPC listener and a server for it; register adds services.
func (h *host) listen(register func(*rpc.Server)) error {
	if h.flags.listen == noListener {
		return nil
	}
	l, err := rpc.Listen(h.flags.listen)
	if err != nil {
		return err
	}
	h.closing(func() { _ = l.Close() })
	server, err := rpc.NewServer(rpc.ServerOptions{Log: h.log, Metrics: h.registry})
	if err != nil {
		return err
	}
	register(server)
	h.address = l.Addr().String()
	h.log.Info("listening", "address", h.address)
	h.group.Add(lifecycle.Member{Name: "server", Drain: server.Drain,
		Run: func(ctx context.Context) error { return server.Run(ctx, l) }})
	return nil
}

// watchStreams adds what the row streams of running migrations hold to the metrics.
func (h *host) watchStreams(cc grpc.ClientConnInterface, pending func(context.Context, string) (int64, uint64, error)) error {
	c := newClients(cc)
	return telemetry.WatchStreams(h.registry, func(ctx context.Context) (map[string]telemetry.Pending, error) {
		list, err := c.listMigrations(ctx)
		out := map[string]telemetry.Pending{}
		for _, m := range list {
			if m.GetStartTime() == nil || progress.Ended(m) {
				continue
			}
			bytes, messages, err := pending(ctx, m.GetUid())
			if err != nil {
				return nil, err
			}
			out[bus.RowStream(m.GetUid())] = telemetry.Pending{Bytes: bytes, Messages: messages}
		}
		return out, err
	})
}

// dialNATS connects to the message servers of --nats.
func (h *host) dialNATS(ctx context.Context) (*nats.Conn, bus.Bus, error) {
	nc, err := bus.Dial(ctx, h.flags.nats, bus.DialOptions{Name: "drover-" + h.role, Log: h.log})
	if err != nil {
		return nil, nil, stopped(ctx, err)
	}
	h.closing(nc.Close)
	rows, err := h.rows(nc)
	return nc, rows, err
}

// rows makes the bus on a connection.
func (h *host) rows(nc *nats.Conn) (bus.Bus, error) {
	return bus.NewJetStream(nc, bus.Options{Published: h.metrics.Published, Backpressure: h.metrics.Backpressure})
}

// run runs the host until the command is interrupted, which drains it, or until a
// part of it cannot go on.
func (h *host) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		h.log.Info("draining; a second signal stops at once", "grace", h.flags.grace.String())
		h.group.Drain()
	})
	defer stop()
	err := h.group.Run(context.WithoutCancel(ctx))
	if cause := context.Cause(ctx); errors.Is(cause, errTimeout) {
		return cause
	}
	return err
}

// warnOpen tells when an address is reachable from other hosts.
func warnOpen(log *slog.Logger, addresses ...string) {
	for _, address := range addresses {
		name, _, err := net.SplitHostPort(address)
		if err != nil || name == "localhost" {
			continue
		}
		if ip := net.ParseIP(name); ip == nil || !ip.IsLoopback() {
			log.Warn("listening beyond this host without transport security: use a private network", "address", address)
		}
	}
}

// needNATS refuses a role that was told of no message server.
func (s *serveFlags) needNATS() error {
	if s.nats == "" {
		return fault.New(fault.Invalid, "drover.serve", "name the message server with --nats, as in --nats nats://%s", defaultNATSListen)
	}
	return nil
}
