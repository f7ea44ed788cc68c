// Package natsd runs a NATS server with JetStream in this process, for the embedded
// mode and for tests. It owns the store directory while it runs; it knows nothing of
// streams. Read natsd.go first; lock.go keeps two servers off one directory.
package natsd

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
)

const (
	// minFree is the least room on the disk with which a server starts.
	minFree = 64 << 20
	// startWait bounds a start; a large store takes a while to be read.
	startWait = 2 * time.Minute
)

// Config of a server.
type Config struct {
	// StoreDir holds the streams; it is made where it does not exist.
	StoreDir string
	// MaxStore is how many bytes all streams together may hold; three quarters of
	// what the disk has for them where it is zero, and never more than all of that.
	MaxStore int64
	// Listen is a TCP address such as "127.0.0.1:4222" for other processes; with
	// none, only this process can connect. Port 0 picks a free one.
	Listen string
	// Name of the server in its clients' listings; in a cluster, each needs its own.
	Name string
	// Cluster of servers that keep streams together; nil for a server of its own.
	Cluster *Cluster
	// Log gets the server's warnings and errors; may be nil.
	Log *slog.Logger
}

// Cluster is what servers share that know each other.
type Cluster struct {
	Name string
	// Listen is the TCP address for the other servers.
	Listen string
	// Peers are the Listen addresses of all of them.
	Peers []string
}

// Server is a running server.
type Server struct {
	srv  *server.Server
	lock *dirLock
	log  *slog.Logger
}

// Start runs a server until Shutdown. Every write is synced to disk before it is
// acknowledged.
func Start(c Config) (*Server, error) {
	lock, err := prepare(&c)
	if err != nil {
		return nil, err
	}
	s, err := start(c)
	if err != nil {
		lock.release()
		return nil, err
	}
	s.lock = lock
	return s, nil
}

// prepare makes, checks and locks the store directory.
func prepare(c *Config) (*dirLock, error) {
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	dir, err := filepath.Abs(c.StoreDir)
	if err != nil || c.StoreDir == "" {
		return nil, fault.New(fault.Invalid, "natsd.Start", "name a directory for the message store")
	}
	c.StoreDir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, storeError(dir, err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, storeError(dir, err)
	}
	free, err := freeBytes(dir)
	if err == nil && free < minFree {
		err = syscall.ENOSPC
	}
	if err != nil {
		lock.release()
		return nil, storeError(dir, err)
	}
	// A server cannot mend a stream that met a full disk, so none is promised more
	// than there is.
	room := free - minFree/2 + usedBytes(dir)
	if c.MaxStore == 0 {
		c.MaxStore = room / 4 * 3
	}
	c.MaxStore = min(c.MaxStore, room)
	return lock, nil
}

func start(c Config) (*Server, error) {
	opts := &server.Options{
		ServerName: cmp.Or(c.Name, "drover"),
		DontListen: c.Listen == "",
		JetStream:  true, StoreDir: c.StoreDir, JetStreamMaxStore: c.MaxStore,
		SyncAlways: true,
		MaxPayload: bus.MaxMessage,
		NoSigs:     true,
	}
	if err := listen(opts, c.Listen); err != nil {
		return nil, err
	}
	if err := join(opts, c.Cluster); err != nil {
		return nil, err
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "natsd.Start", err)
	}
	l := newLogger(c.Log)
	srv.SetLoggerV2(l, false, false, false)
	go srv.Start()
	s := &Server{srv: srv, log: c.Log}
	if err := s.await(l); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// await waits until the server takes connections, or says why it does not.
func (s *Server) await(l *logger) error {
	timeout := time.After(startWait)
	for {
		select {
		case msg := <-l.fatal:
			return startError(msg)
		case <-timeout:
			return fault.New(fault.Unavailable, "natsd.Start", "start the NATS server: not ready after %s", startWait)
		default:
		}
		if s.srv.ReadyForConnections(50*time.Millisecond) && s.srv.JetStreamEnabled() {
			return nil
		}
	}
}

// join makes the server one of a cluster.
func join(o *server.Options, c *Cluster) error {
	if c == nil {
		return nil
	}
	host, port, err := splitAddress(c.Listen)
	if err != nil {
		return err
	}
	o.Cluster = server.ClusterOpts{Name: c.Name, Host: host, Port: port}
	for _, peer := range c.Peers {
		if _, _, err := splitAddress(peer); err != nil {
			return err
		}
		if peer != c.Listen {
			o.Routes = append(o.Routes, &url.URL{Scheme: "nats-route", Host: peer})
		}
	}
	return nil
}

func splitAddress(addr string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil {
		return "", 0, fault.New(fault.Invalid, "natsd.Start", "address %q for NATS is not of the form 127.0.0.1:4222", addr)
	}
	return host, port, nil
}

// listen sets where the server listens, after making sure that it can.
func listen(o *server.Options, addr string) error {
	if addr == "" {
		return nil
	}
	host, port, err := splitAddress(addr)
	if err != nil {
		return err
	}
	o.Port = port
	probe, err := net.Listen("tcp", addr)
	if err != nil {
		return listenError(addr, err)
	}
	_ = probe.Close()
	o.Host = host
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	return nil
}

func listenError(addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fault.New(fault.Exists, "natsd.Start", "listen for NATS on %s: the port is in use; stop what uses it or choose another", addr)
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.Denied, "natsd.Start", "listen for NATS on %s: permission denied", addr)
	default:
		return fault.New(fault.Invalid, "natsd.Start", "listen for NATS: %w", err)
	}
}

func storeError(dir string, err error) error {
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		return err
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fault.New(fault.Denied, "natsd.Start", "write to the message store's directory %s: %w", dir, err)
	case errors.Is(err, syscall.ENOSPC):
		return fault.New(fault.Exhausted, "natsd.Start", "keep a message store in %s: less than %d MiB are free on its disk; free some or choose another directory", dir, minFree>>20)
	default:
		return fault.New(fault.Invalid, "natsd.Start", "use %s as the message store's directory: %w", dir, err)
	}
}

// Connect opens a connection inside the process.
func (s *Server) Connect() (*nats.Conn, error) {
	opts := append(bus.ConnOptions("drover", s.log), nats.InProcessServer(s.srv))
	nc, err := nats.Connect("", opts...)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "natsd.Connect", "connect to the NATS server in this process: %w", err)
	}
	return nc, nil
}

// MaxStore is how many bytes all streams together may hold.
func (s *Server) MaxStore() int64 { return s.srv.JetStreamConfig().MaxStore }

// URL is where other processes connect; empty without Listen.
func (s *Server) URL() string {
	addr := s.srv.Addr()
	if addr == nil {
		return ""
	}
	return fmt.Sprintf("nats://%s", addr)
}

// Shutdown stops the server and waits until everything is on disk. Connections
// should be closed first.
func (s *Server) Shutdown() {
	s.stop()
	s.lock.release()
}

func (s *Server) stop() {
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
}
