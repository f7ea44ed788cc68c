package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/freeport"
	"github.com/drover-db/drover/internal/rpc"
	"github.com/drover-db/drover/test/proxy"
)

// leaseTTL is short, so that what is lost is found out soon.
const leaseTTL = 2 * time.Second

// stack is every process of an installation: two of each role, and a NATS server. One
// that ends is started again.
type stack struct {
	options
	pair *pair
	// nats leads to the NATS server, whose folder is store; links to the coordinators.
	nats         *proxy.Proxy
	natsAddress  string
	store        string
	coordinators []string
	links        []*proxy.Proxy
	conn         *grpc.ClientConn
	client       droverv1.MigrationServiceClient

	supervisors sync.WaitGroup
	mu          sync.Mutex
	stopping    bool
	running     map[string]*os.Process
	// held processes are not started again.
	held   map[string]bool
	starts int
}

func newStack(o options, p *pair) (*stack, error) {
	s := &stack{options: o, pair: p, store: filepath.Join(o.dir, "nats"), running: map[string]*os.Process{}, held: map[string]bool{}}
	addresses, err := freeport.Addresses(3)
	if err != nil {
		return nil, err
	}
	s.natsAddress, s.coordinators = addresses[0], addresses[1:]
	if s.nats, err = proxy.Open(s.natsAddress); err != nil {
		return nil, err
	}
	for _, a := range s.coordinators {
		link, err := proxy.Open(a)
		if err != nil {
			return nil, err
		}
		s.links = append(s.links, link)
	}
	if s.conn, err = rpc.Dial(s.server(), rpc.ClientOptions{}); err != nil {
		return nil, err
	}
	s.client = droverv1.NewMigrationServiceClient(s.conn)
	return s, nil
}

// server is what a command line client is given: it does not go by the links.
func (s *stack) server() string { return strings.Join(s.coordinators, ",") }

// start starts every process.
func (s *stack) start() error {
	if err := os.MkdirAll(s.store, 0o700); err != nil {
		return err
	}
	s.supervise("nats", s.natsd, "-listen", s.natsAddress, "-store", s.store)
	bus := "nats://" + s.nats.Address()
	var links []string
	for _, l := range s.links {
		links = append(links, l.Address())
	}
	for n := range 2 {
		number := strconv.Itoa(n + 1)
		s.serve("coordinator"+number, "coordinator", "--listen", s.coordinators[n], "--nats", bus, "--lease-ttl", leaseTTL.String())
		for _, role := range []string{"extractor", "loader"} {
			s.serve(role+number, role, "--listen", "none", "--coordinator", strings.Join(links, ","), "--nats", bus, "--slots", "2")
		}
		s.serve("validator"+number, "validator", "--listen", "none", "--coordinator", strings.Join(links, ","), "--slots", "2")
	}
	return nil
}

func (s *stack) serve(name, role string, args ...string) {
	s.supervise(name, append([]string{s.drover, "serve", role, "--metrics-listen", "none", "--log-format", "json"}, args...)...)
}

// supervise runs a process, and again whenever it ends.
func (s *stack) supervise(name string, command ...string) {
	s.supervisors.Go(func() {
		for s.run(name, command) {
			time.Sleep(200 * time.Millisecond)
		}
	})
}

// run runs a process to its end and tells whether there may be another.
func (s *stack) run(name string, command []string) bool {
	out, err := os.OpenFile(filepath.Join(s.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return false
	}
	defer out.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), "DROVER_SOAK_SOURCE="+s.pair.source.password(), "DROVER_SOAK_TARGET="+s.pair.target.password())
	s.mu.Lock()
	if s.stopping || s.held[name] {
		defer s.mu.Unlock()
		return !s.stopping
	}
	if err := cmd.Start(); err != nil {
		s.mu.Unlock()
		return false
	}
	s.running[name] = cmd.Process
	s.starts++
	s.mu.Unlock()
	_ = cmd.Wait() // however it ended
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, name)
	return !s.stopping
}

// signal sends a signal to a process; one that is not running has had its fault.
func (s *stack) signal(name string, sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.running[name]; p != nil {
		_ = p.Signal(sig) // it may have ended
	}
}

// hold ends a process at once and keeps it down until release.
func (s *stack) hold(name string) {
	s.mu.Lock()
	s.held[name] = true
	s.mu.Unlock()
	s.signal(name, syscall.SIGKILL)
	for s.isRunning(name) {
		time.Sleep(10 * time.Millisecond)
	}
}

func (s *stack) release(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[name] = false
}

func (s *stack) isRunning(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[name] != nil
}

// ledWithin is how long it may take until somebody leads while connections are cut.
const ledWithin = 3 * time.Minute

// led waits until a coordinator leads in a term behind another one, and gives its term.
func (s *stack) led(ctx context.Context, behind uint64) (uint64, error) {
	conn, err := rpc.DialLeader(s.server(), rpc.ClientOptions{})
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	for begin := time.Now(); ctx.Err() == nil && time.Since(begin) < ledWithin; lasts(ctx, 100*time.Millisecond) {
		call, cancel := context.WithTimeout(ctx, 2*time.Second)
		r, err := droverv1.NewSystemServiceClient(conn).GetSystemInfo(call, &droverv1.GetSystemInfoRequest{})
		cancel()
		if err == nil && r.GetLeading() && r.GetTerm() > behind {
			return r.GetTerm(), nil
		}
	}
	return 0, cmp.Or(ctx.Err(), fmt.Errorf("no coordinator leads behind term %d", behind))
}

// workers are the names of all processes but NATS.
func (s *stack) workers() (names []string) {
	for _, role := range []string{"coordinator", "extractor", "loader", "validator"} {
		names = append(names, role+"1", role+"2")
	}
	return names
}

// stop ends every process at once.
func (s *stack) stop() {
	s.mu.Lock()
	s.stopping = true
	for _, p := range s.running {
		_ = p.Kill() // it may have ended
	}
	s.mu.Unlock()
	s.supervisors.Wait()
	for _, l := range slices.Concat(s.links, []*proxy.Proxy{s.nats}) {
		l.Close()
	}
	_ = s.conn.Close() // nothing is under way
}
